//! Failure records for accepted objects that are not copied yet.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use bridge_core::engine::{EngineName, Failure, Outcome};
use bridge_core::journal::{OpenJournal, Record, RecordStatus, WriteError};
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_copy::transfer::Concern;
use object_events::change::ObjectChange;

/// Records written at once.
const AT_ONCE: usize = 64;

const PROMISED: &str = "accepted over HTTP, not copied yet";

/// The pending records of one request, by the index of their objects in it. Empty if the client waits for the
/// result.
///
/// Each is an object of its own, so two requests for one key have two records, and deleting one
/// leaves the other.
#[derive(Debug, Default)]
pub(crate) struct Pending(Vec<String>);

impl Pending {
    /// Writes a failure record with the request id `id` for each change.
    ///
    /// # Errors
    ///
    /// When one of them is not known to be durable. Others may be, and a replay then copies their objects.
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
            concern: Concern::Object,
            request: None,
            unreached: None,
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

    /// Deletes the records of the objects at `places`. If one cannot be deleted, a replay finds its object
    /// copied.
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
