//! How often a write is tried again.

use std::time::Duration;

use super::stop::{Failed, Stop};
use crate::engine::FailureClass;
use crate::engine::backoff::{Backoff, Random};

const TRIES: u32 = 6;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// The tries of one write.
#[derive(Debug)]
pub(super) struct Retries {
    made: u32,
    random: Random,
}

impl Retries {
    pub(super) fn new(random: Random) -> Self {
        Self { made: 0, random }
    }

    /// Returns when the next try may be made.
    ///
    /// # Errors
    ///
    /// The failure itself, when there were too many or another try is no use.
    pub(super) async fn wait(&mut self, failed: Failed) -> Result<(), Stop> {
        self.made += 1;
        let may_pass = matches!(failed.class, FailureClass::Transient | FailureClass::Throttled);
        if !may_pass || self.made >= TRIES {
            return Err(Stop::Failed(failed));
        }
        tracing::debug!(error = %failed.error, tries = self.made, "writing again");
        tokio::time::sleep(BACKOFF.delay(self.made - 1, self.random)).await;
        Ok(())
    }
}
