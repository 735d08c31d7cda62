//! Values of settings that are numbers, words or lengths of time.
//!
//! Full-width characters of an input method stand for what they look like.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::Invalid;
use crate::lenient::half_width;

/// Text, as it is given.
///
/// # Errors
///
/// None: it has the form of all parsers.
pub fn text(text: &str) -> Result<String, Invalid> {
    Ok(text.to_owned())
}

/// An access key id or a token, which travel in headers: visible ASCII characters. The value is not repeated.
///
/// # Errors
///
/// When there is a blank, a line end or a character beyond ASCII in it: no header can carry it.
pub fn key(text: &str) -> Result<String, Invalid> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Invalid::new("has a blank, a line end or a character beyond ASCII in it")
        .with_remedy("copy it again, without anything around it"))
}

/// A word of a fixed set, in the case that the set has.
pub fn word(text: &str) -> String {
    half_width(text).trim().to_ascii_lowercase()
}

/// A whole number within a range.
///
/// # Errors
///
/// When it is no number, or beyond the range.
pub fn number<N: FromStr + PartialOrd + fmt::Display>(
    text: &str,
    range: RangeInclusive<N>,
) -> Result<N, Invalid> {
    let number = half_width(text).trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        Invalid::new(format_args!("{text:?} is not a number from {} to {}", range.start(), range.end()))
    })
}

/// A number of seconds, from one to `longest`.
///
/// # Errors
///
/// When it is no such number.
pub fn seconds(text: &str, longest: Duration) -> Result<Duration, Invalid> {
    let longest = longest.as_secs();
    let seconds = half_width(text).trim().parse().ok().filter(|seconds| (1..=longest).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| Invalid::new(format_args!("{text:?} is not a number of seconds from 1 to {longest}")))
}

/// `true` or `false`.
///
/// # Errors
///
/// When it is neither.
pub fn boolean(text: &str) -> Result<bool, Invalid> {
    word(text).parse().map_err(|_| Invalid::new(format_args!("{text:?} is neither \"true\" nor \"false\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_signed_with_is_refused_and_not_repeated() {
        assert_eq!(key("LTAI5t/+=").unwrap(), "LTAI5t/+=");
        for text in ["secret key", "secret\n", "sec\u{ff32}et"] {
            let error = key(text).unwrap_err().to_string();
            assert!(error.contains("beyond ASCII") && !error.contains("sec"), "{error}");
        }
    }

    #[test]
    fn numbers_may_be_full_width_and_have_blanks_around() {
        for text in ["7", " 7\r", "７", "　7"] {
            assert_eq!(number(text, 1..=10), Ok(7), "{text:?}");
            assert_eq!(seconds(text, Duration::from_secs(10)), Ok(Duration::from_secs(7)), "{text:?}");
        }
        for text in ["0", "11", "-1", "7.0", "seven", ""] {
            assert!(number(text, 1..=10).unwrap_err().what().contains("from 1 to 10"), "{text:?}");
            assert!(seconds(text, Duration::from_secs(10)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn words_are_of_either_case() {
        assert_eq!(boolean("ＴＲＵＥ"), Ok(true));
        assert_eq!(boolean(" False "), Ok(false));
        assert!(boolean("yes").is_err());
    }
}
