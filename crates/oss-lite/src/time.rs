//! The two text forms of time on the wire.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

/// The last second of the year 9999.
const LATEST: i64 = 253_402_300_799;

/// `YYYYMMDDTHHMMSSZ`; the first eight characters are the date of the signing scope.
pub(crate) fn compact(time: DateTime<Utc>) -> String {
    if !(0..=9999).contains(&time.year()) {
        return time.format("%Y%m%dT%H%M%SZ").to_string();
    }
    // Digit by digit, since every request has it, and reading a format costs more than hashing what is
    // signed.
    let mut text = *b"00000000T000000Z";
    let mut put = |range: Range<usize>, mut value: u32| {
        for digit in text[range].iter_mut().rev() {
            *digit = b"0123456789"[(value % 10) as usize];
            value /= 10;
        }
    };
    put(0..4, time.year().unsigned_abs());
    put(4..6, time.month());
    put(6..8, time.day());
    put(9..11, time.hour());
    put(11..13, time.minute());
    put(13..15, time.second());
    text.map(char::from).iter().collect()
}

/// RFC 1123, as in the `Date` header.
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    // Outside of these bounds `httpdate` panics, and a time may be what a service said.
    let seconds = time.timestamp().clamp(0, LATEST).unsigned_abs();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Also accepts what servers write against the letter of the standard, such as `+0000` for `GMT`.
pub(crate) fn parse_http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_second() {
        let time = DateTime::from_timestamp(1_767_237_945, 0).expect("a valid time");
        assert_eq!(compact(time), "20260101T032545Z");
        assert_eq!(http_date(time), "Thu, 01 Jan 2026 03:25:45 GMT");
        assert_eq!(parse_http_date(&http_date(time)), Some(time));
        for seconds in [0, -1, LATEST, LATEST + 1, -62_167_219_200, -62_167_219_201, 951_827_696] {
            let time = DateTime::from_timestamp(seconds, 999_999_999).expect("a valid time");
            assert_eq!(compact(time), time.format("%Y%m%dT%H%M%SZ").to_string());
        }
    }

    #[test]
    fn a_time_that_no_clock_shows_is_written_all_the_same() {
        let written = |seconds| http_date(DateTime::from_timestamp(seconds, 0).expect("a valid time"));
        assert_eq!(written(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(written(LATEST + 1), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
