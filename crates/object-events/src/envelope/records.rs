//! The array `Records`: Amazon S3, SNS and SQS and Tencent COS all call theirs so.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Parser;
use crate::stream::{each, members, optional_text};
use crate::{EventError, Message, cos, s3};

/// An element of `Records`, with what any of its senders may put there.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "eventSource")]
    source: Option<&'a RawValue>,
    /// SNS spells it so.
    #[serde(borrow, rename = "EventSource")]
    sns_source: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventVersion")]
    version: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventName")]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventTime")]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    s3: Option<&'a RawValue>,
    #[serde(borrow)]
    cos: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow, rename = "Sns")]
    sns: Option<&'a RawValue>,
    #[serde(borrow, rename = "messageId")]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// The record that SNS sends to a function.
#[derive(Deserialize)]
struct Sns<'a> {
    #[serde(borrow, rename = "Message")]
    message: Option<&'a RawValue>,
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
        let source = optional_text("eventSource", self.source.or(self.sns_source))?;
        match source.as_deref() {
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
    pub(super) fn records(&mut self, records: &str) -> Result<(), EventError> {
        self.count(records).map_err(|error| error.inside("Records"))?;
        let mut first = None;
        each(records, |index, record| {
            let taken = members::<Record<'_>>(record.get()).and_then(|record| {
                let sender = record.sender()?;
                let first = *first.get_or_insert(sender);
                if first == sender {
                    self.record(sender, &record, index)
                } else {
                    Err(EventError::new("", format!("a record of {sender} among records of {first}")))
                }
            });
            taken.map_err(|error| error.inside(&format!("Records[{index}]")))
        })
    }

    fn record(&mut self, sender: Sender, record: &Record<'_>, index: usize) -> Result<(), EventError> {
        let change = match sender {
            Sender::Sqs => return self.queued(record, index),
            Sender::Sns => {
                let sns = record.sns.map(|sns| members::<Sns<'_>>(sns.get())).transpose();
                let message = sns.map_err(|error| error.inside("Sns"))?.and_then(|sns| sns.message);
                let message = message.ok_or_else(|| EventError::new("Sns.Message", "missing"))?;
                return self.message(message.get()).map_err(|error| error.inside("Sns.Message"));
            }
            Sender::S3 => {
                let entity = record.s3.ok_or_else(|| EventError::new("s3", "missing"))?;
                let entity: s3::S3Entity = members(entity.get()).map_err(|error| error.inside("s3"))?;
                entity.into_change(s3::S3EventInfo {
                    version: optional_text("eventVersion", record.version)?,
                    name: optional_text("eventName", record.name)?,
                    time: optional_text("eventTime", record.time)?,
                })?
            }
            Sender::Cos => {
                let entity = record.cos.ok_or_else(|| EventError::new("cos", "missing"))?;
                let entity: cos::CosEntity = members(entity.get()).map_err(|error| error.inside("cos"))?;
                let occasion = record.event.map(|event| members(event.get())).transpose();
                entity.into_change(occasion.map_err(|error| error.inside("event"))?, self.keys)?
            }
        };
        self.push(change);
        Ok(())
    }

    /// A message of a queue. What is wrong with its body concerns no other message.
    fn queued(&mut self, record: &Record<'_>, index: usize) -> Result<(), EventError> {
        if self.envelopes > 0 {
            return Err(EventError::new("", "a message of a queue inside another message"));
        }
        let id = optional_text("messageId", record.message_id)?;
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Err(EventError::new("messageId", "missing"));
        };
        let event = match record.body {
            Some(body) => self.message_alone(body.get()),
            None => Err(EventError::new("", "missing")),
        };
        let event = event.map_err(|error| error.inside(&format!("Records[{index}].body")));
        self.messages.push(Message { id, event });
        Ok(())
    }
}
