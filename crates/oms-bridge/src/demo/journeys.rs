//! When each object was uploaded, accepted and copied, from the events of the local cloud.

use std::collections::HashMap;
use std::time::Duration;

use cloud_twin::TwinEvent;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// The times of one object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journey {
    /// Its upload began.
    pub uploaded: Instant,
    /// OMS accepted its key.
    pub accepted: Option<Instant>,
    /// It is in OBS.
    pub arrived: Option<Instant>,
    /// The function has answered its event.
    pub answered: Option<Instant>,
}

/// The times of all objects.
#[derive(Debug)]
pub(crate) struct Journeys {
    events: Receiver<TwinEvent>,
    by_key: HashMap<String, Journey>,
}

impl Journeys {
    /// Follows `events` from now on.
    pub(crate) fn new(events: Receiver<TwinEvent>) -> Self {
        Self { events, by_key: HashMap::new() }
    }

    /// The upload of `key` begins.
    pub(crate) fn begin(&mut self, key: &str) {
        let journey = Journey { uploaded: Instant::now(), accepted: None, arrived: None, answered: None };
        self.by_key.insert(key.to_owned(), journey);
    }

    /// The times of `key` so far.
    pub(crate) fn of(&self, key: &str) -> Option<&Journey> {
        self.by_key.get(key)
    }

    /// Follows events until `done` holds for every key, or `patience` ends. Returns whether it holds.
    pub(crate) async fn follow<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k str> + Clone,
        done: impl Fn(&Journey) -> bool,
        patience: Duration,
    ) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if keys.clone().all(|key| self.of(key).is_some_and(&done)) {
                return true;
            }
            match timeout_at(deadline, self.events.recv()).await {
                Ok(Ok(event)) => self.take(event),
                Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => return false,
            }
        }
    }

    fn take(&mut self, event: TwinEvent) {
        let now = Some(Instant::now());
        match event {
            TwinEvent::OmsAccepted { keys, .. } => {
                for key in keys {
                    self.update(&key, |journey| journey.accepted = now);
                }
            }
            TwinEvent::ObjectCopied { key, .. } => self.update(&key, |journey| journey.arrived = now),
            TwinEvent::EventDelivered { key, .. } | TwinEvent::EventFailed { key, .. } => {
                self.update(&key, |journey| journey.answered = now);
            }
            _ => {}
        }
    }

    fn update(&mut self, key: &str, change: impl FnOnce(&mut Journey)) {
        if let Some(journey) = self.by_key.get_mut(key) {
            change(journey);
        }
    }
}
