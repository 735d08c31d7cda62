//! Event bytes to [`ObjectChange`]s.
//!
//! One parser recognises all documented forms:
//!
//! | form | recognised by | handled in |
//! |---|---|---|
//! | native OSS trigger | object with the array `events` | `oss` |
//! | CloudEvent of EventBridge, alone or in an array | object with `data.oss` | `oss` |
//! | bare element (EventBridge `RawData`) | object with `oss` | `oss` |
//! | SMQ/MNS topic, `JSON` | object with the text `Message` | `envelope` |
//! | SMQ/MNS topic, `STREAM` with attributes | object with the text `body` | `envelope` |
//! | SMQ/MNS topic, `STREAM` | base64 text | `envelope` |
//! | SMQ/MNS queue through EventBridge, with or without its CloudEvent | object with `data.messageBody`, `messageBody` | `envelope` |
//! | Amazon S3 notification | object with `Records` of `eventSource` `aws:s3` | `s3` |
//! | test event of Amazon S3 | object with the `Event` `s3:TestEvent` | `s3` |
//! | Amazon S3 through EventBridge | object with `detail-type` and `detail` | `bridge` |
//! | SNS, to a queue or over HTTP | object with the text `Message` | `envelope` |
//! | SNS to Lambda | object with `Records` of `EventSource` `aws:sns` | `envelope::records` |
//! | SQS to Lambda | object with `Records` of `eventSource` `aws:sqs`; their bodies are any of the above | `envelope::records` |
//! | Tencent COS | object with `Records` that have `cos` | `cos` |
//! | timer trigger | object with `triggerName` | `timer` |
//!
//! Where a text carries an event (`Message`, `body`, `messageBody`), the event may also be there as JSON:
//! EventBridge decodes such bodies.
//!
//! Events are read piece by piece, in memory of at most four times their size; the limits are in `stream`,
//! those of a whole event in `bounds`.
//!
//! Anything else is an [`EventError`] that says what was wrong and where, so that the invocation fails and
//! the platform keeps the event. Each source normalises its keys once, in its own file; nothing downstream
//! decodes again.
//!
//! ```
//! use object_events::change::Effect;
//! use object_events::{Event, KeyEncoding, parse};
//!
//! let body = br#"{"events":[{"eventName":"ObjectCreated:PutObject",
//!     "oss":{"bucket":{"name":"photos"},"object":{"key":"a b.jpg"}}}]}"#;
//! let Event::Changes(changes) = parse(body, KeyEncoding::Raw)? else { panic!("not a timer") };
//! assert_eq!(changes[0].key, "a b.jpg");
//! assert_eq!(changes[0].effect(), Effect::Changed);
//! # Ok::<(), object_events::EventError>(())
//! ```

#![warn(missing_docs)]

mod bounds;
mod bridge;
pub mod change;
mod cos;
mod envelope;
mod error;
mod event;
mod form;
mod key;
mod oss;
mod s3;
mod size;
mod stream;
mod timer;

pub use bounds::{Bounds, weight};
pub use error::EventError;
pub use event::{Event, Message};
pub use key::KeyEncoding;
pub use timer::{Task, TriggerKeys};

use crate::change::ObjectChange;

/// Parses the body of an event in any supported form.
///
/// # Errors
///
/// [`EventError`] when the body is empty, not UTF-8, neither JSON nor base64 of it, of no known form or of
/// two, or when any of its elements has no usable key. One bad element fails the whole event: half an event
/// forwarded would be reported as success. Only messages of a queue stand alone, as [`Event::Messages`].
pub fn parse(body: &[u8], keys: KeyEncoding) -> Result<Event, EventError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        EventError::new("", format!("the body is not UTF-8: bad byte at offset {}", error.valid_up_to()))
    })?;
    envelope::parse_text(text, keys)
}

/// Parses the body of one message of a queue, in any supported form but a timer's.
///
/// # Errors
///
/// [`EventError`] as [`parse`] does; the message is to be left to its queue then, which sets it aside at
/// last.
pub fn parse_message(body: &str, keys: KeyEncoding) -> Result<Vec<ObjectChange>, EventError> {
    envelope::parse_message(body, keys)
}

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
