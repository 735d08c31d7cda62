//! Failures of one reason, which may be that of all objects: they are held back until it is known.

use std::ffi::{OsStr, OsString};

use crate::transfer::{Extent, TransferError};

/// This many failures in a row, without a copied object between them, end a run whose reason is not known to
/// be that of all objects.
pub(super) const MOST: usize = 20;

/// A failed object: its name, its size where known, and the failure.
type Failed = (OsString, Option<u64>, TransferError);

/// Failures that are not reported yet.
#[derive(Debug, Default)]
pub(super) struct Alike {
    held: Vec<Failed>,
    in_a_row: usize,
}

impl Alike {
    /// Whether those that are held back have the reason of `failed`.
    pub(super) fn has_reason(&self, failed: &TransferError) -> bool {
        self.reason().is_none_or(|reason| reason.is_like(failed))
    }

    /// Adds one. Gives whether the run is to end.
    pub(super) fn add(
        &mut self,
        name: &OsStr,
        size: Option<u64>,
        failed: TransferError,
        extent: Extent,
    ) -> bool {
        self.in_a_row += 1;
        let ends = extent == Extent::All || self.in_a_row >= MOST;
        self.held.push((name.to_owned(), size, failed));
        ends
    }

    /// The reason of those that are held back.
    pub(super) fn reason(&self) -> Option<&TransferError> {
        self.held.first().map(|(.., failed)| failed)
    }

    /// How many are held back.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Those that are held back, which are to be reported now.
    pub(super) fn take(&mut self) -> Vec<Failed> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::bulk::{Entry, ListError, Mode, Observer, StopReason, Summary, run};
    use crate::outcome::FailureClass;
    use crate::stop::Stop;
    use crate::transfer::{
        CopyOutcome, Destination, Directory, Item, Options, Source, Transfer, TransferError,
    };

    /// The names that were reported each by itself, and those that were not.
    #[derive(Default)]
    struct Seen {
        each: Vec<String>,
        alike: Vec<String>,
    }

    impl Observer for Seen {
        fn finished(&mut self, name: &OsStr, _: Option<u64>, outcome: &Result<CopyOutcome, TransferError>) {
            if outcome.is_err() {
                self.each.push(name.to_str().unwrap().to_owned());
            }
        }

        fn failed_alike(&mut self, name: &OsStr, _: &TransferError) {
            self.alike.push(name.to_str().unwrap().to_owned());
        }

        fn skipped(&mut self, _: &OsStr, _: &str) {}

        fn stopping(&mut self, _: usize) {}
    }

    fn network() -> TransferError {
        TransferError::network("nobody listens")
    }

    fn failed(count: usize, why: &TransferError) -> Vec<Entry> {
        let one = |number: usize| Entry::Failed { name: number.to_string().into(), failed: why.clone() };
        (0..count).map(one).collect()
    }

    async fn run_of(entries: Vec<Entry>, at: &std::path::Path) -> (Summary, Seen) {
        let [from, to] = ["from", "to"].map(|name| Directory::new(at.join(name)));
        let (source, destination) = (Source::Directory(from), Destination::Directory(to));
        let transfer = Transfer::new(source, destination, Options::default());
        let mut seen = Seen::default();
        let entries = stream::iter(entries.into_iter().map(Ok::<_, ListError>));
        let summary = run(&transfer, entries, 1, Mode::Copy, &mut seen, &Stop::default()).await;
        (summary, seen)
    }

    #[tokio::test]
    async fn a_reason_of_all_ends_the_run_and_is_no_failure_of_each() {
        let nowhere = std::path::Path::new("/nowhere");
        for (why, tried) in [
            (network(), MOST),
            (TransferError::settings("no such bucket"), 1),
            (TransferError::new(FailureClass::Auth, "refused"), MOST),
        ] {
            let (summary, seen) = run_of(failed(100, &why), nowhere).await;
            let reason = summary.stopped.map(|stopped| stopped.to_string());
            assert_eq!(reason, Some(StopReason::Failed(why).to_string()));
            assert_eq!((summary.failed, seen.each.len(), seen.alike.len()), (tried as u64, 0, tried));
        }
    }

    #[tokio::test]
    async fn a_reason_of_all_that_there_were_is_that_of_the_run() {
        let (summary, seen) = run_of(failed(3, &network()), std::path::Path::new("/nowhere")).await;
        assert!(summary.stopped.is_none());
        assert_eq!((summary.reason, summary.failed, seen.alike.len()), (Some(network()), 3, 3));
    }

    #[tokio::test]
    async fn failures_of_their_own_are_named_each() {
        let own = TransferError::permanent("archived");
        let (summary, seen) = run_of(failed(100, &own), std::path::Path::new("/nowhere")).await;
        assert!(summary.stopped.is_none() && summary.reason.is_none());
        assert_eq!((summary.failed, seen.each.len()), (100, 100));
    }

    #[tokio::test]
    async fn where_something_was_copied_or_failed_otherwise_no_reason_was_that_of_all() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("from")).unwrap();
        std::fs::write(folder.path().join("from/file"), "content").unwrap();
        let half = || failed(MOST - 1, &network());
        let copied = [half(), vec![Entry::Copy(Item::new("file", "file"))], half()];
        let (summary, seen) = run_of(copied.into_iter().flatten().collect(), folder.path()).await;
        assert!(summary.stopped.is_none() && summary.reason.is_none());
        assert_eq!((summary.copied, seen.each.len(), seen.alike.len()), (1, 2 * (MOST - 1), 0));

        let otherwise = [failed(3, &network()), failed(1, &TransferError::permanent("archived"))];
        let (summary, seen) =
            run_of(otherwise.into_iter().flatten().collect(), std::path::Path::new("/nowhere")).await;
        assert!(summary.reason.is_none());
        assert_eq!((seen.each.len(), seen.alike.len()), (4, 0));
    }
}
