//! The bucket that browsers upload to.

mod parts;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use oss_lite::callback::{CallbackBody, CallbackRequest, Variable};
use oss_lite::process::{ImageResize, VideoSnapshot};
use oss_lite::{
    Bucket, BucketName, Client, ContentTypes, CorsRule, CreateOptions, Credentials, Error, ErrorKind,
    PostForm, PostPolicy, PresignOptions,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Serialize;
use tokio::time::Instant;

pub(crate) use self::parts::AdmittedPart;
use super::entry::{Arrival, Entry, Md5, Millis, after};
use super::types::ContentType;

/// Longest side of a preview, in pixels.
pub(crate) const MAX_SIDE: u32 = 4096;

/// Default width of a preview, in pixels.
const USUAL_WIDTH: u32 = 320;

/// Time limit for checks and removals, including retries.
const PATIENCE: Duration = Duration::from_secs(10);

/// Characters of a file name that need no encoding in `Content-Disposition` (RFC 8187).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The bucket.
#[derive(Debug)]
pub struct Store {
    client: Client,
    bucket: Bucket,
    credentials: Arc<Credentials>,
    public_origin: String,
}

/// What the CORS rules of a bucket let pages of some origin do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAccess {
    /// Send forms.
    pub forms: bool,
    /// Send parts with their MD5, and read the `ETag` of the answer.
    pub parts: bool,
}

/// Size of a preview of an image or a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    /// Width in pixels.
    pub(crate) width: Option<u32>,
    /// Height in pixels.
    pub(crate) height: Option<u32>,
    /// Of a video: the time in milliseconds.
    pub(crate) at: Option<u64>,
}

/// Temporary URLs of an object.
#[derive(Debug, Serialize)]
pub(crate) struct Links {
    /// Downloads it under its name.
    download: String,
    /// Displays it, if no active content in it can run; else as `download`.
    view: String,
    /// A small picture of an image or a video.
    thumbnail: Option<String>,
}

impl Store {
    /// The bucket `name`.
    ///
    /// # Errors
    ///
    /// When it has no URL.
    pub fn new(client: Client, name: &BucketName, credentials: Arc<Credentials>) -> Result<Self, BoxError> {
        let bucket = client.bucket(name, Arc::clone(&credentials));
        let public_origin = Url::parse(&bucket.public_url())?.origin().ascii_serialization();
        Ok(Self { client, bucket, credentials, public_origin })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &BucketName {
        self.bucket.name()
    }

    /// The bucket itself.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Scheme, host and port that browsers send files to.
    pub(crate) fn public_origin(&self) -> &str {
        &self.public_origin
    }

    /// The form for uploading exactly the object of a row.
    ///
    /// # Errors
    ///
    /// When it exceeds a limit of OSS.
    pub(crate) fn form(
        &self,
        entry: &Entry,
        valid_for: Duration,
        callback: Option<&Url>,
    ) -> Result<PostForm, Error> {
        let mut policy = PostPolicy::for_key(&*entry.key, valid_for)
            .size(entry.size..=entry.size)
            .field("success_action_status", "200")
            .forbid_overwrite();
        if let Some(content_type) = &entry.content_type {
            // Browsers send a type with the file, which overrides the field Content-Type, but not this one.
            policy = policy.content_type(ContentTypes::Exact(content_type.clone()));
            policy = policy.field("x-oss-content-type", content_type);
        }
        if let Some(md5) = entry.md5 {
            policy = policy.field("Content-MD5", md5.to_base64());
        }
        if let Some(url) = callback {
            policy = policy.callback(CallbackRequest::new(url.as_str(), callback_body(entry)).encode()?);
        }
        self.bucket.post_form(&policy)
    }

    /// Temporary URLs of an object, and their expiry.
    ///
    /// # Errors
    ///
    /// When no URL can carry the key.
    pub(crate) fn links(
        &self,
        entry: &Entry,
        preview: Preview,
        valid_for: Duration,
        now: Millis,
    ) -> Result<(Links, Millis), Error> {
        let sign = |options| self.bucket.presigned_url(&Method::GET, &entry.key, valid_for, options);
        let content_type = ContentType::of(entry.content_type.as_deref());
        let shown =
            |how| PresignOptions::default().response_content_disposition(disposition(how, &entry.name));
        let download = sign(shown("attachment"))?;
        // The link sets the type, too: the stored type may change before the link is opened.
        let view = match content_type.as_ref().and_then(ContentType::in_place) {
            Some(content_type) => sign(shown("inline").response_content_type(content_type))?,
            None => download.clone(),
        };
        let process = content_type.map_or(Ok(None), |content_type| process(&content_type, preview))?;
        let thumbnail = process.map(|process| PresignOptions::default().process(process));
        let thumbnail = thumbnail.map(sign).transpose()?;
        Ok((Links { download, view, thumbnail }, after(now, valid_for)))
    }

    /// Metadata of the object; `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the bucket does not respond.
    pub(crate) async fn look(&self, key: &str) -> Result<Option<Arrival>, Error> {
        match self.patiently().head(key).await {
            Ok(meta) => Ok(Some(Arrival {
                etag: meta.etag,
                size: meta.size,
                content_type: meta.content_type,
                md5: None,
                crc64: meta.crc64,
            })),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object. A missing object counts as removed.
    ///
    /// # Errors
    ///
    /// When it may still be there.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), Error> {
        self.patiently().delete(key).await
    }

    /// What the CORS rules of the bucket let pages do. The origins are the owner's decision.
    ///
    /// # Errors
    ///
    /// When the bucket does not say.
    pub(crate) async fn page_access(&self) -> Result<PageAccess, Error> {
        Ok(PageAccess::of(&self.patiently().get_cors().await?))
    }

    /// Lets pages upload: adds a rule to those of the bucket, unless they suffice. If pages of some origins
    /// may send forms, the rule is for these; else for all.
    ///
    /// # Errors
    ///
    /// When the rules could not be changed.
    pub(crate) async fn let_pages_upload(&self) -> Result<(), Error> {
        let bucket = self.patiently();
        let mut rules = bucket.get_cors().await?;
        let rule = match PageAccess::of(&rules) {
            PageAccess { forms: true, parts: true } => return Ok(()),
            PageAccess { forms: true, parts: false } => {
                let of_forms = rules.iter().filter(|rule| rule.allowed_methods.contains(&Method::POST));
                let mut origins: Vec<_> = of_forms.flat_map(|rule| rule.allowed_origins.clone()).collect();
                origins.dedup();
                CorsRule { allowed_origins: origins, allowed_methods: vec![Method::PUT], ..upload_rule() }
            }
            PageAccess { forms: false, .. } => upload_rule(),
        };
        rules.push(rule);
        bucket.put_cors(&rules).await
    }

    fn patiently(&self) -> Bucket {
        self.bucket.with_deadline(Instant::now() + PATIENCE)
    }

    /// Creates a bucket that browsers may upload to from any page, with a signed policy.
    ///
    /// # Errors
    ///
    /// When the bucket or its CORS rule could not be created. Repeating the request completes it.
    pub(crate) async fn create_bucket(&self, name: &BucketName) -> Result<(), Error> {
        let bucket = self.client.bucket(name, Arc::clone(&self.credentials));
        let bucket = bucket.with_deadline(Instant::now() + PATIENCE);
        bucket.create(CreateOptions::default()).await?;
        bucket.put_cors(&[upload_rule()]).await
    }
}

impl PageAccess {
    /// What pages may do by these rules of a bucket.
    pub fn of(rules: &[CorsRule]) -> Self {
        let takes_parts = |rule: &CorsRule| {
            let has =
                |names: &[String], wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
            let headers = &rule.allowed_headers;
            rule.allowed_methods.contains(&Method::PUT)
                && (has(headers, "*") || has(headers, "Content-MD5"))
                && has(&rule.expose_headers, "ETag")
        };
        Self {
            forms: rules.iter().any(|rule| rule.allowed_methods.contains(&Method::POST)),
            parts: rules.iter().any(takes_parts),
        }
    }
}

/// The CORS rule that lets pages upload and read their uploads.
fn upload_rule() -> CorsRule {
    CorsRule {
        allowed_origins: vec!["*".to_owned()],
        allowed_methods: vec![Method::POST, Method::PUT, Method::GET, Method::HEAD],
        allowed_headers: vec!["*".to_owned()],
        expose_headers: vec!["ETag".to_owned(), "x-oss-request-id".to_owned()],
        max_age: Some(Duration::from_hours(1)),
    }
}

fn callback_body(entry: &Entry) -> CallbackBody {
    CallbackBody::json()
        .text("upload", entry.id.to_string())
        .variable("bucket", Variable::Bucket)
        .variable("object", Variable::Object)
        .variable("etag", Variable::ETag)
        .variable("size", Variable::Size)
        .variable("type", Variable::MimeType)
        .variable("md5", Variable::ContentMd5)
        .variable("request", Variable::RequestId)
}

/// Parses the MD5 in a callback: base64, as in OSS's samples, or hexadecimal.
pub(crate) fn parse_md5(text: &str) -> Option<Md5> {
    Md5::from_base64(text).or_else(|| Md5::from_hex(text))
}

impl Preview {
    /// The default size, if none is given.
    #[must_use]
    pub(crate) fn or_usual(self) -> Self {
        if self.width.is_none() && self.height.is_none() {
            Self { width: Some(USUAL_WIDTH), ..self }
        } else {
            self
        }
    }
}

/// The processing by OSS that makes a preview, if the type supports it.
fn process(content_type: &ContentType, preview: Preview) -> Result<Option<String>, Error> {
    let Preview { width, height, at } = preview.or_usual();
    match content_type.halves() {
        ("image", sort) if is_scalable(sort) => {
            let resize = match (width, height) {
                (Some(width), Some(height)) => ImageResize::within(width, height)?,
                (Some(width), None) => ImageResize::width(width)?,
                (None, height) => ImageResize::height(height.unwrap_or(USUAL_WIDTH))?,
            };
            Ok(Some(resize.to_string()))
        }
        ("video", _) => {
            let snapshot = VideoSnapshot::at(Duration::from_millis(at.unwrap_or(0)))?;
            Ok(Some(snapshot.size(width, height)?.to_string()))
        }
        _ => Ok(None),
    }
}

/// Image types that OSS processes.
/// [Image processing](https://www.alibabacloud.com/help/en/oss/user-guide/img-implementation-modes).
fn is_scalable(sort: &str) -> bool {
    matches!(sort, "jpeg" | "jpg" | "png" | "bmp" | "x-ms-bmp" | "gif" | "webp" | "tiff" | "heic" | "avif")
}

/// `attachment` or `inline` with a name in any language (RFC 6266).
fn disposition(how: &str, name: &str) -> String {
    let plain: String =
        name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();
    let mut disposition = format!("{how}; filename=\"{plain}\"");
    if plain != name {
        // Writing to a String does not fail.
        let _ = write!(disposition, "; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR));
    }
    disposition
}

fn is_plain(character: char) -> bool {
    (character.is_ascii_graphic() || character == ' ') && !matches!(character, '"' | '\\' | '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_languages_are_saved_under() {
        assert_eq!(disposition("inline", "a b.jpg"), "inline; filename=\"a b.jpg\"");
        assert_eq!(
            disposition("attachment", "测\"%.txt"),
            "attachment; filename=\"___.txt\"; filename*=UTF-8''%E6%B5%8B%22%25.txt"
        );
    }

    #[test]
    fn images_and_videos_have_previews() {
        let preview = |content_type, width, height, at| {
            let content_type = ContentType::of(Some(content_type)).unwrap();
            process(&content_type, Preview { width, height, at }).unwrap().unwrap_or_default()
        };
        assert_eq!(preview("image/jpeg", None, None, None), "image/resize,m_lfit,w_320");
        assert_eq!(preview("IMAGE/PNG; x=y", Some(10), Some(20), None), "image/resize,m_lfit,w_10,h_20");
        assert_eq!(preview("image/gif", None, Some(20), None), "image/resize,m_lfit,h_20");
        assert_eq!(preview("video/mp4", None, None, Some(1500)), "video/snapshot,t_1500,f_jpg,w_320,m_fast");
        for other in ["image/svg+xml", "text/plain", "", "application/pdf"] {
            assert_eq!(preview(other, None, None, None), "", "{other}");
        }
    }

    #[test]
    fn what_oss_tells_of_an_md5_is_read_in_either_form() {
        let md5 = Md5::from_hex("900150983cd24fb0d6963f7d28e17f72");
        assert!(md5.is_some());
        assert_eq!(parse_md5("kAFQmDzST7DWlj99KOF/cg=="), md5);
        assert_eq!(parse_md5("900150983CD24FB0D6963F7D28E17F72"), md5);
        assert_eq!(parse_md5(""), None);
    }
}
