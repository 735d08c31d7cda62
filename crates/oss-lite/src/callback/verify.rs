//! Verifies the signature of a callback.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use super::error::{CallbackError, CallbackErrorKind};
use super::public_key::PublicKey;

/// Of the header: a signature of 4096 bits has 684 characters.
const LONGEST_SIGNATURE: usize = 1024;

/// What arrived, byte for byte.
#[derive(Clone, Copy)]
pub struct CallbackParts<'a> {
    /// The path of the request, still encoded, such as `/callback`.
    pub path: &'a str,
    /// What follows the first `?` of the request, still encoded; `None` without `?`.
    pub query: Option<&'a str>,
    /// The header `Authorization`.
    pub authorization: &'a str,
    /// The header `x-oss-pub-key-url`.
    pub pub_key_url: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Without the signature and the body.
impl std::fmt::Debug for CallbackParts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackParts").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Checks the signature of a callback: RSASSA-PKCS1-v1_5 with MD5, by the key that
/// [`pub_key_url`](CallbackParts::pub_key_url) names.
///
/// See the [module](super#what-a-good-signature-proves) on how little it proves.
pub fn verify(key: &PublicKey, parts: &CallbackParts<'_>) -> Result<(), CallbackError> {
    verify_signature(key, parts, &signature(parts)?)
}

/// The signature, as far as it can be judged without a key.
pub(super) fn signature(parts: &CallbackParts<'_>) -> Result<Vec<u8>, CallbackError> {
    let malformed = |why| CallbackError::new(CallbackErrorKind::Malformed, why);
    // What is signed has these between its parts, so they would let a part pass for another.
    if percent_decode_str(parts.path).any(|byte| matches!(byte, b'?' | b'\n')) {
        return Err(malformed("the path of the callback has a question mark or a line feed in it"));
    }
    if parts.authorization.len() > LONGEST_SIGNATURE {
        return Err(malformed("the signature of the callback is too long"));
    }
    match BASE64.decode(parts.authorization) {
        Ok(signature) if !signature.is_empty() => Ok(signature),
        _ => Err(malformed("the signature of the callback is not base64")),
    }
}

pub(super) fn verify_signature(
    key: &PublicKey,
    parts: &CallbackParts<'_>,
    signature: &[u8],
) -> Result<(), CallbackError> {
    if key.signed(&digest(parts), signature) {
        return Ok(());
    }
    Err(CallbackError::new(
        CallbackErrorKind::Forged,
        "the signature of the callback does not match its path, query and body",
    ))
}

/// MD5 of what OSS signs.
fn digest(parts: &CallbackParts<'_>) -> [u8; 16] {
    let mut md5 = Md5::new();
    for bytes in percent_decode_str(parts.path) {
        md5.update([bytes]);
    }
    if let Some(query) = parts.query {
        md5.update(b"?");
        md5.update(query);
    }
    md5.update(b"\n");
    md5.update(parts.body);
    md5.finalize().into()
}
