//! Objects as they are stored.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue};

use crate::content::Content;
use crate::dialect::Dialect;

/// How an object was made; OSS shows it in `x-oss-object-type`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ObjectKind {
    /// One PUT.
    #[default]
    Normal,
    /// A completed multipart upload.
    Multipart,
    /// Appends. Its `ETag` is no MD5.
    Appendable,
    /// A symbolic link (OSS): readers get the content of the target.
    Symlink {
        /// Key of the target in the same bucket.
        target: String,
    },
}

impl ObjectKind {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Multipart => "Multipart",
            Self::Appendable => "Appendable",
            Self::Symlink { .. } => "Symlink",
        }
    }
}

/// Headers a client may attach to an object and gets back on reading.
///
/// ```
/// use cloud_twin::ObjectHeaders;
///
/// let headers = ObjectHeaders::default()
///     .content_type("text/plain")
///     .standard("cache-control", "no-cache")
///     .user("author", "alice")
///     .storage_class("Archive")
///     .tag("colour", "blue");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ObjectHeaders {
    /// `Content-Type`; the service's default when absent.
    pub content_type: Option<HeaderValue>,
    /// `Cache-Control`, `Content-Disposition`, `Content-Encoding`, `Content-Language`, `Expires`, as sent.
    pub standard: Vec<(HeaderName, HeaderValue)>,
    /// User metadata by name without the `x-oss-meta-`/`x-obs-meta-` prefix, lower case.
    pub user: BTreeMap<String, HeaderValue>,
    /// Storage class as sent; the bucket's default when absent.
    pub storage_class: Option<String>,
    /// Tags in the order given, at most 10.
    pub tags: Vec<(String, String)>,
    /// Canned ACL as sent; that of the bucket when absent.
    pub acl: Option<String>,
}

#[expect(clippy::expect_used, reason = "given by the code that sets up a twin, as literals")]
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).expect("a header value has no control characters")
}

impl ObjectHeaders {
    /// Sets `Content-Type`.
    ///
    /// # Panics
    ///
    /// When the text has control characters; so do the others.
    #[must_use]
    pub fn content_type(mut self, text: &str) -> Self {
        self.content_type = Some(value(text));
        self
    }

    /// Adds one of the standard headers.
    ///
    /// # Panics
    ///
    /// When `name` is no header name in lower case.
    #[must_use]
    pub fn standard(mut self, name: &'static str, text: &str) -> Self {
        self.standard.push((HeaderName::from_static(name), value(text)));
        self
    }

    /// Adds user metadata; `name` goes without its prefix.
    #[must_use]
    pub fn user(mut self, name: &str, text: &str) -> Self {
        self.user.insert(name.to_lowercase(), value(text));
        self
    }

    /// Sets the storage class, in the words of the service. An archived object cannot be read.
    #[must_use]
    pub fn storage_class(mut self, class: impl Into<String>) -> Self {
        self.storage_class = Some(class.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Sets the canned ACL (`public-read`).
    #[must_use]
    pub fn acl(mut self, acl: impl Into<String>) -> Self {
        self.acl = Some(acl.into());
        self
    }
}

/// One object.
#[derive(Clone)]
pub struct StoredObject {
    /// Content.
    pub body: Content,
    /// Entity tag without quotes: MD5 in hex, upper case on OSS, lower case on OBS; `HEX-N` after an upload
    /// of N parts.
    pub etag: String,
    /// CRC-64/XZ of the content; `None` for an object without one, such as an old one.
    pub crc64: Option<u64>,
    /// Time of the last write.
    pub last_modified: DateTime<Utc>,
    /// Headers kept with the object.
    pub headers: ObjectHeaders,
    /// What it was made by.
    pub kind: ObjectKind,
    /// Id of the multipart upload that made it; OBS shows it in `x-obs-uploadId`.
    pub upload_id: Option<String>,
    /// Method of server-side encryption; `None` if not encrypted.
    pub encryption: Option<&'static str>,
    /// The ACL as a document that was put (OBS); it goes before the canned one of the headers.
    pub acl_document: Option<Bytes>,
    /// From when a restored archived object can be read: before, it is being restored.
    pub restored_from: Option<DateTime<Utc>>,
    /// Until when an archived object can be read, once restored.
    pub restored_until: Option<DateTime<Utc>>,
}

impl StoredObject {
    /// Whether the content must be restored before it can be read.
    pub(crate) fn is_archived(&self, dialect: Dialect, now: DateTime<Utc>) -> bool {
        self.has_archive_class(dialect) && self.restoration(now) != Restoration::Done
    }

    /// Whether it is of a class that is restored before it is read.
    pub(crate) fn has_archive_class(&self, dialect: Dialect) -> bool {
        let class = self.headers.storage_class.as_deref().unwrap_or_default();
        dialect.archive_classes().contains(&class)
    }

    /// How far restoring it is.
    pub(crate) fn restoration(&self, now: DateTime<Utc>) -> Restoration {
        match (self.restored_from, self.restored_until) {
            (Some(from), Some(_)) if from > now => Restoration::UnderWay,
            (_, Some(until)) if until >= now => Restoration::Done,
            _ => Restoration::No,
        }
    }
}

/// How far restoring an archived object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restoration {
    /// Never asked for, or over again.
    No,
    UnderWay,
    /// It can be read.
    Done,
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject")
            .field("len", &self.body.len())
            .field("etag", &self.etag)
            .field("last_modified", &self.last_modified)
            .field("headers", &self.headers)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
