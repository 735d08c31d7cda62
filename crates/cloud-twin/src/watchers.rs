//! Who waits for something to happen in a twin.

use std::pin::pin;

use tokio::sync::{Notify, broadcast};

use crate::observe::TwinEvent;

/// Events that a slow subscriber may fall behind before it misses some.
const EVENT_BACKLOG: usize = 1 << 16;

/// Subscribers of events, and waiters for a state.
#[derive(Debug)]
pub(crate) struct Watchers {
    events: broadcast::Sender<TwinEvent>,
    change: Notify,
}

impl Default for Watchers {
    fn default() -> Self {
        Self { events: broadcast::channel(EVENT_BACKLOG).0, change: Notify::new() }
    }
}

impl Watchers {
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<TwinEvent> {
        self.events.subscribe()
    }

    /// Sends an event to the subscribers, if there are any, and wakes the waiters.
    pub(crate) fn emit(&self, event: impl FnOnce() -> TwinEvent) {
        if self.events.receiver_count() > 0 {
            // The last subscriber may have left just now.
            let _ = self.events.send(event());
        }
        self.changed();
    }

    /// Wakes all waiters.
    pub(crate) fn changed(&self) {
        self.change.notify_waiters();
    }

    /// Returns once `condition` holds; it is checked now and after every change.
    pub(crate) async fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        loop {
            // Registered before the condition is checked, so that no change in between is missed.
            let mut changed = pin!(self.change.notified());
            changed.as_mut().enable();
            if condition() {
                return;
            }
            changed.await;
        }
    }
}
