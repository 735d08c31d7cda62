//! What a source says of an object.

use chrono::{DateTime, Utc};
use oss_lite::{Dialect, ObjectMeta};

/// An object as its source describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// What tells this object from a later one of the same key.
    pub(super) identity: Identity,
    /// MD5 of the content, where the source tells it.
    pub(super) md5: Option<[u8; 16]>,
    /// CRC-64/XZ of the content, where the source tells it.
    pub(super) crc64: Option<u64>,
    /// Headers that belong to the content.
    pub(super) content: ContentHeaders,
    /// User metadata by lower-case name without prefix.
    pub(super) metadata: Vec<(String, String)>,
    /// Storage class in the words of the source's vendor.
    pub(super) storage_class: Option<StorageClass>,
    /// What the object is.
    pub(super) kind: Kind,
}

/// What tells an object from a later one of the same key.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// Size in bytes; some web servers do not tell.
    pub(super) size: Option<u64>,
    /// `ETag` without quotes, if it stands for the exact bytes.
    pub(super) etag: Option<String>,
    /// Time of the last change of content or metadata.
    pub(super) last_modified: Option<DateTime<Utc>>,
}

impl Identity {
    /// Whether two looks saw the same object: nothing that both tell differs. Object services tell everything each time, a
    /// web server may say less of a part than of the whole.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        agree(self.size.as_ref(), other.size.as_ref())
            && agree(self.etag.as_ref(), other.etag.as_ref())
            && agree(self.last_modified.as_ref(), other.last_modified.as_ref())
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Content of its own.
    #[default]
    Object,
    /// An OSS symlink: reading it gives its target's content.
    Symlink,
}

/// A storage class and whose name it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StorageClass {
    /// The vendor.
    pub(super) dialect: Dialect,
    /// The vendor's name.
    pub(super) name: String,
}

/// Headers that belong to the content and go along with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContentHeaders {
    /// `Content-Type`
    pub(super) content_type: Option<String>,
    /// `Cache-Control`
    pub(super) cache_control: Option<String>,
    /// `Content-Disposition`
    pub(super) disposition: Option<String>,
    /// `Content-Encoding`
    pub(super) encoding: Option<String>,
    /// `Content-Language`
    pub(super) language: Option<String>,
    /// `Expires`
    pub(super) expires: Option<String>,
}

impl Facts {
    /// The facts in the answer of an object service.
    pub(super) fn of_store(dialect: Dialect, meta: ObjectMeta) -> Self {
        let kind = match meta.object_type.as_deref() {
            Some("Symlink") => Kind::Symlink,
            _ => Kind::Object,
        };
        Self {
            md5: meta.md5(),
            crc64: meta.crc64,
            identity: Identity { size: Some(meta.size), etag: meta.etag, last_modified: meta.last_modified },
            content: ContentHeaders {
                content_type: meta.content_type,
                cache_control: meta.cache_control,
                disposition: meta.content_disposition,
                encoding: meta.content_encoding,
                language: meta.content_language,
                expires: meta.expires,
            },
            metadata: meta.metadata,
            storage_class: meta.storage_class.map(|name| StorageClass { dialect, name }),
            kind,
        }
    }

    /// Size in bytes, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.identity.size
    }
}
