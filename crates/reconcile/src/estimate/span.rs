//! Numbers of which only bounds are known.

use serde::Serialize;

/// A number that lies between two, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// It is not smaller.
    pub from: u64,
    /// It is not larger; without this nothing bounds it.
    pub to: Option<u64>,
}

impl Span {
    /// None at all.
    pub const NONE: Self = Self { from: 0, to: Some(0) };

    /// Nothing is known of it.
    pub const UNKNOWN: Self = Self { from: 0, to: None };

    /// This number.
    pub fn exactly(number: u64) -> Self {
        Self { from: number, to: Some(number) }
    }

    /// No more than this.
    pub fn up_to(most: u64) -> Self {
        Self { from: 0, to: Some(most) }
    }

    /// As many, or fewer: none at least.
    pub(super) fn or_fewer(self) -> Self {
        Self { from: 0, ..self }
    }

    /// Both bounds changed by a function that does not decrease.
    pub(super) fn map(self, change: impl Fn(u64) -> u64) -> Self {
        Self { from: change(self.from), to: self.to.map(change) }
    }

    /// The smaller one of two numbers.
    pub(super) fn least(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { from: self.from.min(other.from), to }
    }

    /// Whether it may be more than none.
    pub(super) fn is_any(self) -> bool {
        self.to != Some(0)
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}

impl std::ops::Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let to = self.to.zip(other.to).map(|(one, other)| one.saturating_add(other));
        Self { from: self.from.saturating_add(other.from), to }
    }
}

impl std::ops::Mul for Span {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(one), Some(other)) => Some(one.saturating_mul(other)),
            // Nothing of something that is not known is nothing.
            (Some(0), None) | (None, Some(0)) => Some(0),
            _ => None,
        };
        Self { from: self.from.saturating_mul(other.from), to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_bounded_stays_so_unless_there_is_none_of_it() {
        let (known, unknown) = (Span { from: 2, to: Some(5) }, Span { from: 3, to: None });
        assert_eq!(known + unknown, Span { from: 5, to: None });
        assert_eq!(known * unknown, Span { from: 6, to: None });
        assert_eq!(unknown * Span::NONE, Span::NONE);
        // The smaller one is no larger than the one that is known.
        assert_eq!(known.least(unknown), Span { from: 2, to: Some(5) });
        assert_eq!(unknown.least(Span::UNKNOWN), Span::UNKNOWN);
        assert_eq!(known.map(|number| number.div_ceil(4)), Span { from: 1, to: Some(2) });
    }

    #[test]
    fn very_large_numbers_do_not_wrap() {
        let most = Span::exactly(u64::MAX);
        assert_eq!((most + most, most * most), (most, most));
    }
}
