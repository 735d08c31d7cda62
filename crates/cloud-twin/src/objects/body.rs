//! Taking in a request body: framing, size, checksums.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::body::RequestBody;
use crate::content::{Content, ContentBuilder, Taken};
use crate::dialect::Dialect;
use crate::digest::{Digests, Hasher};
use crate::error::{ApiError, Outcome};

/// Largest object of one PUT, and largest part.
pub(crate) const MAX_OBJECT: u64 = 5 << 30;
/// Largest XML body.
pub(crate) const MAX_DOCUMENT: u64 = 2 << 20;
const MAX_RESERVED: u64 = 64 << 20;

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
    mut body: RequestBody,
    limit: u64,
) -> Result<(Content, Digests), BodyError> {
    check_framing(headers)?;
    let announced = body.announced().unwrap_or_default();
    if announced > limit {
        return Err(too_large().into());
    }
    let mut intake = Intake::new(headers, announced, limit)?;
    while let Some(piece) = body.piece().await {
        intake.take(&piece.map_err(|_| BodyError::Aborted)?)?;
    }
    Ok(intake.finish(dialect)?)
}

/// Reads a document that may be missing, announced or not.
pub(super) async fn receive_document(
    dialect: Dialect,
    headers: &HeaderMap,
    body: RequestBody,
) -> Result<Bytes, BodyError> {
    if check_framing(headers).is_err() {
        body.drain().await;
        return Ok(Bytes::new());
    }
    let (content, _) = receive(dialect, headers, body, MAX_DOCUMENT).await?;
    Ok(content.to_bytes())
}

/// Refuses a request that does not say where its body ends.
pub(super) fn check_framing(headers: &HeaderMap) -> Outcome<()> {
    if !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING) {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(ApiError::new(StatusCode::LENGTH_REQUIRED, "MissingContentLength", message));
    }
    Ok(())
}

/// Content on its way in, with its checksums.
pub(super) struct Intake {
    content: ContentBuilder,
    hasher: Hasher,
    expected_md5: Option<[u8; 16]>,
    /// What a caller that speaks AWS signature V4 signed instead of the content, and its digest so far.
    signed_sha256: Option<(String, Sha256)>,
    announced: u64,
    received: u64,
    limit: u64,
}

impl Intake {
    /// `headers` may have an MD5 to check; `announced` bytes are expected, `limit` are allowed.
    pub(super) fn new(headers: &HeaderMap, announced: u64, limit: u64) -> Outcome<Self> {
        Ok(Self {
            content: ContentBuilder::default(),
            hasher: Hasher::default(),
            expected_md5: content_md5(headers)?,
            signed_sha256: signed_sha256(headers).map(|expected| (expected, Sha256::new())),
            announced,
            received: 0,
            limit,
        })
    }

    pub(super) fn take(&mut self, piece: &[u8]) -> Outcome<()> {
        if let Some((_, sha256)) = &mut self.signed_sha256 {
            sha256.update(piece);
        }
        let expected = self.announced.saturating_sub(self.received).min(MAX_RESERVED);
        match self.content.push(piece, usize::try_from(expected).unwrap_or_default()) {
            Taken::Bytes => self.hasher.update(piece),
            Taken::Zeros => self.hasher.zeros(piece.len() as u64),
        }
        self.received += piece.len() as u64;
        if self.received > self.limit { Err(too_large()) } else { Ok(()) }
    }

    pub(super) fn finish(self, dialect: Dialect) -> Outcome<(Content, Digests)> {
        let digests = self.hasher.finish();
        if let Some((expected, sha256)) = self.signed_sha256
            && hex::encode(sha256.finalize()) != expected
        {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(ApiError::bad_request("XAmzContentSHA256Mismatch", message));
        }
        match self.expected_md5 {
            Some(expected) if expected != digests.md5 => Err(md5_mismatch(dialect)),
            _ => Ok((self.content.finish(), digests)),
        }
    }
}

fn too_large() -> ApiError {
    ApiError::bad_request("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
}

/// The SHA-256 of the body that a signature covers, unless it leaves the body out.
fn signed_sha256(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-amz-content-sha256")?.to_str().ok()?;
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| value.to_ascii_lowercase())
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
