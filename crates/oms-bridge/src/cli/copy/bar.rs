//! How far a copy is.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt as _;

use super::plan::Measured;
use object_copy::bulk::{Entry, Mode};
use object_copy::transfer::Flow;
use terminal::progress::Progress;

/// A walk of a directory counts no further: the files are read a second time for it.
const MOST_COUNTED: u64 = 1_000_000;

/// Objects and bytes of a run. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CopyBar {
    pub(super) progress: Progress,
    flow: Flow,
    mode: Mode,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    settled: AtomicU64,
    /// Bytes of objects that need not be copied.
    passed_over: AtomicU64,
}

impl CopyBar {
    pub(super) fn new(progress: Progress, flow: Flow, mode: Mode) -> Self {
        Self { progress, flow, mode, counts: Arc::default() }
    }

    /// One more object is settled.
    pub(super) fn settled(&self) {
        self.counts.settled.fetch_add(1, Ordering::Relaxed);
        self.progress.add(1);
    }

    /// So many bytes need not be copied.
    pub(super) fn pass_over(&self, bytes: u64) {
        self.counts.passed_over.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says that this one failed.
    pub(super) fn note_failed(&self, name: &OsStr) {
        self.progress.note(format!("last failed: {}", name.to_string_lossy()));
    }

    /// Shows it, and finds out beside the copying how much there is to do: without that there is no remaining
    /// time. Listings of services, which cost requests, are only read where somebody looks.
    pub(super) async fn measure(&self, measured: Option<Measured>) -> Infallible {
        tokio::select! {
            never = self.total(measured) => never,
            never = self.progress.show(|_| self.update()) => never,
        }
    }

    async fn total(&self, measured: Option<Measured>) -> Infallible {
        match measured {
            Some(Measured::Listing(listing)) if self.progress.is_a_bar() => {
                if let Ok(total) = listing.total_size().await {
                    self.progress.set_total_bytes(total);
                }
            }
            Some(Measured::Walk(mut entries)) if self.progress.is_shown() => {
                let (mut objects, mut bytes) = (0, 0);
                while let Ok(Some(entry)) = entries.try_next().await {
                    objects += 1;
                    if let Entry::Copy(item) = entry {
                        bytes += item.size.unwrap_or_default();
                    }
                    if objects == MOST_COUNTED {
                        return future::pending().await;
                    }
                }
                self.progress.set_total(objects);
                self.progress.set_total_bytes(bytes);
            }
            Some(Measured::File(bytes)) => self.progress.set_total_bytes(bytes),
            _ => {}
        }
        future::pending().await
    }

    fn update(&self) {
        let (copied, passed_over) = (self.flow.bytes(), self.counts.passed_over.load(Ordering::Relaxed));
        // Bytes that a broken stream brought twice count twice.
        self.progress.set_bytes(copied + passed_over);
        self.progress.doing(match self.mode {
            Mode::DryRun => "checking",
            Mode::Copy if copied > 0 => "copying",
            Mode::Copy if self.counts.settled.load(Ordering::Relaxed) > 0 => "checking",
            Mode::Copy => "listing",
        });
    }
}
