//! Forms by which anybody can upload one object without credentials (`PostObject`), within a signed policy.
//!
//! [`PostPolicy`] says what may be uploaded. Signing makes it a [`PostForm`]: the URL, and the fields to send
//! there as `multipart/form-data`, in this order, followed by the content as `file`. Everything that the form
//! fixes is also a condition of the policy, so the sender cannot change it.
//!
//! [`Bucket::post_form`](crate::Bucket::post_form) signs with what the client knows; [`PostPolicy::sign`] is
//! the same as a pure function. Both signature versions of OSS are supported. OBS has forms of its own, which
//! are not.
//!
//! # Limits
//!
//! Forms carry at most 5 GiB, and cannot be resumed. V4 forms live for at most 7 days, forms of temporary
//! credentials until those end. Once signed, a form can be sent any number of times until it expires: keys
//! that nobody else gets, and [`PostPolicy::forbid_overwrite`], keep one upload from replacing another.
//!
//! [PostObject](https://www.alibabacloud.com/help/en/oss/developer-reference/postobject),
//! [V4 form](https://help.aliyun.com/en/oss/developer-reference/signature-version-4-recommend).
//!
//! ```
//! use std::time::Duration;
//!
//! use chrono::DateTime;
//! use oss_lite::sign::{Scheme, SigningParams, v4};
//! use oss_lite::{ContentTypes, Credentials, PostPolicy, PostTarget};
//!
//! let policy = PostPolicy::for_key("uploads/eric/1/cat.jpg", Duration::from_mins(10))
//!     .size(1..=5_000_000)
//!     .content_type(ContentTypes::Exact("image/jpeg".to_owned()))
//!     .forbid_overwrite();
//! let target = PostTarget { bucket: "examplebucket", url: "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/" };
//! let form = policy.sign(
//!     target,
//!     &SigningParams {
//!         scheme: Scheme::V4(v4::Settings::new("cn-hangzhou")),
//!         credentials: &Credentials::new("access-key-id", "secret"),
//!         time: DateTime::from_timestamp(1_767_237_945, 0).unwrap_or_default(),
//!     },
//! )?;
//! assert_eq!(form.fields[0], ("key".to_owned(), "uploads/eric/1/cat.jpg".to_owned()));
//! # Ok::<(), oss_lite::Error>(())
//! ```

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::callback::Callback;
use crate::error::Error;
use crate::sign::SigningParams;

mod check;
mod demo;
mod document;
mod form;

pub use form::PostForm;

/// What may be uploaded by a form.
#[derive(Clone)]
pub struct PostPolicy {
    key: KeyRule,
    valid_for: Duration,
    size: Option<RangeInclusive<u64>>,
    content_types: Option<ContentTypes>,
    fields: Vec<(String, String)>,
    callback: Option<Callback>,
}

#[derive(Clone, Debug)]
enum KeyRule {
    Exact(String),
    Prefix(String),
}

/// Which content types a form may be sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentTypes {
    /// This one. It is among the fields of the form.
    Exact(String),
    /// One of a list. The sender adds the field `Content-Type`, before `file`.
    OneOf(Vec<String>),
    /// All that begin so, such as `image/`. The sender adds the field `Content-Type`, before `file`.
    Prefix(String),
}

/// Where a form is sent.
#[derive(Clone, Copy, Debug)]
pub struct PostTarget<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// URL of the bucket, with a slash at the end.
    pub url: &'a str,
}

impl PostPolicy {
    /// One object under this key, 1 to 1023 bytes, for at least one second. On V4 at most 7 days.
    pub fn for_key(key: impl Into<String>, valid_for: Duration) -> Self {
        Self::of(KeyRule::Exact(key.into()), valid_for)
    }

    /// Objects under all keys that begin so. The field `key` has the prefix and `${filename}`, for which OSS
    /// puts the name of the file that is sent; the sender may replace it by another key with the prefix.
    pub fn for_prefix(prefix: impl Into<String>, valid_for: Duration) -> Self {
        Self::of(KeyRule::Prefix(prefix.into()), valid_for)
    }

    fn of(key: KeyRule, valid_for: Duration) -> Self {
        Self { key, valid_for, size: None, content_types: None, fields: Vec::new(), callback: None }
    }

    /// Limits the size of the content in bytes, up to 5 GiB. Default: what OSS takes.
    #[must_use]
    pub fn size(mut self, bytes: RangeInclusive<u64>) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Limits the content type. Default: any.
    #[must_use]
    pub fn content_type(mut self, types: ContentTypes) -> Self {
        self.content_types = Some(types);
        self
    }

    /// An object that exists is not replaced: the upload ends with `409 FileAlreadyExists`. Buckets with
    /// versioning ignore it.
    #[must_use]
    pub fn forbid_overwrite(self) -> Self {
        self.field("x-oss-forbid-overwrite", "true")
    }

    /// A field that must be sent with exactly this value, such as `Content-Disposition`,
    /// `success_action_status`, `x-oss-storage-class`, `x-oss-meta-*` or `x:*`. Without control characters,
    /// which forms do not carry unchanged; each name once, in any case.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// OSS calls back when the object is stored, and passes the answer on to the sender.
    #[must_use]
    pub fn callback(mut self, callback: Callback) -> Self {
        self.callback = Some(callback);
        self
    }

    /// Signs the policy. The part of the time below a second is dropped.
    ///
    /// Fails when a limit above is broken, when two fields have one name, and with the dialect OBS.
    pub fn sign(&self, target: PostTarget<'_>, params: &SigningParams<'_>) -> Result<PostForm, Error> {
        form::sign(self, target, params).map_err(|error| {
            let key = match &self.key {
                KeyRule::Exact(key) => format!("{key:?}"),
                KeyRule::Prefix(prefix) => format!("keys with the prefix {prefix:?}"),
            };
            error.in_context(|| format!("sign a form for {key} in bucket {}", target.bucket))
        })
    }
}

/// Names of fields only: values may be secrets.
impl fmt::Debug for PostPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostPolicy")
            .field("key", &self.key)
            .field("valid_for", &self.valid_for)
            .field("size", &self.size)
            .field("content_types", &self.content_types)
            .field("fields", &self.fields.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("callback", &self.callback)
            .finish()
    }
}
