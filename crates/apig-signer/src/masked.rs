//! Access keys as they may be shown.

use std::fmt;

/// Enough of an access key to recognise it, never all of it.
pub(crate) struct MaskedKey<'a>(pub(crate) &'a str);

impl fmt::Display for MaskedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get(..4) {
            Some(start) if self.0.len() >= 12 => write!(f, "{start}****"),
            _ => f.write_str("****"),
        }
    }
}

impl fmt::Debug for MaskedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_access_key_is_masked_whole() {
        assert_eq!(MaskedKey("AccessKey").to_string(), "****");
    }
}
