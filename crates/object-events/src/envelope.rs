//! Which form an event has, and the envelopes that carry one event inside another.

mod records;

use std::borrow::Cow;
use std::io::{self, Read};
use std::mem;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use base64::read::DecoderReader;
use serde_json::value::RawValue;

use super::bridge::Envelope;
use super::form::{self, Data, EventObject};
use super::oss::Element;
use super::s3::TestEvent;
use super::stream::{Carried, count, each, json, members, most_elements, unescaped};
use super::{Event, EventError, KeyEncoding, Message, Task, timer};
use crate::change::ObjectChange;

/// How many envelopes may stand around an event. The documented maximum is two (base64 inside a queue message
/// inside a CloudEvent; a topic's message inside a queue's); the bound keeps a hostile body from nesting
/// without end.
const MAX_ENVELOPES: usize = 4;

/// The vector of changes grows by this number of elements, and does not double.
const STEP: usize = 1024;

/// Parses the text of an event.
pub(super) fn parse_text(text: &str, keys: KeyEncoding) -> Result<Event, EventError> {
    let mut parser = Parser::new(text, keys, 0);
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

/// Parses the text of a queue's message.
pub(super) fn parse_message(text: &str, keys: KeyEncoding) -> Result<Vec<ObjectChange>, EventError> {
    let mut parser = Parser::new(text, keys, 1);
    parser.text(text)?;
    parser.into_message()
}

struct Parser {
    keys: KeyEncoding,
    changes: Vec<ObjectChange>,
    messages: Vec<Message>,
    task: Option<Task>,
    envelopes: usize,
    /// Elements of arrays so far, including nested ones.
    elements: usize,
    most_elements: usize,
    carried: Carried,
}

impl Parser {
    fn new(text: &str, keys: KeyEncoding, envelopes: usize) -> Self {
        Self {
            keys,
            changes: Vec::new(),
            messages: Vec::new(),
            task: None,
            envelopes,
            elements: 0,
            most_elements: most_elements(text.len()),
            carried: Carried::of(text),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), EventError> {
        let text = trimmed(text);
        match text.as_bytes().first() {
            None => Err(EventError::new("", "the body is empty")),
            Some(b'{') => self.object(&members(text)?, text),
            Some(b'[') => {
                self.count(text)?;
                each(text, |index, element| {
                    members(element.get())
                        .and_then(|object| self.object(&object, element.get()))
                        .map_err(|error| error.inside(&format!("[{index}]")))
                })
            }
            Some(_) => self.base64(Cow::Borrowed(text), 0),
        }
    }

    /// The changes in one of several messages that came together. What they take is counted for all of them.
    pub(super) fn message_alone(&mut self, value: &str) -> Result<Vec<ObjectChange>, EventError> {
        let mut alone = Self {
            keys: self.keys,
            changes: Vec::new(),
            messages: Vec::new(),
            task: None,
            envelopes: 0,
            elements: self.elements,
            most_elements: self.most_elements,
            carried: mem::take(&mut self.carried),
        };
        let parsed = alone.message(value);
        self.carried = mem::take(&mut alone.carried);
        parsed?;
        let elements = alone.elements;
        let changes = alone.into_message()?;
        // Nothing is kept of a message that is refused, so it does not count against the others.
        self.elements = elements;
        Ok(changes)
    }

    fn into_message(self) -> Result<Vec<ObjectChange>, EventError> {
        match self.task {
            None => Ok(self.changes),
            Some(_) => Err(EventError::new("", "a timer event in a message of a queue")),
        }
    }

    /// Refuses an array with which there would be too many elements. Where there are any already, it stands
    /// inside one of them, in whose place its own are counted: a message of a queue and the one change in it
    /// are one.
    pub(super) fn count(&mut self, array: &str) -> Result<(), EventError> {
        let replaced = usize::from(self.elements > 0);
        let elements = self.elements.saturating_add(count(array)?.saturating_sub(replaced));
        if elements > self.most_elements {
            let most = self.most_elements;
            return Err(EventError::new("", format!("more than {most} elements in an event of this size")));
        }
        self.elements = elements;
        Ok(())
    }

    fn object(&mut self, object: &EventObject<'_>, text: &str) -> Result<(), EventError> {
        object.is_of_one_form()?;
        if let Some(events) = object.events {
            self.count(events.get()).map_err(|error| error.inside("events"))?;
            return each(events.get(), |index, element| {
                members(element.get())
                    .and_then(|element| self.element(element))
                    .map_err(|error| error.inside(&format!("events[{index}]")))
            });
        }
        if let Some(records) = object.records {
            return self.records(records.get());
        }
        if object.oss.is_some() {
            return members(text).and_then(|element| self.element(element));
        }
        if object.trigger_name.is_some() {
            self.task = Some(
                timer::task(object.payload.map(RawValue::get)).map_err(|error| error.inside("payload"))?,
            );
            return Ok(());
        }
        if let (Some(detail_type), Some(detail)) = (object.detail_type, object.detail) {
            let EventObject { source, time, .. } = *object;
            let change = Envelope { source, detail_type, time, detail }.into_change(self.keys)?;
            self.push(change);
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
        if object.test_event.is_some() && members::<TestEvent>(text)?.welcomed() {
            return Ok(());
        }
        Err(form::unknown(text))
    }

    fn element(&mut self, element: Element) -> Result<(), EventError> {
        let change = element.into_change(self.keys)?;
        self.push(change);
        Ok(())
    }

    pub(super) fn push(&mut self, change: ObjectChange) {
        if self.changes.len() == self.changes.capacity() && !self.changes.is_empty() {
            self.changes.reserve_exact(STEP);
        }
        self.changes.push(change);
    }

    fn data(&mut self, data: &str) -> Result<(), EventError> {
        if data.starts_with('"') {
            return self.message(data);
        }
        let Data { oss, message_body } = members(data)?;
        match (oss, message_body) {
            (Some(_), _) => members(data).and_then(|element| self.element(element)),
            (None, Some(message)) => self.message(message.get()).map_err(|error| error.inside("messageBody")),
            (None, None) => Err(form::unknown(data)),
        }
    }

    /// The event that a message carries: as a JSON string, or as JSON if a service between sender and
    /// receiver has decoded it.
    pub(super) fn message(&mut self, value: &str) -> Result<(), EventError> {
        if value.starts_with(['{', '[']) {
            return self.nested(Cow::Borrowed(value), 0);
        }
        if !value.starts_with('"') {
            return json::<String>(value).and_then(|message| self.nested(Cow::Owned(message), 0));
        }
        // Text without escapes is not copied.
        let taken = if value.contains('\\') { value.len() } else { 0 };
        self.carried.take(taken)?;
        match unescaped(value) {
            Ok(message) => self.nested(message, taken),
            Err(error) => {
                self.carried.give_back(taken);
                Err(error)
            }
        }
    }

    /// The event that `text` carries. The memory reserved for the text is released as soon as it is decoded.
    fn base64(&mut self, text: Cow<'_, str>, taken: usize) -> Result<(), EventError> {
        let most = base64::decoded_len_estimate(text.len());
        let event = self
            .carried
            .take(most)
            .and_then(|()| decoded(trimmed(&text), most).inspect_err(|_| self.carried.give_back(most)));
        drop(text);
        self.carried.give_back(taken);
        self.nested(Cow::Owned(event?), most)
    }

    /// The event in an envelope. `taken` bytes are reserved for its text.
    fn nested(&mut self, text: Cow<'_, str>, taken: usize) -> Result<(), EventError> {
        if self.envelopes == MAX_ENVELOPES {
            self.carried.give_back(taken);
            return Err(EventError::new("", format!("more than {MAX_ENVELOPES} envelopes around the event")));
        }
        self.envelopes += 1;
        let result = if trimmed(&text).starts_with(['{', '[']) || trimmed(&text).is_empty() {
            let result = self.text(&text);
            self.carried.give_back(taken);
            result
        } else {
            self.base64(text, taken)
        };
        self.envelopes -= 1;
        result
    }
}

/// Without what editors and tools put around a text.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

/// Base64 without its line breaks, which are common in what command-line tools make.
struct Unbroken<'a>(&'a [u8]);

impl Read for Unbroken<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < into.len()
            && let Some((byte, rest)) = self.0.split_first()
        {
            self.0 = rest;
            if !byte.is_ascii_whitespace() {
                into[length] = *byte;
                length += 1;
            }
        }
        Ok(length)
    }
}

/// Decodes base64 into `most` bytes of memory, and without a copy of it that has no line breaks.
fn decoded(text: &str, most: usize) -> Result<String, EventError> {
    let mut decoded = Vec::with_capacity(most);
    let is_broken = text.contains(|character: char| character.is_ascii_whitespace());
    let read = if is_broken {
        let mut decoder = DecoderReader::new(Unbroken(text.as_bytes()), &BASE64_STANDARD);
        decoder.read_to_end(&mut decoded).map(drop).map_err(|error| error.to_string())
    } else {
        BASE64_STANDARD.decode_vec(text, &mut decoded).map_err(|error| error.to_string())
    };
    read.map_err(|error| EventError::new("", format!("the body is neither JSON nor base64: {error}")))?;
    String::from_utf8(decoded)
        .map_err(|_| EventError::new("", "the body is neither JSON nor base64 of UTF-8 text"))
}
