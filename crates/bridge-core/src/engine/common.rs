//! The reason that failures have in common.

use super::Failure;
use object_copy::outcome::Attempt;
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
        if let Some(rank) = rank(failure) {
            self.keys += 1;
            if self.first.as_ref().and_then(self::rank).is_none_or(|first| rank < first) {
                self.first = Some(failure.clone());
            }
        }
    }

    /// Adds up two.
    pub fn add(&mut self, other: Self) {
        self.keys += other.keys;
        let first = [self.first.take(), other.first].into_iter().flatten();
        self.first = first.min_by_key(rank);
    }

    /// The first failure of those that decide: refused credentials, then settings and rights, then what is
    /// out of reach. One that was not even tried, since the access key was refused before, says less than the
    /// refusal itself.
    pub fn first(&self) -> Option<&Failure> {
        self.first.as_ref()
    }

    /// The same if all of `failed` keys failed for such reasons.
    pub fn of_all(&self, failed: usize) -> Option<&Failure> {
        self.first().filter(|_| self.keys == failed)
    }
}

fn rank(failure: &Failure) -> Option<(u8, bool)> {
    let rank = match failure.concern {
        Concern::Credentials => 0,
        Concern::Settings | Concern::Permission | Concern::OtherServer => 1,
        Concern::Network => 2,
        Concern::Object | Concern::Directory => return None,
    };
    Some((rank, failure.attempt == Attempt::NotMade))
}
