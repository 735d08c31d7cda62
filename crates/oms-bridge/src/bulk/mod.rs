//! Copies many objects with one [`Transfer`].
//!
//! | module | concern |
//! |---|---|
//! | `items` | what there is to copy: listings of both sides compared, a directory, a list |
//! | `stale` | uploads that nobody will finish |
//!
//! Items come as a stream and are worked off by so many tasks at once; memory does not grow with their number.

mod items;
mod stale;

use std::fmt;

use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

pub use self::items::{Compared, Entry, Listed, Names, NotListed, compared, directory};
pub use self::stale::{Stale, abort_stale};
use crate::engine::FailureClass;
use crate::transfer::{Done, Failed, Item, Transfer};

/// So many objects in a row whose credentials were refused, and none that was copied, end the run.
const REFUSALS_IN_A_ROW: usize = 20;

/// What became of an object, for whoever watches.
pub trait Watch {
    /// Called once for each object.
    fn settled(&mut self, key: &str, size: Option<u64>, outcome: &Result<Done, Failed>);
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
    /// Those that were left out: vanished meanwhile, or symlinks.
    pub skipped: u64,
    /// Those that failed.
    pub failed: u64,
    /// Bytes of the copied ones.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Why the end was not reached.
    #[serde(skip)]
    pub stopped: Option<Stopped>,
    /// Of the failed ones, those whose credentials were refused.
    #[serde(skip)]
    pub refused: u64,
    /// Of the failed ones, those that the next run goes on with where they stopped.
    #[serde(skip)]
    pub left_open: u64,
}

/// Why a run ended early. What is left is for the next run.
#[derive(Debug)]
pub enum Stopped {
    /// From the keyboard.
    Interrupted,
    /// The credentials are refused, again and again.
    CredentialsRefused,
    /// What there is to copy cannot be listed any further.
    Listing(NotListed),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::CredentialsRefused => f.write_str("the credentials are refused"),
            Self::Listing(error) => write!(f, "not everything could be listed: {error}"),
        }
    }
}

/// Works off `entries`, so many at once. `interrupted` ends it early; what is under way is finished first.
pub async fn run(
    transfer: &Transfer,
    entries: impl Stream<Item = Result<Entry, NotListed>>,
    concurrency: usize,
    mode: Mode,
    watch: &mut dyn Watch,
    interrupted: impl Future<Output = ()>,
) -> Summary {
    let started = Instant::now();
    let mut run = Run { summary: Summary::default(), refusals_in_a_row: 0, watch };
    let mut tasks: JoinSet<Settled> = JoinSet::new();
    let mut entries = std::pin::pin!(entries);
    let mut interrupted = std::pin::pin!(interrupted);
    let mut open = true;
    while open || !tasks.is_empty() {
        tokio::select! {
            () = &mut interrupted, if open => {
                open = false;
                run.stop(Stopped::Interrupted);
            }
            Some(joined) = tasks.join_next() => {
                match joined {
                    Ok((key, size, outcome)) => run.settled(&key, size, &outcome),
                    Err(error) => run.lost(&error),
                }
                open &= run.summary.stopped.is_none();
            }
            entry = entries.next(), if open && tasks.len() < concurrency => match entry {
                None => open = false,
                Some(Ok(Entry::UpToDate { key, size })) => run.settled(&key, Some(size), &Ok(Done::UpToDate)),
                Some(Ok(Entry::Copy(item))) => {
                    tasks.spawn(settle(transfer.clone(), item, mode));
                }
                Some(Ok(Entry::Failed { key, failed })) => run.settled(&key, None, &Err(failed)),
                Some(Err(error)) => {
                    open = false;
                    run.stop(Stopped::Listing(error));
                }
            },
        }
    }
    let mut summary = run.summary;
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

/// A key, its size where it was known, and what became of it.
type Settled = (String, Option<u64>, Result<Done, Failed>);

async fn settle(transfer: Transfer, item: Item, mode: Mode) -> Settled {
    let outcome = match mode {
        Mode::Copy => transfer.copy(&item, None).await,
        Mode::DryRun => transfer.preview(&item).await,
    };
    (item.key, item.size, outcome)
}

struct Run<'w> {
    summary: Summary,
    refusals_in_a_row: usize,
    watch: &'w mut dyn Watch,
}

impl Run<'_> {
    fn settled(&mut self, key: &str, size: Option<u64>, outcome: &Result<Done, Failed>) {
        let summary = &mut self.summary;
        summary.objects += 1;
        match outcome {
            Ok(Done::Copied { bytes }) => {
                summary.copied += 1;
                summary.bytes += bytes;
                self.refusals_in_a_row = 0;
            }
            Ok(Done::UpToDate) => summary.up_to_date += 1,
            Ok(Done::SourceGone | Done::SymlinkSkipped | Done::Removed | Done::NotItsCopy | Done::PutOff) => {
                summary.skipped += 1;
            }
            Err(failed) => {
                summary.failed += 1;
                summary.left_open += u64::from(failed.open.is_some());
                if failed.class == FailureClass::Auth {
                    summary.refused += 1;
                    self.refusals_in_a_row += 1;
                }
            }
        }
        self.watch.settled(key, size, outcome);
        if self.refusals_in_a_row >= REFUSALS_IN_A_ROW {
            self.stop(Stopped::CredentialsRefused);
        }
    }

    /// A defect of this program ended a task.
    fn lost(&mut self, error: &JoinError) {
        tracing::error!(%error, "an object was lost on the way; the next run copies it");
        self.summary.objects += 1;
        self.summary.failed += 1;
    }

    /// The first reason counts.
    fn stop(&mut self, why: Stopped) {
        self.summary.stopped.get_or_insert(why);
    }
}
