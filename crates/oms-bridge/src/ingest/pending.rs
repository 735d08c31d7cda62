//! Records that stand for objects that were promised and are not copied yet.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::Error;

use crate::change::ObjectChange;
use crate::engine::{Attempt, EngineError, EngineName, Failure, FailureClass, Outcome};
use crate::journal::{OpenJournal, Record, Shelf};

/// Records written, or looked at, at once.
const AT_ONCE: usize = 64;

const PROMISED: &str = "accepted over HTTP, not copied yet";

/// The records of one request, by key. It may have none: what is waited for needs no promise.
#[derive(Debug, Default)]
pub(super) struct Pending(HashMap<String, Vec<u8>>);

impl Pending {
    /// Writes a failed record for each change, in the name of the request `id`.
    ///
    /// # Errors
    ///
    /// When one of them is not known to be durable. Others may be: then a replay copies an object too many.
    pub(super) async fn write(
        journal: &OpenJournal,
        id: &str,
        changes: &[ObjectChange],
    ) -> Result<Self, Error> {
        let outcome = Outcome::Failed(Failure {
            engine: EngineName::Copy,
            class: FailureClass::Transient,
            error: EngineError::local(PROMISED),
            request_id: Some(id.to_owned()),
            attempt: Attempt::NotMade,
            open: None,
        });
        let now = journal.now();
        let writes: Vec<_> = changes
            .iter()
            .map(|change| {
                let record = Record { attempts: 0, ..Record::new(change, &outcome, now) };
                async move {
                    journal.write(Shelf::Failed, &change.key, &record).await?;
                    Ok((change.key.clone(), record.to_json()))
                }
            })
            .collect();
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await.map(Self)
    }

    /// Whether there are any.
    pub(super) fn exist(&self) -> bool {
        !self.0.is_empty()
    }

    /// Removes the records of `keys`, unless another one stands there by now: that is a later change which failed. What cannot
    /// be removed stays, and a replay finds the object copied.
    pub(super) async fn remove(&self, journal: &OpenJournal, keys: &[&str]) {
        let looks: Vec<_> = keys
            .iter()
            .filter_map(|key| Some((*key, self.0.get(*key)?)))
            .map(|(key, written)| async move {
                match journal.find(Shelf::Failed, key).await {
                    Ok(Some(found)) if found.body == *written => Some(found.name),
                    Ok(_) => None,
                    Err(error) => {
                        tracing::warn!(key, %error, "cannot look at the pending record; it stays");
                        None
                    }
                }
            })
            .collect();
        let names: Vec<String> =
            stream::iter(looks).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for thousand in names.chunks(1000) {
            match journal.remove(thousand).await {
                Ok(outcome) => {
                    for (name, error) in outcome.failed {
                        tracing::warn!(name, %error, "a pending record was not removed");
                    }
                }
                Err(error) => tracing::warn!(%error, "pending records were not removed"),
            }
        }
    }
}
