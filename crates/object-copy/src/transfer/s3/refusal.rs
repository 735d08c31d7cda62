//! The meaning of errors of S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use futures_util::StreamExt as _;
use http::Method;
use reqwest::Response;
use serde::Deserialize;

use super::SERVER;
use crate::outcome::{EngineError, FailureClass};
use crate::transfer::error::{Abort, Concern, TransferError};
use crate::transfer::response::{body, text};

/// Most bytes of an error document that are read.
const LONGEST: usize = 64 * 1024;

/// Codes of credentials that are no longer valid, or never were.
const EXPIRED: [&str; 4] = ["ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"];

/// Most characters of a message that are kept.
const LONGEST_MESSAGE: usize = 500;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Document {
    code: Option<String>,
    message: Option<String>,
    #[serde(alias = "RequestID")]
    request_id: Option<String>,
}

pub(super) async fn read(response: Response, method: &Method) -> Abort {
    let status = response.status().as_u16();
    let region = text(response.headers(), "x-amz-bucket-region");
    let request_id = text(response.headers(), "x-amz-request-id");
    let mut document = document(response).await;
    let request_id = request_id.or_else(|| document.request_id.take()).filter(|id| !id.is_empty());
    document.request_id.clone_from(&request_id);
    let abort = meaning(status, document, region, method);
    match abort {
        Abort::Failed(failed) => Abort::Failed(failed.with_request_id(request_id)),
        other => other,
    }
}

/// The error document of a response. Responses to HEAD have none.
async fn document(response: Response) -> Document {
    let mut chunks = body(response, SERVER);
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST
        && let Some(Ok(chunk)) = chunks.next().await
    {
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&bytes);
    quick_xml::de::from_str(&text).unwrap_or_default()
}

fn meaning(status: u16, document: Document, region: Option<String>, method: &Method) -> Abort {
    let Document { code, message, request_id } = document;
    let class = match (code.as_deref().unwrap_or_default(), status) {
        // With a request id it is from the service, not from a proxy.
        ("NoSuchKey", _) if request_id.is_some() => return Abort::Gone,
        ("NoSuchBucket", _) => FailureClass::Permanent,
        // Without a body the reason is unknown: the caller repeats it as a GET, see `S3Bucket::look`.
        ("", 404) if *method == Method::HEAD => return Abort::Gone,
        ("" | "NoSuchKey", 404) => {
            let message = format!(
                "{SERVER}: a 404 that is not from the service: check the endpoint, and proxies in between"
            );
            return failed(FailureClass::Transient, status, code, &message);
        }
        ("PreconditionFailed" | "InvalidRange", _) | (_, 412 | 416) => return Abort::Changed,
        ("InvalidObjectState", _) => {
            let message = "the source object is archived: restore first, then copy again";
            return failed(FailureClass::Permanent, status, code, message);
        }
        ("SlowDown" | "Throttling" | "ThrottlingException" | "TooManyRequests", _) | (_, 429) => {
            FailureClass::Throttled
        }
        ("RequestTimeTooSkewed" | "RequestTimeout" | "InternalError" | "OperationAborted", _)
        | (_, 408 | 409 | 500..=599) => FailureClass::Transient,
        (
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        )
        | (_, 300..=399) => {
            let message = match region {
                Some(region) => format!("the bucket is in the region {region}: set AWS_REGION to that"),
                None => "the bucket is in another region: set AWS_REGION to that".to_owned(),
            };
            return failed(FailureClass::Permanent, status, code, &message);
        }
        (_, 401 | 403) => FailureClass::Auth,
        (code, _) if EXPIRED.contains(&code) => FailureClass::Auth,
        _ => FailureClass::Permanent,
    };
    let shown = message.unwrap_or_default();
    let shown = shown.trim_end_matches(['.', '\n', ' ']);
    let shown = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE);
    failed(class, status, code, &format!("{SERVER}: {}", shown.collect::<String>()))
}

/// Whether a wrong clock may have invalidated the signature. Errors of HEAD have no body, so a bare 403
/// counts too.
pub(super) fn may_be_of_the_clock(abort: &Abort) -> bool {
    let Abort::Failed(failed) = abort else { return false };
    // S3-compatible services have codes of their own for it.
    matches!(
        (failed.error.code.as_deref(), failed.error.status),
        (Some("RequestTimeTooSkewed" | "RequestExpired"), _)
            | (None | Some("AccessDenied" | "SignatureDoesNotMatch"), Some(403))
    )
}

/// Whether the credentials are no longer valid, so that new ones may help.
pub(super) fn is_of_credentials(abort: &Abort) -> bool {
    let Abort::Failed(failed) = abort else { return false };
    failed.error.code.as_deref().is_some_and(|code| EXPIRED.contains(&code))
}

fn failed(class: FailureClass, status: u16, code: Option<String>, message: &str) -> Abort {
    let message = message.trim_end_matches([':', ' ']).to_owned();
    let concern = concern(code.as_deref().unwrap_or_default());
    TransferError::of(class, EngineError { status: Some(status), code, message }).about(concern).into()
}

fn concern(code: &str) -> Concern {
    match code {
        "NoSuchBucket" => Concern::Settings,
        "AccessDenied" => Concern::Permission,
        "SignatureDoesNotMatch" => Concern::Credentials,
        code if EXPIRED.contains(&code) => Concern::Credentials,
        _ => Concern::Object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str, method: &Method) -> Abort {
        let code = (!code.is_empty()).then(|| code.to_owned());
        let document = Document { code, message: None, request_id: Some("ID1".into()) };
        meaning(status, document, Some("eu-north-1".into()), method)
    }

    #[test]
    fn refusals_are_classified_by_what_helps() {
        use FailureClass::{Auth, Permanent, Throttled, Transient};
        for (status, code, class) in [
            (403, "AccessDenied", Auth),
            (403, "SignatureDoesNotMatch", Auth),
            (400, "ExpiredToken", Auth),
            (403, "", Auth),
            (503, "SlowDown", Throttled),
            (429, "", Throttled),
            (500, "InternalError", Transient),
            (503, "", Transient),
            (403, "RequestTimeTooSkewed", Transient),
            (404, "NoSuchBucket", Permanent),
            (403, "InvalidObjectState", Permanent),
            (301, "PermanentRedirect", Permanent),
            (400, "AuthorizationHeaderMalformed", Permanent),
            (400, "InvalidArgument", Permanent),
            (404, "", Transient),
        ] {
            let Abort::Failed(failed) = of(status, code, &Method::GET) else { panic!("{code}") };
            assert_eq!(failed.class, class, "{status} {code}");
        }
    }

    #[test]
    fn a_missing_object_is_gone_and_another_one_is_a_change() {
        assert!(matches!(of(404, "NoSuchKey", &Method::GET), Abort::Gone));
        assert!(matches!(of(404, "", &Method::HEAD), Abort::Gone));
        assert!(matches!(of(412, "PreconditionFailed", &Method::GET), Abort::Changed));
        assert!(matches!(of(416, "InvalidRange", &Method::GET), Abort::Changed));
    }

    #[test]
    fn a_404_of_a_proxy_is_not_a_missing_object() {
        let document = Document { code: Some("NoSuchKey".into()), ..Document::default() };
        for document in [document, Document::default()] {
            let Abort::Failed(failed) = meaning(404, document, None, &Method::GET) else { panic!("gone") };
            assert_eq!(failed.class, FailureClass::Transient);
        }
    }

    #[test]
    fn messages_say_what_to_do() {
        let said = |status, code| match of(status, code, &Method::GET) {
            Abort::Failed(failed) => failed.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(said(403, "InvalidObjectState").contains("restore first"));
        assert!(said(301, "PermanentRedirect").contains("in the region eu-north-1: set AWS_REGION"));
    }
}
