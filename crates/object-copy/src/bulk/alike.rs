//! Failures of one reason, which may be that of all objects: they are held back until it is known.

use std::ffi::{OsStr, OsString};

use crate::transfer::{Extent, TransferError};

/// This many failures in a row end a run whose reason is not known to be that of all objects.
pub(super) const MOST: usize = 20;

/// How many failures of one reason in a row, without an answer about one object between them, end a run.
/// `None` if it never ends for them. `is_any_done` is whether an object was copied or is up to date.
pub(super) fn most(extent: Extent, is_any_done: bool) -> Option<usize> {
    match extent {
        Extent::One => None,
        Extent::PerhapsAll => (!is_any_done).then_some(MOST),
        Extent::AllForNow => Some(MOST),
        Extent::AllUntilOneIsDone => Some(if is_any_done { MOST } else { 1 }),
        Extent::All => Some(1),
    }
}

/// A failed object: its name, its size where known, and the failure.
type Failed = (OsString, Option<u64>, TransferError);

/// Failures in a row that are not reported yet.
#[derive(Debug, Default)]
pub(super) struct Alike(Vec<Failed>);

impl Alike {
    /// Whether those that are held back have the reason of `failed`.
    pub(super) fn has_reason(&self, failed: &TransferError) -> bool {
        self.reason().is_none_or(|reason| reason.is_like(failed))
    }

    /// Adds one.
    pub(super) fn hold(&mut self, name: &OsStr, size: Option<u64>, failed: TransferError) {
        self.0.push((name.to_owned(), size, failed));
    }

    /// The reason of those that are held back.
    pub(super) fn reason(&self) -> Option<&TransferError> {
        self.0.first().map(|(.., failed)| failed)
    }

    /// How many are held back.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are held back, which are to be reported now.
    pub(super) fn take(&mut self) -> Vec<Failed> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::bulk::{Entry, ListError, Mode, Observer, StopReason, Summary, run};
    use crate::outcome::{EngineError, FailureClass};
    use crate::stop::Stop;
    use crate::transfer::{
        Concern, CopyOutcome, Destination, Directory, Item, Options, Source, Transfer, TransferError,
    };

    /// The names that were reported each by itself, with the reason that ended the run, and not at all.
    #[derive(Default)]
    struct Seen {
        each: Vec<String>,
        at_the_end: Vec<String>,
        alike: Vec<String>,
    }

    impl Seen {
        fn counts(&self) -> [usize; 3] {
            [self.each.len(), self.at_the_end.len(), self.alike.len()]
        }
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

        fn failed_at_the_end(&mut self, name: &OsStr, _: &TransferError) {
            self.at_the_end.push(name.to_str().unwrap().to_owned());
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

    fn right() -> TransferError {
        TransferError::new(FailureClass::Auth, "denied").about(Concern::Permission)
    }

    fn full_disk() -> TransferError {
        TransferError::transient("no space left").about(Concern::Directory)
    }

    fn credentials(code: &str) -> TransferError {
        let (status, code, message) = (Some(403), Some(code.to_owned()), "refused".to_owned());
        TransferError::of(FailureClass::Auth, EngineError { status, code, message })
            .about(Concern::Credentials)
    }

    fn up_to_date(count: usize) -> Vec<Entry> {
        (0..count).map(|number| Entry::UpToDate { key: format!("done-{number}"), size: 1 }).collect()
    }

    async fn run_of_all(parts: Vec<Vec<Entry>>) -> (Summary, Seen) {
        run_of(parts.into_iter().flatten().collect(), std::path::Path::new("/nowhere")).await
    }

    #[tokio::test]
    async fn what_is_up_to_date_disproves_a_reason_of_all() {
        for (denied, before, after) in [(1, 59, 0), (1, 0, 59), (19, 1, 0), (19, 20, 20)] {
            for why in [right(), network(), full_disk()] {
                let parts = vec![up_to_date(before), failed(denied, &why), up_to_date(after)];
                let (summary, seen) = run_of_all(parts).await;
                assert!(summary.stopped.is_none() && summary.reason.is_none(), "{denied} {before} {after}");
                assert_eq!(seen.counts(), [denied, 0, 0], "{why} {denied} {before} {after}");
            }
        }
    }

    #[tokio::test]
    async fn failures_between_what_is_up_to_date_are_not_in_a_row() {
        for why in [right(), network(), full_disk(), credentials("SignatureDoesNotMatch")] {
            let each = |_| [up_to_date(1), failed(1, &why)].into_iter().flatten();
            let (summary, seen) = run_of_all(vec![(0..2 * MOST).flat_map(each).collect()]).await;
            assert!(summary.stopped.is_none() && summary.reason.is_none(), "{why}");
            assert_eq!(summary.failed, 2 * MOST as u64);
            assert_eq!(seen.counts(), [2 * MOST, 0, 0], "{why}");
        }
    }

    #[tokio::test]
    async fn failures_between_those_of_one_object_are_not_in_a_row() {
        let own = TransferError::permanent("archived");
        for why in [right(), network(), full_disk()] {
            let each = |_| [failed(1, &own), failed(MOST - 1, &why)].into_iter().flatten();
            let (summary, seen) = run_of_all(vec![(0..3).flat_map(each).collect()]).await;
            assert!(summary.stopped.is_none(), "{why}");
            assert_eq!(seen.counts(), [3 * MOST, 0, 0], "{why}");
        }
    }

    #[tokio::test]
    async fn a_right_that_sufficed_once_is_not_missing_for_all() {
        let own_folder = TransferError::permanent("read-only").about(Concern::Directory);
        let proxy = TransferError::transient("not the service").about(Concern::OtherServer);
        for why in [right(), own_folder, proxy] {
            let parts = vec![up_to_date(1), failed(3 * MOST, &why), up_to_date(1)];
            let (summary, seen) = run_of_all(parts).await;
            assert!(summary.stopped.is_none() && summary.reason.is_none(), "{why}");
            assert_eq!(seen.counts(), [3 * MOST, 0, 0], "{why}");
        }
    }

    #[tokio::test]
    async fn one_signature_does_not_end_a_run_that_has_done_something() {
        let refused = credentials("SignatureDoesNotMatch");
        let (summary, seen) = run_of_all(vec![up_to_date(1), failed(1, &refused), up_to_date(1)]).await;
        assert!(summary.stopped.is_none() && summary.reason.is_none());
        assert_eq!((summary.objects, seen.counts()), (3, [1, 0, 0]));
        // Before anything was done it is that of all, and a key that has expired always is.
        let (summary, seen) = run_of_all(vec![failed(9, &refused)]).await;
        assert!(summary.stopped.is_some());
        assert_eq!((summary.objects, seen.counts()), (1, [0, 0, 1]));
        for code in ["SecurityTokenExpired", "InvalidAccessKeyId"] {
            let (summary, seen) = run_of_all(vec![up_to_date(1), failed(9, &credentials(code))]).await;
            assert!(summary.stopped.is_some(), "{code}");
            assert_eq!((summary.objects, seen.counts()), (2, [0, 1, 0]), "{code}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_has_room_for_smaller_files() {
        let parts = vec![failed(MOST - 1, &full_disk()), up_to_date(1), failed(2 * MOST, &full_disk())];
        let (summary, seen) = run_of_all(parts).await;
        assert!(matches!(summary.stopped, Some(StopReason::Failed(_))));
        assert_eq!(seen.counts(), [MOST - 1, MOST, 0]);
    }

    #[tokio::test]
    async fn failures_of_several_reasons_are_no_row() {
        let read_only = TransferError::permanent("read-only").about(Concern::Directory);
        for (first, last) in [(network(), right()), (full_disk(), read_only)] {
            let (summary, seen) = run_of_all(vec![failed(MOST - 1, &first), failed(1, &last)]).await;
            assert!(summary.stopped.is_none() && summary.reason.is_none(), "{first}");
            assert_eq!(seen.counts(), [MOST, 0, 0], "{first}");
        }
    }

    #[tokio::test]
    async fn where_another_object_is_fine_the_failed_ones_are_named_at_the_end() {
        for other in [up_to_date(1), failed(1, &TransferError::permanent("archived"))] {
            let is_failed = matches!(other[0], Entry::Failed { .. });
            let (summary, seen) = run_of_all(vec![other, failed(2 * MOST, &network())]).await;
            assert!(matches!(summary.stopped, Some(StopReason::Failed(_))));
            assert_eq!(seen.counts(), [usize::from(is_failed), MOST, 0]);
        }
    }

    #[test]
    fn a_redirect_without_a_code_may_be_that_of_one_object() {
        let redirect = |code: Option<&str>| {
            let (status, code, message) = (Some(301), code.map(str::to_owned), "elsewhere".to_owned());
            TransferError::of(FailureClass::Permanent, EngineError { status, code, message }).extent()
        };
        assert_eq!(redirect(None), Extent::AllUntilOneIsDone);
        assert_eq!(redirect(Some("PermanentRedirect")), Extent::All);
    }

    #[test]
    fn a_retention_policy_is_that_of_one_object() {
        let immutable = |code: &str| {
            let (status, code, message) = (Some(403), Some(code.to_owned()), "denied".to_owned());
            TransferError::of(FailureClass::Auth, EngineError { status, code, message })
                .about(Concern::Permission)
        };
        assert_eq!(immutable("FileImmutable").extent(), Extent::One);
        assert_eq!(immutable("AccessDenied").extent(), Extent::PerhapsAll);
    }
}
