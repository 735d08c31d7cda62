//! Requests of uploads in parts.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use oss_lite::{CompleteOutcome, CompletedPart, Error, ListedPart, PresignOptions, PutOptions};
use tokio::time::Instant;

use super::Store;
use crate::entry::{Entry, Md5};

/// Time limit of a completion, which takes longer the more parts there are.
const COMPLETION_TIMEOUT: Duration = Duration::from_mins(5);

/// Header that a browser must send with a part, since it is signed.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// A part that may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmittedPart {
    /// Its number.
    pub(crate) number: u32,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The MD5 of its content.
    pub(crate) md5: Md5,
}

impl Store {
    /// Begins an upload in parts, and returns its id.
    ///
    /// # Errors
    ///
    /// When it is not known to have begun. An upload with an unknown id may be left behind.
    pub(crate) async fn begin_parts(&self, entry: &Entry) -> Result<String, Error> {
        let options = PutOptions { content_type: entry.content_type.clone(), ..PutOptions::default() };
        self.patiently().initiate_multipart_upload(&entry.key, options).await
    }

    /// Whether the URL of a part takes a body of its size only.
    pub(crate) fn binds_sizes(&self) -> bool {
        self.bucket.can_presign(&CONTENT_LENGTH)
    }

    /// A URL that takes one part: of this upload, with this number, this content and, where the signature
    /// [binds it](Self::binds_sizes), this size. Browsers send the size themselves.
    ///
    /// # Errors
    ///
    /// When no URL can carry the key.
    pub(crate) fn part_url(
        &self,
        key: &str,
        upload_id: &str,
        part: AdmittedPart,
        valid_for: Duration,
    ) -> Result<String, Error> {
        // Base64 is always the value of a header.
        let md5 = HeaderValue::try_from(part.md5.to_base64()).unwrap_or(HeaderValue::from_static(""));
        let mut headers = HeaderMap::from_iter([(CONTENT_MD5, md5)]);
        if self.binds_sizes() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(part.size));
        }
        let options = PresignOptions {
            query: vec![
                ("partNumber".to_owned(), part.number.to_string()),
                ("uploadId".to_owned(), upload_id.to_owned()),
            ],
            headers,
        };
        self.bucket.presigned_url(&Method::PUT, key, valid_for, options)
    }

    /// All stored parts of an upload, by number.
    ///
    /// # Errors
    ///
    /// When the bucket does not respond; `NoSuchUpload` if the upload was completed or aborted.
    pub(crate) async fn parts(&self, key: &str, upload_id: &str) -> Result<Vec<ListedPart>, Error> {
        self.patiently().list_parts(key, upload_id).await
    }

    /// Completes the upload.
    ///
    /// # Errors
    ///
    /// When it is not known to be complete. [`Store::look`] shows whether it is.
    pub(crate) async fn complete_parts(
        &self,
        key: &str,
        upload_id: &str,
        parts: &[CompletedPart],
    ) -> Result<CompleteOutcome, Error> {
        let bucket = self.bucket.with_deadline(Instant::now() + COMPLETION_TIMEOUT);
        bucket.complete_multipart_upload(key, upload_id, parts, None).await
    }

    /// Aborts every upload of this key, also those whose id is not known: one whose response was lost, or
    /// whose id a desk could not record before it died.
    ///
    /// # Errors
    ///
    /// When one may be left.
    pub(crate) async fn abort_parts(&self, key: &str) -> Result<(), Error> {
        let bucket = self.patiently();
        let open: Vec<_> = bucket.list_multipart_uploads(key).try_collect().await?;
        // The prefix of the list may also be that of other keys.
        for upload in open.iter().filter(|upload| upload.key == key) {
            bucket.abort_multipart_upload(key, &upload.upload_id).await?;
        }
        Ok(())
    }
}
