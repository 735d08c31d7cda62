//! Buckets.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use oss_lite::{BucketName, ErrorKind};
use serde::Deserialize;
use serde_json::json;

use super::error::ApiError;
use super::extract::{Caller, Json};
use super::respond::json_with;
use crate::desk::Desk;
use crate::users::Role;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBucket {
    name: String,
}

/// `POST /buckets`
pub(super) async fn create(
    State(desk): State<Desk>,
    Caller(user): Caller,
    Json(wanted): Json<CreateBucket>,
) -> Result<Response, ApiError> {
    if user.role != Role::Admin {
        return Err(ApiError::forbidden("forbidden", format!("{} is not an admin of this desk", user.name)));
    }
    let name: BucketName = wanted.name.parse().map_err(|error: oss_lite::Error| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_name", error.to_string())
    })?;
    match desk.0.store.create_bucket(&name).await {
        Ok(()) => Ok(json_with(StatusCode::CREATED, &json!({ "name": name.as_str() }))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("the name {name} is taken: names of buckets are unique in all of OSS");
            Err(ApiError::new(StatusCode::CONFLICT, "already_exists", message))
        }
        Err(error) if matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::CredentialsRefused) => {
            tracing::warn!(%error, "OSS refuses to create a bucket");
            Err(ApiError::forbidden(
                "access_denied",
                "the desk's credentials lack the permission to create buckets",
            ))
        }
        Err(error) => Err(error.into()),
    }
}
