//! The failed records as metrics.

use metrics::{Exposition, names};

use super::Status;

impl Status {
    /// Adds what the journal holds to `metrics`. Of more keys than were counted only those are known.
    pub(crate) fn expose(&self, metrics: &mut Exposition) {
        let (task, records) = (&*self.task, &self.records);
        metrics.add_of(&names::KEYS_WAITING, [task], records.failed);
        let classes = &records.by_class;
        for (class, keys) in [
            ("transient", classes.transient),
            ("throttled", classes.throttled),
            ("auth", classes.auth),
            ("permanent", classes.permanent),
            ("unknown", classes.unknown),
        ] {
            metrics.add_of(&names::KEYS_WAITING_BY_CLASS, [task, class], keys);
        }
        metrics.add_of(&names::KEYS_DEAD, [task], records.dead);
        let oldest = records.oldest.as_ref().map_or(0, |oldest| oldest.age_s);
        metrics.add_of(&names::OLDEST_WAITING, [task], u64::try_from(oldest).unwrap_or_default());
    }
}
