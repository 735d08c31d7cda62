//! Values of settings and options that are numbers, words, lengths of time or addresses.
//!
//! Each says of a value that it cannot read what it expects, with a range, an example or all there is to
//! choose from: options are read by these instead of by the parsers of the standard library, which do not.
//!
//! Full-width characters of an input method stand for what they look like.

use std::fmt;
use std::net::SocketAddr;
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

/// A whole number of any size.
///
/// # Errors
///
/// When it is no such number.
pub fn whole<N: FromStr>(text: &str) -> Result<N, Invalid> {
    let number = half_width(text).trim().parse().ok();
    number.ok_or_else(|| Invalid::new(format_args!("{text:?} is not a whole number, such as 1000")))
}

/// A whole number from one on.
///
/// # Errors
///
/// When it is no such number.
pub fn positive<N: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, Invalid> {
    let number = half_width(text).trim().parse().ok().filter(|number| *number >= N::from(1));
    number.ok_or_else(|| Invalid::new(format_args!("{text:?} is not a number from 1 on, such as 100")))
}

/// An address to listen on: an IP address with a port.
///
/// # Errors
///
/// When it is something else. What has one meaning only is suggested.
pub fn listen_address(text: &str) -> Result<SocketAddr, Invalid> {
    let narrow = half_width(text);
    let narrow = narrow.trim();
    narrow.parse().map_err(|_| {
        let what = format!("{text:?} is not an IP address with a port, such as 127.0.0.1:9000 or [::1]:9000");
        let (host, port) = narrow.rsplit_once(':').unwrap_or(("", narrow));
        match (host, port.parse::<u16>()) {
            ("" | "localhost", Ok(port)) => Invalid::new(what).probably(&format!("127.0.0.1:{port}")),
            ("*", Ok(port)) => Invalid::new(what).probably(&format!("0.0.0.0:{port}")),
            _ => Invalid::new(what),
        }
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
    fn what_is_expected_is_said_with_an_example() {
        assert_eq!(whole("１000"), Ok(1000_usize));
        assert_eq!((positive(" 1 "), positive("255")), (Ok(1_usize), Ok(255_u32)));
        for text in ["banana", "-1", "1.5", "", "99999999999999999999999"] {
            assert!(
                whole::<usize>(text).unwrap_err().what().ends_with("is not a whole number, such as 1000")
            );
            assert!(positive::<u32>(text).unwrap_err().what().ends_with("such as 100"), "{text:?}");
        }
        assert!(positive::<u32>("0").is_err());
        assert_eq!(listen_address(" [::1]:8080"), Ok(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 8080))));
        for (text, meant) in [
            ("9000", Some("127.0.0.1:9000")),
            (":9000", Some("127.0.0.1:9000")),
            ("localhost:9000", Some("127.0.0.1:9000")),
            ("*:9000", Some("0.0.0.0:9000")),
            ("example.com:9000", None),
            ("127.0.0.1", None),
            ("1.2.3.4:70000", None),
            ("", None),
        ] {
            let error = listen_address(text).unwrap_err();
            assert!(error.what().contains("such as 127.0.0.1:9000"), "{error}");
            let wanted = meant.map(|meant| format!("probably {meant:?} is meant"));
            assert_eq!(error.remedy(), wanted.as_deref(), "{text:?}");
        }
    }

    #[test]
    fn words_are_of_either_case() {
        assert_eq!(boolean("ＴＲＵＥ"), Ok(true));
        assert_eq!(boolean(" False "), Ok(false));
        assert!(boolean("yes").is_err());
    }
}
