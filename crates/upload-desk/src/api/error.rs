//! Error responses.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oss_lite::ErrorKind;
use serde_json::json;

use super::respond;
use crate::catalogue::{CatalogueError, CatalogueErrorKind};
use crate::desk::{LookError, NoRandomness};

/// An error response: `{"error":{"code":"…","message":"…"}}`.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub(super) fn unauthorized() -> Self {
        let message = "the header Authorization does not carry the bearer token of a user";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn method_not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(super) fn too_many(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message)
    }

    pub(super) fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }
}

impl From<CatalogueError> for ApiError {
    /// The message of the database is only logged.
    fn from(error: CatalogueError) -> Self {
        tracing::error!(%error, "the catalogue failed");
        match error.kind() {
            CatalogueErrorKind::Unavailable => {
                Self::unavailable("catalogue_unavailable", "the catalogue does not answer; try again")
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the catalogue is not usable"),
        }
    }
}

impl From<oss_lite::Error> for ApiError {
    fn from(error: oss_lite::Error) -> Self {
        tracing::warn!(%error, "OSS fails");
        match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::InvalidKey => Self::malformed(error.to_string()),
            _ => Self::new(StatusCode::BAD_GATEWAY, "storage_unavailable", "OSS failed; try again"),
        }
    }
}

impl From<LookError> for ApiError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Store(error) => error.into(),
            LookError::Catalogue(error) => error.into(),
        }
    }
}

impl From<NoRandomness> for ApiError {
    fn from(NoRandomness: NoRandomness) -> Self {
        Self::unavailable("unavailable", "the system's random number generator failed")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        if status != StatusCode::NOT_FOUND {
            tracing::warn!(status = status.as_u16(), code, message, "request refused");
        }
        let body = json!({ "error": { "code": code, "message": message } });
        let mut response = respond::json_with(status, &body);
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
