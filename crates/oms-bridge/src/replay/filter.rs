//! Which markers are replayed.

use chrono::{DateTime, Utc};

use crate::engine::FailureClass;
use crate::journal::{Marker, Record};

/// All conditions that are set must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The key begins with it.
    pub prefix: Option<String>,
    /// The last failure was of this class. Empty markers have none and do not match.
    pub class: Option<FailureClass>,
    /// The last failure is not older.
    pub since: Option<DateTime<Utc>>,
    /// The last failure is not newer.
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether the listing alone rules the marker out. A marker is written when its key fails, so its time is that of the
    /// last failure.
    pub(super) fn admits_marker(&self, marker: &Marker) -> bool {
        let key_fits = match (&self.prefix, marker.key()) {
            (Some(prefix), Some(key)) => key.starts_with(prefix.as_str()),
            _ => true,
        };
        let time = marker.object().last_modified;
        key_fits
            && self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| time.is_some_and(|time| time <= until))
    }

    /// Whether the record has to be read to decide.
    pub(super) fn needs_record(&self, marker: &Marker) -> bool {
        self.class.is_some() || marker.key().is_none()
    }

    /// Whether the record fits, once it is read.
    pub(super) fn admits_record(&self, key: &str, record: &Record<'_>) -> bool {
        self.class.is_none_or(|class| record.class == Some(class))
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()))
    }
}
