//! Event bytes to [`ObjectChange`]s.
//!
//! One parser tells all documented forms apart (`spec`: the acceptance matrix of OSS deliveries):
//!
//! | form | recognised by | handled in |
//! |---|---|---|
//! | native OSS trigger | object with the array `events` | `oss` |
//! | CloudEvent of EventBridge, alone or in an array | object with `data.oss` | `oss` |
//! | bare element (EventBridge `RawData`) | object with `oss` | `oss` |
//! | SMQ/MNS topic, `JSON` | object with the text `Message` | `envelope` |
//! | SMQ/MNS topic, `STREAM` with attributes | object with the text `body` | `envelope` |
//! | SMQ/MNS topic, `STREAM` | base64 text | `envelope` |
//! | SMQ/MNS queue through EventBridge | object with `data.messageBody` | `envelope` |
//! | timer trigger | object with `triggerName` | `timer` |
//!
//! Anything else is an [`EventError`] that says what was wrong and where, so that the invocation fails and the platform
//! keeps the event. Each source normalises its keys once, in its own file; nothing downstream decodes again.

mod envelope;
mod error;
mod oss;
mod timer;

pub use error::EventError;
pub use timer::Task;

use crate::change::ObjectChange;

/// How keys arrive in OSS events: setting `KEY_ENCODING`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncoding {
    /// As they are. What OSS does.
    #[default]
    Raw,
    /// Percent-encoded once: they are decoded once. `+` stays a plus sign.
    Percent,
}

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Objects changed. None is no error: there is nothing to do.
    Changes(Vec<ObjectChange>),
    /// It is time for something.
    Timer(Task),
}

/// Parses the body of an event in any supported form.
///
/// # Errors
///
/// [`EventError`] when the body is empty, not UTF-8, neither JSON nor base64 of it, of no known form, or when any of
/// its elements has no usable key. One bad element fails the whole event: half an event forwarded would be reported
/// as success.
pub fn parse(body: &[u8], keys: KeyEncoding) -> Result<Event, EventError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        EventError::new("", format!("the body is not UTF-8: bad byte at offset {}", error.valid_up_to()))
    })?;
    envelope::parse_text(text, keys)
}

#[cfg(test)]
mod tests;
