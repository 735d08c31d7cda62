//! Headers of a write that stay with the object: metadata, storage class, tags, ACL.

use http::{HeaderName, header};

use super::Call;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::object::ObjectHeaders;
use crate::wire::{self, Plus, Query};

const MAX_TAGS: usize = 10;
const MAX_USER_METADATA: usize = 8 << 10;

pub(super) const KEPT_HEADERS: [HeaderName; 5] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::EXPIRES,
];

/// The headers to keep with the object.
pub(super) fn object_headers(call: &Call<'_>) -> Outcome<ObjectHeaders> {
    let given = &call.parts.headers;
    let meta_prefix = format!("{}meta-", call.prefix.as_str());
    let mut kept = ObjectHeaders {
        content_type: given.get(header::CONTENT_TYPE).cloned(),
        storage_class: given
            .get(call.prefix.name("storage-class"))
            .and_then(|value| value.to_str().ok())
            .map(|class| call.prefix.meant_class(class).to_owned()),
        tags: tags(call)?,
        acl: acl(call)?,
        ..ObjectHeaders::default()
    };
    for name in KEPT_HEADERS {
        if let Some(value) = given.get(&name) {
            kept.standard.push((name, value.clone()));
        }
    }
    let mut size = 0;
    for (name, value) in given {
        if let Some(name) = name.as_str().strip_prefix(&meta_prefix) {
            check_user_name(call, name)?;
            size += name.len() + value.len();
            kept.user.insert(name.to_owned(), value.clone());
        }
    }
    if size <= MAX_USER_METADATA {
        return Ok(kept);
    }
    let message = "Your metadata headers exceed the maximum allowed metadata size.";
    Err(match call.dialect {
        Dialect::Oss => ApiError::invalid_argument(message),
        Dialect::Obs => ApiError::bad_request("MetadataTooLarge", message),
    })
}

/// OSS takes `a-z`, `0-9` and `-` in names of user metadata, and refuses `_` and all else:
/// <https://help.aliyun.com/en/oss/user-guide/0011-00000004>. Of OBS no such rule is known; its SDKs send
/// what they are given.
fn check_user_name(call: &Call<'_>, name: &str) -> Outcome<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if call.dialect == Dialect::Obs || name.bytes().all(good) {
        return Ok(());
    }
    let message = "The user metadata key contains invalid characters.";
    Err(ApiError::invalid_argument(message)
        .ec("0011-00000004")
        .detail("ArgumentName", format!("x-oss-meta-{name}")))
}

/// The tags a write asks for (`a=1&b=2`, URL-encoded).
fn tags(call: &Call<'_>) -> Outcome<Vec<(String, String)>> {
    let text = wire::header(&call.parts.headers, call.prefix.name("tagging").as_str());
    let tags = Query::parse(&text, Plus::Space).map_err(|_| invalid_tags())?;
    check_tags(tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// The canned ACL a write asks for.
pub(super) fn acl(call: &Call<'_>) -> Outcome<Option<String>> {
    let (name, known): (_, &[&str]) = match call.dialect {
        Dialect::Oss => ("object-acl", &["default", "private", "public-read", "public-read-write"]),
        Dialect::Obs => {
            ("acl", &["private", "public-read", "public-read-write", "bucket-owner-full-control"])
        }
    };
    let given = wire::header(&call.parts.headers, call.prefix.name(name).as_str());
    match given.as_str() {
        "" => Ok(None),
        acl if known.contains(&acl) => Ok(Some(given)),
        _ => Err(ApiError::invalid_argument("The ACL you specified is not valid.")
            .detail("ArgumentName", call.prefix.name(name).as_str())
            .detail("ArgumentValue", given)),
    }
}

pub(super) fn invalid_tags() -> ApiError {
    ApiError::bad_request("InvalidTag", "The tags you specified are not valid.")
}

pub(super) fn check_tags(tags: Vec<(String, String)>) -> Outcome<Vec<(String, String)>> {
    let fits = |(key, value): &(String, String)| (1..=128).contains(&key.len()) && value.len() <= 256;
    if tags.len() <= MAX_TAGS && tags.iter().all(fits) { Ok(tags) } else { Err(invalid_tags()) }
}
