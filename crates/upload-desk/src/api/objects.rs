//! Routes of stored objects.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{Caller, PathId, QueryParams, unknown_id};
use super::respond::json;
use super::shown::ObjectView;
use super::uploads::own;
use crate::catalogue::ListFilter;
use crate::desk::Desk;
use crate::entry::{Id, UploadState};
use crate::store::{MAX_SIDE, Preview};

const MOST: u32 = 100;
const USUAL: u32 = 50;

/// A week, in milliseconds: no video is longer.
const LATEST: u64 = 7 * 24 * 3_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<u32>,
    after: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct ObjectPage {
    objects: Vec<ObjectView>,
    next: Option<String>,
}

/// `GET /objects`
pub(super) async fn list(
    State(desk): State<Desk>,
    Caller(user): Caller,
    QueryParams(page): QueryParams<ListQuery>,
) -> Result<Response, ApiError> {
    let limit = page.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::malformed(format!("limit is not a number from 1 to {MOST}")));
    }
    let before = page.after.as_deref().map(str::parse::<Id>).transpose();
    let before = before.map_err(|_| ApiError::malformed("after is not the value of next in another page"))?;
    let name = page.name.filter(|name| !name.is_empty());
    // One more shows whether there is another page.
    let listing = ListFilter { before, name, limit: limit + 1 };
    let mut entries = desk.0.catalogue.list(&user.name, &listing).await?;
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|entry| entry.id.to_string());
    let objects = entries.iter().map(|entry| ObjectView::of(&desk, entry, Preview::default()));
    Ok(json(&ObjectPage { objects: objects.collect::<Result<_, _>>()?, next }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewQuery {
    width: Option<u32>,
    height: Option<u32>,
    at: Option<u64>,
}

/// `GET /objects/{id}`
pub(super) async fn show(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
    QueryParams(PreviewQuery { width, height, at }): QueryParams<PreviewQuery>,
) -> Result<Response, ApiError> {
    if [width, height].into_iter().flatten().any(|side| !(1..=MAX_SIDE).contains(&side)) {
        return Err(ApiError::malformed(format!("width and height are numbers from 1 to {MAX_SIDE}")));
    }
    if at.is_some_and(|at| at > LATEST) {
        return Err(ApiError::malformed(format!("at is not a number of milliseconds from 0 to {LATEST}")));
    }
    let entry = own(&desk, &user, &id).await?;
    if entry.state != UploadState::Stored {
        return Err(unknown_id());
    }
    let preview = Preview { width, height, at }.or_usual();
    ObjectView::of(&desk, &entry, preview).map(|object| json(&object))
}

/// `DELETE /objects/{id}`: hidden from its user at once, and removed from the bucket soon.
pub(super) async fn delete(
    State(desk): State<Desk>,
    Caller(user): Caller,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    own(&desk, &user, &id).await?;
    let now = desk.now();
    let deleted = desk.update(&id, |entry| entry.request_deletion(now)).await?;
    deleted.ok_or_else(unknown_id)?;
    desk.wake();
    Ok(StatusCode::NO_CONTENT)
}
