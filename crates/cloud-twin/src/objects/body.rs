//! Taking in a request body: framing, size, checksums.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use super::Dialect;
use crate::error::{ApiError, Outcome};
use crate::store::{Digests, Hasher};

/// Largest object of one PUT, and largest part.
pub(crate) const MAX_OBJECT: u64 = 5 << 30;
/// Largest XML body.
pub(crate) const MAX_DOCUMENT: u64 = 2 << 20;
const MAX_RESERVED: usize = 64 << 20;

/// Why no body came: a refusal to answer, or a client that went away, to whom nothing can be said.
pub(crate) enum BodyError {
    Refused(ApiError),
    Aborted,
}

impl From<ApiError> for BodyError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// Reads the whole body and checks `Content-MD5` where it is given.
pub(crate) async fn receive(
    dialect: Dialect,
    headers: &HeaderMap,
    mut body: Incoming,
    limit: u64,
) -> Result<(Bytes, Digests), BodyError> {
    if !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING) {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(ApiError::new(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message).into());
    }
    let announced = body.size_hint().exact().unwrap_or_default();
    let too_large =
        || ApiError::bad_request("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.");
    if announced > limit {
        return Err(too_large().into());
    }
    let expected_md5 = content_md5(headers)?;
    let mut data = Vec::with_capacity(usize::try_from(announced).unwrap_or(MAX_RESERVED).min(MAX_RESERVED));
    let mut hasher = Hasher::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Aborted)?;
        let Ok(piece) = frame.into_data() else { continue };
        hasher.update(&piece);
        data.extend_from_slice(&piece);
        if data.len() as u64 > limit {
            return Err(too_large().into());
        }
    }
    let digests = hasher.finish();
    match expected_md5 {
        Some(expected) if expected != digests.md5 => Err(md5_mismatch(dialect).into()),
        _ => Ok((Bytes::from(data), digests)),
    }
}

fn content_md5(headers: &HeaderMap) -> Outcome<Option<[u8; 16]>> {
    let Some(value) = headers.get("content-md5") else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    decoded
        .map(Some)
        .ok_or_else(|| ApiError::bad_request("InvalidDigest", "The Content-MD5 you specified is not valid."))
}

fn md5_mismatch(dialect: Dialect) -> ApiError {
    let message = "The Content-MD5 you specified did not match what we received.";
    match dialect {
        Dialect::Oss => ApiError::bad_request("InvalidDigest", message),
        Dialect::Obs => ApiError::bad_request("BadDigest", message),
    }
}
