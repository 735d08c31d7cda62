//! Extractors of requests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::desk::Desk;
use crate::entry::Id;
use crate::types::ContentType;
use crate::users::User;
use object_copy::header;

/// The user whose token the request carries.
pub(super) struct Caller(pub(super) Arc<User>);

impl FromRequestParts<Desk> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, ApiError> {
        let user = desk.0.users.who(header::only(&parts.headers, AUTHORIZATION));
        user.cloned().map(Self).ok_or_else(ApiError::unauthorized)
    }
}

/// A body of JSON.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON, with Content-Type: application/json",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection))?;
        let parsed = serde_json::from_slice(&body);
        parsed.map(Self).map_err(|error| {
            ApiError::malformed(format!("the body does not have the expected form: {error}"))
        })
    }
}

/// A raw body.
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unread(&rejection))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        header::only(headers, CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ContentType::parse(content_type).is_some_and(|content_type| content_type.is("application/json"))
}

fn unread(rejection: &BytesRejection) -> ApiError {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(status, "too_large", "the body is larger than any valid request");
    }
    ApiError::malformed("the body broke off")
}

/// A query.
pub(super) struct QueryParams<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|error| ApiError::malformed(error.body_text()))
    }
}

/// The id in the path. An invalid id counts as an unknown one.
pub(super) struct PathId(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = id.and_then(|Path(id)| id.parse().ok());
        id.map(Self).ok_or_else(unknown_id)
    }
}

pub(super) fn unknown_id() -> ApiError {
    ApiError::not_found("unknown id")
}
