//! One change of a destination key at a time.
//!
//! Two jobs of one key that interleave undo each other: a removal between the last look of a copy and the
//! next of another. Those of other instances cannot be kept away, and are why every job looks at the source
//! once more after it wrote or removed; here they wait.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Keys that are in use or waited for. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyLocks(Arc<Mutex<HashMap<String, Entry>>>);

#[derive(Debug, Default)]
struct Entry {
    turn: Arc<Turn<()>>,
    /// Number of holders and waiters.
    users: usize,
}

/// The right to change a key. Gone when it is dropped.
#[derive(Debug)]
pub(super) struct KeyLock {
    // Dropped first, so that the entry goes last.
    _turn: OwnedMutexGuard<()>,
    _place: QueuePlace,
}

/// A place in the queue of a key.
#[derive(Debug)]
struct QueuePlace {
    locks: KeyLocks,
    key: String,
}

impl KeyLocks {
    /// Waits for the key's turn: first come, first served.
    pub(super) async fn lock(&self, key: &str) -> KeyLock {
        let turn = {
            let mut entries = self.entries();
            let entry = entries.entry(key.to_owned()).or_default();
            entry.users += 1;
            Arc::clone(&entry.turn)
        };
        // Dropped in any case, so that a waiter that gives up leaves no entry behind.
        let place = QueuePlace { locks: self.clone(), key: key.to_owned() };
        let turn = if let Ok(turn) = Arc::clone(&turn).try_lock_owned() {
            turn
        } else {
            tracing::debug!(key, "waiting for another change of this key");
            turn.lock_owned().await
        };
        KeyLock { _turn: turn, _place: place }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock()
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        let mut entries = self.locks.entries();
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.users -= 1;
            if entry.users == 0 {
                entries.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_key_has_one_holder_and_others_are_free() {
        let locks = KeyLocks::default();
        let first = locks.lock("a").await;
        let other = locks.lock("b").await;
        let mut second = Box::pin(locks.lock("a"));
        let mut third = Box::pin(locks.lock("a"));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "the second came first");
        let second = second.await;
        drop((second, other));
        drop(third.await);
        assert!(locks.entries().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_nothing_behind() {
        let locks = KeyLocks::default();
        let held = locks.lock("a").await;
        assert!(Box::pin(locks.lock("a")).now_or_never().is_none());
        assert_eq!(locks.entries()["a"].users, 1);
        drop(held);
        assert!(locks.entries().is_empty());
    }
}
