//! Routes of uploads in parts. Their states are in `crate::entry::multipart`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use oss_lite::{ErrorKind, ListedPart};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::ApiError;
use super::extract::{Caller, Json, PathId, unknown_id};
use super::respond::{json, json_with};
use super::shown::{UploadView, located, time};
use super::uploads::{self, UploadRequest, duplicate, own, whole};
use crate::desk::Desk;
use crate::entry::{Entry, GIVEN_UP_AFTER, Multipart, PART_EXPIRY, UploadState, after};
use crate::store::AdmittedPart;

/// Most uploads in parts that a user has under way. Concurrent requests may exceed it slightly.
const MOST_OPEN: u32 = 50;

/// Most parts that are signed by one request.
const SIGNED_AT_ONCE: usize = 16;

/// The expiry of an upload is extended when less than this is left, not for each part, which would cost a
/// write each.
const PUT_OFF_BELOW: Duration = Duration::from_hours(7 * 24 - 1);

/// `POST /uploads/multipart`
pub(super) async fn begin(
    State(desk): State<Desk>,
    Caller(user): Caller,
    Json(wanted): Json<UploadRequest>,
) -> Result<Response, ApiError> {
    let order = uploads::checked(&desk, wanted)?;
    if let Some(response) = duplicate(&desk, &user, order.md5, order.size).await? {
        return Ok(response);
    }
    if desk.0.catalogue.count_of(&user.name, UploadState::Uploading).await? >= u64::from(MOST_OPEN) {
        let message = format!("{} already has {MOST_OPEN} uploads in parts in progress", user.name);
        return Err(ApiError::too_many("too_many_uploads", message));
    }
    let row = desk.pending(&user, &order.name, order.size, order.content_type)?;
    let row = Entry { md5: order.md5, ..row }.in_parts(desk.0.rules.part_size);
    // The row first: an upload without a row would never be cleaned up.
    desk.0.catalogue.add(&row).await?;
    let upload_id = desk.0.store.begin_parts(&row).await?;
    let until = after(desk.now(), GIVEN_UP_AFTER);
    let look_at = desk.look_at_parts();
    let begun = desk.update(&row.id, |row| row.begin(&upload_id, until, look_at)).await?;
    let begun = begun.ok_or_else(unknown_id)?;
    open(&begun)?;
    desk.0.counters.allowed.increment();
    Ok(located(json_with(StatusCode::CREATED, &UploadView::of(&desk, &begun)?), &begun))
}

/// `GET /uploads/multipart`: those that are under way.
pub(super) async fn list(State(desk): State<Desk>, Caller(user): Caller) -> Result<Response, ApiError> {
    let found = desk.0.catalogue.uploading(&user.name, MOST_OPEN).await?;
    let uploads: Vec<_> = found.iter().map(|entry| UploadView::of(&desk, entry)).collect::<Result<_, _>>()?;
    Ok(json(&json!({ "uploads": uploads })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignRequest {
    parts: Vec<PartRequest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartRequest {
    #[serde(deserialize_with = "whole")]
    number: u64,
    md5: String,
}

#[derive(Debug, Serialize)]
struct SignedPart {
    number: u32,
    /// The size of its body, which is signed. Browsers send it as `Content-Length` themselves.
    size: u64,
    method: &'static str,
    url: String,
    headers: [(&'static str, String); 1],
}

/// `POST /uploads/{id}/parts`
pub(super) async fn sign(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
    Json(wanted): Json<SignRequest>,
) -> Result<Response, ApiError> {
    let entry = own(&desk, &user, &id).await?;
    let (plan, _) = open(&entry)?;
    if !(1..=SIGNED_AT_ONCE).contains(&wanted.parts.len()) {
        let message = format!("a request signs 1 to {SIGNED_AT_ONCE} parts");
        return Err(ApiError::malformed(message));
    }
    let parts =
        wanted.parts.iter().map(|part| checked(part, plan, entry.size)).collect::<Result<Vec<_>, _>>()?;
    let now = desk.now();
    let (until, late) = (after(now, GIVEN_UP_AFTER), after(now, PUT_OFF_BELOW));
    let look_at = desk.look_at_parts();
    let kept = desk.update(&id, |entry| {
        if entry.expires_at < Some(late) {
            entry.keep_open(until, look_at);
        }
    });
    let entry = kept.await?.ok_or_else(unknown_id)?;
    let (_, upload_id) = open(&entry)?;
    let valid_for = PART_EXPIRY.min(desk.0.rules.upload_expiry);
    let signed = parts.into_iter().map(|part| {
        let url = desk.0.store.part_url(&entry.key, upload_id, part, valid_for)?;
        let AdmittedPart { number, size, md5 } = part;
        Ok(SignedPart { number, size, method: "PUT", url, headers: [("Content-MD5", md5.to_base64())] })
    });
    let signed = signed.collect::<Result<Vec<_>, ApiError>>()?;
    Ok(json(&json!({ "expires_at": time(after(now, valid_for)), "parts": signed })))
}

/// A part of an upload of `size` bytes, by its plan.
fn checked(part: &PartRequest, plan: &Multipart, size: u64) -> Result<AdmittedPart, ApiError> {
    let most = plan.count(size);
    let number = u32::try_from(part.number).ok().filter(|number| (1..=most).contains(number));
    let outside =
        || ApiError::malformed(format!("this upload has the parts 1 to {most}, not {}", part.number));
    let (number, md5) = (number.ok_or_else(outside)?, uploads::md5(&part.md5)?);
    Ok(AdmittedPart { number, size: plan.size_of(number, size), md5 })
}

#[derive(Debug, Serialize)]
struct StoredPart {
    number: u32,
    size: u64,
    etag: String,
    /// As text, since not every JSON parser reads numbers with 64 bits.
    crc64: Option<String>,
}

/// `GET /uploads/{id}/parts`
pub(super) async fn stored(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let entry = own(&desk, &user, &id).await?;
    let parts = listed(&desk, &entry).await?;
    let shown: Vec<_> = parts
        .into_iter()
        .map(|ListedPart { number, size, etag, crc64, .. }| StoredPart {
            number,
            size,
            etag,
            crc64: crc64.map(|crc64| crc64.to_string()),
        })
        .collect();
    Ok(json(&json!({ "parts": shown })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteRequest {
    crc64: String,
}

/// `POST /uploads/{id}/complete`: checked at once, done by the worker.
pub(super) async fn complete(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
    Json(wanted): Json<CompleteRequest>,
) -> Result<Response, ApiError> {
    let digits = wanted.crc64.bytes().all(|byte| byte.is_ascii_digit());
    let crc64 = wanted.crc64.parse().ok().filter(|_| digits);
    let crc64 = crc64.ok_or_else(|| ApiError::malformed("crc64 is not a decimal number of 64 bits"))?;
    let entry = own(&desk, &user, &id).await?;
    let is_asked = matches!(entry.state, UploadState::Completing | UploadState::Stored);
    let entry = if entry.multipart.is_some() && is_asked {
        entry
    } else {
        let (plan, _) = open(&entry)?;
        let parts = listed(&desk, &entry).await?;
        plan.check(entry.size, crc64, &parts).map_err(|error| conflict("parts_differ", error.to_string()))?;
        let now = desk.now();
        let entry = desk.update(&id, |entry| entry.request_completion(crc64, now)).await?;
        desk.wake();
        entry.ok_or_else(unknown_id)?
    };
    match entry.state {
        UploadState::Stored => UploadView::response(&desk, &entry),
        UploadState::Completing => Ok(json_with(StatusCode::ACCEPTED, &UploadView::of(&desk, &entry)?)),
        _ => Err(not_open(&entry)),
    }
}

/// `DELETE /uploads/{id}`: gives up an upload that is not stored.
pub(super) async fn abort(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    own(&desk, &user, &id).await?;
    let now = desk.now();
    // The current state counts: an upload that was completed meanwhile is kept.
    let given_up =
        desk.update(&id, |entry| entry.state != UploadState::Stored && entry.request_deletion(now));
    let entry = given_up.await?.ok_or_else(unknown_id)?;
    if entry.state == UploadState::Stored {
        return Err(conflict("stored", "the upload is complete: delete its object instead".to_owned()));
    }
    desk.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// The stored parts of an upload that is open.
async fn listed(desk: &Desk, entry: &Entry) -> Result<Vec<ListedPart>, ApiError> {
    let (_, upload_id) = open(entry)?;
    match desk.0.store.parts(&entry.key, upload_id).await {
        Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
            // Aborted by a lifecycle rule or by hand: the worker finds out what became of it.
            let now = desk.now();
            desk.update(&entry.id, |entry| {
                if entry.state == UploadState::Uploading {
                    entry.due_at = Some(now);
                }
            })
            .await?;
            desk.wake();
            Err(not_open(entry))
        }
        parts => Ok(parts?),
    }
}

/// Plan and id of an upload that parts can be sent to.
fn open(entry: &Entry) -> Result<(&Multipart, &str), ApiError> {
    let plan = entry.multipart.as_ref().filter(|_| entry.state == UploadState::Uploading);
    let begun = plan.and_then(|plan| Some((plan, plan.upload_id.as_deref()?)));
    begun.ok_or_else(|| not_open(entry))
}

fn not_open(entry: &Entry) -> ApiError {
    let message = match &entry.multipart {
        Some(_) => format!("parts can no longer be sent: the upload is {}", entry.state.as_str()),
        None => "this is not an upload in parts".to_owned(),
    };
    conflict("not_open", message)
}

fn conflict(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, code, message)
}
