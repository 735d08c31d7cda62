//! Which bytes of an object are read.

use std::ops::Range;

use oss_lite::ByteRange;

/// Which bytes to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GetRange {
    /// The whole object.
    Whole,
    /// A range.
    Span(Range<u64>),
}

impl GetRange {
    pub(super) fn byte_range(&self) -> Option<ByteRange> {
        match self {
            Self::Whole => None,
            Self::Span(span) => Some(ByteRange { first: span.start, last: Some(span.end.saturating_sub(1)) }),
        }
    }
}
