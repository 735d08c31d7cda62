//! Deletes failure records that are no longer needed, and nothing else.

use oss_lite::{Error, ListedObject};

use super::failures::{FailureRef, Form};
use super::lookup::Lookup;
use super::{Naming, OpenJournal, RecordStatus};

/// Names in one multi-delete.
const AT_ONCE: usize = 1000;

/// How often names that a multi-delete left are tried again.
const TRIES: usize = 3;

impl OpenJournal {
    /// Deletes failures that are resolved or superseded. Returns how many are left; the next replay finds
    /// them.
    pub(crate) async fn retire(&self, status: RecordStatus, failures: &[&FailureRef]) -> usize {
        let (mut names, bare): (Vec<&FailureRef>, Vec<&FailureRef>) =
            failures.iter().copied().partition(|failure| matches!(failure.form(), Form::Record(_)));
        let mut unsure = 0;
        for naming in [Naming::Key, Naming::Hash] {
            let named: Vec<_> = bare.iter().copied().filter(|failure| failure.naming() == naming).collect();
            let count = named.len();
            match self.unchanged(status, naming, named).await {
                Ok(unchanged) => names.extend(unchanged),
                Err(error) => {
                    tracing::warn!(%error, "cannot check markers again; they are kept");
                    unsure += count;
                }
            }
        }
        let names: Vec<&str> = names.into_iter().map(FailureRef::name).collect();
        unsure + self.delete(names).await
    }

    /// Deletes objects by name. Returns how many are left.
    pub async fn delete(&self, mut names: Vec<&str>) -> usize {
        for _ in 0..TRIES {
            let mut left = Vec::new();
            for batch in names.chunks(AT_ONCE) {
                match self.bucket.delete_multiple(batch).await {
                    Ok(outcome) => {
                        for (name, error) in outcome.failed {
                            tracing::debug!(name, %error, "a record was not deleted");
                            left.extend(batch.iter().copied().find(|known| *known == name));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "records were not deleted");
                        left.extend_from_slice(batch);
                    }
                }
            }
            names = left;
            if names.is_empty() {
                break;
            }
        }
        names.len()
    }

    /// The objects, of those that other programs may overwrite, that are still as the listing showed them. An
    /// overwritten one is a later failure of the same object, which must be kept.
    async fn unchanged<'f>(
        &self,
        status: RecordStatus,
        naming: Naming,
        mut failures: Vec<&'f FailureRef>,
    ) -> Result<Vec<&'f FailureRef>, Error> {
        failures.sort_unstable_by(|a, b| a.key_or_hash().cmp(b.key_or_hash()));
        let ends: Vec<&str> = failures.iter().map(|failure| failure.key_or_hash()).collect();
        let now = self.look(status, naming, &ends).await?;
        let both = failures.into_iter().zip(now);
        Ok(both.filter(|(failure, now)| now.as_ref() == Some(failure.object())).map(|(it, _)| it).collect())
    }

    async fn look(
        &self,
        status: RecordStatus,
        naming: Naming,
        ends: &[&str],
    ) -> Result<Vec<Option<ListedObject>>, Error> {
        let folder = self.journal.layout().folder(status, naming);
        Lookup::new(self.bucket.clone(), folder).find(ends).await
    }
}
