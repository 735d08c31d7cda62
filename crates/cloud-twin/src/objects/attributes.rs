//! What an object has besides content and metadata: tags, an ACL; and symbolic links.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::Call;
use super::body::{BodyError, MAX_DOCUMENT, receive, receive_document};
use super::headers_kept::{acl, check_tags, invalid_tags, object_headers};
use super::reply::{write_headers, xml_reply};
use super::write::{check_key, store};
use crate::body::{ReplyBody, RequestBody};
use crate::content::Content;
use crate::dialect::Dialect;
use crate::digest::Digests;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::object::ObjectKind;
use crate::reply::{Reply, insert_text};
use crate::time::http_date;
use crate::wire::{self, Plus, Slash, decode, encode};
use crate::xml::{self, Document, Node};

const PERMISSIONS: [&str; 5] = ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"];
const SYMLINK_TARGET: &str = "x-oss-symlink-target";

pub(super) async fn put_tagging(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let (document, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    let tags = tags_of(&document.to_bytes())?;
    let set = bucket.modify(key, |object| object.headers.tags = tags);
    set.ok_or_else(|| ApiError::no_such_key(key))?;
    Ok(Response::new(ReplyBody::default()))
}

pub(super) fn delete_tagging(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let removed = call.bucket()?.modify(key, |object| object.headers.tags.clear());
    removed.ok_or_else(|| ApiError::no_such_key(key))?;
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

/// The tags of a document, each key once.
fn tags_of(document: &[u8]) -> Outcome<Vec<(String, String)>> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let (mut key, mut value) = (None, None);
    let nodes = xml::parse(document)?;
    if nodes.first() != Some(&Node::Open("Tagging".to_owned())) {
        return Err(ApiError::malformed_xml());
    }
    for node in nodes {
        let Node::Close { name, text } = node else { continue };
        match name.as_str() {
            "Key" => key = Some(text),
            "Value" => value = Some(text),
            "Tag" => {
                tags.push((
                    key.take().ok_or_else(ApiError::malformed_xml)?,
                    value.take().unwrap_or_default(),
                ));
            }
            _ => {}
        }
    }
    let twice =
        tags.iter().enumerate().any(|(at, (key, _))| tags[..at].iter().any(|(other, _)| other == key));
    if twice { Err(invalid_tags()) } else { check_tags(tags) }
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

/// By a canned name in the headers; at OBS by a document too.
pub(super) async fn put_acl(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let document = receive_document(call.dialect, &call.parts.headers, body).await?;
    let canned = acl(call)?;
    let document = match (&canned, call.dialect) {
        (None, Dialect::Obs) => Some(check_acl(document)?),
        (None, Dialect::Oss) => {
            let message = "The header x-oss-object-acl is missing.";
            return Err(ApiError::invalid_argument(message)
                .detail("ArgumentName", "x-oss-object-acl")
                .into());
        }
        (Some(_), _) => None,
    };
    let set = bucket.modify(key, |object| {
        object.headers.acl = canned;
        object.acl_document = document;
    });
    set.ok_or_else(|| ApiError::no_such_key(key))?;
    Ok(Response::new(ReplyBody::default()))
}

/// A document that can be an ACL: it has an owner, and grants permissions that there are.
fn check_acl(document: Bytes) -> Outcome<Bytes> {
    let malformed = || {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema.";
        ApiError::bad_request("MalformedACLError", message)
    };
    let nodes = xml::parse(&document).map_err(|_| malformed())?;
    let is_acl = nodes.first() == Some(&Node::Open("AccessControlPolicy".to_owned()));
    let owned = nodes.contains(&Node::Open("Owner".to_owned()));
    let permitted = nodes.iter().all(|node| match node {
        Node::Close { name, text } if name == "Permission" => PERMISSIONS.contains(&text.trim()),
        _ => true,
    });
    if is_acl && owned && permitted { Ok(document) } else { Err(malformed()) }
}

pub(super) fn get_acl(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    if let Some(document) = &object.acl_document {
        let mut reply = Response::new(ReplyBody::from(document.clone()));
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        return Ok(reply);
    }
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
        let owner = &call.cloud.config.function.account_id;
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
    let mut object = call.store().object(Content::default(), digests, headers, call.cloud.now());
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
