//! An error answer of either service, in its body or in `x-oss-err`, made into an [`Error`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{DATE, LOCATION};
use http::{HeaderMap, StatusCode};

use super::classify::{Addressed, Word, classify};
use super::{Error, ErrorKind, Reply, Retry};
use crate::dialect::Dialect;
use crate::header;
use crate::xml::{self, Node};
use crate::{encoding, time};

const LONGEST_MESSAGE: usize = 500;

/// The answer to one request.
pub(crate) struct Answer<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) addressed: Addressed,
    /// The answer has no body (HEAD), even if its headers announce one.
    pub(crate) is_bodiless: bool,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// Possibly cut off.
    pub(crate) body: &'a [u8],
    /// Masked wherever the service repeats it.
    pub(crate) security_token: Option<&'a str>,
}

pub(crate) fn from_reply(answer: &Answer<'_>) -> Error {
    let Answer { status, headers, .. } = *answer;
    let mut document = Document::read(answer.body)
        .or_else(|| Document::in_headers(answer.dialect, headers))
        .unwrap_or_default();
    document.mask(answer.security_token);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let reply = Reply {
        status,
        endpoint: document.endpoint.or_else(|| header(LOCATION.as_str()).filter(|_| status.is_redirection())),
        request_id: document
            .request_id
            .or_else(|| header(answer.dialect.profile().request_id_header.as_str())),
        detail_code: document.detail_code.or_else(|| header("x-oss-ec")),
        date: header(DATE.as_str()).and_then(|date| time::parse_http_date(&date)),
        code: document.code.filter(|code| !code.is_empty()),
        message: document.message,
        canonical_request: document.canonical_request,
        string_to_sign: document.string_to_sign,
    };
    let (kind, retry) = kind_of(&reply, answer);
    Error::new(kind, describe(kind, &reply)).with_retry(retry).with_reply(reply)
}

fn kind_of(reply: &Reply, answer: &Answer<'_>) -> (ErrorKind, Retry) {
    // The object is stored even if the callback failed.
    if reply.status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return (ErrorKind::CallbackFailed, Retry::Never);
    }
    let word = Word {
        code: reply.code.as_deref(),
        detail_code: reply.detail_code.as_deref(),
        has_request_id: reply.request_id.as_deref().is_some_and(|id| !id.is_empty()),
        is_bodiless: answer.is_bodiless,
    };
    match classify(reply.status, word, answer.addressed) {
        (ErrorKind::AccessDenied, _) if reply.endpoint.is_some() => (ErrorKind::WrongEndpoint, Retry::Never),
        (ErrorKind::InvalidArgument, _) if is_of_region(reply) => (ErrorKind::WrongRegion, Retry::Never),
        other => other,
    }
}

/// OSS has no code of its own for a signature that is made for another region, only this message.
fn is_of_region(reply: &Reply) -> bool {
    reply.message.as_deref().is_some_and(|message| message.contains("Invalid signing region"))
}

fn describe(kind: ErrorKind, reply: &Reply) -> String {
    let mut text = match &reply.code {
        Some(code) => format!("{} {code}", reply.status.as_u16()),
        None => format!("status {}", reply.status),
    };
    let message = reply.message.as_deref().map(|message| message.trim_end_matches(['.', '\n', ' ']));
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        text.push_str(": ");
        text.extend(message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE));
    }
    match (kind, &reply.endpoint) {
        (ErrorKind::WrongEndpoint, Some(endpoint)) => {
            text.push_str("; the service names the endpoint ");
            text.push_str(endpoint);
        }
        (ErrorKind::WrongEndpoint, None) => text.push_str("; the service names no endpoint"),
        (ErrorKind::CallbackFailed, _) => text.push_str("; the object is stored"),
        (ErrorKind::UnexpectedResponse, _) if matches!(reply.status.as_u16(), 401 | 403 | 404) => {
            text.push_str(
                "; it is not the service that says so: check the endpoint, and proxies on the way to it",
            );
        }
        _ => {}
    }
    if let Some(hint) = hint(reply) {
        text.push_str("; ");
        text.push_str(hint);
    }
    text
}

fn hint(reply: &Reply) -> Option<&'static str> {
    if reply.detail_code.as_deref() == Some("0002-00000080") {
        return Some("this account or bucket takes signature V4 only");
    }
    let message = reply.message.as_deref()?;
    message.contains("Unsupported Authorization Type").then_some("this bucket does not speak the OBS dialect")
}

/// The elements of `<Error>` that are used.
#[derive(Default)]
struct Document {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    detail_code: Option<String>,
    endpoint: Option<String>,
    canonical_request: Option<String>,
    string_to_sign: Option<String>,
}

impl Document {
    fn read(body: &[u8]) -> Option<Self> {
        let mut document = Self::default();
        xml::read(body, "Error", |node| {
            if let Node::Leaf(path, text) = node {
                let field = match path {
                    "Code" => &mut document.code,
                    "Message" => &mut document.message,
                    "RequestId" => &mut document.request_id,
                    "EC" => &mut document.detail_code,
                    "Endpoint" => &mut document.endpoint,
                    "CanonicalRequest" => &mut document.canonical_request,
                    "StringToSign" => &mut document.string_to_sign,
                    _ => return,
                };
                *field = Some(text);
            }
        })
        .ok()?;
        document.code.is_some().then_some(document)
    }

    /// HEAD answers have no body, so OSS puts the document in a header, and OBS code and message in one each.
    fn in_headers(dialect: Dialect, headers: &HeaderMap) -> Option<Self> {
        match dialect {
            Dialect::Oss => Self::read(&BASE64.decode(headers.get("x-oss-err")?.as_bytes()).ok()?),
            Dialect::Obs => {
                let code = header::text(headers, "x-obs-error-code").filter(|code| !code.is_empty())?;
                let message = header::text(headers, "x-obs-error-message");
                Some(Self { code: Some(code), message, ..Self::default() })
            }
        }
    }

    fn mask(&mut self, token: Option<&str>) {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return;
        };
        let encoded = encoding::component(token).to_string();
        let texts = [&mut self.message, &mut self.canonical_request, &mut self.string_to_sign];
        for text in texts.into_iter().flatten() {
            *text = text.replace(token, "******").replace(&encoded, "******");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        from_reply(&Answer {
            dialect: Dialect::Oss,
            addressed: Addressed::Object,
            is_bodiless: false,
            status: StatusCode::from_u16(status).expect("a status"),
            headers: &headers.collect(),
            body: body.as_bytes(),
            security_token: Some("to+ken"),
        })
    }

    #[test]
    fn every_documented_field_is_read() {
        let error = error(
            403,
            &[],
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>a &amp; b.</Message>\
             <RequestId>ID1</RequestId><HostId>h</HostId><EC>0003-1</EC></Error>",
        );
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert_eq!(
            (error.status(), error.code(), error.detail_code(), error.request_id()),
            (Some(403), Some("AccessDenied"), Some("0003-1"), Some("ID1"))
        );
        assert_eq!(error.to_string(), "403 AccessDenied: a & b, request id ID1");
    }

    #[test]
    fn a_wrong_endpoint_names_the_right_one() {
        let denied = "<Error><Code>AccessDenied</Code><Message>specified endpoint</Message>\
                      <Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
        for (status, headers, body) in
            [(403, &[][..], denied), (307, &[("location", "https://oss-cn-beijing.aliyuncs.com/k")][..], "")]
        {
            let error = error(status, headers, body);
            assert_eq!(error.kind(), ErrorKind::WrongEndpoint);
            assert!(error.to_string().contains("oss-cn-beijing.aliyuncs.com"), "{error}");
        }
    }

    #[test]
    fn without_a_readable_body_the_status_speaks() {
        for body in ["", "<html>Bad gateway", "<Error><Code>Acc", "\u{0}\u{1}"] {
            let error = error(502, &[("x-oss-request-id", "ID2")], body);
            assert_eq!((error.kind(), error.code()), (ErrorKind::ServerError, None), "{body:?}");
            assert_eq!(error.request_id(), Some("ID2"));
        }
    }

    #[test]
    fn what_the_service_signed_shows_in_debug_only_and_without_the_token() {
        let error = error(
            403,
            &[],
            "<Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message><StringToSign>GET\n\
             x-oss-security-token:to+ken\n/b/k?security-token=to%2Bken</StringToSign></Error>",
        );
        assert!(!error.to_string().contains("x-oss-security-token"), "{error}");
        let debug = format!("{error:?}");
        assert!(debug.contains("x-oss-security-token:******"), "{debug}");
        assert!(!debug.contains("to+ken") && !debug.contains("to%2Bken"), "{debug}");
    }

    #[test]
    fn refusals_of_a_whole_scheme_say_what_to_use() {
        let v1 = "<Error><Code>AccessDenied</Code><Message>no</Message><EC>0002-00000080</EC></Error>";
        assert!(error(403, &[], v1).to_string().contains("V4 only"));
        let obs =
            "<Error><Code>InvalidRequest</Code><Message>Unsupported Authorization Type</Message></Error>";
        assert!(error(400, &[], obs).to_string().contains("OBS dialect"));
    }
}
