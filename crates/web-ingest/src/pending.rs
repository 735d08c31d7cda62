//! Records that stand for objects that were promised and are not copied yet.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use bridge_core::engine::{EngineName, Failure, Outcome};
use bridge_core::journal::{OpenJournal, Record, RecordStatus, WriteError};
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_events::change::ObjectChange;

/// Records written at once.
const AT_ONCE: usize = 64;

const PROMISED: &str = "accepted over HTTP, not copied yet";

/// The records of one request, by the place of their objects in it. It may have none: what is waited for
/// needs no promise.
///
/// Each is an object of its own, so two requests of one key have two promises, and taking one back leaves the
/// other.
#[derive(Debug, Default)]
pub(crate) struct Pending(Vec<String>);

impl Pending {
    /// Writes a failed record for each change, in the name of the request `id`.
    ///
    /// # Errors
    ///
    /// When one of them is not known to be durable. Others may be: then a replay copies an object too many.
    pub(crate) async fn write(
        journal: &OpenJournal,
        id: &str,
        changes: &[ObjectChange],
    ) -> Result<Self, WriteError> {
        let outcome = Outcome::Failed(Failure {
            engine: EngineName::Copy,
            class: FailureClass::Transient,
            error: EngineError::local(PROMISED),
            request_id: Some(id.to_owned()),
            attempt: Attempt::NotMade,
            open: None,
            refusal: None,
        });
        let now = journal.now();
        let writes: Vec<_> = changes
            .iter()
            .map(|change| {
                let record = Record { attempts: 0, ..Record::new(change, &outcome, now) };
                async move { journal.write_failure(RecordStatus::Failed, &record).await }
            })
            .collect();
        stream::iter(writes).buffered(AT_ONCE).try_collect().await.map(Self)
    }

    /// Whether there are any.
    pub(crate) fn exist(&self) -> bool {
        !self.0.is_empty()
    }

    /// Deletes the records of the objects at `places`. What cannot be deleted stays, and a replay finds the
    /// object copied.
    pub(crate) async fn remove(&self, journal: &OpenJournal, places: &[usize]) {
        let names: Vec<&str> =
            places.iter().filter_map(|place| self.0.get(*place)).map(String::as_str).collect();
        if names.is_empty() {
            return;
        }
        let left = journal.delete(names).await;
        if left > 0 {
            tracing::warn!(left, "pending records were not deleted");
        }
    }
}
