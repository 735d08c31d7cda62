//! Metadata of a source object.

use chrono::{DateTime, Utc};
use oss_lite::{Dialect, ObjectMeta};

use super::metadata;

/// An object as its source describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceInfo {
    /// Identifies this version among those of the same key.
    pub(super) identity: Identity,
    /// MD5 of the content, if the source reports it.
    pub(super) md5: Option<[u8; 16]>,
    /// An `ETag` that looks like an MD5, from a service whose `ETag`s need not be: the bytes show whether it
    /// is.
    pub(super) likely_md5: Option<[u8; 16]>,
    /// CRC-64/XZ of the content, if the source reports it.
    pub(super) crc64: Option<u64>,
    /// Content headers.
    pub(super) content: ContentHeaders,
    /// User metadata by lower-case name without prefix.
    pub(super) metadata: Vec<(String, String)>,
    /// Storage class by the vendor's name.
    pub(super) storage_class: Option<StorageClass>,
    /// Kind of the object.
    pub(super) kind: ObjectKind,
}

/// Identifies one version of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// Size in bytes; some web servers do not report it.
    pub(super) size: Option<u64>,
    /// `ETag` without quotes, if it stands for the exact bytes.
    pub(super) etag: Option<String>,
    /// The `ETag` as received, for `If-Match`: some servers write it without quotes, or with several. Not set
    /// for OSS and OBS, whose `ETag`s have quotes.
    pub(super) etag_as_sent: Option<String>,
    /// A weak `ETag`, without `W/` and quotes. It may cover several byte sequences: a different one shows a
    /// change, but ranges are never combined by it.
    pub(super) weak_etag: Option<String>,
    /// Time of the last change of content or metadata.
    pub(super) last_modified: Option<DateTime<Utc>>,
}

impl Identity {
    /// Whether two responses are of the same version: no value that both have differs. Object services send
    /// all of them each time; a web server may send fewer for a range than for the whole.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        // The weak comparison of RFC 9110, 8.8.3.2: by the opaque tag, weak or strong.
        agree(self.size.as_ref(), other.size.as_ref())
            && agree(self.any_etag(), other.any_etag())
            && agree(self.last_modified.as_ref(), other.last_modified.as_ref())
    }

    /// Whether there is any validator, weak or strong.
    pub(super) fn has_validator(&self) -> bool {
        self.any_etag().is_some() || self.last_modified.is_some()
    }

    fn any_etag(&self) -> Option<&String> {
        self.etag.as_ref().or(self.weak_etag.as_ref())
    }

    /// Whether several reads can be shown to be of one version. If not, the object is read sequentially.
    pub(super) fn distinguishes_versions(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// Whether this response shows that it is of the pinned version, by a strong `ETag` or a time.
    pub(super) fn shows(&self, pinned: &Self) -> bool {
        fn equal<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.is_some() && one == other
        }
        equal(self.etag.as_ref(), pinned.etag.as_ref())
            || equal(self.last_modified.as_ref(), pinned.last_modified.as_ref())
    }
}

/// Kind of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ObjectKind {
    /// Content of its own.
    #[default]
    Object,
    /// An OSS symlink: reading it returns the target's content.
    Symlink,
}

/// A storage class, by the name of one vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StorageClass {
    /// The vendor.
    pub(super) dialect: Dialect,
    /// The vendor's name.
    pub(super) name: String,
}

/// Headers that describe the content and are copied with it.
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

impl ContentHeaders {
    /// The headers for a copy, from any source. Empty values are dropped, since some services refuse them.
    /// `aws-chunked` is dropped from the encodings: it is the framing of an upload, though some services
    /// store it.
    pub(super) fn cleaned(self) -> Self {
        let text = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
        let encoding = |value: String| {
            let codings = value.split(',').map(str::trim);
            let kept: Vec<_> = codings
                .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
                .collect();
            if kept.len() == value.split(',').count() { value } else { kept.join(", ") }
        };
        Self {
            content_type: text(self.content_type),
            cache_control: text(self.cache_control),
            disposition: text(self.disposition),
            encoding: text(self.encoding.map(encoding)),
            language: text(self.language),
            expires: text(self.expires),
        }
    }
}

impl SourceInfo {
    /// The metadata in the response of an object service.
    pub(super) fn of_store(dialect: Dialect, meta: ObjectMeta) -> Self {
        let header = |text: Option<String>| text.map(|text| metadata::read_header(dialect, text));
        let kind = match meta.object_type.as_deref() {
            Some("Symlink") => ObjectKind::Symlink,
            _ => ObjectKind::Object,
        };
        Self {
            md5: meta.md5(),
            likely_md5: None,
            crc64: meta.crc64,
            identity: Identity {
                size: Some(meta.size),
                etag: meta.etag,
                etag_as_sent: None,
                weak_etag: None,
                last_modified: meta.last_modified,
            },
            content: ContentHeaders {
                content_type: header(meta.content_type),
                cache_control: header(meta.cache_control),
                disposition: header(meta.content_disposition),
                encoding: header(meta.content_encoding),
                language: header(meta.content_language),
                expires: header(meta.expires),
            },
            metadata: metadata::read(dialect, meta.metadata),
            storage_class: meta.storage_class.map(|name| StorageClass { dialect, name }),
            kind,
        }
    }

    /// Size in bytes, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.identity.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(etag: Option<&str>, weak: Option<&str>, second: Option<i64>) -> Identity {
        Identity {
            size: None,
            etag: etag.map(str::to_owned),
            etag_as_sent: None,
            weak_etag: weak.map(str::to_owned),
            last_modified: second.and_then(|second| DateTime::from_timestamp(second, 0)),
        }
    }

    #[test]
    fn a_weak_etag_shows_a_change_but_proves_nothing() {
        let (weak, other) = (identity(None, Some("a"), None), identity(None, Some("b"), None));
        assert!(weak.is_same(&weak) && !weak.is_same(&other));
        let strong = identity(Some("a"), None, None);
        assert!(strong.is_same(&weak) && !strong.is_same(&other));
        assert!(
            !weak.distinguishes_versions()
                && !weak.shows(&weak)
                && !weak.shows(&strong)
                && !strong.shows(&weak)
        );
    }

    #[test]
    fn a_read_shows_its_version_by_a_strong_etag_or_a_time() {
        let (etag, time) = (identity(Some("a"), None, None), identity(None, Some("w"), Some(1)));
        assert!(etag.distinguishes_versions() && time.distinguishes_versions());
        assert!(etag.shows(&etag) && time.shows(&time));
        let nothing = Identity::default();
        assert!(nothing.is_same(&etag) && !nothing.shows(&etag) && !nothing.distinguishes_versions());
    }

    #[test]
    fn headers_that_do_not_describe_the_content_are_not_copied() {
        let encoding = |value: &str| {
            let headers = ContentHeaders { encoding: Some(value.to_owned()), ..ContentHeaders::default() };
            headers.cleaned().encoding
        };
        for (value, kept) in [
            ("aws-chunked", None),
            ("AWS-Chunked,gzip", Some("gzip")),
            ("gzip, aws-chunked , br", Some("gzip, br")),
            ("gzip,br", Some("gzip,br")),
            (" ", None),
            (",", None),
        ] {
            assert_eq!(encoding(value).as_deref(), kept, "{value:?}");
        }
        let (empty, text) = (|| Some(String::new()), || Some("x".to_owned()));
        let headers = ContentHeaders {
            content_type: empty(),
            cache_control: empty(),
            disposition: Some(" ".to_owned()),
            encoding: empty(),
            language: text(),
            expires: empty(),
        };
        assert_eq!(headers.cleaned(), ContentHeaders { language: text(), ..ContentHeaders::default() });
    }
}
