//! How large an event may be, and how much memory all events in progress may take.
//!
//! Both follow the memory of the instance. A hostile event costs up to four times its size (`stream`), so an
//! instance takes events of a sixteenth of its memory: a quarter of it is what one may cost, and half of it
//! what all may cost together. 128 MB take 8 MiB, 256 MB take 16 MiB, 512 MB and more take 32 MiB, which is
//! what Function Compute sends at most. What it documents for a batch of an event stream, 10,000 messages of
//! a queue, is up to about 12 MB.
//!
//! If the memory is unknown, 512 MB is assumed, the default of Function Compute. AWS Lambda limits its events
//! to 6 MB itself.

use std::mem::size_of;

use super::{Event, Message, stream};
use crate::change::ObjectChange;

/// Memory of an instance that does not say, in MB.
const UNKNOWN: usize = 512;

/// The largest event that Function Compute sends.
const MAX_EVENT: usize = 32 << 20;

/// A change on its way through the engine and into the journal, beside the texts that it consists of.
const CHANGE: usize = 1 << 10;

/// Limits for events, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Largest event.
    pub event: usize,
    /// Memory that all events in progress may take together, by [`weight`].
    pub together: usize,
}

impl Bounds {
    /// The limits of an instance with this memory, in MB, as its platform reports it.
    pub fn of_memory(megabytes: Option<&str>) -> Self {
        let told = megabytes.and_then(|text| text.trim().parse().ok()).filter(|megabytes| *megabytes > 0);
        // No platform has instances smaller than this.
        let memory = told.unwrap_or(UNKNOWN).max(128).saturating_mul(1 << 20);
        Self { event: (memory / 16).min(MAX_EVENT), together: memory / 2 }
    }

    /// Advice for events that are larger.
    pub fn remedy(&self) -> &'static str {
        if self.event < MAX_EVENT {
            "lower the trigger's Batch Push Messages, or give the instance more memory"
        } else {
            "lower the trigger's Batch Push Messages"
        }
    }
}

/// Memory that an event of `length` bytes may take while it is parsed, in bytes: the event itself, the texts
/// in it that carry other events, and the parsed changes.
pub fn weight(length: usize) -> usize {
    /// Shortest element that is a change: `{"oss":{"object":{"key":"k"}}}` and a comma.
    const SHORTEST: usize = 31;
    length.saturating_mul(3) + (length / SHORTEST).min(stream::most_elements(length)) * CHANGE
}

impl Event {
    /// Memory of the parsed event, without its body, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Changes(changes) => changes.iter().map(of_change).sum(),
            Self::Messages(messages) => messages.iter().map(of_message).sum(),
            Self::Timer(_) => 0,
        }
    }
}

fn of_message(message: &Message) -> usize {
    let changes = message.event.iter().flatten().map(of_change).sum::<usize>();
    size_of::<Message>() + message.id.len() + changes
}

fn of_change(change: &ObjectChange) -> usize {
    let texts = [
        &change.bucket,
        &change.event_time,
        &change.etag,
        &change.version_id,
        &change.sequencer,
        &change.url,
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    CHANGE + change.key.len() + change.event.as_str().len() + texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_memory_and_one_event_fits_into_what_all_may_take() {
        for (memory, event) in [
            (Some("128"), 8),
            (Some("192"), 12),
            (Some("256"), 16),
            (Some("512"), 32),
            (Some("32768"), 32),
            (None, 32),
            (Some("much"), 32),
            (Some("0"), 32),
            (Some("64"), 8),
        ] {
            let bounds = Bounds::of_memory(memory);
            assert_eq!(bounds.event, event << 20, "{memory:?}");
            // A quarter is kept for small events.
            assert!(weight(bounds.event) <= bounds.together / 4 * 3, "{memory:?}");
            assert_eq!(bounds.remedy().contains("more memory"), event < 32, "{memory:?}");
        }
    }
}
