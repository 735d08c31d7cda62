//! Asks running work to end early.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::watch;

/// How much of the running work is still done. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// All of it.
    #[default]
    Run,
    /// Copies in parts end after the parts that are being sent, since a large object takes hours.
    EndAtParts,
    /// Nothing new is begun.
    BeginNothing,
    /// Nothing is waited for.
    Now,
}

/// A request to stop. Clones share it; the level only rises.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<watch::Sender<StopLevel>>);

impl Stop {
    /// Asks for at least this level.
    pub fn raise(&self, level: StopLevel) {
        self.0.send_if_modified(|current| {
            let rises = level > *current;
            *current = level.max(*current);
            rises
        });
    }

    /// Raises the level whenever `next` resolves: first so that nothing is begun, then so that nothing is
    /// waited for. `others` is called with the new level first.
    pub async fn raise_at(&self, mut next: impl AsyncFnMut(), others: impl Fn(StopLevel)) -> Infallible {
        for level in [StopLevel::BeginNothing, StopLevel::Now] {
            next().await;
            others(level);
            self.raise(level);
        }
        std::future::pending().await
    }

    /// Whether at least this level was asked for.
    pub fn is(&self, level: StopLevel) -> bool {
        *self.0.borrow() >= level
    }

    /// Resolves once at least this level is asked for.
    pub async fn reached(&self, level: StopLevel) {
        // The sender is in `self`, so this does not end early.
        let _ = self.0.subscribe().wait_for(|current| *current >= level).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_level_includes_those_before_it_and_never_falls() {
        let stop = Stop::default();
        assert!(!stop.is(StopLevel::EndAtParts));
        let other = stop.clone();
        other.raise(StopLevel::BeginNothing);
        other.raise(StopLevel::EndAtParts);
        stop.reached(StopLevel::EndAtParts).await;
        assert!(stop.is(StopLevel::BeginNothing) && !stop.is(StopLevel::Now));
    }
}
