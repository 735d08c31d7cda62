//! JSON representations of objects and uploads.

use axum::http::HeaderValue;
use axum::http::header::LOCATION;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use super::error::ApiError;
use super::respond::json;
use crate::desk::Desk;
use crate::entry::{Entry, Forward, Md5State, Millis, UploadState};
use crate::store::{Links, Preview};

/// An object, with links that open it.
#[derive(Debug, Serialize)]
pub(super) struct ObjectView {
    id: String,
    name: String,
    key: String,
    bucket: String,
    size: u64,
    #[serde(rename = "type")]
    content_type: Option<String>,
    md5: Option<String>,
    etag: Option<String>,
    created_at: String,
    forwarded: Option<bool>,
    links: Links,
    links_expire_at: String,
}

impl ObjectView {
    pub(super) fn of(desk: &Desk, entry: &Entry, preview: Preview) -> Result<Self, ApiError> {
        let (links, expire_at) = desk.0.store.links(entry, preview, desk.0.rules.link_expiry, desk.now())?;
        Ok(Self {
            id: entry.id.to_string(),
            name: entry.name.clone(),
            key: entry.key.clone(),
            bucket: entry.bucket.clone(),
            size: entry.size,
            content_type: entry.content_type.clone(),
            md5: entry.md5.filter(|_| entry.md5_state == Md5State::Confirmed).map(|md5| md5.to_string()),
            etag: entry.etag.clone(),
            created_at: time(entry.created_at),
            forwarded: (entry.forward != Forward::Off).then_some(entry.forward == Forward::Done),
            links,
            links_expire_at: time(expire_at),
        })
    }
}

/// An upload, and its object once there is one.
#[derive(Debug, Serialize)]
pub(super) struct UploadView {
    id: String,
    state: &'static str,
    key: String,
    name: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multipart: Option<PlanView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectView>,
}

/// How an object is uploaded in parts.
#[derive(Debug, Serialize)]
struct PlanView {
    part_size: u64,
    parts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl UploadView {
    pub(super) fn of(desk: &Desk, entry: &Entry) -> Result<Self, ApiError> {
        let stored = entry.state == UploadState::Stored;
        let open = matches!(entry.state, UploadState::Uploading | UploadState::Completing);
        let multipart = entry.multipart.as_ref().filter(|_| open).map(|plan| PlanView {
            part_size: plan.part_size,
            parts: plan.count(entry.size),
            expires_at: entry.expires_at.map(time),
        });
        Ok(Self {
            id: entry.id.to_string(),
            state: entry.state.as_str(),
            key: entry.key.clone(),
            name: entry.name.clone(),
            size: entry.size,
            note: entry.note.clone(),
            multipart,
            object: stored.then(|| ObjectView::of(desk, entry, Preview::default())).transpose()?,
        })
    }

    pub(super) fn response(desk: &Desk, entry: &Entry) -> Result<Response, ApiError> {
        Self::of(desk, entry).map(|upload| json(&upload))
    }
}

/// Adds the location of an upload.
pub(super) fn located(mut response: Response, entry: &Entry) -> Response {
    if let Ok(location) = HeaderValue::try_from(format!("/uploads/{}", entry.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// ISO 8601, UTC.
pub(super) fn time(millis: Millis) -> String {
    let time = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
