//! The request that would be sent for a key, to look at.

use apig_signer::{CanonicalRequest, Credentials, Payload, SigningParams};
use chrono::{DateTime, Utc};
use http::Method;
use serde::Serialize;

use super::request::{self, encode};
use super::target::SyncUrl;

/// A request as the engine makes it. Holds no secret: the token is masked and the signature left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The key in the form that OMS expects.
    pub encoded_key: String,
    /// Method.
    pub method: &'static str,
    /// Address.
    pub url: String,
    /// Body.
    pub body: String,
    /// The canonical request, with the token masked.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
}

/// The request that forwards `key` alone, as it would be signed `now`.
///
/// # Errors
///
/// When the credentials cannot sign at all, and why not.
pub fn preview(
    target: &SyncUrl,
    credentials: &Credentials,
    key: &str,
    now: DateTime<Utc>,
) -> Result<Preview, apig_signer::Error> {
    let encoded_key = encode(key);
    let body = request::body(std::iter::once(encoded_key.as_str()));
    let mut headers = request::headers();
    let payload = Payload::Bytes(&body);
    let params = SigningParams::new(credentials, now);
    let signed = apig_signer::sign(&Method::POST, target.uri(), &mut headers, payload, &params)?;
    let covered = signed.signed_headers();
    let canonical = CanonicalRequest::new(&Method::POST, target.uri(), &headers, covered, payload.hash())?;
    Ok(Preview {
        method: "POST",
        url: target.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
        canonical_request: canonical.redacted().to_string(),
        string_to_sign: signed.string_to_sign().to_string(),
        encoded_key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_shows_every_stage_and_no_secret() {
        let target = SyncUrl::parse("https://oms.example.com/v2/p/sync-tasks/t/events").unwrap();
        let credentials = Credentials::new("AK", "hush-key").with_security_token("hush-token");
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let preview = preview(&target, &credentials, "a/b +\"测", now).unwrap();
        assert_eq!(preview.encoded_key, "a%2Fb%20%2B%22%E6%B5%8B");
        assert_eq!(preview.body, r#"{"object_keys":["a%2Fb%20%2B%22%E6%B5%8B"]}"#);
        let lines: Vec<&str> = preview.canonical_request.lines().collect();
        assert_eq!(lines[..2], ["POST", "/v2/p/sync-tasks/t/events/"]);
        assert!(lines.contains(&"x-security-token:****"), "{lines:?}");
        assert!(preview.string_to_sign.starts_with("SDK-HMAC-SHA256\n20231114T221320Z\n"));
        assert!(!format!("{preview:?}").contains("hush"));
    }

    #[test]
    fn credentials_that_cannot_sign_are_an_error() {
        let target = SyncUrl::parse("https://oms.example.com/v2/p/sync-tasks/t/events").unwrap();
        let error = preview(&target, &Credentials::new("AK", "SK\n"), "k", DateTime::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains("secret key"), "{error}");
    }
}
