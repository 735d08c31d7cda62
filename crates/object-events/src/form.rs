//! The members by which the forms of events are recognised.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::EventError;
use super::stream::{self, text};

/// An event, or an element of an array of events. Its members stay as they came until it is known what they
/// are; unknown ones are ignored.
#[derive(Deserialize)]
pub(super) struct EventObject<'a> {
    #[serde(borrow)]
    pub(super) events: Option<&'a RawValue>,
    #[serde(borrow, rename = "Records")]
    pub(super) records: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow, rename = "Type")]
    message_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "TopicArn")]
    topic_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "messageBody")]
    pub(super) message_body: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) body: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) oss: Option<&'a RawValue>,
    #[serde(borrow, rename = "triggerName")]
    pub(super) trigger_name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) payload: Option<&'a RawValue>,
    #[serde(borrow, rename = "Event")]
    pub(super) test_event: Option<&'a RawValue>,
}

/// `data` of a CloudEvent: an OSS element, or the message of an SMQ queue.
#[derive(Deserialize)]
pub(super) struct Data<'a> {
    #[serde(borrow)]
    pub(super) oss: Option<&'a RawValue>,
    #[serde(borrow, rename = "messageBody")]
    pub(super) message_body: Option<&'a RawValue>,
}

impl EventObject<'_> {
    /// Refuses events that could be read in two ways.
    pub(super) fn is_of_one_form(&self) -> Result<(), EventError> {
        let forms = [
            ("events", self.events.is_some()),
            ("Records", self.records.is_some()),
            ("oss", self.oss.is_some()),
            ("detail-type", self.detail_type.is_some()),
        ];
        let mut present = forms.iter().filter(|(_, present)| *present).map(|(name, _)| name);
        match (present.next(), present.next()) {
            (Some(one), Some(other)) => {
                Err(EventError::new("", format!("two forms of events in one: `{one}` and `{other}`")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses the messages of SNS about a subscription: they need an action by the user.
    pub(super) fn is_no_handshake(&self) -> Result<(), EventError> {
        let (Some(topic), Some(kind)) = (self.topic_arn, self.message_type) else { return Ok(()) };
        let kind = text(kind).map_err(|error| error.inside("Type"))?;
        let remedy = match &*kind {
            "SubscriptionConfirmation" => {
                "the subscription is not confirmed yet; confirm it with `aws sns confirm-subscription` and the `Token` of \
                 this message, or open its `SubscribeURL`"
            }
            "UnsubscribeConfirmation" => {
                "the subscription was cancelled; subscribe again, or remove what still sends to here"
            }
            _ => return Ok(()),
        };
        let topic = super::error::shortened(topic.get());
        Err(EventError::new("", format!("{kind} of the SNS topic {topic}: {remedy}")))
    }
}

/// Names the members that were found, so that the reader sees which form it is instead.
pub(super) fn unknown(text: &str) -> EventError {
    let found = stream::names(text);
    let found = if found.is_empty() { "no members".to_owned() } else { found.join(", ") };
    EventError::new("", format!("no known event form: an object with {found}"))
}
