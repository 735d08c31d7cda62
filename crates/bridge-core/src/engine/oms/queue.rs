//! Keys that wait to be sent.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::engine::{Outcome, OutcomeSender};
use crate::oms::encode;

/// A key that waits or is being sent, and where its outcome goes.
#[derive(Debug)]
pub(super) struct PendingKey {
    /// The key in the form that OMS expects. Needs no escaping inside a JSON string.
    pub(super) encoded: String,
    pub(super) deadline: Instant,
    index: usize,
    outcomes: OutcomeSender,
}

impl PendingKey {
    pub(super) fn new(index: usize, key: &str, deadline: Instant, outcomes: &OutcomeSender) -> Self {
        Self { encoded: encode(key), deadline, index, outcomes: outcomes.clone() }
    }

    /// Reports the outcome.
    pub(super) fn finish(self, outcome: Outcome) {
        // A caller that stopped listening has decided without us: its time was up, and the key is in the
        // journal.
        let _ = self.outcomes.send((self.index, outcome));
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<QueueState>);

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<PendingKey>,
    /// A task is on its way that will empty the queue.
    flushing: bool,
}

impl Queue {
    /// Adds keys. Says whether the caller has to start a task that empties the queue.
    pub(super) fn add(&self, keys: impl Iterator<Item = PendingKey>) -> bool {
        let mut state = self.state();
        state.waiting.extend(keys);
        let start = !state.flushing && !state.waiting.is_empty();
        state.flushing |= start;
        start
    }

    /// Takes up to `most` keys, each once, and says whether there are more. The last batch, and `None`,
    /// release the caller from emptying the queue.
    pub(super) fn take(&self, most: usize) -> Option<(Vec<PendingKey>, bool)> {
        let mut state = self.state();
        let mut batch: Vec<PendingKey> = Vec::with_capacity(most.min(state.waiting.len()));
        let mut scanned = 0;
        while batch.len() < most && scanned < state.waiting.len() {
            // Two invocations may bring the same key: it then goes out in two requests.
            let twice = batch.iter().any(|taken| taken.encoded == state.waiting[scanned].encoded);
            match (twice, scanned) {
                (true, _) => scanned += 1,
                (false, 0) => batch.extend(state.waiting.pop_front()),
                (false, _) => batch.extend(state.waiting.remove(scanned)),
            }
        }
        let more = !state.waiting.is_empty();
        state.flushing = more;
        (!batch.is_empty()).then_some((batch, more))
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use tokio::sync::mpsc;

    use super::*;

    fn waiting(keys: &[&str]) -> Vec<PendingKey> {
        let (sender, _) = mpsc::unbounded_channel();
        let deadline = Instant::now();
        keys.iter().enumerate().map(|(index, key)| PendingKey::new(index, key, deadline, &sender)).collect()
    }

    fn keys(batch: &[PendingKey]) -> Vec<&str> {
        batch.iter().map(|key| &*key.encoded).collect()
    }

    #[tokio::test]
    async fn one_flusher_takes_full_batches_and_no_key_twice_in_one() {
        let queue = Queue::default();
        assert!(queue.add(waiting(&["a", "b", "a", "c"]).into_iter()));
        assert!(!queue.add(waiting(&["a", "d"]).into_iter()), "a flusher is on its way already");
        let (batch, more) = queue.take(3).unwrap();
        assert_eq!((keys(&batch), more), (vec!["a", "b", "c"], true));
        let (batch, more) = queue.take(3).unwrap();
        assert_eq!((keys(&batch), more), (vec!["a", "d"], true));
        let (batch, more) = queue.take(3).unwrap();
        assert_eq!((keys(&batch), more), (vec!["a"], false));
        assert!(queue.take(3).is_none());
        assert!(queue.add(waiting(&["z"]).into_iter()), "the flusher is gone");
        assert!(!Queue::default().add(std::iter::empty()));
    }

    #[tokio::test]
    async fn keys_are_encoded_once_with_the_unreserved_set_only() {
        for (key, encoded) in [
            ("test/001.txt", "test%2F001.txt"),
            ("a+b c", "a%2Bb%20c"),
            ("100%25", "100%2525"),
            ("*'()!", "%2A%27%28%29%21"),
            ("测", "%E6%B5%8B"),
            ("a-b_c.d~e", "a-b_c.d~e"),
        ] {
            assert_eq!(keys(&waiting(&[key])), [encoded]);
        }
    }

    proptest! {
        #[test]
        fn encoding_loses_nothing(key in "\\PC*|[\\x00-\\x7f]*") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _guard = runtime.enter();
            let encoded = waiting(&[&key]).remove(0).encoded;
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
            prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), key);
        }
    }
}
