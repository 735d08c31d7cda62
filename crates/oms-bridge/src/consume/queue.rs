//! One queue of Amazon SQS: what the worker asks of it, and why that fails.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, QueueAttributeName,
};

/// Messages that one request may name.
pub const BATCH: usize = 10;

/// The longest time that SQS holds a request for messages back.
pub const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The longest time a message may stay out of sight, from its receipt on.
pub const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);

/// A queue, ready to use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A message as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The queue's id of the message.
    pub id: String,
    /// What names this receipt of it.
    pub receipt: String,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
}

/// What a queue says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Messages that wait, by the queue's own estimate.
    pub waiting: u64,
    /// Whether messages that were received too often are moved elsewhere.
    pub redrive: Redrive,
}

/// Whether messages that were received too often are moved elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redrive {
    /// A redrive policy names a dead-letter queue.
    Configured,
    /// They come back until their retention ends.
    Missing,
}

/// Why a request to the queue failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueError {
    kind: QueueErrorKind,
    message: String,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueErrorKind {
    /// Network trouble, throttling or an unavailable service. User action: none, the worker goes on by itself.
    Transient,
    /// Credentials or permissions are refused. User action: mend the credentials or the policy of the role.
    Refused,
    /// The queue does not exist, or does not take such a request. User action: check `--queue-url` and the region.
    Unusable,
}

impl QueueError {
    /// What kind of trouble it is.
    pub fn kind(&self) -> QueueErrorKind {
        self.kind
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for QueueError {}

/// A message that a batch request could not be done for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which, among those of the request.
    pub index: usize,
    /// Why.
    pub error: QueueError,
}

impl Queue {
    /// The queue at `url`. Requests go to `endpoint`, else to where the configuration says.
    pub fn new(config: &SdkConfig, url: impl Into<String>, endpoint: Option<String>) -> Self {
        let config = Builder::from(config);
        let config = match endpoint {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        Self { client: Client::from_conf(config.build()), url: url.into() }
    }

    /// What the queue says of itself.
    pub async fn about(&self) -> Result<About, QueueError> {
        let names = [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::RedrivePolicy];
        let request =
            self.client.get_queue_attributes().queue_url(&self.url).set_attribute_names(Some(names.into()));
        let answer = request.send().await.map_err(|error| explained("GetQueueAttributes", &error))?;
        let attribute = |name| answer.attributes().and_then(|attributes| attributes.get(&name));
        let waiting = attribute(QueueAttributeName::ApproximateNumberOfMessages);
        Ok(About {
            waiting: waiting.and_then(|count| count.parse().ok()).unwrap_or(0),
            redrive: match attribute(QueueAttributeName::RedrivePolicy) {
                Some(policy) if !policy.is_empty() => Redrive::Configured,
                _ => Redrive::Missing,
            },
        })
    }

    /// Waits up to `wait` for messages, takes `max` at most (1 to 10) and hides them for `visibility`.
    pub async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(max.clamp(1, BATCH)).unwrap_or(1))
            .wait_time_seconds(seconds(wait.min(LONGEST_POLL)))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = request.send().await.map_err(|error| explained("ReceiveMessage", &error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(received).collect())
    }

    /// Deletes messages by their receipts, 10 at most, and says which could not be.
    pub async fn delete(&self, receipts: &[String]) -> Result<Vec<Refused>, QueueError> {
        let entry = |(index, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
        };
        let entries: Result<_, _> = receipts.iter().enumerate().map(entry).collect();
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let request = request.set_entries(Some(entries.map_err(|error| unbuilt(&error))?));
        let answer = request.send().await.map_err(|error| explained("DeleteMessageBatch", &error))?;
        Ok(answer.failed().iter().filter_map(refused).collect())
    }

    /// Hides messages for `visibility` from now on, 10 at most, and says which could not be. With zero they can be
    /// received at once.
    pub async fn hide(&self, receipts: &[String], visibility: Duration) -> Result<Vec<Refused>, QueueError> {
        let entry = |(index, receipt): (usize, &String)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds(visibility))
                .build()
        };
        let entries: Result<_, _> = receipts.iter().enumerate().map(entry).collect();
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        let request = request.set_entries(Some(entries.map_err(|error| unbuilt(&error))?));
        let answer =
            request.send().await.map_err(|error| explained("ChangeMessageVisibilityBatch", &error))?;
        Ok(answer.failed().iter().filter_map(refused).collect())
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn received(message: aws_sdk_sqs::types::Message) -> Option<Received> {
    let receives = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok());
    let received = Received {
        receives: receives.unwrap_or(1),
        id: message.message_id?,
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
    };
    Some(received)
}

fn refused(entry: &BatchResultErrorEntry) -> Option<Refused> {
    let message = entry.message().unwrap_or_default();
    let kind = if entry.sender_fault() { QueueErrorKind::Unusable } else { QueueErrorKind::Transient };
    let error = QueueError { kind, message: format!("{}: {message}", entry.code()) };
    Some(Refused { index: entry.id().parse().ok()?, error })
}

fn unbuilt(error: &BuildError) -> QueueError {
    QueueError { kind: QueueErrorKind::Unusable, message: error.to_string() }
}

/// Codes as of <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>, with and without
/// the prefixes and suffixes that services put around them.
fn explained<E>(operation: &str, error: &SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let SdkError::ServiceError(refusal) = error else {
        let kind = match error {
            SdkError::ConstructionFailure(_) => QueueErrorKind::Unusable,
            _ => QueueErrorKind::Transient,
        };
        return QueueError { kind, message: format!("{operation}: {}", DisplayErrorContext(error)) };
    };
    let (code, status) = (refusal.err().code().unwrap_or_default(), refusal.raw().status().as_u16());
    let said = [code, refusal.err().message().unwrap_or_default()].map(|text| format!(" {text}")).concat();
    QueueError { kind: kind(code, status), message: format!("{operation}: {status}{}", said.trim_end()) }
}

fn kind(code: &str, status: u16) -> QueueErrorKind {
    let code = code.rsplit(['.', '#']).next().unwrap_or_default();
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidSignatureException"
        | "KmsAccessDenied"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => QueueErrorKind::Refused,
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
    use super::*;

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
            ("ServiceUnavailable", 503, Transient),
            ("", 500, Transient),
        ] {
            assert_eq!(kind(code, status), expected, "{code}");
        }
    }

    #[test]
    fn messages_that_a_batch_failed_for_are_found_again() {
        let entry = |id: &str, fault| {
            let entry = BatchResultErrorEntry::builder().id(id).sender_fault(fault).code("Code");
            entry.message("why").build().unwrap()
        };
        let first = refused(&entry("7", true)).unwrap();
        assert_eq!((first.index, first.error.kind()), (7, QueueErrorKind::Unusable));
        assert_eq!(first.error.to_string(), "Code: why");
        assert_eq!(refused(&entry("0", false)).unwrap().error.kind(), QueueErrorKind::Transient);
        assert_eq!(refused(&entry("x", false)), None);
    }
}
