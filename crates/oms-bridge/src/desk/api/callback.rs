//! `POST /callback`: OSS says that an upload is stored, and passes the answer on to the browser.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use oss_lite::callback::{CallbackError, CallbackErrorKind, CallbackParts};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::error::ApiError;
use super::extract::{Raw, json};
use super::shown::Object;
use crate::desk::Desk;
use crate::desk::entry::{Arrival, Entry, Id, News};
use crate::desk::store::{Preview, told_md5};

/// What a callback is answered within, come what may. OSS waits for 5 seconds, the way included.
const PATIENCE: Duration = Duration::from_secs(4);

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

/// `POST /callback`
pub(super) async fn take(
    State(desk): State<Desk>,
    uri: Uri,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, ApiError> {
    let answer = timeout(PATIENCE, answer(&desk, &uri, &headers, &body)).await;
    let answer = answer.unwrap_or_else(|_| {
        Err(ApiError::unavailable(
            "too_slow",
            "the upload cannot be written down in time; it is settled later",
        ))
    });
    let counters = desk.counters();
    if answer.is_ok() {
        counters.callbacks.up();
    } else {
        counters.callbacks_refused.up();
    }
    answer
}

async fn answer(desk: &Desk, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Response, ApiError> {
    let Some(url) = desk.callback_url() else {
        return Err(ApiError::not_found("this desk asks for no callbacks: DESK_CALLBACK_URL is not set"));
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A gateway in front may have another path than the one that OSS called and signed.
    let parts = CallbackParts {
        path: url.path(),
        query: uri.query(),
        authorization: header(AUTHORIZATION.as_str()),
        pub_key_url: header(KEY_URL),
        body,
    };
    desk.0.callback_keys.verify(&parts).await?;
    let told: Told = serde_json::from_slice(body)
        .map_err(|error| ApiError::malformed(format!("the body is not what the desk asked for: {error}")))?;
    let entry = desk.arrived(told).await?;
    let object = Object::of(desk, &entry, Preview::default())?;
    Ok(json(&Answer { id: entry.id.to_string(), state: entry.state.as_str(), object }))
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
