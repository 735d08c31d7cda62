//! What OMS, or the gateway before it, answered: parsing and classification.
//!
//! Errors: <https://support.huaweicloud.com/api-oms/ErrorCode.html>,
//! <https://support.huaweicloud.com/en-us/devg-apisign/api-sign-errorcode.html>.

use http::StatusCode;
use serde_json::Value;

use super::pace::{StatedLimit, stated_limit};
use crate::engine::{EngineError, FailureClass};

/// Longest message kept; gateway pages in HTML can be long.
const MAX_MESSAGE: usize = 500;

/// What to do about a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Wait, then try again.
    Retry,
    /// Wait as long as the reply says, then try again.
    Throttled(Option<StatedLimit>),
    /// The signature was refused.
    Unauthorized,
    /// The access key is locked by the gateway.
    Locked,
    /// Some key of the batch is at fault: send its halves.
    Split,
    /// Trying again is no use.
    Fail(FailureClass),
}

/// Decides what a refused request means.
pub(super) fn classify(error: &EngineError) -> Verdict {
    match error.status {
        None | Some(200..=299 | 408 | 500 | 502 | 503 | 504) => Verdict::Retry,
        Some(429) => Verdict::Throttled(stated_limit(&error.message)),
        Some(401) if error.message.contains("failed to reach the limit") => Verdict::Locked,
        Some(401) => Verdict::Unauthorized,
        Some(400) => Verdict::Split,
        Some(403) => Verdict::Fail(FailureClass::Auth),
        Some(_) => Verdict::Fail(FailureClass::Permanent),
    }
}

/// Reads an error body the way the vendor's SDKs do: `error_code`/`error_msg`, `errorCode`/`errorMsg`,
/// `code`/`message`, nested objects, else the text itself. Gives the error and the request id, if the body has one.
pub(crate) fn parse_error(status: StatusCode, body: &[u8]) -> (EngineError, Option<String>) {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let request_id = parsed.as_ref().and_then(|value| text(value.get("request_id")?));
    let (code, message) = parsed.as_ref().and_then(find_error).map_or_else(
        || (None, String::from_utf8_lossy(body).into_owned()),
        |(code, message)| (Some(code), message),
    );
    let message = match clean(&message) {
        message if message.is_empty() => status.canonical_reason().unwrap_or("no message").to_owned(),
        message => message,
    };
    (EngineError { status: Some(status.as_u16()), code, message }, request_id)
}

/// Whether a 2xx body is an error after all.
pub(super) fn is_error_body(body: &[u8]) -> bool {
    !body.is_empty() && serde_json::from_slice(body).ok().as_ref().and_then(find_error).is_some()
}

fn find_error(value: &Value) -> Option<(String, String)> {
    let object = value.as_object()?;
    [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")]
        .into_iter()
        .find_map(|(code, message)| Some((text(object.get(code)?)?, text(object.get(message)?)?)))
        .or_else(|| object.values().find_map(find_error))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One line of bounded length. The gateway echoes the canonical request on a bad signature, and that carries header
/// values such as the security token: it is cut off.
fn clean(message: &str) -> String {
    const ECHO: &str = "canonicalRequest";
    let message = message.find(ECHO).map_or(message, |at| &message[..at]);
    let mut cleaned: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if cleaned.len() > MAX_MESSAGE {
        cleaned.truncate(cleaned.floor_char_boundary(MAX_MESSAGE));
        cleaned.push('…');
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn error(status: u16, body: &str) -> EngineError {
        parse_error(StatusCode::from_u16(status).unwrap(), body.as_bytes()).0
    }

    #[test]
    fn error_bodies_of_every_shape_are_read() {
        for (body, code, message) in [
            (r#"{"error_code":"OMS.2004","error_msg":"try later"}"#, Some("OMS.2004"), "try later"),
            (r#"{"errorCode":"X","errorMsg":"y"}"#, Some("X"), "y"),
            (r#"{"code":403,"message":"no"}"#, Some("403"), "no"),
            (r#"{"error":{"error_code":"N","error_msg":"nested"}}"#, Some("N"), "nested"),
            (r#"{"error_code":"half"}"#, None, r#"{"error_code":"half"}"#),
            ("<html>\n <b>Bad Gateway</b>", None, "<html> <b>Bad Gateway</b>"),
            ("", None, "Service Unavailable"),
        ] {
            let error = error(503, body);
            assert_eq!((error.code.as_deref(), error.message.as_str()), (code, message), "{body}");
        }
        let long = error(500, &"é".repeat(1000));
        assert!(long.message.len() <= MAX_MESSAGE + '…'.len_utf8());
    }

    #[test]
    fn the_request_id_is_found() {
        let body = br#"{"error_msg":"m","error_code":"c","request_id":"7a"}"#;
        assert_eq!(parse_error(StatusCode::UNAUTHORIZED, body).1.as_deref(), Some("7a"));
    }

    #[test]
    fn the_echoed_canonical_request_is_cut_off() {
        let body = r#"{"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|/v2/|x-security-token:SECRET|","error_code":"APIGW.0301"}"#;
        let error = error(401, body);
        assert_eq!(error.message, "Incorrect IAM authentication information: verify aksk signature fail,");
    }

    #[test]
    fn replies_are_classified_as_documented() {
        let verdict = |status: u16, message: &str| {
            classify(&EngineError { status: Some(status), code: None, message: message.into() })
        };
        assert_eq!(classify(&EngineError::local("connection reset")), Verdict::Retry);
        for status in [200, 408, 500, 502, 503, 504] {
            assert_eq!(verdict(status, ""), Verdict::Retry, "{status}");
        }
        assert_eq!(verdict(429, "slow down"), Verdict::Throttled(None));
        let stated = StatedLimit { requests: 20, window: Duration::from_mins(1) };
        assert_eq!(verdict(429, "over ratelimit,limit:20,time:1 minute"), Verdict::Throttled(Some(stated)));
        assert_eq!(verdict(401, "verify aksk signature fail"), Verdict::Unauthorized);
        assert_eq!(verdict(401, "AK access failed to reach the limit,forbidden"), Verdict::Locked);
        assert_eq!(verdict(400, ""), Verdict::Split);
        assert_eq!(verdict(403, ""), Verdict::Fail(FailureClass::Auth));
        for status in [302, 404, 405, 413, 501] {
            assert_eq!(verdict(status, ""), Verdict::Fail(FailureClass::Permanent), "{status}");
        }
    }

    #[test]
    fn a_success_with_an_error_in_it_is_noticed() {
        assert!(is_error_body(br#"{"error_code":"OMS.1","error_msg":"no"}"#));
        assert!(!is_error_body(b"") && !is_error_body(b"{}") && !is_error_body(b"ok"));
    }
}
