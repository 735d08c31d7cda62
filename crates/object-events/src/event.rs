//! The content of an event.

use crate::change::ObjectChange;
use crate::error::EventError;
use crate::timer::Task;

/// The content of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Objects changed. None is no error: there is nothing to do.
    Changes(Vec<ObjectChange>),
    /// Messages of a queue. Each succeeds or fails independently.
    Messages(Vec<Message>),
    /// A timer has fired.
    Timer(Task),
}

/// A message of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of the message, never empty.
    pub id: String,
    /// The changes in its body. None is no error: there is nothing to do.
    pub event: Result<Vec<ObjectChange>, EventError>,
}
