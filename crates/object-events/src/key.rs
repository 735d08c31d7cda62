//! How keys arrive where the vendor does not say it: setting `KEY_ENCODING`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::EventError;

/// How keys arrive in the events of OSS, COS and Amazon EventBridge: setting `KEY_ENCODING`.
///
/// Notifications of Amazon S3 do not depend on it: their keys are always form-encoded, as documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncoding {
    /// As they are. What these sources do.
    #[default]
    Raw,
    /// Percent-encoded once: they are decoded once. `+` stays a plus sign.
    Percent,
}

impl KeyEncoding {
    /// The true key.
    pub(super) fn decode(self, key: String) -> Result<String, EventError> {
        match self {
            Self::Raw => Ok(key),
            Self::Percent => match percent_decode_str(&key).decode_utf8() {
                Ok(Cow::Borrowed(_)) => Ok(key),
                Ok(Cow::Owned(decoded)) => Ok(decoded),
                Err(_) => Err(EventError::new("", "not UTF-8 once percent-decoded")),
            },
        }
    }
}
