//! `POST /callback`: OSS says that an upload is stored, and passes the answer on to the browser.
//!
//! Everybody reaches this route, and the signature is over the body: it has to be read before it is known who called. So what cannot be
//! of OSS by its head is refused before that, and what can be takes one of a few [`Places`] until it is verified, and must come soon. What
//! is refused for want of a place is settled later, as every upload is whose callback never comes; users are not kept out.

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
use super::extract::{Raw, json};
use super::shown::Object;
use crate::Desk;
use crate::entry::{Arrival, Entry, Id, News};
use crate::store::{Preview, told_md5};
use object_copy::header;

/// What a callback is answered within, come what may, once it has come. OSS waits for 5 seconds, the way included.
const PATIENCE: Duration = Duration::from_secs(4);

/// What its body must come within: nobody waits for the answer any more then.
const BODY: Duration = Duration::from_secs(5);

/// Most callbacks at once that are not verified.
const MOST_UNVERIFIED: usize = 64;

const KEY_URL: &str = "x-oss-pub-key-url";

/// The body, as the desk asked for it when it signed the policy.
#[derive(Debug, Deserialize)]
struct Told {
    upload: String,
    bucket: String,
    object: String,
    etag: Option<String>,
    size: u64,
    #[serde(rename = "type")]
    content_type: Option<String>,
    md5: Option<String>,
}

/// What the browser gets.
#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    state: &'static str,
    object: Object,
}

/// What a callback is to the row that it names.
enum Verdict {
    /// It names no upload that was allowed.
    Unknown,
    /// Its upload could not have been: the policy pins size and type.
    Contradicts,
    /// It says this.
    Fits(News),
}

/// Places for callbacks that are not verified. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    /// Some of the places for all requests, so that others are left.
    pub(super) fn among(requests: usize) -> Self {
        Self(Arc::new(Semaphore::new((requests / 2).clamp(1, MOST_UNVERIFIED))))
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        place.map_err(|_| {
            ApiError::unavailable("busy", "too many callbacks at once; the upload is settled later")
        })
    }
}

/// What the head says.
struct Called {
    query: Option<String>,
    authorization: String,
    key_url: String,
}

impl Called {
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

    /// A gateway in front may have another path than the one that OSS called and signed.
    fn at<'c>(&'c self, path: &'c str, body: &'c [u8]) -> CallbackParts<'c> {
        let Self { query, authorization, key_url } = self;
        CallbackParts { path, query: query.as_deref(), authorization, pub_key_url: key_url, body }
    }
}

/// `POST /callback`
pub(super) async fn take(
    State(desk): State<Desk>,
    places: Places,
    request: Request,
) -> Result<Response, ApiError> {
    let answer = answer(&desk, &places, request).await;
    let counters = desk.counters();
    if answer.is_ok() {
        counters.callbacks.up();
    } else {
        counters.callbacks_refused.up();
    }
    answer
}

async fn answer(desk: &Desk, places: &Places, request: Request) -> Result<Response, ApiError> {
    let Some(url) = desk.callback_url() else {
        return Err(ApiError::not_found("this desk asks for no callbacks: DESK_CALLBACK_URL is not set"));
    };
    let called = Called::of(&request);
    desk.0.callback_keys.check_head(&called.at(url.path(), &[]))?;
    let place = places.take()?;
    let Raw(body) = timeout(BODY, Raw::from_request(request, &())).await.unwrap_or_else(|_| {
        Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body came too slowly"))
    })?;
    let settled = async {
        desk.0.callback_keys.verify(&called.at(url.path(), &body)).await?;
        drop(place);
        let told: Told = serde_json::from_slice(&body).map_err(|error| {
            ApiError::malformed(format!("the body is not what the desk asked for: {error}"))
        })?;
        let entry = desk.arrived(told).await?;
        let object = Object::of(desk, &entry, Preview::default())?;
        Ok(json(&Answer { id: entry.id.to_string(), state: entry.state.as_str(), object }))
    };
    timeout(PATIENCE, settled).await.unwrap_or_else(|_| {
        Err(ApiError::unavailable(
            "too_slow",
            "the upload cannot be written down in time; it is settled later",
        ))
    })
}

impl Desk {
    /// Writes down what OSS says. Durable once this returns.
    async fn arrived(&self, told: Told) -> Result<Entry, ApiError> {
        let unknown = || ApiError::not_found("no such upload was allowed here");
        let id: Id = told.upload.parse().map_err(|_| unknown())?;
        let arrival = Arrival {
            etag: told.etag.map(|etag| etag.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty()),
            size: told.size,
            content_type: told.content_type.filter(|text| !text.is_empty()),
            md5: told.md5.as_deref().and_then(told_md5),
        };
        let (bucket, key, now) = (told.bucket, told.object, self.now());
        let mut verdict = Verdict::Unknown;
        let updated = self.update(&id, |entry| {
            // What the desk fetches is uploaded by nobody.
            let allowed = entry.source_url.is_none() && entry.bucket == bucket && entry.key == key;
            verdict = if !allowed {
                Verdict::Unknown
            } else if entry.agrees_with(&arrival) {
                Verdict::Fits(entry.arrived(arrival.clone(), now))
            } else {
                Verdict::Contradicts
            };
        });
        let entry = updated.await?.ok_or_else(unknown)?;
        match verdict {
            Verdict::Unknown => Err(unknown()),
            Verdict::Contradicts => Err(ApiError::new(
                StatusCode::CONFLICT,
                "contradicts",
                "the size or the content type is not the one that was allowed",
            )),
            Verdict::Fits(News::Repeated) => Ok(entry),
            Verdict::Fits(News::First) => {
                tracing::info!(key = entry.key, size = entry.size, "uploaded");
                self.counters().stored.up();
                self.wake();
                Ok(entry)
            }
            Verdict::Fits(News::Unwanted) => {
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
