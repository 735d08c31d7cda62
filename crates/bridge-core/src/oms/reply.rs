//! Replies of OMS, or of the gateway before it: parsing and classification.
//!
//! A 2xx is believed only if it comes from the service, whose documented body is empty. JSON is accepted if
//! there is no error in it at any depth. A page of a captive portal or a proxy is a transient failure, and so
//! is an answer that breaks off: sending a key twice is harmless, not sending it is a loss. A redirect is
//! never success.
//!
//! Errors: <https://support.huaweicloud.com/api-oms/ErrorCode.html>,
//! <https://support.huaweicloud.com/en-us/devg-apisign/api-sign-errorcode.html>.

use http::StatusCode;
use oss_lite::SignatureVerdict;
use serde_json::Value;

use super::limit::{StatedLimit, stated_limit};
use super::secrets::Secrets;
use super::transport::cause;
use object_copy::outcome::{EngineError, FailureClass};

/// Longest message kept; gateway pages in HTML can be long.
const MAX_MESSAGE: usize = 500;

/// What to do about a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
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
    /// A permission is missing, or some key of the batch is at fault.
    Forbidden,
    /// Trying again is no use.
    Fail(FailureClass),
}

impl Verdict {
    /// The class of the failure if there is no further try.
    pub(crate) fn class(self) -> FailureClass {
        match self {
            Self::Retry => FailureClass::Transient,
            Self::Throttled(_) => FailureClass::Throttled,
            Self::Unauthorized | Self::Locked | Self::Forbidden => FailureClass::Auth,
            Self::Split => FailureClass::Permanent,
            Self::Fail(class) => class,
        }
    }
}

/// Decides what a refused request means.
pub(super) fn classify(error: &EngineError) -> Verdict {
    match error.status {
        None | Some(200..=299 | 408 | 500 | 502 | 503 | 504) => Verdict::Retry,
        Some(429) => Verdict::Throttled(stated_limit(&error.message)),
        Some(401) if is_locked(error) => Verdict::Locked,
        Some(401) => Verdict::Unauthorized,
        Some(400 | 413) => Verdict::Split,
        Some(403) => Verdict::Forbidden,
        Some(_) => Verdict::Fail(FailureClass::Permanent),
    }
}

/// The verdict of a refusal on the signature; see [`signature_breaker`].
pub(super) fn of_signature(error: &EngineError) -> SignatureVerdict {
    let from_behind_the_gateway = error.code.as_deref().is_some_and(|code| code.starts_with("OMS."));
    match error.status {
        Some(401) if is_locked(error) => SignatureVerdict::Locked,
        Some(401) => SignatureVerdict::Refused,
        Some(408 | 429) => SignatureVerdict::Unknown,
        Some(400..=499) if from_behind_the_gateway => SignatureVerdict::Accepted,
        _ => SignatureVerdict::Unknown,
    }
}

/// Whether the refusal is that of another server, such as a proxy, or of another service: those of OMS and
/// its gateway have a code, but for the gateway's own pages about requests that are too many, too large or
/// too slow.
pub(crate) fn is_of_another_server(error: &EngineError) -> bool {
    error.code.is_none()
        && error
            .status
            .is_some_and(|status| matches!(status, 300..=499 if !matches!(status, 401 | 408 | 413 | 429)))
}

/// Whether the code is one of those by which OMS says that there is no such task, or none for this user.
pub(crate) fn denies_task(error: &EngineError) -> bool {
    matches!(error.code.as_deref(), Some("OMS.0053" | "OMS.0054"))
}

/// Whether the gateway has locked the access key, by the text of its 401.
pub fn is_locked(error: &EngineError) -> bool {
    error.message.contains("failed to reach the limit")
}

/// Whether the gateway refuses the signature of an access key that it knows, by the text of its 401.
pub fn is_wrong_secret(message: &str) -> bool {
    message.contains("verify aksk signature fail")
}

/// Whether the gateway does not know the access key, by the text of its 401.
pub fn is_unknown_key(message: &str) -> bool {
    message.contains("ak not exist")
}

/// The error in a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReplyError {
    pub(super) error: EngineError,
    /// The request id, if the body has one.
    pub(super) request_id: Option<String>,
}

impl ReplyError {
    fn without_id(status: StatusCode, message: String) -> Self {
        Self { error: EngineError { status: Some(status.as_u16()), code: None, message }, request_id: None }
    }
}

/// Whether the service took a request, which carried `secrets`, and to which it has nothing to answer.
pub(super) fn taken(status: StatusCode, body: &[u8], secrets: &Secrets<'_>) -> Result<(), ReplyError> {
    if !status.is_success() {
        return Err(parse_error(status, body, secrets));
    }
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    believed(status, body, secrets).map(drop)
}

/// The JSON of an answer to a request that carried `secrets`, if it is success and no error.
pub(super) fn believed(status: StatusCode, body: &[u8], secrets: &Secrets<'_>) -> Result<Value, ReplyError> {
    if !status.is_success() {
        return Err(parse_error(status, body, secrets));
    }
    match serde_json::from_slice(body) {
        Ok(value) if has_error(&value) => Err(parse_error(status, body, secrets)),
        Ok(value) => Ok(value),
        Err(_) => {
            let text = secrets.mask(&String::from_utf8_lossy(body));
            let message = format!("not a response of OMS: {}", clean(&text));
            Err(ReplyError::without_id(status, message))
        }
    }
}

/// The error of an answer whose body did not come to its end.
pub(super) fn broken_off(status: StatusCode, error: reqwest::Error) -> ReplyError {
    let message = format!("the response of OMS broke off: {}", cause(error));
    ReplyError::without_id(status, message)
}

/// The error of an answer that is longer than `most` bytes.
pub(super) fn too_long(status: StatusCode, most: usize) -> ReplyError {
    ReplyError::without_id(status, format!("the response of OMS is longer than {most} bytes"))
}

/// Reads an error body the way the vendor's SDKs do: `error_code`/`error_msg`, `errorCode`/`errorMsg`,
/// `code`/`message`, nested objects, else the text itself.
fn parse_error(status: StatusCode, body: &[u8], secrets: &Secrets<'_>) -> ReplyError {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let request_id = parsed.as_ref().and_then(|value| text(value.get("request_id")?));
    let (code, message) = parsed.as_ref().and_then(find_error).map_or_else(
        || (None, String::from_utf8_lossy(body).into_owned()),
        |(code, message)| (Some(code), message),
    );
    let message = match clean(&secrets.mask(&message)) {
        message if message.is_empty() => status.canonical_reason().unwrap_or("no message").to_owned(),
        message => message,
    };
    let (code, request_id) = (code.map(|code| secrets.mask(&code)), request_id.map(|id| secrets.mask(&id)));
    ReplyError { error: EngineError { status: Some(status.as_u16()), code, message }, request_id }
}

/// Whether there is an error anywhere in a body: a code or a text of one, the other missing or not.
fn has_error(value: &Value) -> bool {
    const NAMES: [&str; 6] = ["error_code", "errorCode", "code", "error_msg", "errorMsg", "error"];
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            (NAMES.contains(&name.as_str()) && says_something(value)) || has_error(value)
        }),
        Value::Array(values) => values.iter().any(has_error),
        _ => false,
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn find_error(value: &Value) -> Option<(String, String)> {
    if let Value::Array(values) = value {
        return values.iter().find_map(find_error);
    }
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

/// One line of bounded length, of a text without secrets. The gateway echoes the canonical request on a bad
/// signature, and that carries header values such as the security token: it is cut off.
fn clean(message: &str) -> String {
    const ECHO: &str = "canonicalRequest";
    let message = message.find(ECHO).map_or(message, |at| message[..at].trim_end_matches([' ', ',']));
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
        parse_error(StatusCode::from_u16(status).unwrap(), body.as_bytes(), &Secrets::default()).error
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
        assert_eq!(
            parse_error(StatusCode::UNAUTHORIZED, body, &Secrets::default()).request_id.as_deref(),
            Some("7a")
        );
    }

    #[test]
    fn the_echoed_canonical_request_is_cut_off() {
        let body = r#"{"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|/v2/|x-security-token:SECRET|","error_code":"APIGW.0301"}"#;
        let error = error(401, body);
        assert_eq!(error.message, "Incorrect IAM authentication information: verify aksk signature fail");
    }

    #[test]
    fn secrets_are_hidden_before_the_text_is_cut() {
        let (secret, secrets) = ("wJalrXUtnFEMI", Secrets::default().and(["wJalrXUtnFEMI"]));
        for before in MAX_MESSAGE - secret.len()..=MAX_MESSAGE {
            let text = format!("{}{secret} and more", ".".repeat(before));
            let coded =
                format!(r#"{{"error_code":"{secret}","error_msg":"{text}","request_id":"{secret}"}}"#);
            let refused = parse_error(StatusCode::BAD_REQUEST, coded.as_bytes(), &secrets);
            let other = believed(StatusCode::OK, text.as_bytes(), &secrets).unwrap_err();
            for shown in [format!("{refused:?}"), format!("{other:?}")] {
                assert!(!shown.contains("wJ"), "{before}: {shown}");
            }
        }
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
        for status in [400, 413] {
            assert_eq!(verdict(status, ""), Verdict::Split, "{status}");
        }
        assert_eq!(verdict(403, ""), Verdict::Forbidden);
        for status in [302, 404, 405, 501] {
            assert_eq!(verdict(status, ""), Verdict::Fail(FailureClass::Permanent), "{status}");
        }
    }

    #[test]
    fn success_is_believed_when_it_is_the_services() {
        let taken = |status, body: &str| {
            super::taken(StatusCode::from_u16(status).unwrap(), body.as_bytes(), &Secrets::default())
        };
        for body in [
            "",
            " \r\n",
            "{}",
            "null",
            r#"{"sync_task_id":"t","error_code":null}"#,
            r#"{"error_msg":"","errors":0}"#,
        ] {
            assert_eq!(taken(200, body), Ok(()), "{body}");
        }
        for body in [
            r#"{"error_code":"OMS.1","error_msg":"no"}"#,
            r#"{"error_code":"OMS.1"}"#,
            r#"{"errorCode":1}"#,
            r#"{"code":"OMS.1"}"#,
            r#"{"error_msg":"no"}"#,
            r#"[{"key":"a"},{"key":"b","error_code":"OMS.1","error_msg":"no"}]"#,
            r#"{"results":[{"ok":true},{"detail":{"code":"OMS.1"}}]}"#,
            r#"{"error":{"reason":"no"}}"#,
            "<html><title>Sign in to the hotel's wifi</title></html>",
            "ok",
            "{\"sync_task_id\":\"cut o",
        ] {
            let ReplyError { error, .. } = taken(200, body).unwrap_err();
            assert_eq!((error.status, classify(&error)), (Some(200), Verdict::Retry), "{body}");
        }
        let ReplyError { error: portal, .. } = taken(200, "<html>\n<b>Sign in</b>").unwrap_err();
        assert_eq!(portal.message, "not a response of OMS: <html> <b>Sign in</b>");
        let ReplyError { error: listed, .. } =
            taken(200, r#"[{"error_code":"OMS.1","error_msg":"no"}]"#).unwrap_err();
        assert_eq!(listed.to_string(), "200 OMS.1 no");
        for status in [301, 302, 307, 404] {
            assert!(taken(status, "").is_err(), "{status}");
        }
    }

    #[test]
    fn only_what_comes_after_the_check_proves_a_signature() {
        let says = |status: Option<u16>, code: Option<&str>, message: &str| {
            of_signature(&EngineError { status, code: code.map(str::to_owned), message: message.into() })
        };
        for (status, code) in [(400, "OMS.0064"), (403, "OMS.0206"), (404, "OMS.0054")] {
            assert_eq!(says(Some(status), Some(code), "no"), SignatureVerdict::Accepted, "{status} {code}");
        }
        for (status, code) in [
            (429, "APIGW.0308"),
            (429, "OMS.1"),
            (500, "OMS.1"),
            (503, "OMS.2004"),
            (404, "APIGW.0101"),
            (403, "APIGW.0401"),
            (413, "APIGW.0201"),
            (302, "OMS.1"),
            (200, "OMS.1"),
        ] {
            assert_eq!(says(Some(status), Some(code), "no"), SignatureVerdict::Unknown, "{status} {code}");
        }
        assert_eq!(says(Some(403), None, "<html>"), SignatureVerdict::Unknown);
        assert_eq!(says(None, None, "reset"), SignatureVerdict::Unknown);
        assert_eq!(says(Some(401), Some("APIGW.0301"), "bad"), SignatureVerdict::Refused);
        let limit = "AK access failed to reach the limit,forbidden";
        assert_eq!(says(Some(401), Some("APIGW.0301"), limit), SignatureVerdict::Locked);
    }
}
