//! The right to work, renewed beside the work itself.
//!
//! A run that works on after another one has taken its place would judge and send the same keys. So the right
//! is renewed whatever the run waits for ([`Tenure::lost`]), asked for once more before something is sent
//! ([`Tenure::check`]), and whoever has lost it begins nothing more.

use std::time::Duration;

use bridge_core::journal::{Holding, LEASE, Lease, OpenJournal, WriteError};
use chrono::{DateTime, Utc};
use oss_lite::Error;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::{Instant, sleep};

/// How often the log bucket is told that the run is active.
const RENEWAL: Duration = Duration::from_mins(1);

/// Another run has taken the right, or may have. It was active at this time, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost(pub(crate) Option<DateTime<Utc>>);

/// The right of one run to work, with where the run is.
#[derive(Debug)]
pub(crate) struct Tenure<S> {
    journal: OpenJournal,
    lease: Lease,
    state: Mutex<S>,
    /// When the log bucket was told last.
    renewed: Mutex<Instant>,
}

impl<S: Clone + Serialize> Tenure<S> {
    /// A right that was just obtained.
    pub(crate) fn new(journal: OpenJournal, lease: Lease, state: S) -> Self {
        Self { journal, lease, state: Mutex::new(state), renewed: Mutex::new(Instant::now()) }
    }

    /// Notes where the run is: what is written with the next renewal.
    pub(crate) fn note(&self, state: S) {
        *self.state.lock() = state;
    }

    /// Renews the right again and again; returns once it is lost, or cannot be proved any more.
    pub(crate) async fn lost(&self) -> Lost {
        loop {
            sleep(RENEWAL).await;
            if let Err(lost) = self.renew().await {
                return lost;
            }
        }
    }

    /// Tells the log bucket that the run is active, and where it is.
    pub(crate) async fn renew(&self) -> Result<(), Lost> {
        let state = self.state.lock().clone();
        match self.journal.keep_lease(&self.lease, &state).await {
            Ok(Holding::Ours) => {
                *self.renewed.lock() = Instant::now();
                Ok(())
            }
            Ok(Holding::Lost(active)) => Err(Lost(active)),
            // Another run takes the place of one that is silent for too long.
            Err(error) if self.is_silent() => {
                tracing::warn!(%error, "cannot record that this run is active, for too long: it ends");
                Err(Lost(None))
            }
            Err(error) => {
                tracing::warn!(%error, "cannot record that this run is active");
                Ok(())
            }
        }
    }

    /// Whether the run still has the right: asked before it changes something.
    pub(crate) async fn check(&self) -> Result<Result<(), Lost>, Error> {
        Ok(proved(self.journal.holds(&self.lease).await?))
    }

    /// Says that the run has ended, and where the next one goes on; nothing if the right is lost.
    pub(crate) async fn end(&self, state: &S) -> Result<Result<(), Lost>, WriteError> {
        Ok(proved(self.journal.end_lease(&self.lease, state).await?))
    }

    fn is_silent(&self) -> bool {
        self.renewed.lock().elapsed() + RENEWAL * 2 > LEASE
    }
}

fn proved(holding: Holding) -> Result<(), Lost> {
    match holding {
        Holding::Ours => Ok(()),
        Holding::Lost(active) => Err(Lost(active)),
    }
}
