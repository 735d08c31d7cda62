//! The array `Records`: Amazon S3, SNS and SQS and Tencent COS all call theirs so.

use std::fmt;

use serde::Deserialize;

use super::envelope::{Parser, Text, parse_message};
use super::{EventError, Message, cos, s3};

/// An element of `Records`, with what any of its senders may put there.
#[derive(Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "eventSource")]
    source: Option<Text<'a>>,
    /// SNS spells it so.
    #[serde(borrow, rename = "EventSource")]
    sns_source: Option<Text<'a>>,
    #[serde(borrow, rename = "eventVersion")]
    version: Option<Text<'a>>,
    #[serde(rename = "eventName")]
    name: Option<String>,
    #[serde(rename = "eventTime")]
    time: Option<String>,
    s3: Option<s3::Entity>,
    cos: Option<cos::Entity>,
    event: Option<cos::Occasion>,
    #[serde(borrow, rename = "Sns")]
    sns: Option<Sns<'a>>,
    #[serde(rename = "messageId")]
    message_id: Option<String>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

/// What SNS hands to a function.
#[derive(Deserialize)]
struct Sns<'a> {
    #[serde(borrow, rename = "Message")]
    message: Option<Text<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    S3,
    Sns,
    Sqs,
    Cos,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "aws:s3",
            Self::Sns => "aws:sns",
            Self::Sqs => "aws:sqs",
            Self::Cos => "qcs::cos",
        })
    }
}

impl Record<'_> {
    fn sender(&self) -> Result<Sender, EventError> {
        let source = self.source.as_ref().or(self.sns_source.as_ref());
        match source.map(Text::as_str) {
            Some("aws:s3") => Ok(Sender::S3),
            Some("aws:sns") => Ok(Sender::Sns),
            Some("aws:sqs") => Ok(Sender::Sqs),
            None if self.cos.is_some() => Ok(Sender::Cos),
            None => Err(EventError::new("eventSource", "missing")),
            Some(other) => Err(EventError::new(
                "eventSource",
                format!(
                    "{other:?} is not known; known are aws:s3, aws:sns and aws:sqs, and records with `cos`"
                ),
            )),
        }
    }
}

impl Parser {
    /// Takes all records. They come from one sender: a mixture is none of the documented forms.
    pub(super) fn records(&mut self, records: Vec<Record<'_>>) -> Result<(), EventError> {
        let mut first = None;
        for (index, record) in records.into_iter().enumerate() {
            let taken = record.sender().and_then(|sender| {
                let first = *first.get_or_insert(sender);
                if first == sender {
                    self.record(sender, record, index)
                } else {
                    Err(EventError::new("", format!("a record of {sender} among records of {first}")))
                }
            });
            taken.map_err(|error| error.inside(&format!("Records[{index}]")))?;
        }
        Ok(())
    }

    fn record(&mut self, sender: Sender, record: Record<'_>, index: usize) -> Result<(), EventError> {
        let change = match sender {
            Sender::Sqs => return self.queued(record, index),
            Sender::Sns => {
                let message = record.sns.and_then(|sns| sns.message);
                let message = message.ok_or_else(|| EventError::new("Sns.Message", "missing"))?;
                return self.nested(message.as_str()).map_err(|error| error.inside("Sns.Message"));
            }
            Sender::S3 => {
                let entity = record.s3.ok_or_else(|| EventError::new("s3", "missing"))?;
                let version = record.version.as_ref().map(Text::as_str);
                entity.into_change(s3::Occasion { version, name: record.name, time: record.time })?
            }
            Sender::Cos => {
                let entity = record.cos.ok_or_else(|| EventError::new("cos", "missing"))?;
                entity.into_change(record.event, self.keys)?
            }
        };
        self.changes.push(change);
        Ok(())
    }

    /// A message of a queue. What is wrong with its body concerns no other message.
    fn queued(&mut self, record: Record<'_>, index: usize) -> Result<(), EventError> {
        if self.envelopes > 0 {
            return Err(EventError::new("", "a message of a queue inside another message"));
        }
        let Some(id) = record.message_id.filter(|id| !id.is_empty()) else {
            return Err(EventError::new("messageId", "missing"));
        };
        let event = match record.body {
            Some(body) => parse_message(body.as_str(), self.keys),
            None => Err(EventError::new("", "missing")),
        };
        let event = event.map_err(|error| error.inside(&format!("Records[{index}].body")));
        self.messages.push(Message { id, event });
        Ok(())
    }
}
