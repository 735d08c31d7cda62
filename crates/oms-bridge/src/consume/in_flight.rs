//! The messages that this worker has in hand, and the receipt that names each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::queue::Received;

/// Receipts by message id. A message that comes again while it is worked on (its visibility ran out) gets its new receipt
/// here: the old one may not delete it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<Mutex<HashMap<String, String>>>);

impl Held {
    /// Takes messages in hand and gives back those that were not before.
    pub(super) fn take(&self, messages: Vec<Received>) -> (Vec<Received>, Hand) {
        let mut held = self.lock();
        let fresh = |message: &Received| held.insert(message.id.clone(), message.receipt.clone()).is_none();
        let messages: Vec<_> = messages.into_iter().filter(fresh).collect();
        let ids = messages.iter().map(|message| message.id.clone()).collect();
        (messages, Hand { held: self.clone(), ids })
    }

    /// How many messages are in hand.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages in hand, until this is dropped.
#[derive(Debug)]
pub(super) struct Hand {
    held: Held,
    ids: Vec<String>,
}

impl Hand {
    /// Lets go of one.
    pub(super) fn drop_one(&mut self, id: &str) {
        self.ids.retain(|own| own != id);
        self.held.lock().remove(id);
    }

    /// Splits off some.
    pub(super) fn split(&mut self, ids: &[String]) -> Self {
        self.ids.retain(|own| !ids.contains(own));
        Self { held: self.held.clone(), ids: ids.to_vec() }
    }

    /// The latest receipts of all of them.
    pub(super) fn receipts(&self) -> Vec<String> {
        self.of(&self.ids)
    }

    /// The latest receipts of some of them.
    pub(super) fn of(&self, ids: &[String]) -> Vec<String> {
        let held = self.held.lock();
        ids.iter().filter_map(|id| held.get(id).cloned()).collect()
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        for id in &self.ids {
            held.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(id: &str, receipt: &str) -> Received {
        Received { id: id.into(), receipt: receipt.into(), body: String::new(), receives: 1 }
    }

    #[test]
    fn a_message_that_comes_again_is_worked_on_once_and_named_by_its_last_receipt() {
        let held = Held::default();
        let (fresh, hand) = held.take(vec![received("a", "1"), received("b", "1")]);
        assert_eq!(fresh.len(), 2);
        let (again, nothing) = held.take(vec![received("a", "2"), received("c", "1")]);
        assert_eq!(again, [received("c", "1")]);
        drop(nothing);
        assert_eq!(hand.receipts(), ["2", "1"]);
        assert_eq!(held.len(), 2);
        drop(hand);
        assert_eq!(held.len(), 0);
    }

    #[test]
    fn a_message_can_be_let_go_before_the_others() {
        let held = Held::default();
        let (_, mut hand) = held.take(vec![received("a", "1"), received("b", "2"), received("c", "3")]);
        hand.drop_one("a");
        assert_eq!(hand.receipts(), ["2", "3"]);
        let part = hand.split(&["c".to_owned()]);
        assert_eq!((hand.receipts(), part.receipts()), (vec!["2".to_owned()], vec!["3".to_owned()]));
        drop(hand);
        assert_eq!(held.len(), 1);
    }
}
