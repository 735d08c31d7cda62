//! One queue of Amazon SQS: the requests that the worker needs.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, QueueAttributeName,
};

use super::address::Address;
use super::error::QueueError;
use aws_access::{Cached, Renewed};

/// Messages that one request may name.
pub const BATCH: usize = 10;

/// Longest wait of a long poll.
pub const LONGEST_POLL: Duration = Duration::from_secs(20);

/// Longest visibility timeout, counted from the receive.
pub const LONGEST_VISIBILITY: Duration = Duration::from_hours(12);

/// A queue, ready to use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
    /// Host that requests go to, for messages.
    server: String,
    credentials: Arc<Cached>,
}

/// A message as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The queue's id of the message.
    pub id: String,
    /// The receipt handle.
    pub receipt: String,
    /// Its body.
    pub body: String,
    /// How often it was received, including this time.
    pub receives: u32,
}

/// Attributes of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Visible messages, by the queue's own estimate.
    pub waiting: u64,
    /// Whether messages that were received too often are dead-lettered.
    pub redrive: Redrive,
    /// The queue's default visibility timeout, in seconds.
    pub visibility: Option<u32>,
}

/// Whether messages that were received too often are dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redrive {
    /// A redrive policy names a dead-letter queue.
    Configured,
    /// They are delivered again until their retention ends.
    Missing,
}

/// A failed entry of a batch request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Index in the request.
    pub index: usize,
    /// Why.
    pub error: QueueError,
}

impl Queue {
    /// The queue at `address`. Requests go to `endpoint`, else to the endpoint in the configuration, else to
    /// the host in its URL, or, if that is Amazon's, to the endpoint of the region.
    pub fn new(config: &aws_access::Config, address: &Address, endpoint: Option<String>) -> Self {
        let endpoint =
            endpoint.or_else(|| aws_access::endpoint(&config.sdk, "SQS")).or_else(|| address.endpoint());
        let server = endpoint.clone().unwrap_or_else(|| address.origin());
        let mut builder = Builder::from(&config.sdk);
        builder.set_endpoint_url(endpoint);
        Self {
            client: Client::from_conf(builder.build()),
            url: address.as_str().to_owned(),
            server,
            credentials: Arc::clone(&config.credentials),
        }
    }

    /// Sends a request; again with new credentials if the queue refuses the cached ones.
    async fn ask<T, E, F>(&self, operation: &str, send: impl Fn() -> F) -> Result<T, QueueError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut tried = 0;
        loop {
            let generation = self.credentials.generation().await;
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => QueueError::explained(operation, &self.server, &error),
            };
            tried += 1;
            // Twice: the credentials may have been renewed since the generation was read.
            if tried > 2 || !error.is_of_credentials() {
                return Err(error);
            }
            match self.credentials.renew(generation).await {
                Renewed::Others => tracing::debug!(%error, "continuing with other AWS credentials"),
                Renewed::Same => return Err(error),
                // The next request fetches them again.
                Renewed::Unknown => return Err(error.into_transient()),
            }
        }
    }

    /// Asks for the attributes of the queue.
    pub async fn about(&self) -> Result<About, QueueError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::RedrivePolicy,
            QueueAttributeName::VisibilityTimeout,
        ];
        let request =
            self.client.get_queue_attributes().queue_url(&self.url).set_attribute_names(Some(names.into()));
        let answer = self.ask("GetQueueAttributes", || request.clone().send()).await?;
        let attribute = |name| answer.attributes().and_then(|attributes| attributes.get(&name));
        let waiting = attribute(QueueAttributeName::ApproximateNumberOfMessages);
        Ok(About {
            waiting: waiting.and_then(|count| count.parse().ok()).unwrap_or(0),
            redrive: match attribute(QueueAttributeName::RedrivePolicy) {
                Some(policy) if !policy.is_empty() => Redrive::Configured,
                _ => Redrive::Missing,
            },
            visibility: attribute(QueueAttributeName::VisibilityTimeout).and_then(|text| text.parse().ok()),
        })
    }

    /// Waits up to `wait` for messages and receives `max` at most (1 to 10), with this `visibility` timeout.
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
        let answer = self.ask("ReceiveMessage", || request.clone().send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(received).collect())
    }

    /// Deletes messages by their receipts, 10 at most. Returns those that failed.
    pub async fn delete(&self, receipts: &[String]) -> Result<Vec<Refused>, QueueError> {
        let entry = |(index, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
        };
        let entries: Result<_, _> = receipts.iter().enumerate().map(entry).collect();
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let request = request.set_entries(Some(entries.map_err(|error| QueueError::unbuilt(&error))?));
        let answer = self.ask("DeleteMessageBatch", || request.clone().send()).await?;
        Ok(answer.failed().iter().filter_map(refused).collect())
    }

    /// Sets the visibility timeout of messages, counted from now, 10 at most. Returns those that failed. With
    /// zero they are visible at once.
    pub async fn change_visibility(
        &self,
        receipts: &[String],
        visibility: Duration,
    ) -> Result<Vec<Refused>, QueueError> {
        let entry = |(index, receipt): (usize, &String)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds(visibility))
                .build()
        };
        let entries: Result<_, _> = receipts.iter().enumerate().map(entry).collect();
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        let request = request.set_entries(Some(entries.map_err(|error| QueueError::unbuilt(&error))?));
        let answer = self.ask("ChangeMessageVisibilityBatch", || request.clone().send()).await?;
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
    Some(Refused { index: entry.id().parse().ok()?, error: QueueError::of_entry(entry) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueueErrorKind;

    #[test]
    fn failed_entries_of_a_batch_are_matched_to_their_messages() {
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
