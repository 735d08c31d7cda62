//! Which form an event has, and the envelopes that carry one event inside another.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bridge::Envelope;
use super::oss::{Element, Oss};
use super::records::Record;
use super::s3::TestEvent;
use super::{Event, EventError, KeyEncoding, Message, Task, timer};
use crate::change::ObjectChange;

/// How many envelopes may stand around an event. The documented maximum is two (base64 inside a queue message inside
/// a CloudEvent; a topic's message inside a queue's); the bound keeps a hostile body from nesting without end.
const MAX_ENVELOPES: usize = 4;

/// The members that tell the forms apart, and those of a bare element. Unknown members are ignored.
#[derive(Deserialize)]
struct Object<'a> {
    events: Option<Vec<Element>>,
    #[serde(borrow, rename = "Records")]
    records: Option<Vec<Record<'a>>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "Type")]
    message_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "TopicArn")]
    topic_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "messageBody")]
    message_body: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(rename = "eventName")]
    event_name: Option<String>,
    #[serde(rename = "eventTime")]
    event_time: Option<String>,
    oss: Option<Oss>,
    #[serde(borrow, rename = "triggerName")]
    trigger_name: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, rename = "Event")]
    test_event: Option<&'a RawValue>,
}

/// `data` of a CloudEvent: an OSS element, or the message of an SMQ queue.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "eventName")]
    event_name: Option<String>,
    #[serde(rename = "eventTime")]
    event_time: Option<String>,
    oss: Option<Oss>,
    #[serde(borrow, rename = "messageBody")]
    message_body: Option<&'a RawValue>,
}

/// A text, borrowed where it stands without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

/// Turns the text of an event into what it asks for.
pub(super) fn parse_text(text: &str, keys: KeyEncoding) -> Result<Event, EventError> {
    let mut parser = Parser::new(keys, 0);
    parser.text(text)?;
    let Parser { changes, messages, task, .. } = parser;
    match (task, messages.is_empty()) {
        (None, true) => Ok(Event::Changes(changes)),
        (None, false) if changes.is_empty() => Ok(Event::Messages(messages)),
        (None, false) => Err(EventError::new("", "messages of a queue among object events")),
        (Some(task), true) if changes.is_empty() => Ok(Event::Timer(task)),
        (Some(_), _) => Err(EventError::new("", "a timer event among object events")),
    }
}

/// Turns the text of a queue's message into changes.
pub(super) fn parse_message(text: &str, keys: KeyEncoding) -> Result<Vec<ObjectChange>, EventError> {
    let mut parser = Parser::new(keys, 1);
    parser.text(text)?;
    match parser.task {
        None => Ok(parser.changes),
        Some(_) => Err(EventError::new("", "a timer event in a message of a queue")),
    }
}

pub(super) struct Parser {
    pub(super) keys: KeyEncoding,
    pub(super) changes: Vec<ObjectChange>,
    pub(super) messages: Vec<Message>,
    task: Option<Task>,
    pub(super) envelopes: usize,
}

impl Parser {
    fn new(keys: KeyEncoding, envelopes: usize) -> Self {
        Self { keys, changes: Vec::new(), messages: Vec::new(), task: None, envelopes }
    }

    fn text(&mut self, text: &str) -> Result<(), EventError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        match text.as_bytes().first() {
            None => Err(EventError::new("", "the body is empty")),
            Some(b'{') => {
                let object = json(text)?;
                self.object(object, text)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = json(text)?;
                elements.into_iter().enumerate().try_for_each(|(index, element)| {
                    json(element.get())
                        .and_then(|object| self.object(object, element.get()))
                        .map_err(|error| error.inside(&format!("[{index}]")))
                })
            }
            Some(_) => self.base64(text),
        }
    }

    fn object(&mut self, object: Object<'_>, text: &str) -> Result<(), EventError> {
        object.is_of_one_form()?;
        if let Some(events) = object.events {
            self.changes.reserve(events.len());
            return events.into_iter().enumerate().try_for_each(|(index, element)| {
                self.element(element).map_err(|error| error.inside(&format!("events[{index}]")))
            });
        }
        if let Some(records) = object.records {
            return self.records(records);
        }
        if let Some(oss) = object.oss {
            return self.element(Element {
                event_name: object.event_name,
                event_time: object.event_time,
                oss: Some(oss),
            });
        }
        if object.trigger_name.is_some() {
            self.task = Some(
                timer::task(object.payload.map(RawValue::get)).map_err(|error| error.inside("payload"))?,
            );
            return Ok(());
        }
        if let (Some(detail_type), Some(detail)) = (object.detail_type, object.detail) {
            let Object { source, time, .. } = object;
            self.changes.push(Envelope { source, detail_type, time, detail }.into_change(self.keys)?);
            return Ok(());
        }
        if let Some(data) = object.data {
            return self.data(data.get()).map_err(|error| error.inside("data"));
        }
        object.is_no_handshake()?;
        let carried =
            [("Message", object.message), ("body", object.body), ("messageBody", object.message_body)];
        for (name, value) in carried {
            if let Some(value) = value {
                return self.message(value.get()).map_err(|error| error.inside(name));
            }
        }
        if object.test_event.is_some() && json::<TestEvent>(text)?.welcomed() {
            return Ok(());
        }
        Err(unknown_form(text))
    }

    fn element(&mut self, element: Element) -> Result<(), EventError> {
        self.changes.push(element.into_change(self.keys)?);
        Ok(())
    }

    fn data(&mut self, data: &str) -> Result<(), EventError> {
        if data.starts_with('"') {
            return self.message(data);
        }
        let Data { event_name, event_time, oss, message_body } = json(data)?;
        match (oss, message_body) {
            (Some(oss), _) => self.element(Element { event_name, event_time, oss: Some(oss) }),
            (None, Some(message)) => self.message(message.get()).map_err(|error| error.inside("messageBody")),
            (None, None) => Err(unknown_form(data)),
        }
    }

    /// What a message carries: an event as a JSON string, or as it is. What stands between sender and receiver may have decoded it.
    fn message(&mut self, value: &str) -> Result<(), EventError> {
        if value.starts_with(['{', '[']) {
            return self.nested(value);
        }
        let message: Text<'_> = json(value)?;
        self.nested(message.as_str())
    }

    fn base64(&mut self, text: &str) -> Result<(), EventError> {
        // Line breaks are common in base64 made by command-line tools.
        let compact: String = text.split_ascii_whitespace().collect();
        let decoded = BASE64_STANDARD
            .decode(compact)
            .map_err(|error| EventError::new("", format!("the body is neither JSON nor base64: {error}")))?;
        let decoded = String::from_utf8(decoded)
            .map_err(|_| EventError::new("", "the body is neither JSON nor base64 of UTF-8 text"))?;
        self.nested(&decoded)
    }

    pub(super) fn nested(&mut self, text: &str) -> Result<(), EventError> {
        if self.envelopes == MAX_ENVELOPES {
            return Err(EventError::new("", format!("more than {MAX_ENVELOPES} envelopes around the event")));
        }
        self.envelopes += 1;
        let result = self.text(text);
        self.envelopes -= 1;
        result
    }
}

impl Object<'_> {
    /// Refuses what could be read in two ways.
    fn is_of_one_form(&self) -> Result<(), EventError> {
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

    /// Refuses what SNS sends about a subscription in place of events: somebody has to act on it.
    fn is_no_handshake(&self) -> Result<(), EventError> {
        let (Some(topic), Some(kind)) = (self.topic_arn, self.message_type) else { return Ok(()) };
        let kind: Text<'_> = json(kind.get()).map_err(|error| error.inside("Type"))?;
        let remedy = match kind.as_str() {
            "SubscriptionConfirmation" => {
                "the subscription is not confirmed yet; confirm it with `aws sns confirm-subscription` and the `Token` of \
                 this message, or open its `SubscribeURL`"
            }
            "UnsubscribeConfirmation" => {
                "the subscription was cancelled; subscribe again, or remove what still sends to here"
            }
            _ => return Ok(()),
        };
        Err(EventError::new("", format!("{} of the SNS topic {}: {remedy}", kind.as_str(), topic.get())))
    }
}

/// Parses JSON. Only when that fails is it parsed again to find out where.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, EventError> {
    serde_json::from_str(text).map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(located) if located.path().iter().next().is_some() => {
                EventError::new(located.path().to_string(), located.inner().to_string())
            }
            _ => EventError::new("", error.to_string()),
        }
    })
}

/// Names the members that were found, so that the reader sees which form it is instead.
fn unknown_form(text: &str) -> EventError {
    const SHOWN: usize = 8;
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let found: Vec<String> = members.keys().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let found = if found.is_empty() { "no members".to_owned() } else { found.join(", ") };
    EventError::new("", format!("no known event form: an object with {found}"))
}
