//! Which failures are replayed.

use chrono::{DateTime, Utc};

use crate::journal::{FailureRef, Form, Record};
use object_copy::outcome::FailureClass;

/// All conditions that are set must hold.
#[derive(Clone, Debug, Default)]
pub struct FailureFilter {
    /// The key begins with it.
    pub prefix: Option<String>,
    /// The failure was of this class. Empty markers have none and do not match.
    pub class: Option<FailureClass>,
    /// The failure is not older.
    pub since: Option<DateTime<Utc>>,
    /// The failure is not newer.
    pub until: Option<DateTime<Utc>>,
}

impl FailureFilter {
    /// Whether the listing alone does not rule the failure out. A record is written when its key fails, so
    /// its time is that of the failure.
    pub(super) fn admits_listed(&self, failure: &FailureRef) -> bool {
        let key_fits = match (&self.prefix, failure.key()) {
            (Some(prefix), Some(key)) => key.starts_with(prefix.as_str()),
            _ => true,
        };
        let time = failure.written();
        key_fits
            && self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| time.is_some_and(|time| time <= until))
    }

    /// Whether the record has to be read before the key can be sent: the name does not contain the key, or
    /// the object may be no failure at all.
    pub(super) fn needs_record(&self, failure: &FailureRef) -> bool {
        self.class.is_some() || failure.key().is_none() || failure.form() == Form::Named
    }

    /// Whether the record fits, once it is read.
    pub(super) fn admits_record(&self, key: &str, record: &Record) -> bool {
        self.class.is_none_or(|class| record.class == Some(class))
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()))
    }
}
