//! The reason that failures have in common.

use super::Failure;
use object_copy::transfer::Concern;

/// Failures for reasons that concern all keys: credentials, a right, settings, a service out of reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonCause {
    keys: usize,
    first: Option<Failure>,
}

impl CommonCause {
    /// Adds a failure. One that is about its key changes nothing.
    pub fn count(&mut self, failure: &Failure) {
        if let Some(rank) = rank(failure.concern) {
            self.keys += 1;
            if self.first.as_ref().and_then(rank_of).is_none_or(|first| rank < first) {
                self.first = Some(failure.clone());
            }
        }
    }

    /// Adds up two.
    pub fn add(&mut self, other: Self) {
        self.keys += other.keys;
        let first = [self.first.take(), other.first].into_iter().flatten();
        self.first = first.min_by_key(rank_of);
    }

    /// The first failure of those that decide: refused credentials, then settings and rights, then what is
    /// out of reach.
    pub fn first(&self) -> Option<&Failure> {
        self.first.as_ref()
    }

    /// The same if all of `failed` keys failed for such reasons.
    pub fn of_all(&self, failed: usize) -> Option<&Failure> {
        self.first().filter(|_| self.keys == failed)
    }
}

fn rank_of(failure: &Failure) -> Option<u8> {
    rank(failure.concern)
}

fn rank(concern: Concern) -> Option<u8> {
    match concern {
        Concern::Credentials => Some(0),
        Concern::Settings | Concern::Permission | Concern::OtherServer => Some(1),
        Concern::Network => Some(2),
        Concern::Object | Concern::Directory => None,
    }
}
