//! Why a request to the queue fails.

use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use aws_access::Behind;
use oss_lite::root_cause;

/// Why a request to the queue failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueueError {
    kind: QueueErrorKind,
    message: String,
    /// The same for all requests that fail for the same reason.
    topic: String,
    /// Whether other credentials could help.
    of_credentials: bool,
    /// Whether the service knows the credentials, and they lack a right.
    lacks_right: bool,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// Network trouble, throttling or an unavailable service. User action: none, the worker goes on by
    /// itself.
    Transient,
    /// Credentials or permissions are refused. User action: mend the credentials or the policy of the role.
    Refused,
    /// The queue does not exist, or does not take such a request. User action: check `--queue-url` and the
    /// region.
    Unusable,
}

impl QueueError {
    /// What kind of trouble it is.
    pub fn kind(&self) -> QueueErrorKind {
        self.kind
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether other credentials could help: these are not known, or expired.
    pub fn is_of_credentials(&self) -> bool {
        self.of_credentials
    }

    /// Whether the credentials are known and right, and may not do this: a policy is to be changed.
    pub fn lacks_right(&self) -> bool {
        self.lacks_right
    }

    /// The same, of which nobody knows yet that it lasts.
    pub(super) fn passing(self) -> Self {
        Self { kind: QueueErrorKind::Transient, ..self }
    }

    fn new(kind: QueueErrorKind, operation: &str, why: String) -> Self {
        Self {
            kind,
            message: format!("{operation}: {why}"),
            topic: why,
            of_credentials: false,
            lacks_right: false,
        }
    }

    #[cfg(test)]
    pub(super) fn transient(operation: &str, why: &str) -> Self {
        Self::new(QueueErrorKind::Transient, operation, why.to_owned())
    }

    pub(super) fn unbuilt(error: &BuildError) -> Self {
        Self::new(QueueErrorKind::Unusable, "a batch", error.to_string())
    }

    /// What failed for one message of a batch.
    pub(super) fn of_entry(entry: &BatchResultErrorEntry) -> Self {
        let kind = if entry.sender_fault() { QueueErrorKind::Unusable } else { QueueErrorKind::Transient };
        Self::new(kind, entry.code(), entry.message().unwrap_or_default().to_owned())
    }

    /// What failed when `server` was asked.
    pub(super) fn explained<E>(operation: &str, server: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let transient = |why: String| Self::new(QueueErrorKind::Transient, operation, why);
        match error {
            SdkError::ServiceError(refusal) => {
                let behind = refusal.raw().extension::<Behind>().copied();
                let status = refusal.raw().status().as_u16();
                Self::refused(operation, status, refusal.err(), behind)
            }
            SdkError::ConstructionFailure(_) => Self::new(QueueErrorKind::Unusable, operation, chain(error)),
            SdkError::TimeoutError(_) => transient(format!("{server} does not answer in time")),
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                transient(format!("{server} cannot be reached: {}", root_cause(error)))
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                transient(format!("{server} does not answer in time"))
            }
            // Credentials that could not be had, first of all.
            SdkError::DispatchFailure(_) => transient(chain(error)),
            _ => transient(format!("{server} answers what is no answer of a queue: {}", root_cause(error))),
        }
    }

    fn refused(
        operation: &str,
        status: u16,
        error: &impl ProvideErrorMetadata,
        behind: Option<Behind>,
    ) -> Self {
        // With and without the prefixes and suffixes that services put around them.
        let given = error.code().unwrap_or_default();
        let code = given.rsplit(['.', '#']).next().unwrap_or_default();
        let said = error.message().unwrap_or_default();
        let text = [given, said].map(|text| format!(" {text}")).concat();
        let (mut kind, mut clock) = (kind(code, status), String::new());
        if kind == QueueErrorKind::Refused && is_of_the_clock(said, behind) {
            kind = QueueErrorKind::Transient;
            let seconds = behind.map_or(0, |behind| behind.0.num_seconds());
            clock = format!(
                " (this machine's clock is {} s {})",
                seconds.abs(),
                if seconds < 0 { "fast" } else { "slow" }
            );
        }
        Self {
            kind,
            message: format!("{operation}: {status}{}{clock}", text.trim_end()),
            topic: format!("{status} {code}"),
            of_credentials: kind == QueueErrorKind::Refused && is_of_credentials(code),
            lacks_right: is_of_rights(code),
        }
    }
}

/// All that the causes of an error say, without what is said twice.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// Whether it was the clock that made a signature wrong. The SDK corrects its clock by the answer, and the
/// next request is right.
fn is_of_the_clock(said: &str, behind: Option<Behind>) -> bool {
    behind.is_some_and(Behind::explains_refusal)
        || ["Signature expired", "Signature not yet current"].iter().any(|start| said.starts_with(start))
}

/// Codes for credentials that are no longer known, or not any more for long.
fn is_of_credentials(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSecurity"
            | "InvalidToken"
            | "UnrecognizedClientException"
    )
}

/// Codes for good credentials that a policy does not let do this. A refusal without a code says less.
fn is_of_rights(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AccessDeniedException" | "KmsAccessDenied" | "NotAuthorized")
}

/// Codes for a secret that does not belong to the key, or for a request that is not signed.
fn is_of_signatures(code: &str) -> bool {
    matches!(
        code,
        "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "SignatureDoesNotMatch"
    )
}

/// Codes as of <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>.
fn kind(code: &str, status: u16) -> QueueErrorKind {
    match code {
        // Of the clock: the next request is signed with the service's time.
        "RequestExpired" | "RequestTimeTooSkewed" => QueueErrorKind::Transient,
        _ if is_of_rights(code) => QueueErrorKind::Refused,
        _ if is_of_credentials(code) || is_of_signatures(code) => QueueErrorKind::Refused,
        "NonExistentQueue"
        | "QueueDoesNotExist"
        | "InvalidAddress"
        | "UnsupportedOperation"
        | "InvalidParameterValue"
        | "ValidationError" => QueueErrorKind::Unusable,
        // Too many requests, too many messages in flight, or a service in trouble.
        _ if status == 403 && !code.contains("Throttl") && code != "OverLimit" => QueueErrorKind::Refused,
        _ => QueueErrorKind::Transient,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;
    use chrono::TimeDelta;

    use super::*;

    fn refused(code: &str, status: u16, said: &str, behind: Option<i64>) -> QueueError {
        let error = ErrorMetadata::builder().code(code).message(said).build();
        QueueError::refused("Op", status, &error, behind.map(|seconds| Behind(TimeDelta::seconds(seconds))))
    }

    #[test]
    fn a_refusal_is_told_from_trouble_that_passes() {
        use QueueErrorKind::{Refused, Transient, Unusable};
        for (code, status, expected) in [
            ("AWS.SimpleQueueService.NonExistentQueue", 400, Unusable),
            ("com.amazonaws.sqs#QueueDoesNotExist", 400, Unusable),
            ("InvalidClientTokenId", 403, Refused),
            ("com.amazon.coral.service#ExpiredTokenException", 400, Refused),
            ("SignatureDoesNotMatch", 403, Refused),
            ("SomethingNew", 403, Refused),
            ("RequestThrottled", 403, Transient),
            ("OverLimit", 403, Transient),
            ("RequestExpired", 400, Transient),
            ("RequestTimeTooSkewed", 403, Transient),
            ("ServiceUnavailable", 503, Transient),
            ("", 500, Transient),
        ] {
            assert_eq!(refused(code, status, "", None).kind(), expected, "{code}");
        }
    }

    #[test]
    fn a_signature_that_a_wrong_clock_made_wrong_is_trouble_that_passes() {
        use QueueErrorKind::{Refused, Transient};
        let of = |said, behind| refused("InvalidSignatureException", 403, said, behind);
        assert_eq!(of("Signature expired: 1 is now earlier than 2", None).kind(), Transient);
        let slow = of("no", Some(3600));
        assert_eq!(slow.kind(), Transient);
        assert!(slow.to_string().ends_with("(this machine's clock is 3600 s slow)"), "{slow}");
        assert_eq!(of("no", Some(-3600)).kind(), Transient);
        assert_eq!(of("no", Some(200)).kind(), Refused);
        assert_eq!(of("no", None).kind(), Refused);
    }

    #[test]
    fn a_right_is_missing_only_where_the_credentials_are_good() {
        for (code, lacks_right) in [
            ("AccessDenied", true),
            ("KmsAccessDenied", true),
            ("SignatureDoesNotMatch", false),
            ("InvalidSignatureException", false),
            ("InvalidClientTokenId", false),
            ("", false),
        ] {
            assert_eq!(refused(code, 403, "", None).lacks_right(), lacks_right, "{code}");
        }
    }

    #[test]
    fn other_credentials_help_where_these_are_not_known_any_more() {
        for (code, help) in [
            ("ExpiredToken", true),
            ("InvalidClientTokenId", true),
            ("AccessDenied", false),
            ("OverLimit", false),
        ] {
            assert_eq!(refused(code, 403, "", None).is_of_credentials(), help, "{code}");
        }
    }
}
