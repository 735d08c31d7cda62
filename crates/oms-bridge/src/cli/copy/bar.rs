//! The progress bar.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use object_copy::bulk::BucketListing;
use object_copy::transfer::Flow;

const UNMEASURED: &str = "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {msg}  {elapsed}";
const MEASURED: &str = "{bar:30} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta}  {msg}";

/// Shows bytes, rate and remaining time, on a terminal only. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct CopyBar {
    pub(super) shown: ProgressBar,
    flow: Flow,
    /// Bytes of objects that need not be copied.
    pub(super) passed_over: Arc<AtomicU64>,
}

impl CopyBar {
    pub(super) fn new(flow: Flow) -> Self {
        let shown = if io::stderr().is_terminal() {
            ProgressBar::no_length().with_style(style(UNMEASURED))
        } else {
            ProgressBar::hidden()
        };
        Self { shown, flow, passed_over: Arc::default() }
    }

    /// Moves the bar, and finds out beside the copying how much there is to do: without that there is no
    /// remaining time. Only where somebody looks.
    pub(super) async fn measure(&self, listed: Option<BucketListing>) -> Infallible {
        if self.shown.is_hidden() {
            return std::future::pending().await;
        }
        let total = async {
            if let Some(listed) = listed
                && let Ok(total) = listed.total_size().await
            {
                self.shown.set_style(style(MEASURED));
                self.shown.set_length(total);
            }
            std::future::pending().await
        };
        tokio::select! {
            never = total => never,
            never = self.tick() => never,
        }
    }

    async fn tick(&self) -> Infallible {
        loop {
            // Bytes that a broken stream brought twice count twice.
            self.shown.set_position(self.flow.bytes() + self.passed_over.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
