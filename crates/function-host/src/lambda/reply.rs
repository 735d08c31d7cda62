//! Responses to Lambda.

use serde::Serialize;

use crate::function::EventAnswer;
use bridge_core::pipeline::Nack;

/// The answer to an event that did not fail as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    /// Whether every key was accepted; if not, every failure is in the journal.
    Whole(bool),
    /// The response to messages of a queue.
    Batch(BatchResponse),
}

/// A partial batch response: which messages go back to the queue.
///
/// A misspelt member, and an empty or unknown
/// identifier, fail the whole batch:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchResponse {
    /// Empty if the whole batch succeeded.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A message that goes back to the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemFailure {
    /// Its message id.
    pub item_identifier: String,
}

impl From<EventAnswer> for Reply {
    fn from(answer: EventAnswer) -> Self {
        match answer {
            EventAnswer::Whole(accepted) => Self::Whole(accepted),
            EventAnswer::Messages(nacks) => Self::Batch(nacks.into_iter().collect()),
        }
    }
}

impl FromIterator<Nack> for BatchResponse {
    fn from_iter<I: IntoIterator<Item = Nack>>(messages: I) -> Self {
        let failures = messages.into_iter().map(|message| ItemFailure { item_identifier: message.id });
        Self { batch_item_failures: failures.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::pipeline::NackReason;

    #[test]
    fn responses_have_the_form_that_lambda_expects() {
        let json = |answer: EventAnswer| serde_json::to_string(&Reply::from(answer)).unwrap();
        assert_eq!(json(EventAnswer::Whole(false)), "false");
        assert_eq!(json(EventAnswer::Messages(Vec::new())), r#"{"batchItemFailures":[]}"#);
        let nack = |id: &str| Nack { id: id.to_owned(), reason: NackReason::Unrecorded("k".to_owned()) };
        assert_eq!(
            json(EventAnswer::Messages(vec![nack("a"), nack("b")])),
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#
        );
    }
}
