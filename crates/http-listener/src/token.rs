//! Bearer tokens.

use std::fmt;

use http::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Shortest accepted token, in bytes.
pub const SHORTEST: usize = 16;

/// Why a text is not a valid token. The message does not contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It can be guessed.
    #[error("shorter than {SHORTEST} characters: take a random one, `openssl rand -hex 32`")]
    TooShort,
    /// It cannot be sent in a header.
    #[error("has characters other than visible ASCII, which a header cannot carry")]
    NotVisibleAscii,
}

/// A bearer token. Only its SHA-256 is kept; comparing takes the same time for every candidate.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Parses a token: at least 16 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(TokenError::TooShort);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotVisibleAscii);
        }
        Ok(Self::digest(text.as_bytes()))
    }

    fn digest(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The token that the value of a header `Authorization` presents: `Bearer <token>`.
    pub fn presented(authorization: Option<&HeaderValue>) -> Option<Self> {
        let (scheme, token) = authorization?.as_bytes().split_at_checked(b"Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| Self::digest(token.trim_ascii()))
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Whether the value of a header `Authorization` presents it.
    pub fn opens(&self, authorization: Option<&HeaderValue>) -> bool {
        Self::presented(authorization).is_some_and(|presented| presented.is(self))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([masked])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn opens(authorization: &'static str) -> bool {
        Token::parse(TOKEN).unwrap().opens(Some(&HeaderValue::from_static(authorization)))
    }

    #[test]
    fn the_token_and_no_other_opens() {
        assert!(opens("Bearer 0123456789abcdef"));
        assert!(opens("bearer  0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
            "Bearer",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "",
        ] {
            assert!(!opens(wrong), "{wrong:?}");
        }
        assert!(!Token::parse(TOKEN).unwrap().opens(None));
    }

    #[test]
    fn a_token_that_is_short_or_cannot_travel_is_none() {
        for text in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdé-", "  0123456789abcde "] {
            let error = Token::parse(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text.trim()), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        assert_eq!(format!("{:?}", Token::parse(TOKEN).unwrap()), "Token([masked])");
    }
}
