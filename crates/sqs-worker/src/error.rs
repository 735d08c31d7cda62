//! Errors of requests to the queue.

use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use aws_access::Behind;
use oss_lite::root_cause;
use settings::lenient;

/// Why a request to the queue failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueueError {
    kind: QueueErrorKind,
    message: String,
    /// Equal for all requests that fail for the same reason.
    topic: String,
    /// Whether other credentials could help.
    of_credentials: bool,
    /// Whether the credentials are valid, but lack a permission.
    lacks_right: bool,
    /// Whether no queue answered, so that its address may be wrong.
    of_address: bool,
}

/// Kind of the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// Network trouble, throttling or an unavailable service. User action: none, the worker goes on by
    /// itself.
    Transient,
    /// Credentials or permissions are refused. User action: correct the credentials or the policy of the
    /// role.
    Refused,
    /// The queue does not exist, or does not accept such a request. User action: check `--queue-url` and the
    /// region.
    Unusable,
}

impl QueueError {
    /// Kind of the error.
    pub fn kind(&self) -> QueueErrorKind {
        self.kind
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether other credentials could help: these are unknown or expired.
    pub fn is_of_credentials(&self) -> bool {
        self.of_credentials
    }

    /// Whether the credentials are valid, but lack the permission: a policy must be changed.
    pub fn lacks_right(&self) -> bool {
        self.lacks_right
    }

    /// Whether no queue answered: nothing could be reached, or it answered with something else.
    pub(super) fn is_of_address(&self) -> bool {
        self.of_address
    }

    /// The same error as a transient one, since it is not known yet whether it persists.
    pub(super) fn into_transient(self) -> Self {
        Self { kind: QueueErrorKind::Transient, ..self }
    }

    fn new(kind: QueueErrorKind, operation: &str, why: String) -> Self {
        Self {
            kind,
            message: format!("{operation}: {why}"),
            topic: why,
            of_credentials: false,
            lacks_right: false,
            of_address: false,
        }
    }

    /// No queue answered.
    fn unanswered(operation: &str, why: String) -> Self {
        Self { of_address: true, ..Self::new(QueueErrorKind::Transient, operation, why) }
    }

    /// There is no way to `server`. Where its region is a slip there never will be.
    fn unreached(operation: &str, server: &str, error: &(dyn Error + 'static)) -> Self {
        match lenient::slip_of_amazon(server) {
            Some(slip) => {
                let message = slip.to_string();
                Self { message, ..Self::new(QueueErrorKind::Unusable, operation, slip.to_string()) }
            }
            None => Self::unanswered(operation, format!("{server} cannot be reached: {}", root_cause(error))),
        }
    }

    #[cfg(test)]
    pub(super) fn transient(operation: &str, why: &str) -> Self {
        Self::new(QueueErrorKind::Transient, operation, why.to_owned())
    }

    pub(super) fn unbuilt(error: &BuildError) -> Self {
        Self::new(QueueErrorKind::Unusable, "a batch", error.to_string())
    }

    /// The error for one message of a batch.
    pub(super) fn of_entry(entry: &BatchResultErrorEntry) -> Self {
        let kind = if entry.sender_fault() { QueueErrorKind::Unusable } else { QueueErrorKind::Transient };
        Self::new(kind, entry.code(), entry.message().unwrap_or_default().to_owned())
    }

    /// The error of a request to `server`.
    pub(super) fn explained<E>(operation: &str, server: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let unanswered = |why: String| Self::unanswered(operation, why);
        match error {
            SdkError::ServiceError(refusal) => {
                let behind = refusal.raw().extension::<Behind>().copied();
                let status = refusal.raw().status().as_u16();
                Self::refused(operation, status, refusal.err(), behind)
            }
            SdkError::ConstructionFailure(_) => Self::new(QueueErrorKind::Unusable, operation, chain(error)),
            SdkError::TimeoutError(_) => unanswered(format!("{server} does not respond in time")),
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                Self::unreached(operation, server, error)
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                unanswered(format!("{server} does not respond in time"))
            }
            // Most of these are credentials that could not be resolved.
            SdkError::DispatchFailure(_) => Self::new(QueueErrorKind::Transient, operation, chain(error)),
            _ => {
                unanswered(format!("the response of {server} is not that of a queue: {}", root_cause(error)))
            }
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
            of_address: false,
        }
    }
}

/// The messages of all causes of an error, without repetitions.
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

/// Whether a wrong clock invalidated the signature. The SDK corrects its clock by the response, so the next
/// request succeeds.
fn is_of_the_clock(said: &str, behind: Option<Behind>) -> bool {
    behind.is_some_and(Behind::explains_refusal)
        || ["Signature expired", "Signature not yet current"].iter().any(|start| said.starts_with(start))
}

/// Codes for unknown or expired credentials.
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

/// Codes for valid credentials that lack the permission. A refusal without a code does not show that.
fn is_of_rights(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AccessDeniedException" | "KmsAccessDenied" | "NotAuthorized")
}

/// Codes for a wrong secret key, or an unsigned request.
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
        // The clock was wrong: the next request is signed with the service's time.
        "RequestExpired" | "RequestTimeTooSkewed" => QueueErrorKind::Transient,
        _ if is_of_rights(code) => QueueErrorKind::Refused,
        _ if is_of_credentials(code) || is_of_signatures(code) => QueueErrorKind::Refused,
        "NonExistentQueue"
        | "QueueDoesNotExist"
        | "InvalidAddress"
        | "UnsupportedOperation"
        | "InvalidParameterValue"
        | "ValidationError" => QueueErrorKind::Unusable,
        // SQS gives a code with each refusal: something else answers in its place. What imitates SQS may
        // refuse credentials without one.
        "" if (400..500).contains(&status) && !matches!(status, 403 | 408 | 429) => QueueErrorKind::Unusable,
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
    fn refusals_are_distinguished_from_transient_errors() {
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
            ("", 429, Transient),
            ("", 400, Unusable),
            ("", 404, Unusable),
            ("", 401, Unusable),
            ("", 403, Refused),
        ] {
            assert_eq!(refused(code, status, "", None).kind(), expected, "{code}");
        }
    }

    #[test]
    fn a_signature_with_a_wrong_time_is_a_transient_error() {
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
    fn a_permission_is_missing_only_if_the_credentials_are_valid() {
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
    fn other_credentials_help_if_these_are_unknown_or_expired() {
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
