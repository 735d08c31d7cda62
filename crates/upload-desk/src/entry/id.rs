//! Ids of objects in the catalogue.

use std::fmt;
use std::str::FromStr;

use super::Millis;

/// 128 bits as 32 lower-case hex digits: the time in milliseconds (48 bits), then 80 random ones. So ids sort
/// by time, and new rows lie beside each other in the index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u128);

impl Id {
    /// An id of that moment.
    pub(crate) fn new(now: Millis, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[6..].copy_from_slice(&random);
        let time = u128::from(now.cast_unsigned()) & ((1 << 48) - 1);
        Self(time << 80 | u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

/// Text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidId;

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(digits) {
            return Err(InvalidId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidId)
    }
}
