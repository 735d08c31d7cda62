//! Routes of uploads.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use reqwest::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

use super::error::ApiError;
use super::extract::{Caller, Json, PathId, unknown_id};
use super::respond::{json, json_with};
use super::shown::{ObjectView, UploadView, located, time};
use crate::desk::{Desk, LARGEST_FORM};
use crate::entry::{Entry, Id, Md5, UploadState};
use crate::fetch::HostError;
use crate::name::Name;
use crate::store::Preview;
use crate::types::{ContentType, UNKNOWN};
use crate::users::User;
use object_copy::transfer::Admission as _;

/// Most running and waiting fetches of a user. Concurrent requests may exceed it slightly.
const MOST_FETCHES: u64 = 100;

/// Longest URL, in bytes.
const LONGEST_URL: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadRequest {
    name: String,
    #[serde(deserialize_with = "whole")]
    size: u64,
    #[serde(rename = "type")]
    content_type: Option<String>,
    md5: Option<String>,
}

/// A whole number in any spelling of JSON: 3.0 is 3.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    /// Largest range in which every integer is an exact float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = Number::deserialize(deserializer)?;
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..=EXACT).contains(float));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and within the range"
    )]
    let whole = number.as_u64().or_else(|| float.map(|float| float as u64));
    whole.ok_or_else(|| D::Error::custom(format!("{number} is not a whole number")))
}

#[derive(Debug, Serialize)]
struct UploadTicket {
    id: String,
    state: &'static str,
    key: String,
    expires_at: String,
    upload: Form,
}

/// To be sent as `multipart/form-data`, followed by the content as `file`.
#[derive(Debug, Serialize)]
struct Form {
    url: String,
    method: &'static str,
    fields: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct DuplicateUpload {
    id: String,
    state: &'static str,
    duplicate: bool,
    object: ObjectView,
}

/// `POST /uploads`
pub(super) async fn allow(
    State(desk): State<Desk>,
    Caller(user): Caller,
    Json(wanted): Json<UploadRequest>,
) -> Result<Response, ApiError> {
    let UploadOrder { name, size, content_type, md5 } = checked(&desk, wanted)?;
    if size > LARGEST_FORM {
        let message =
            format!("{size} bytes exceed the limit of a form, {LARGEST_FORM} bytes: upload in parts");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large_for_a_form", message));
    }
    if let Some(response) = duplicate(&desk, &user, md5, size).await? {
        return Ok(response);
    }
    let entry = Entry { md5, ..desk.pending(&user, &name, size, content_type)? };
    let form = desk.0.store.form(&entry, desk.0.rules.upload_expiry, desk.0.callbacks.url.as_ref())?;
    let expires_at = form.expires_at.timestamp_millis();
    let entry = entry.with_expiry(expires_at);
    desk.0.catalogue.add(&entry).await?;
    desk.0.counters.allowed.increment();
    let allowed = UploadTicket {
        id: entry.id.to_string(),
        state: entry.state.as_str(),
        expires_at: time(expires_at),
        upload: Form { url: form.url, method: "POST", fields: form.fields },
        key: entry.key.clone(),
    };
    Ok(located(json_with(StatusCode::CREATED, &allowed), &entry))
}

/// What is to be uploaded, within the rules.
#[derive(Debug)]
pub(super) struct UploadOrder {
    pub(super) name: Name,
    pub(super) size: u64,
    pub(super) content_type: String,
    pub(super) md5: Option<Md5>,
}

/// Applies the rules for uploads.
pub(super) fn checked(desk: &Desk, wanted: UploadRequest) -> Result<UploadOrder, ApiError> {
    let name = name(&wanted.name)?;
    let md5 = wanted.md5.as_deref().map(md5).transpose()?;
    let content_type = content_type(desk, wanted.content_type)?;
    let (size, max) = (wanted.size, desk.0.rules.max_size);
    if size > max {
        let message = format!("{size} bytes exceed the limit of an upload, {max} bytes");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
    }
    Ok(UploadOrder { name, size, content_type, md5 })
}

/// The response for a user who has the object already.
pub(super) async fn duplicate(
    desk: &Desk,
    user: &User,
    md5: Option<Md5>,
    size: u64,
) -> Result<Option<Response>, ApiError> {
    let Some(md5) = md5 else { return Ok(None) };
    let Some(entry) = desk.same(user, md5, size).await? else { return Ok(None) };
    let object = ObjectView::of(desk, &entry, Preview::default())?;
    desk.0.counters.duplicates.increment();
    let state = entry.state.as_str();
    Ok(Some(json(&DuplicateUpload { id: entry.id.to_string(), state, duplicate: true, object })))
}

fn name(text: &str) -> Result<Name, ApiError> {
    Name::of(text).map_err(|error| ApiError::malformed(error.to_string()))
}

pub(super) fn md5(text: &str) -> Result<Md5, ApiError> {
    Md5::from_hex(text).ok_or_else(|| ApiError::malformed("md5 is not 32 hexadecimal digits"))
}

fn content_type(desk: &Desk, given: Option<String>) -> Result<String, ApiError> {
    let content_type = given.filter(|text| !text.is_empty()).unwrap_or_else(|| UNKNOWN.to_owned());
    let Some(parsed) = ContentType::parse(&content_type) else {
        return Err(ApiError::malformed(format!("{content_type:?} is not a content type")));
    };
    let types = &desk.0.rules.types;
    if !types.admit(&parsed) {
        let message = format!("{content_type} may not be uploaded, only {types}");
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "type_not_allowed", message));
    }
    Ok(content_type)
}

/// `GET /uploads/{id}`
pub(super) async fn show(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    UploadView::response(&desk, &own(&desk, &user, &id).await?)
}

/// `POST /uploads/{id}/check`
pub(super) async fn check(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let entry = own(&desk, &user, &id).await?;
    let entry = match entry.state {
        UploadState::Pending | UploadState::Missing => desk.look(entry).await?.ok_or_else(unknown_id)?,
        _ => entry,
    };
    UploadView::response(&desk, &entry)
}

/// The user's upload with that id, unless it was deleted.
pub(super) async fn own(desk: &Desk, user: &User, id: &Id) -> Result<Entry, ApiError> {
    let found = desk.0.catalogue.find(id).await?;
    let gone = |state| matches!(state, UploadState::Deleting | UploadState::Deleted);
    found.filter(|entry| entry.creator == user.name && !gone(entry.state)).ok_or_else(unknown_id)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchRequest {
    url: String,
    name: Option<String>,
}

/// `POST /uploads/from-url`
pub(super) async fn from_url(
    State(desk): State<Desk>,
    Caller(user): Caller,
    Json(wanted): Json<FetchRequest>,
) -> Result<Response, ApiError> {
    let Some(fetcher) = &desk.0.fetcher else {
        return Err(ApiError::forbidden(
            "not_enabled",
            "this desk does not fetch from URLs: INGEST_DOMAINS is not set",
        ));
    };
    if wanted.url.len() > LONGEST_URL {
        return Err(ApiError::malformed(format!("the URL is longer than {LONGEST_URL} bytes")));
    }
    let url = Url::parse(&wanted.url)
        .map_err(|_| ApiError::malformed("url is no URL such as https://example.com/photo.jpg".to_owned()))?;
    fetcher.guard().admit(&url).map_err(|error| ApiError::forbidden("refused", error.to_string()))?;
    let name = match &wanted.name {
        Some(text) => name(text)?,
        None => named_by(&url),
    };
    if desk.0.catalogue.count_of(&user.name, UploadState::Fetching).await? >= MOST_FETCHES {
        let message = format!("{MOST_FETCHES} objects are being fetched for {} already", user.name);
        return Err(ApiError::too_many("too_many_fetches", message));
    }
    let host = url.host_str().unwrap_or_default();
    fetcher.look_up(&user.name, host).await.map_err(|error| match error {
        HostError::Refused(why) => ApiError::forbidden("refused", why.to_string()),
        HostError::Unknown(error) => {
            tracing::info!(host, %error, "a host cannot be found");
            ApiError::new(StatusCode::BAD_REQUEST, "unknown_host", format!("{host:?} cannot be found"))
        }
        HostError::Unanswered => ApiError::unavailable(
            "lookup_unanswered",
            format!("{host:?} cannot be resolved at the moment; try again"),
        ),
    })?;
    let entry = desk.fetching(&user, &name, url)?;
    desk.0.catalogue.add(&entry).await?;
    desk.0.counters.allowed.increment();
    desk.wake();
    Ok(located(json_with(StatusCode::ACCEPTED, &UploadView::of(&desk, &entry)?), &entry))
}

/// The last segment of its path, if that is a valid name.
fn named_by(url: &Url) -> Name {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    Name::of(&last).unwrap_or_else(|_| Name::unknown())
}
