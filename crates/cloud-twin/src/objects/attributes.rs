//! What an object has besides content and metadata: tags, an ACL; and symbolic links.

use std::sync::Arc;

use http::{Response, StatusCode, header};

use super::get::http_date;
use super::put::{check_key, object_headers, store, write_headers, xml_reply};
use super::{Call, Dialect};
use crate::body::ReplyBody;
use crate::content::Content;
use crate::digest::Digests;
use crate::error::{ApiError, Outcome, Reply, insert_text};
use crate::notify::Change;
use crate::object::ObjectKind;
use crate::wire::{self, Plus, Query, Slash, decode, encode};
use crate::xml::Document;

const MAX_TAGS: usize = 10;
const SYMLINK_TARGET: &str = "x-oss-symlink-target";

/// The tags a write asks for (`a=1&b=2`, URL-encoded).
pub(super) fn tags(call: &Call<'_>) -> Outcome<Vec<(String, String)>> {
    let text = wire::header(&call.parts.headers, call.prefix.name("tagging").as_str());
    let invalid = || ApiError::bad_request("InvalidTag", "The tags you specified are not valid.");
    let tags: Vec<_> = Query::parse(&text, Plus::Space)
        .map_err(|_| invalid())?
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let fits = |(key, value): &(String, String)| (1..=128).contains(&key.len()) && value.len() <= 256;
    if tags.len() <= MAX_TAGS && tags.iter().all(fits) { Ok(tags) } else { Err(invalid()) }
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

pub(super) fn get_tagging(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    let mut xml = Document::new("Tagging", call.dialect.namespace());
    xml.group("TagSet", |set| {
        for (key, value) in &object.headers.tags {
            set.group("Tag", |tag| {
                tag.leaf("Key", key).leaf("Value", value);
            });
        }
    });
    Ok(xml_reply(xml.finish()))
}

pub(super) fn get_acl(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    let acl = object.headers.acl.as_deref();
    let mut xml = Document::new("AccessControlPolicy", call.dialect.namespace());
    super::bucket::owner(call, &mut xml);
    match call.dialect {
        Dialect::Oss => {
            xml.group("AccessControlList", |list| {
                list.leaf("Grant", acl.unwrap_or("default"));
            });
        }
        Dialect::Obs => {
            xml.leaf("Delivered", "true").group("AccessControlList", |list| obs_grants(call, acl, list));
        }
    }
    Ok(xml_reply(xml.finish()))
}

/// The owner may do everything; a public ACL adds everybody.
fn obs_grants(call: &Call<'_>, acl: Option<&str>, list: &mut Document) {
    list.group("Grant", |grant| {
        let owner = &call.inner.config.function.account_id;
        grant.group("Grantee", |grantee| {
            grantee.leaf("ID", owner);
        });
        grant.leaf("Permission", "FULL_CONTROL");
    });
    let public: &[&str] = match acl {
        Some("public-read") => &["READ"],
        Some("public-read-write") => &["READ", "WRITE"],
        _ => &[],
    };
    for permission in public {
        list.group("Grant", |grant| {
            grant.group("Grantee", |grantee| {
                grantee.leaf("Canned", "Everyone");
            });
            grant.leaf("Permission", permission);
        });
    }
}

pub(super) fn put_symlink(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let target = decode(&wire::header(&call.parts.headers, SYMLINK_TARGET), Plus::Literal);
    let target = target.ok().filter(|target| !target.is_empty()).ok_or_else(|| {
        ApiError::invalid_argument("The symlink target is missing or not URL-encoded.")
            .detail("ArgumentName", SYMLINK_TARGET)
    })?;
    let digests = Digests::of(&Content::from(target.clone()));
    let headers = object_headers(call)?;
    let mut object = call.store().object(Content::default(), digests, headers, call.inner.now());
    object.crc64 = None;
    object.kind = ObjectKind::Symlink { target };
    let object = Arc::new(object);
    store(call, &bucket, key, &object, Change::PutSymlink)?;
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    Ok(reply)
}

pub(super) fn get_symlink(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    let ObjectKind::Symlink { target } = &object.kind else {
        let message = "The object you specified is not a symlink.";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "NotSymlink", message).detail("Key", key));
    };
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    insert_text(reply.headers_mut(), header::LAST_MODIFIED, &http_date(object.last_modified));
    insert_text(reply.headers_mut(), call.prefix.name("symlink-target"), &encode(target, Slash::Encode));
    Ok(reply)
}
