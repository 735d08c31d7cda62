//! Copies many objects with one [`Transfer`].
//!
//! | module | concern |
//! |---|---|
//! | `items` | what there is to copy: listings of both sides compared, an entry of a list |
//! | `tree` | the files below a directory |
//! | `stale` | uploads that nobody will finish |
//!
//! Items come as a stream and are worked off by so many tasks at once; memory does not grow with their number.
//!
//! # Rules
//!
//! - Every entry comes to one of four ends, and is counted there: copied, up to date, left out, failed. What is left out or failed is named,
//!   with the reason.
//! - Left out is only what a rule leaves out that is written down: links ([`crate::transfer::Links`], symlinks of OSS), the
//!   empty object that stands for the folder SRC itself, the directory that copies are written to. Anything else that is not copied failed.
//! - That includes what was listed, or named, and is not there when it is copied. A source that is in use does delete objects in between,
//!   and nothing tells that from a server that lists what it does not give, or lists it by another name: so it is named and counted, among
//!   the failed and by itself ([`Summary::gone`]). The next run does not see what was deleted.
//! - One bad entry is one failure, and the run goes on. It ends early where no other entry would fare better: refused credentials,
//!   settings that are wrong, a listing that cannot be read any further.

mod items;
mod stale;
mod tree;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;

use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

pub use self::items::{BucketListing, Compared, Entry, KeyMapping, ListError, compared};
pub use self::stale::{StaleUploads, abort_stale};
pub use self::tree::Tree;
use crate::outcome::FailureClass;
use crate::transfer::{CopyOutcome, Item, Transfer, TransferError};

/// So many objects in a row whose credentials were refused, or that other settings are needed for, and none that was copied, end the run.
const REFUSALS_IN_A_ROW: usize = 20;

/// Why it is left out, where the object itself tells that it is a link.
const LINK: &str = "a link that is not followed";

/// What became of an object, for whoever watches.
pub trait Observer {
    /// Called once for each object that is not left out.
    fn finished(&mut self, name: &OsStr, size: Option<u64>, outcome: &Result<CopyOutcome, TransferError>);

    /// Called once for each that is.
    fn skipped(&mut self, name: &OsStr, why: &str);
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
    /// Those that were copied, or would be.
    pub copied: u64,
    /// Those that the destination had already.
    pub up_to_date: u64,
    /// Those that were left out by a rule.
    pub skipped: u64,
    /// Those that failed.
    pub failed: u64,
    /// Of the failed ones, those that are not at the source: they were deleted since they were listed, or are listed by another name.
    pub gone: u64,
    /// Bytes of the copied ones.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Why the end was not reached.
    #[serde(skip)]
    pub stopped: Option<StopReason>,
    /// Of the failed ones, those whose credentials were refused.
    #[serde(skip)]
    pub refused: u64,
    /// Of the failed ones, those that other settings are needed for.
    #[serde(skip)]
    pub of_settings: u64,
    /// Of the failed ones, those that the next run goes on with where they stopped.
    #[serde(skip)]
    pub left_open: u64,
}

/// Why a run ended early. What is left is for the next run.
#[derive(Debug)]
pub enum StopReason {
    /// From the keyboard.
    Interrupted,
    /// The credentials are refused, again and again.
    CredentialsRefused,
    /// The settings are wrong, as the last object said.
    Settings(String),
    /// What there is to copy cannot be listed any further.
    Listing(ListError),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::CredentialsRefused => f.write_str("the credentials are refused"),
            Self::Settings(why) => f.write_str(why),
            Self::Listing(error) => write!(f, "not everything could be listed: {error}"),
        }
    }
}

/// Works off `entries`, so many at once. `interrupted` ends it early; what is under way is finished first.
pub async fn run(
    transfer: &Transfer,
    entries: impl Stream<Item = Result<Entry, ListError>>,
    concurrency: usize,
    mode: Mode,
    observer: &mut dyn Observer,
    interrupted: impl Future<Output = ()>,
) -> Summary {
    let started = Instant::now();
    let mut run = Run { summary: Summary::default(), refusals_in_a_row: 0, observer, keys: HashMap::new() };
    let mut tasks: JoinSet<TaskResult> = JoinSet::new();
    let mut entries = std::pin::pin!(entries);
    let mut interrupted = std::pin::pin!(interrupted);
    let mut open = true;
    while open || !tasks.is_empty() {
        tokio::select! {
            () = &mut interrupted, if open => {
                open = false;
                run.stop(StopReason::Interrupted);
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
                }
                Some(Ok(Entry::Copy(item))) => {
                    let key = item.key.clone();
                    let id = tasks.spawn(copy_one(transfer.clone(), item, mode)).id();
                    run.keys.insert(id, key);
                }
                Some(Ok(Entry::Failed { name, failed })) => {
                    run.count(&name, None, Err(failed));
                    open &= run.summary.stopped.is_none();
                }
                Some(Ok(Entry::LeftOut { name, why })) => run.skip(&name, why),
                Some(Err(error)) => {
                    open = false;
                    run.stop(StopReason::Listing(error));
                }
            },
        }
    }
    let mut summary = run.summary;
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

/// The size of an object where it was known, and what became of it.
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
    refusals_in_a_row: usize,
    observer: &'w mut dyn Observer,
    /// What is under way, by its task.
    keys: HashMap<Id, String>,
}

impl Run<'_> {
    fn joined(&mut self, id: Id, size: Option<u64>, outcome: Result<CopyOutcome, TransferError>) {
        let key = self.keys.remove(&id).unwrap_or_default();
        self.count(OsStr::new(&key), size, outcome);
    }

    /// A defect of this program ended a task.
    fn lost(&mut self, error: &JoinError) {
        tracing::error!(%error, "a defect of this program; the next run copies the object");
        self.joined(error.id(), None, Err(TransferError::transient("lost on the way")));
    }

    fn skip(&mut self, name: &OsStr, why: &str) {
        self.summary.objects += 1;
        self.summary.skipped += 1;
        self.observer.skipped(name, why);
    }

    fn count(&mut self, name: &OsStr, size: Option<u64>, outcome: Result<CopyOutcome, TransferError>) {
        let outcome = match outcome {
            Ok(CopyOutcome::SymlinkSkipped) => return self.skip(name, LINK),
            Ok(CopyOutcome::SourceGone) => {
                self.summary.gone += 1;
                Err(TransferError::permanent("there is no such object at the source"))
            }
            outcome => outcome,
        };
        let summary = &mut self.summary;
        summary.objects += 1;
        let mut of_settings = None;
        match &outcome {
            Ok(CopyOutcome::Copied { bytes }) => {
                summary.copied += 1;
                summary.bytes += bytes;
                self.refusals_in_a_row = 0;
            }
            Ok(CopyOutcome::UpToDate) => summary.up_to_date += 1,
            // Removals are not asked for, and the others are above.
            Ok(_) => summary.skipped += 1,
            Err(failed) => {
                summary.failed += 1;
                summary.left_open += u64::from(failed.open.is_some());
                if failed.class == FailureClass::Auth {
                    summary.refused += 1;
                    self.refusals_in_a_row += 1;
                } else if failed.is_settings_error() {
                    summary.of_settings += 1;
                    self.refusals_in_a_row += 1;
                    of_settings = Some(failed.to_string());
                }
            }
        }
        self.observer.finished(name, size, &outcome);
        if self.refusals_in_a_row >= REFUSALS_IN_A_ROW {
            self.stop(of_settings.map_or(StopReason::CredentialsRefused, StopReason::Settings));
        }
    }

    /// The first reason counts.
    fn stop(&mut self, why: StopReason) {
        self.summary.stopped.get_or_insert(why);
    }
}
