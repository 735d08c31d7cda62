//! Copies many objects with one [`Transfer`].
//!
//! | module | concern |
//! |---|---|
//! | `items` | the objects to copy: from listings of both sides, or from a list |
//! | `tree` | the files below a directory |
//! | `stale` | aborts multipart uploads that were abandoned |
//! | `alike` | failures of one reason, which may be that of all objects |
//!
//! Items come as a stream and are processed by N concurrent tasks; memory does not grow with their number.
//!
//! # Rules
//!
//! - Every entry is counted once: as copied, up to date, skipped or failed. Skipped and failed entries are
//!   reported with the reason.
//! - Only documented rules skip an entry: links ([`crate::transfer::Links`], symlinks of OSS), the empty
//!   object that stands for the folder SRC itself, the directory that copies are written to. Anything else
//!   that is not copied failed.
//! - That includes an object that was listed, or named, and is missing when it is copied. A source in use
//!   deletes objects in between, and that looks the same as a server that lists objects which it does not
//!   serve, or under another name: so such objects are reported and counted, among the failed and separately
//!   ([`Summary::gone`]). The next run does not list an object that was deleted.
//! - A run that is told to stop begins nothing new: small objects are finished, large ones end at a part, and
//!   count as neither copied nor failed ([`Summary::unfinished`]).
//! - One bad entry is one failure, and the run continues. It ends early only for a reason that is that of all
//!   objects ([`Extent`] and `alike` decide which is), and with a listing that breaks off. The reason is
//!   reported once.
//! - Every object that failed is reported by its name, unless all objects failed for one reason: then the
//!   same run finds them all again ([`Observer::failed_alike`]).

mod alike;
mod items;
mod stale;
mod tree;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use self::alike::Alike;
pub use self::items::{BucketListing, Compared, Entry, KeyMapping, ListError, compared};
pub use self::stale::{StaleUploads, abort_stale};
pub use self::tree::{Tree, TreeEntry};
use crate::outcome::Attempt;
use crate::stop::{Stop, StopLevel};
use crate::transfer::{CopyOutcome, Extent, Item, Transfer, TransferError};

/// Reason for skipping an object that turns out to be a link when it is read.
const LINK: &str = "a link that is not followed";

/// Is notified of the outcome of each entry.
pub trait Observer {
    /// Called once for each object that is neither skipped nor reported by one of the two methods below.
    fn finished(&mut self, name: &OsStr, size: Option<u64>, outcome: &Result<CopyOutcome, TransferError>);

    /// Called once for each object that failed for the reason that the summary has, where all objects of the
    /// run did.
    fn failed_alike(&mut self, name: &OsStr, failed: &TransferError);

    /// Called once for each object that failed for the reason that ended the run, where other objects did
    /// not fail, or failed for other reasons.
    fn failed_at_the_end(&mut self, name: &OsStr, failed: &TransferError);

    /// How many objects this failure concerns, for those who know more of settings than the failure says.
    fn extent(&self, failed: &TransferError) -> Extent {
        failed.extent()
    }

    /// Called once for each object that is skipped.
    fn skipped(&mut self, name: &OsStr, why: &str);

    /// Called once if the run is told to stop: this many objects are finished, or end after the parts that
    /// are being sent.
    fn stopping(&mut self, objects: usize);
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Objects are copied.
    Copy,
    /// Objects are only looked at.
    DryRun,
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Objects looked at.
    pub objects: u64,
    /// Those that were copied, or would be. Whoever prints the summary says which.
    #[serde(skip)]
    pub copied: u64,
    /// Those that were at the destination already.
    pub up_to_date: u64,
    /// Those that a rule skips.
    pub skipped: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were begun, and ended early because the run was told to stop.
    #[serde(skip_serializing_if = "is_zero")]
    pub unfinished: u64,
    /// Failed objects that are not at the source: deleted since they were listed, or listed under another
    /// name.
    pub gone: u64,
    /// Bytes of the copied ones.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Why the run ended early, if it did.
    #[serde(skip)]
    pub stopped: Option<StopReason>,
    /// The reason for which all objects failed, where the run did not end early.
    #[serde(skip)]
    pub reason: Option<TransferError>,
    /// Failed and unfinished objects whose upload in parts is still open.
    #[serde(skip)]
    pub left_open: u64,
    /// The last object that was listed, if the run was told to stop before the last of all.
    #[serde(skip)]
    pub listed_to: Option<OsString>,
    /// Whether the run was told to stop before all objects were listed.
    #[serde(skip)]
    pub listing: Listing,
}

/// Members that only an interrupted run has are left out otherwise.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How far the objects were listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// To the end, or as far as there was no error.
    #[default]
    Whole,
    /// It was interrupted.
    CutShort,
}

/// Why a run ended early. The next run copies the rest.
#[derive(Debug, thiserror::Error)]
pub enum StopReason {
    /// By the user. What was begun was finished, or ended at a part.
    #[error("interrupted")]
    Interrupted,
    /// By the user, without finishing what was begun.
    #[error("interrupted, without finishing what was begun")]
    Aborted,
    /// No other object can be copied, for the reason for which this one failed.
    #[error("{0}")]
    Failed(TransferError),
    /// The listing broke off.
    #[error("not everything could be listed: {0}")]
    Listing(#[source] ListError),
}

/// Copies `entries`, up to `concurrency` at once. `stop`, which is that of the transfer, ends the run early.
pub async fn run(
    transfer: &Transfer,
    entries: impl Stream<Item = Result<Entry, ListError>>,
    concurrency: usize,
    mode: Mode,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Summary {
    let started = Instant::now();
    let (summary, keys, alike) = (Summary::default(), HashMap::new(), Alike::default());
    let mut run = Run { summary, alike, observer, keys };
    let mut tasks: JoinSet<TaskResult> = JoinSet::new();
    let mut entries = std::pin::pin!(entries);
    let mut stopped = std::pin::pin!(stop.reached(StopLevel::BeginNothing));
    let mut aborted = std::pin::pin!(stop.reached(StopLevel::Now));
    let mut last: Option<OsString> = None;
    let (mut open, mut told) = (true, false);
    while open || !tasks.is_empty() {
        tokio::select! {
            // Otherwise, if the copy that ended because of the stop was the last one, the run would look
            // complete.
            biased;
            () = &mut aborted => {
                run.summary.stopped = Some(StopReason::Aborted);
                run.cut_off(tasks.len());
                tasks.abort_all();
                break;
            }
            () = &mut stopped, if !told => {
                told = true;
                if open {
                    open = false;
                    run.summary.listing = Listing::CutShort;
                    run.summary.listed_to = last.take();
                }
                run.stop(StopReason::Interrupted);
                run.observer.stopping(tasks.len());
            }
            Some(joined) = tasks.join_next_with_id() => {
                match joined {
                    Ok((id, (size, outcome))) => run.joined(id, size, outcome),
                    Err(error) => run.lost(&error),
                }
                open &= run.summary.stopped.is_none();
            }
            entry = entries.next(), if open && tasks.len() < concurrency => match entry {
                None => open = false,
                Some(Ok(Entry::UpToDate { key, size })) => {
                    run.count(OsStr::new(&key), Some(size), Ok(CopyOutcome::UpToDate));
                    last = Some(key.into());
                }
                Some(Ok(Entry::Copy(item))) => {
                    let key = item.key.clone();
                    last = Some(key.clone().into());
                    let id = tasks.spawn(copy_one(transfer.clone(), item, mode)).id();
                    run.keys.insert(id, key);
                }
                Some(Ok(Entry::Failed { name, failed })) => {
                    run.count(&name, None, Err(failed));
                    last = Some(name);
                    open &= run.summary.stopped.is_none();
                }
                Some(Ok(Entry::LeftOut { name, why })) => {
                    run.skip(&name, why);
                    last = Some(name);
                }
                Some(Err(error)) => {
                    open = false;
                    run.stop(StopReason::Listing(error));
                }
            },
        }
    }
    let mut summary = run.finish();
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

/// The size of an object where known, and the outcome of its copy.
type TaskResult = (Option<u64>, Result<CopyOutcome, TransferError>);

async fn copy_one(transfer: Transfer, item: Item, mode: Mode) -> TaskResult {
    let outcome = match mode {
        Mode::Copy => transfer.copy(&item, None).await,
        Mode::DryRun => transfer.preview(&item).await,
    };
    (item.size, outcome)
}

struct Run<'w> {
    summary: Summary,
    alike: Alike,
    observer: &'w mut dyn Observer,
    /// The keys being copied, by task.
    keys: HashMap<Id, String>,
}

impl Run<'_> {
    fn joined(&mut self, id: Id, size: Option<u64>, outcome: Result<CopyOutcome, TransferError>) {
        let key = self.keys.remove(&id).unwrap_or_default();
        self.count(OsStr::new(&key), size, outcome);
    }

    /// A task panicked.
    fn lost(&mut self, error: &JoinError) {
        tracing::error!(%error, "a defect of this program; the next run copies the object");
        self.joined(error.id(), None, Err(TransferError::transient("the task that copied it failed")));
    }

    /// Counts objects that were begun and are not waited for.
    fn cut_off(&mut self, objects: usize) {
        self.summary.objects += objects as u64;
        self.summary.unfinished += objects as u64;
    }

    fn skip(&mut self, name: &OsStr, why: &str) {
        self.summary.objects += 1;
        self.summary.skipped += 1;
        self.observer.skipped(name, why);
    }

    fn count(&mut self, name: &OsStr, size: Option<u64>, outcome: Result<CopyOutcome, TransferError>) {
        let outcome = match outcome {
            Ok(CopyOutcome::SymlinkSkipped) => {
                self.answered();
                return self.skip(name, LINK);
            }
            Ok(CopyOutcome::SourceGone) => {
                self.summary.gone += 1;
                Err(TransferError::permanent("there is no such object at the source"))
            }
            outcome => outcome,
        };
        let summary = &mut self.summary;
        summary.objects += 1;
        match outcome {
            Ok(CopyOutcome::Copied { bytes }) => {
                summary.copied += 1;
                summary.bytes += bytes;
                self.answered();
            }
            Ok(CopyOutcome::UpToDate) => {
                summary.up_to_date += 1;
                self.answered();
            }
            // The outcomes of removals do not occur here, and the other two are handled above.
            Ok(_) => summary.skipped += 1,
            Err(ref failed) if failed.attempt == Attempt::CutShort => {
                summary.unfinished += 1;
                summary.left_open += u64::from(failed.open.is_some());
            }
            Err(failed) => {
                summary.failed += 1;
                summary.left_open += u64::from(failed.open.is_some());
                return self.failed(name, size, failed);
            }
        }
        self.observer.finished(name, size, &outcome);
    }

    fn failed(&mut self, name: &OsStr, size: Option<u64>, failed: TransferError) {
        if let Some(stopped) = &self.summary.stopped {
            if matches!(stopped, StopReason::Failed(reason) if failed.is_like(reason)) {
                return self.alike.hold(name, size, failed);
            }
            return self.observer.finished(name, size, &Err(failed));
        }
        let is_any_done = self.summary.copied + self.summary.up_to_date > 0;
        let Some(most) = alike::most(self.observer.extent(&failed), is_any_done) else {
            self.answered();
            return self.observer.finished(name, size, &Err(failed));
        };
        if !self.alike.has_reason(&failed) {
            self.name_each();
        }
        let reason = failed.clone();
        self.alike.hold(name, size, failed);
        if self.alike.len() >= most {
            self.stop(StopReason::Failed(reason));
        }
    }

    /// There was an answer about one object: what failed before it did not fail for a reason of all.
    fn answered(&mut self) {
        if self.summary.stopped.is_none() {
            self.name_each();
        }
    }

    /// Reports failures of one reason each by itself.
    fn name_each(&mut self) {
        for (name, size, failed) in self.alike.take() {
            self.observer.finished(&name, size, &Err(failed));
        }
    }

    fn finish(mut self) -> Summary {
        let Summary { objects, failed, .. } = self.summary;
        let is_whole = failed > 0 && objects == failed && self.alike.len() as u64 == failed;
        match self.summary.stopped {
            Some(StopReason::Failed(_)) if !is_whole => {
                for (name, _, failed) in self.alike.take() {
                    self.observer.failed_at_the_end(&name, &failed);
                }
            }
            None | Some(StopReason::Failed(_)) if is_whole => {
                if self.summary.stopped.is_none() {
                    self.summary.reason = self.alike.reason().cloned();
                }
                for (name, _, failed) in self.alike.take() {
                    self.observer.failed_alike(&name, &failed);
                }
            }
            _ => self.name_each(),
        }
        self.summary
    }

    /// Keeps the first reason.
    fn stop(&mut self, why: StopReason) {
        self.summary.stopped.get_or_insert(why);
    }
}
