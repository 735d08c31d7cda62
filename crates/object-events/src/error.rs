//! The error of an event: what is wrong, and where.

use std::fmt;

/// The event cannot be understood. The invocation fails, so that the platform retries it and at last hands it
/// to the failure destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EventError {
    path: String,
    message: String,
}

impl EventError {
    /// An error at `path` (`events[3].oss.object.key`; empty for the body as a whole).
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: shortened(&path.into()), message: shortened(&message.into()) }
    }

    /// The same error seen from one level further out.
    pub(super) fn inside(mut self, outer: &str) -> Self {
        self.path = match (outer.is_empty(), self.path.is_empty()) {
            (true, _) => self.path,
            (false, true) => outer.to_owned(),
            (false, false) => format!("{outer}.{}", self.path),
        };
        self
    }
}

/// A message may quote the event, but only up to some length.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed event: ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
