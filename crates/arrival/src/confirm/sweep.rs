//! Records of confirmed keys that are kept long enough are deleted.
//!
//! They are looked through every eighth of the time that they are kept, and not in each run: a listing of all
//! of them costs what is kept, not what is left to do.

use std::pin::pin;

use chrono::TimeDelta;
use futures_util::TryStreamExt as _;
use tokio::time::Instant;

use super::{Run, Stopped};
use bridge_core::journal::MarkerRef;
use object_copy::stop::StopLevel;

/// How often in the time that records are kept they are looked through.
const SWEEPS: i32 = 8;

impl Run<'_> {
    /// Deletes what is due, until all was looked through or the time is up; the next run goes on.
    pub(super) async fn sweep(&mut self) -> Result<(), Stopped> {
        if !self.acts() || !self.options.prefix.is_empty() || !self.is_due() {
            return Ok(());
        }
        let mut pages = pin!(self.journal.confirmed(self.state.sweep_after.clone()));
        while let Some(page) = pages.try_next().await.map_err(Stopped::journal)? {
            let over = |marker: &&MarkerRef| {
                marker.written.is_some_and(|written| self.watch.is_over(written, self.now))
            };
            let over: Vec<&MarkerRef> = page.markers.iter().filter(over).collect();
            if !over.is_empty() {
                let left = self.journal.delete(over.iter().map(|marker| marker.name()).collect()).await;
                // One for each key; the others are steps on its way.
                let keys = over.iter().filter(|marker| marker.marker.stage.is_final()).count();
                self.summary.forgotten += keys.saturating_sub(left) as u64;
            }
            self.state.sweep_after = Some(page.up_to);
            if Instant::now() >= self.options.deadline || self.stop.is(StopLevel::BeginNothing) {
                return Ok(());
            }
        }
        (self.state.sweep_after, self.state.swept_at) = (None, Some(self.now));
        Ok(())
    }

    fn is_due(&self) -> bool {
        let kept = TimeDelta::from_std(self.watch.keep_records).unwrap_or(TimeDelta::MAX);
        let since = self.state.swept_at.map(|swept| self.now - swept);
        !kept.is_zero()
            && (self.state.sweep_after.is_some() || since.is_none_or(|since| since >= kept / SWEEPS))
    }
}
