//! The HTTP interface: routes and authentication. `openapi.json` beside this file describes it.
//!
//! | module | concern |
//! |---|---|
//! | `error` | error responses |
//! | `extract` | bodies, queries, ids and users of requests |
//! | `shown` | how objects and uploads are shown |
//! | `uploads`, `multipart`, `objects`, `buckets` | the routes of users |
//! | `callback` | the route of OSS |
//! | `page` | the page and its files |

mod buckets;
mod callback;
mod error;
mod extract;
mod multipart;
mod objects;
mod page;
mod respond;
mod shown;
mod uploads;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use metrics::MEDIA_TYPE;
use serde_json::json;

use self::error::ApiError;
use self::extract::Caller;
use self::respond::json;
use crate::desk::Desk;
use crate::users::Role;

/// Longest request body, in bytes. Bodies only describe objects.
const MAX_BODY: usize = 64 << 10;

const OPENAPI: &str = include_str!("openapi.json");

/// All routes; `requests` is the limit of concurrent requests.
///
/// A body is read only after the user's token was checked. OSS has none, so callbacks have permits of their
/// own.
pub(crate) fn router(desk: Desk, requests: usize) -> Router {
    let permits = callback::CallbackPermits::among(requests);
    page::routes()
        .route("/openapi.json", get(openapi))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .route("/me", get(me))
        .route("/uploads", post(uploads::allow))
        .route("/uploads/from-url", post(uploads::from_url))
        .route("/uploads/multipart", get(multipart::list).post(multipart::begin))
        .route("/uploads/{id}", get(uploads::show).delete(multipart::abort))
        .route("/uploads/{id}/parts", get(multipart::stored).post(multipart::sign))
        .route("/uploads/{id}/complete", post(multipart::complete))
        .route("/uploads/{id}/check", post(uploads::check))
        .route("/callback", post(move |desk, request| callback::take(desk, permits, request)))
        .route("/objects", get(objects::list))
        .route("/objects/{id}", get(objects::show).delete(objects::delete))
        .route("/buckets", post(buckets::create))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(desk)
}

async fn openapi() -> Response {
    respond::text("application/json", OPENAPI)
}

async fn health(State(desk): State<Desk>) -> Result<Response, ApiError> {
    desk.0.catalogue.ping().await?;
    Ok(json(&json!({ "status": "ok" })))
}

async fn metrics(State(desk): State<Desk>) -> Response {
    respond::text(MEDIA_TYPE, desk.metrics())
}

/// The caller, and the settings that the page needs.
async fn me(State(desk): State<Desk>, Caller(user): Caller) -> Response {
    let settings = &desk.0.rules;
    json(&json!({
        "user": user.name,
        "admin": user.role == Role::Admin,
        "max_size": settings.max_size,
        "types": settings.types.list(),
        "from_url": desk.0.fetcher.is_some(),
        "forward": desk.0.forwarding.is_some(),
        "upload_origin": desk.0.store.public_origin(),
        "multipart_above": settings.multipart_above(),
    }))
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is no {}", uri.path()))
}

async fn not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::method_not_allowed(format!("{} does not support {method}", uri.path()))
}
