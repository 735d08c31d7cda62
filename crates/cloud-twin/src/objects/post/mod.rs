//! `PostObject`: the form upload of browsers, which a signed policy allows.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/postobject>. The form's fields say what
//! the headers of a PUT would, so that is what they become here. The type is that of `x-oss-content-type`,
//! else of the file as its browser says, else of `Content-Type`: a condition on `$content-type` alone does
//! not bind what a browser says of the file.

mod form;
mod policy;

use std::ops::RangeInclusive;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};

use self::form::File;
use self::policy::{FormPolicy, denied};
use super::body::{BodyError, Intake, check_framing};
use super::headers_kept::{KEPT_HEADERS, object_headers};
use super::reply::{write_headers, xml_reply};
use super::write::{check_key, store};
use super::{Call, auth_rules, callbacks, permission};
use crate::auth::{self, FormSignature};
use crate::body::{ReplyBody, RequestBody};
use crate::callback::Order;
use crate::error::{ApiError, Outcome};
use crate::form_fields::FormFields;
use crate::notify::Change;
use crate::object::StoredObject;
use crate::reply::{Reply, insert_text};
use crate::wire::{Slash, encode};
use crate::xml::Document;

const CONTENT_MD5: &str = "content-md5";

pub(super) async fn post_object(call: &Call<'_>, mut body: RequestBody) -> Result<Reply, BodyError> {
    let outcome = upload(call, &mut body).await;
    if !matches!(outcome, Err(BodyError::Aborted)) {
        // A browser reads no answer before it has sent everything.
        body.drain().await;
    }
    outcome
}

async fn upload(call: &Call<'_>, body: &mut RequestBody) -> Result<Reply, BodyError> {
    check_framing(&call.parts.headers)?;
    let bucket = call.bucket()?;
    let announced = body.announced().unwrap_or_default();
    let (fields, mut file) = form::open(&call.parts.headers, body).await?;
    let key = key_of(&fields, &file)?;
    let allowed = authorize(call, &fields, &key, &file)?;
    check_key(call.dialect, &key)?;
    let order = order_of(&fields)?;
    let parts = parts_of_put(call, &fields, file.content_type())?;
    let put = Call { parts: &parts, ..*call };
    permission::check_form(&put, &fields, &key)?;
    let headers = object_headers(&put)?;
    let mut intake = Intake::new(&parts.headers, announced, *allowed.end())?;
    while let Some(piece) = file.piece().await? {
        intake.take(&piece)?;
    }
    file.end().await?;
    let (content, digests) = intake.finish(call.dialect)?;
    if content.len() < *allowed.start() {
        let message = "Your proposed upload is smaller than the minimum allowed size.";
        return Err(ApiError::bad_request("EntityTooSmall", message).into());
    }
    let object = Arc::new(call.store().object(content, digests, headers, call.cloud.now()));
    store(&put, &bucket, &key, &object, Change::PostObject)?;
    match order {
        Some(order) => Ok(callbacks::answer(call, &key, &object, order, "PostObject").await?),
        None => Ok(answer(call, &fields, &key, &object)),
    }
}

fn key_of(fields: &FormFields, file: &File<'_>) -> Outcome<String> {
    let key = fields.get("key").map(|key| key.replace("${filename}", file.name()));
    key.filter(|key| !key.is_empty()).ok_or_else(|| {
        ApiError::invalid_argument(
            "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
        )
        .detail("ArgumentName", "key")
    })
}

/// Whether the policy allows the form; returns how long the file may be.
fn authorize(
    call: &Call<'_>,
    fields: &FormFields,
    key: &str,
    file: &File<'_>,
) -> Outcome<RangeInclusive<u64>> {
    let Some(document) = fields.get("policy") else {
        if auth::is_signed(fields) {
            let message = "Bucket POST must contain a field named 'policy'. If it is specified, please check the order \
                           of the fields.";
            return Err(ApiError::invalid_argument(message).ec("0002-00000702"));
        }
        return Err(auth::anonymous(call.dialect));
    };
    let signature = auth::verify_form(fields, document, auth_rules(call), &call.cloud.signing_keys)?;
    let policy = FormPolicy::parse(document)?;
    // Of a file without a field for it, what the browser says of the file.
    let of_file = || file.content_type().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    policy.check(call.cloud.now(), |name| match name {
        "bucket" => call.bucket_name().to_owned(),
        "key" => key.to_owned(),
        "content-type" => fields.get(name).map(str::to_owned).or_else(of_file).unwrap_or_default(),
        name => fields.get(name).unwrap_or_default().to_owned(),
    })?;
    if signature == FormSignature::V4 {
        check_mentioned(fields, &policy)?;
    }
    Ok(policy.length())
}

/// A policy signed with V4 must itself have what its signature was made with.
fn check_mentioned(fields: &FormFields, policy: &FormPolicy) -> Outcome<()> {
    let token = "x-oss-security-token";
    let with_token = fields.get(token).map(|_| token);
    let needed = ["x-oss-signature-version", "x-oss-credential", "x-oss-date"].into_iter().chain(with_token);
    match needed.into_iter().find(|name| !policy.mentions(name)) {
        Some(name) => Err(denied(&format!("Policy must have a condition on {name}."))),
        None => Ok(()),
    }
}

fn order_of(fields: &FormFields) -> Outcome<Option<Order>> {
    let custom = fields.iter().filter(|(name, _)| name.starts_with("x:"));
    let custom = || custom.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.get("callback").map(|text| Order::parse(text, custom())).transpose()
}

/// The request that would put the same object.
fn parts_of_put(call: &Call<'_>, fields: &FormFields, of_file: Option<&HeaderValue>) -> Outcome<Parts> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter() {
        let is_header = name.starts_with("x-oss-")
            || name == CONTENT_MD5
            || KEPT_HEADERS.iter().any(|header| header.as_str() == name);
        if is_header {
            let name = HeaderName::try_from(name).map_err(|_| invalid_field(name))?;
            let value = header_value(name.as_str(), value)?;
            headers.insert(name, value);
        }
    }
    let field = |name: &str| fields.get(name).map(|value| header_value(name, value)).transpose();
    let content_type = match (field("x-oss-content-type")?, of_file) {
        (Some(explicit), _) => Some(explicit),
        (None, Some(of_file)) => Some(of_file.clone()),
        (None, None) => field("content-type")?,
    };
    headers.extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
    let mut request = Request::new(());
    *request.method_mut() = call.parts.method.clone();
    *request.uri_mut() = call.parts.uri.clone();
    *request.headers_mut() = headers;
    Ok(request.into_parts().0)
}

fn header_value(name: &str, value: &str) -> Outcome<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid_field(name))
}

fn invalid_field(name: &str) -> ApiError {
    ApiError::invalid_argument("A form field cannot be a header.").detail("ArgumentName", name)
}

fn answer(call: &Call<'_>, fields: &FormFields, key: &str, object: &StoredObject) -> Reply {
    let redirect = fields.get("success_action_redirect").and_then(|url| redirect(call, url, key, object));
    let mut reply = match (redirect, fields.get("success_action_status")) {
        (Some(location), _) => {
            let mut reply = empty(StatusCode::SEE_OTHER);
            insert_text(reply.headers_mut(), header::LOCATION, &location);
            reply
        }
        (None, Some("200")) => empty(StatusCode::OK),
        (None, Some("201")) => created(call, key, object),
        (None, _) => empty(StatusCode::NO_CONTENT),
    };
    write_headers(call, object, reply.headers_mut());
    reply
}

fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = status;
    reply
}

/// Where the browser is redirected; an invalid URL is ignored.
fn redirect(call: &Call<'_>, url: &str, key: &str, object: &StoredObject) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then(|| {
        let separator = if uri.query().is_some() { '&' } else { '?' };
        format!(
            "{url}{separator}bucket={}&key={}&etag={}",
            encode(call.bucket_name(), Slash::Encode),
            encode(key, Slash::Encode),
            encode(&format!("\"{}\"", object.etag), Slash::Encode)
        )
    })
}

fn created(call: &Call<'_>, key: &str, object: &StoredObject) -> Reply {
    let host = crate::wire::header(&call.parts.headers, header::HOST.as_str());
    let root = call.parts.uri.path().trim_end_matches('/');
    let mut xml = Document::new("PostResponse", None);
    xml.leaf("Bucket", call.bucket_name())
        .leaf("ETag", &format!("\"{}\"", object.etag))
        .leaf("Location", &format!("http://{host}{root}/{}", encode(key, Slash::Keep)))
        .leaf("Key", key);
    let mut reply = xml_reply(xml.finish());
    *reply.status_mut() = StatusCode::CREATED;
    reply
}
