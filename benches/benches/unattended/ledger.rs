//! What happened at the clouds, as they saw it.

use std::collections::HashMap;
use std::sync::Arc;

use cloud_twin::{Service, Twin, TwinEvent};
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;

use crate::cloud::MIRROR;

/// What became of a key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// How often OMS accepted it.
    pub(crate) accepted: u32,
    /// How often OMS did not copy it after that.
    pub(crate) silent: u32,
    /// How often it was written to the destination directly.
    pub(crate) copied: u32,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) keys: HashMap<String, Seen>,
    /// Events that the platform gave up.
    pub(crate) events_failed: u64,
    /// Invocations for events that failed.
    pub(crate) event_retries: u64,
    /// Events that were not read in time; the ledger is wrong then.
    pub(crate) missed: u64,
}

/// Writes the ledger while it is there.
pub(crate) struct Watching(Arc<Mutex<Ledger>>);

impl Watching {
    pub(crate) fn of(twin: &Twin) -> Self {
        let (mut events, ledger) = (twin.subscribe(), Arc::new(Mutex::new(Ledger::default())));
        let own = Arc::clone(&ledger);
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => own.lock().note(event),
                    Err(RecvError::Lagged(missed)) => own.lock().missed += missed,
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Self(ledger)
    }

    /// How much was read so far.
    pub(crate) fn so_far(&self) -> Ledger {
        self.0.lock().clone()
    }
}

impl Ledger {
    fn note(&mut self, event: TwinEvent) {
        match event {
            TwinEvent::OmsAccepted { keys, .. } => {
                for key in keys {
                    self.keys.entry(key).or_default().accepted += 1;
                }
            }
            TwinEvent::CopyFailed { key, .. } => self.keys.entry(key).or_default().silent += 1,
            TwinEvent::ObjectPut { service: Service::Obs, bucket, key } if bucket == MIRROR => {
                self.keys.entry(key).or_default().copied += 1;
            }
            TwinEvent::EventDelivered { attempts, .. } => self.event_retries += u64::from(attempts) - 1,
            TwinEvent::EventFailed { attempts, .. } => {
                self.events_failed += 1;
                self.event_retries += u64::from(attempts) - 1;
            }
            _ => {}
        }
    }

    /// Sum over all keys.
    pub(crate) fn sum(&self, of: impl Fn(&Seen) -> u32) -> u64 {
        self.keys.values().map(|seen| u64::from(of(seen))).sum()
    }

    /// Keys of which it is true.
    pub(crate) fn count(&self, of: impl Fn(&Seen) -> bool) -> u64 {
        self.keys.values().filter(|seen| of(seen)).count() as u64
    }
}
