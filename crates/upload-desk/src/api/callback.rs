//! `POST /callback`: OSS reports that an upload is stored, and passes the response on to the browser.
//!
//! Anybody can reach this route, and the signature covers the body, which must be read before the caller is
//! known. So a request whose head cannot be from OSS is refused first; others need one of a few
//! [`CallbackPermits`] until they are verified, and their body must arrive soon. If no permit is free, the
//! worker checks the upload later, as it does for every upload without a callback; requests of users are not
//! affected.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use oss_lite::callback::{CallbackError, CallbackErrorKind, CallbackParts};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::ApiError;
use super::extract::Raw;
use super::respond::json;
use super::shown::ObjectView;
use crate::desk::Desk;
use crate::entry::{Arrival, ArrivalEffect, Entry, Id};
use crate::store::{Preview, parse_md5};
use object_copy::header;

/// Time limit for responding to a callback after it was read. OSS waits for 5 seconds, including the network.
const PATIENCE: Duration = Duration::from_secs(4);

/// Time limit for its body: OSS does not wait for the response longer.
const BODY: Duration = Duration::from_secs(5);

/// Most concurrent callbacks that are not verified yet.
const MOST_UNVERIFIED: usize = 64;

const KEY_URL: &str = "x-oss-pub-key-url";

/// The body, in the format that the desk requested in the policy.
#[derive(Debug, Deserialize)]
struct CallbackPayload {
    upload: String,
    bucket: String,
    object: String,
    etag: Option<String>,
    size: u64,
    #[serde(rename = "type")]
    content_type: Option<String>,
    md5: Option<String>,
}

/// The response to the browser.
#[derive(Debug, Serialize)]
struct CallbackResponse {
    id: String,
    state: &'static str,
    object: ObjectView,
}

/// How a callback relates to the row that it names.
enum CallbackMatch {
    /// It names no upload that was allowed.
    Unknown,
    /// It contradicts the policy, which fixes size and type.
    Contradicts,
    /// It matches, with this effect.
    Fits(ArrivalEffect),
}

/// Permits for callbacks that are not verified yet. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CallbackPermits(Arc<Semaphore>);

impl CallbackPermits {
    /// Permits for a part of all requests, so that some are left for users.
    pub(super) fn among(requests: usize) -> Self {
        Self(Arc::new(Semaphore::new((requests / 2).clamp(1, MOST_UNVERIFIED))))
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        permit.map_err(|_| {
            ApiError::unavailable("busy", "too many callbacks at once; the upload is settled later")
        })
    }
}

/// The head of a callback.
struct CallbackHead {
    query: Option<String>,
    authorization: String,
    key_url: String,
}

impl CallbackHead {
    fn of(request: &Request) -> Self {
        let header = |name: &str| {
            let value = header::only(request.headers(), name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Self {
            query: request.uri().query().map(str::to_owned),
            authorization: header(AUTHORIZATION.as_str()),
            key_url: header(KEY_URL),
        }
    }

    /// The path is that of the callback URL, which OSS signed: a gateway in front may have changed it.
    fn at<'c>(&'c self, path: &'c str, body: &'c [u8]) -> CallbackParts<'c> {
        let Self { query, authorization, key_url } = self;
        CallbackParts { path, query: query.as_deref(), authorization, pub_key_url: key_url, body }
    }
}

/// `POST /callback`
pub(super) async fn take(
    State(desk): State<Desk>,
    permits: CallbackPermits,
    request: Request,
) -> Result<Response, ApiError> {
    let answer = answer(&desk, &permits, request).await;
    let counters = &desk.0.counters;
    if answer.is_ok() {
        counters.callbacks.increment();
    } else {
        counters.callbacks_refused.increment();
    }
    answer
}

async fn answer(desk: &Desk, permits: &CallbackPermits, request: Request) -> Result<Response, ApiError> {
    let Some(url) = desk.0.callbacks.url.as_ref() else {
        return Err(ApiError::not_found("this desk does not use callbacks: DESK_CALLBACK_URL is not set"));
    };
    let called = CallbackHead::of(&request);
    desk.0.callbacks.keys.check_head(&called.at(url.path(), &[]))?;
    let permit = permits.take()?;
    let Raw(body) = timeout(BODY, Raw::from_request(request, &())).await.unwrap_or_else(|_| {
        Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body arrived too slowly"))
    })?;
    let settled = async {
        desk.0.callbacks.keys.verify(&called.at(url.path(), &body)).await?;
        drop(permit);
        let told: CallbackPayload = serde_json::from_slice(&body).map_err(|error| {
            ApiError::malformed(format!("the body does not have the form that the desk requested: {error}"))
        })?;
        let entry = desk.record_callback(told).await?;
        let object = ObjectView::of(desk, &entry, Preview::default())?;
        Ok(json(&CallbackResponse { id: entry.id.to_string(), state: entry.state.as_str(), object }))
    };
    timeout(PATIENCE, settled).await.unwrap_or_else(|_| {
        Err(ApiError::unavailable("too_slow", "the upload cannot be recorded in time; it is settled later"))
    })
}

impl Desk {
    /// Records the callback. Durable once this returns.
    async fn record_callback(&self, told: CallbackPayload) -> Result<Entry, ApiError> {
        let unknown = || ApiError::not_found("this desk has not allowed such an upload");
        let id: Id = told.upload.parse().map_err(|_| unknown())?;
        let arrival = Arrival {
            etag: told.etag.map(|etag| etag.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty()),
            size: told.size,
            content_type: told.content_type.filter(|text| !text.is_empty()),
            md5: told.md5.as_deref().and_then(parse_md5),
            crc64: None,
        };
        let (bucket, key, now) = (told.bucket, told.object, self.now());
        let mut verdict = CallbackMatch::Unknown;
        let updated = self.update(&id, |entry| {
            // An object that the desk fetches or puts together has no callback.
            let is_of_form = entry.source_url.is_none() && entry.multipart.is_none();
            let allowed = is_of_form && entry.bucket == bucket && entry.key == key;
            verdict = if !allowed {
                CallbackMatch::Unknown
            } else if entry.matches_announcement(&arrival) {
                CallbackMatch::Fits(entry.record_arrival(arrival.clone(), now))
            } else {
                CallbackMatch::Contradicts
            };
        });
        let entry = updated.await?.ok_or_else(unknown)?;
        match verdict {
            CallbackMatch::Unknown => Err(unknown()),
            CallbackMatch::Contradicts => Err(ApiError::new(
                StatusCode::CONFLICT,
                "contradicts",
                "the size or the content type is not the one that was allowed",
            )),
            CallbackMatch::Fits(ArrivalEffect::AlreadyStored) => Ok(entry),
            CallbackMatch::Fits(ArrivalEffect::FirstSeen) => {
                tracing::info!(key = entry.key, size = entry.size, "uploaded");
                self.0.counters.stored.increment();
                self.wake();
                Ok(entry)
            }
            CallbackMatch::Fits(ArrivalEffect::DeletePending) => {
                self.wake();
                Err(ApiError::new(StatusCode::GONE, "deleted", "the upload was deleted meanwhile"))
            }
        }
    }
}

impl From<CallbackError> for ApiError {
    fn from(error: CallbackError) -> Self {
        let code = match error.kind() {
            CallbackErrorKind::Malformed => "malformed",
            CallbackErrorKind::KeyUnavailable => "key_unavailable",
            _ => "forged",
        };
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, code, error.to_string())
    }
}
