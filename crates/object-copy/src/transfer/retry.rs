//! How often a request is tried again: writes, and reads of what has no client with a policy of its own (web
//! servers, Amazon S3).

use std::time::Duration;

use super::error::{Abort, TransferError};
use oss_lite::{Backoff, Random};

/// Most tries of a write, which has to read and send everything again.
const WRITES: u32 = 6;

/// Most tries of a read, fewer since the reader continues where it broke off, with tries of its own.
const READS: u32 = 4;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Retries {
    made: u32,
    most: u32,
    random: Random,
}

impl Retries {
    /// For a write.
    pub(super) fn new(random: Random) -> Self {
        Self { made: 0, most: WRITES, random }
    }

    /// For a request whose body is read.
    pub(super) fn of_read(random: Random) -> Self {
        Self { made: 0, most: READS, random }
    }

    /// Waits until the next try may be made.
    ///
    /// # Errors
    ///
    /// The failure itself, after too many tries or if a retry is useless.
    pub(super) async fn wait(&mut self, failed: TransferError) -> Result<(), Abort> {
        self.made += 1;
        if !failed.class.may_pass() || self.made >= self.most {
            return Err(Abort::Failed(failed));
        }
        tracing::debug!(error = %failed.error, tries = self.made, "trying again");
        tokio::time::sleep(BACKOFF.delay(self.made - 1, self.random)).await;
        Ok(())
    }
}
