//! The messages in flight, and the receipt of each.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::queue::Received;

/// Receipts by message id. A message that is received again while it is processed (its visibility ran out)
/// gets its new receipt here: the old one may no longer delete it.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<String, String>>>);

impl InFlight {
    /// Adds messages; returns those that were not in flight already, with the lease on them.
    pub(super) fn take(&self, messages: Vec<Received>) -> (Vec<Received>, Lease) {
        let mut in_flight = self.lock();
        let fresh =
            |message: &Received| in_flight.insert(message.id.clone(), message.receipt.clone()).is_none();
        let messages: Vec<_> = messages.into_iter().filter(fresh).collect();
        let ids = messages.iter().map(|message| message.id.clone()).collect();
        (messages, Lease { in_flight: self.clone(), ids })
    }

    /// Number of messages in flight.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock()
    }
}

/// Messages that one task processes; they leave the set when it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    in_flight: InFlight,
    ids: Vec<String>,
}

impl Lease {
    /// Ends the lease of one message.
    pub(super) fn drop_one(&mut self, id: &str) {
        self.ids.retain(|own| own != id);
        self.in_flight.lock().remove(id);
    }

    /// Splits off the lease of some messages.
    pub(super) fn split(&mut self, ids: &[String]) -> Self {
        self.ids.retain(|own| !ids.contains(own));
        Self { in_flight: self.in_flight.clone(), ids: ids.to_vec() }
    }

    /// The latest receipts of all of them.
    pub(super) fn receipts(&self) -> Vec<String> {
        self.of(&self.ids)
    }

    /// The latest receipts of some of them.
    pub(super) fn of(&self, ids: &[String]) -> Vec<String> {
        let in_flight = self.in_flight.lock();
        ids.iter().filter_map(|id| in_flight.get(id).cloned()).collect()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock();
        for id in &self.ids {
            in_flight.remove(id);
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
    fn a_redelivered_message_is_processed_once_and_keeps_its_last_receipt() {
        let in_flight = InFlight::default();
        let (fresh, lease) = in_flight.take(vec![received("a", "1"), received("b", "1")]);
        assert_eq!(fresh.len(), 2);
        let (again, nothing) = in_flight.take(vec![received("a", "2"), received("c", "1")]);
        assert_eq!(again, [received("c", "1")]);
        drop(nothing);
        assert_eq!(lease.receipts(), ["2", "1"]);
        assert_eq!(in_flight.len(), 2);
        drop(lease);
        assert_eq!(in_flight.len(), 0);
    }

    #[test]
    fn the_lease_of_one_message_can_end_before_the_others() {
        let in_flight = InFlight::default();
        let (_, mut lease) = in_flight.take(vec![received("a", "1"), received("b", "2"), received("c", "3")]);
        lease.drop_one("a");
        assert_eq!(lease.receipts(), ["2", "3"]);
        let part = lease.split(&["c".to_owned()]);
        assert_eq!((lease.receipts(), part.receipts()), (vec!["2".to_owned()], vec!["3".to_owned()]));
        drop(lease);
        assert_eq!(in_flight.len(), 1);
    }
}
