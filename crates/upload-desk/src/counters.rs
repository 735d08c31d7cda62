//! Metrics of a desk since it started.

use metrics::{Counter, Exposition, names};
use serde::Serialize;

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(super) allowed: Counter,
    pub(super) duplicates: Counter,
    pub(super) callbacks: Counter,
    pub(super) callbacks_refused: Counter,
    pub(super) stored: Counter,
    pub(super) forwarded: Counter,
    pub(super) removed: Counter,
    pub(super) put_off: Counter,
}

/// The numbers, as `--json` prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Uploads that were allowed.
    pub allowed: u64,
    /// Uploads that were not needed, since their user has the object already.
    pub duplicates: u64,
    /// Callbacks that were accepted, including repeated ones.
    pub callbacks: u64,
    /// Callbacks that were refused.
    pub callbacks_refused: u64,
    /// Objects that arrived, reported by a callback or found in the bucket.
    pub stored: u64,
    /// Objects that the engine accepted, or whose failure is in the journal.
    pub forwarded: u64,
    /// Objects that were removed.
    pub removed: u64,
    /// Pieces of work that failed and are tried again.
    pub put_off: u64,
}

impl Counters {
    /// The current values.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            allowed: self.allowed.value(),
            duplicates: self.duplicates.value(),
            callbacks: self.callbacks.value(),
            callbacks_refused: self.callbacks_refused.value(),
            stored: self.stored.value(),
            forwarded: self.forwarded.value(),
            removed: self.removed.value(),
            put_off: self.put_off.value(),
        }
    }
}

impl Totals {
    /// Adds the numbers to `metrics`.
    pub(crate) fn expose(&self, metrics: &mut Exposition) {
        metrics.add(&names::DESK_UPLOADS_ALLOWED, self.allowed);
        metrics.add(&names::DESK_UPLOADS_DUPLICATE, self.duplicates);
        metrics.add(&names::DESK_CALLBACKS, self.callbacks);
        metrics.add(&names::DESK_CALLBACKS_REFUSED, self.callbacks_refused);
        metrics.add(&names::DESK_OBJECTS_STORED, self.stored);
        metrics.add(&names::DESK_OBJECTS_FORWARDED, self.forwarded);
        metrics.add(&names::DESK_OBJECTS_REMOVED, self.removed);
        metrics.add(&names::DESK_WORK_PUT_OFF, self.put_off);
    }
}
