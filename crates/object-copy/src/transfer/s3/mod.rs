//! Objects of Amazon S3, and of S3-compatible services.
//!
//! | module | concern |
//! |---|---|
//! | `address` | the URL of a bucket, and of a key in it |
//! | `request` | signing, sending, retrying |
//! | `refusal` | the meaning of errors |
//! | `describe` | metadata from the headers of a response |
//! | `list` | listings |
//!
//! Requests are signed by `aws-sigv4` and sent through the one HTTP client. Region, endpoint and credentials
//! are looked up when the first object is requested. The latest version is read, regardless of the event's
//! version id, since a copy follows its source.
//!
//! A wrong clock costs one more request and does not fail the copy (`clock::Offset`); neither do expired
//! credentials, if there are new ones by then.

mod address;
mod describe;
mod list;
mod refusal;
mod request;

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::Stream;
use http::header::RANGE;
use http::{HeaderMap, Method};
use oss_lite::{Framing, ListedObject, content_length};
use tokio::sync::OnceCell;

use self::address::{Address, bucket_name};
use self::request::{Access, S3Request};
use super::error::{Abort, TransferError};
use super::opened::Opened;
use super::range::GetRange;
use super::response::{add_condition, add_range, body};
use super::source_info::SourceInfo;

/// Name of the service in messages.
const SERVER: &str = "Amazon S3";

/// Amazon S3, or an S3-compatible service. Cheap to clone; clones share credentials.
#[derive(Clone)]
pub struct S3(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    options: S3Options,
    access: OnceCell<Access>,
}

/// Settings that override the AWS configuration.
#[derive(Clone, Debug, Default)]
pub struct S3Options {
    /// Region of the buckets.
    pub region: Option<String>,
    /// URL of the service, if it is not Amazon's own. Its buckets are in the path.
    pub endpoint: Option<String>,
}

impl S3 {
    /// Sends no request before the first object.
    pub fn new(http: reqwest::Client, options: S3Options) -> Self {
        Self(Arc::new(Shared { http, options, access: OnceCell::new() }))
    }

    /// A bucket.
    ///
    /// # Errors
    ///
    /// When the name cannot be that of a bucket.
    pub fn bucket(&self, name: &str) -> Result<S3Bucket, TransferError> {
        Ok(S3Bucket { s3: self.clone(), name: bucket_name(name)?.into(), etags: Arc::default() })
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.0.options).finish()
    }
}

/// A bucket of Amazon S3 that objects are read from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct S3Bucket {
    s3: S3,
    name: Arc<str>,
    etags: Arc<ETags>,
}

/// Whether the `ETag`s of a bucket are MD5s. Most services use the MD5, some do not, and none reports which.
/// If the first `ETag` that is compared with the bytes is not their MD5, others are not compared, since each
/// object would be read twice.
#[derive(Debug, Default)]
struct ETags(OnceLock<bool>);

impl ETags {
    fn may_be_md5(&self) -> bool {
        self.0.get() != Some(&false)
    }

    fn learn(&self, are_md5: bool) {
        // The first result decides.
        let _ = self.0.set(are_md5);
    }
}

impl S3Bucket {
    /// The endpoint that the settings name.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.s3.0.options.endpoint.as_deref()
    }

    /// Another bucket of the same service, in the same region.
    ///
    /// # Errors
    ///
    /// When the name cannot be that of a bucket.
    pub fn sibling(&self, name: &str) -> Result<Self, TransferError> {
        self.s3.bucket(name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks up region, endpoint and credentials, and returns the URL of the service if it is not Amazon's
    /// own.
    ///
    /// # Errors
    ///
    /// [`TransferError`] that names the setting which is missing or wrong.
    pub async fn prepare(&self) -> Result<Option<String>, TransferError> {
        let access = self.s3.access().await?;
        // Not shown: there may be a password in it.
        if access.address(&self.name).target("k", "").is_err() {
            return Err(TransferError::settings(
                "SOURCE_ENDPOINT or AWS_ENDPOINT_URL_S3: not a URL of a service",
            ));
        }
        access.check().await?;
        Ok(access.endpoint().map(str::to_owned))
    }

    pub(super) async fn look(&self, key: &str) -> Result<SourceInfo, Abort> {
        match self.ask(&S3Request::object(Method::HEAD, key)?).await {
            Ok(response) => {
                let headers = response.headers();
                Ok(self.info(headers, content_length(headers)))
            }
            // The response has no body to distinguish a missing object from a missing bucket, and a missing
            // object may lead to a removal at the destination.
            Err(Abort::Gone) => self.open(key, &GetRange::Whole, None).await.map(|opened| opened.info),
            // An expired token is reported as a bare 400 too, and a bare 403 does not tell a wrong key from a
            // right that is missing.
            Err(Abort::Failed(failed))
                if matches!(failed.error.status, Some(400 | 403)) && failed.error.code.is_none() =>
            {
                self.open(key, &GetRange::Whole, None).await.map(|opened| opened.info)
            }
            Err(abort) => Err(abort),
        }
    }

    pub(super) async fn open(
        &self,
        key: &str,
        range: &GetRange,
        pin: Option<&SourceInfo>,
    ) -> Result<Opened, Abort> {
        let mut ask = S3Request::object(Method::GET, key)?;
        add_range(&mut ask.headers, range);
        add_condition(&mut ask.headers, pin);
        let response = match self.ask(&ask).await {
            // An empty object has no satisfiable range.
            Err(Abort::Changed) if pin.is_none() && *range != GetRange::Whole => {
                ask = S3Request::object(Method::GET, key)?;
                self.ask(&ask).await?
            }
            answer => answer?,
        };
        let asked = ask.headers.get(RANGE).and(range.byte_range());
        let framing = Framing::read(response.status(), response.headers(), asked)
            // A later range is retried, since the first one was good.
            .map_err(|contradiction| {
                let range = if pin.is_some() { &GetRange::Whole } else { range };
                Abort::contradicted(&contradiction, SERVER, range)
            })?;
        let info = self.info(response.headers(), framing.total);
        Ok(Opened { info, first: framing.first, end: framing.end, body: body(response, SERVER) })
    }

    fn info(&self, headers: &HeaderMap, size: Option<u64>) -> SourceInfo {
        let mut info = describe::info(headers, size);
        info.likely_md5 = info.likely_md5.filter(|_| self.etags.may_be_md5());
        info
    }

    /// Remembers whether the `ETag` of an object turned out to be an MD5.
    pub(super) fn learn_etags(&self, are_md5: bool) {
        self.etags.learn(are_md5);
    }

    /// The objects whose keys begin with `prefix`, in byte order. Pages are fetched as the stream is read.
    pub fn list(
        &self,
        prefix: &str,
    ) -> impl Stream<Item = Result<ListedObject, TransferError>> + Send + use<> {
        list::objects(self.clone(), prefix.to_owned())
    }

    /// The objects whose keys begin with `prefix` and come after `after`, page by page, likewise.
    pub fn pages(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Stream<Item = Result<Vec<ListedObject>, TransferError>> + Send + use<> {
        list::pages(self.clone(), prefix.to_owned(), after.map(str::to_owned), list::PAGE)
    }

    /// The same in pages of one object, for those who want to know whether there is one at all.
    pub fn single_pages(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Stream<Item = Result<Vec<ListedObject>, TransferError>> + Send + use<> {
        list::pages(self.clone(), prefix.to_owned(), Some(after.to_owned()), 1)
    }

    async fn address(&self) -> Result<Address, TransferError> {
        Ok(self.s3.access().await?.address(&self.name))
    }
}
