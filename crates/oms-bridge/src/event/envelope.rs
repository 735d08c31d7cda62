//! Which form an event has, and the envelopes that carry one event inside another.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::oss::{Element, Oss};
use super::{Event, EventError, KeyEncoding, Task, timer};
use crate::change::ObjectChange;

/// How many envelopes may stand around an event. The documented maximum is two (base64 inside a queue message inside
/// a CloudEvent); the bound keeps a hostile body from nesting without end.
const MAX_ENVELOPES: usize = 4;

/// The members that tell the forms apart, and those of a bare element. Unknown members are ignored.
#[derive(Deserialize)]
struct Object<'a> {
    events: Option<Vec<Element>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    message: Option<&'a RawValue>,
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
}

/// `data` of a CloudEvent: an OSS element, or the message of an SMQ queue.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "eventName")]
    event_name: Option<String>,
    #[serde(rename = "eventTime")]
    event_time: Option<String>,
    oss: Option<Oss>,
    #[serde(rename = "messageBody")]
    message_body: Option<String>,
}

/// Turns the text of an event into what it asks for.
pub(super) fn parse_text(text: &str, keys: KeyEncoding) -> Result<Event, EventError> {
    let mut parser = Parser { keys, changes: Vec::new(), task: None, envelopes: 0 };
    parser.text(text)?;
    match parser.task {
        None => Ok(Event::Changes(parser.changes)),
        Some(task) if parser.changes.is_empty() => Ok(Event::Timer(task)),
        Some(_) => Err(EventError::new("", "a timer event among object events")),
    }
}

struct Parser {
    keys: KeyEncoding,
    changes: Vec<ObjectChange>,
    task: Option<Task>,
    envelopes: usize,
}

impl Parser {
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
        if let Some(events) = object.events {
            self.changes.reserve(events.len());
            return events.into_iter().enumerate().try_for_each(|(index, element)| {
                self.element(element).map_err(|error| error.inside(&format!("events[{index}]")))
            });
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
        if let Some(data) = object.data {
            return self.data(data.get()).map_err(|error| error.inside("data"));
        }
        for (name, value) in [("Message", object.message), ("body", object.body)] {
            if let Some(value) = value {
                return self.message(value.get()).map_err(|error| error.inside(name));
            }
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
            (None, Some(message)) => self.nested(&message).map_err(|error| error.inside("messageBody")),
            (None, None) => Err(unknown_form(data)),
        }
    }

    /// A JSON string that holds an event.
    fn message(&mut self, json_string: &str) -> Result<(), EventError> {
        let message: String = json(json_string)?;
        self.nested(&message)
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

    fn nested(&mut self, text: &str) -> Result<(), EventError> {
        if self.envelopes == MAX_ENVELOPES {
            return Err(EventError::new("", format!("more than {MAX_ENVELOPES} envelopes around the event")));
        }
        self.envelopes += 1;
        let result = self.text(text);
        self.envelopes -= 1;
        result
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
