//! Keys that could not be looked at, and whether that concerns all of them.

use object_copy::transfer::{Extent, Side as End, TransferError};

/// So many keys in a row that could not be looked at may be all keys.
const MANY: u32 = 20;

/// Keys of which that may be so that are tried at most.
const MOST: u32 = 1000;

/// Why a key could not be looked at.
#[derive(Debug)]
pub(super) struct NotLookedAt {
    pub(super) end: End,
    pub(super) error: TransferError,
    /// What the error concerns.
    pub(super) extent: Extent,
}

impl NotLookedAt {
    pub(super) fn new(end: End, error: TransferError) -> Self {
        Self { end, extent: error.extent(), error }
    }
}

/// Keys in a row that could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    in_a_row: u32,
    /// Whether a key could be looked at in this slice.
    has_answer: bool,
    last: Option<(End, TransferError)>,
}

impl Unanswered {
    /// A key could be looked at.
    pub(super) fn answered(&mut self) {
        *self = Self { has_answer: true, ..Self::default() };
    }

    /// Whether the last key that was looked at gave an answer.
    pub(super) fn is_none(&self) -> bool {
        self.in_a_row == 0
    }

    /// Whether the slice ends, since no key can be looked at.
    pub(super) fn ends_with(&mut self, failed: &NotLookedAt) -> bool {
        let most = match failed.extent {
            Extent::One => return false,
            Extent::All => 0,
            Extent::AllForNow | Extent::AllUntilOneIsDone => MANY,
            Extent::PerhapsAll if self.has_answer => u32::MAX,
            Extent::PerhapsAll => MOST,
        };
        self.in_a_row += 1;
        self.last = Some((failed.end, failed.error.clone()));
        self.in_a_row >= most
    }

    /// The last refusal, if it may be that of all keys: there were many in a row, and no answer in this
    /// slice.
    pub(super) fn doubt(&self) -> Option<(End, TransferError)> {
        self.last.clone().filter(|_| self.in_a_row >= MANY && !self.has_answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(extent: Extent) -> NotLookedAt {
        NotLookedAt { end: End::Destination, error: TransferError::out_of_time("not looked at"), extent }
    }

    #[test]
    fn keys_that_are_refused_for_their_own_sake_end_nothing() {
        let mut unanswered = Unanswered::default();
        assert!((0..2 * MOST).all(|_| !unanswered.ends_with(&failed(Extent::One))));
        assert!(unanswered.doubt().is_none() && unanswered.is_none());
    }

    #[test]
    fn one_answer_shows_that_a_refusal_is_not_that_of_all_keys() {
        let mut unanswered = Unanswered::default();
        assert!((1..MOST).all(|_| !unanswered.ends_with(&failed(Extent::PerhapsAll))));
        assert!(unanswered.doubt().is_some());
        assert!(unanswered.ends_with(&failed(Extent::PerhapsAll)));
        unanswered.answered();
        assert!(unanswered.doubt().is_none());
        assert!((0..2 * MOST).all(|_| !unanswered.ends_with(&failed(Extent::PerhapsAll))));
        assert!(unanswered.doubt().is_none());
    }

    #[test]
    fn a_service_that_is_not_reached_ends_the_slice_soon() {
        let mut unanswered = Unanswered::default();
        unanswered.answered();
        assert!((1..MANY).all(|_| !unanswered.ends_with(&failed(Extent::AllForNow))));
        assert!(unanswered.ends_with(&failed(Extent::AllForNow)));
        assert!(Unanswered::default().ends_with(&failed(Extent::All)));
    }
}
