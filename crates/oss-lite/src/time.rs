//! The two text forms of time on the wire.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

/// The last second of the year 9999.
const LATEST: i64 = 253_402_300_799;

/// `YYYYMMDDTHHMMSSZ`; the first eight characters are the date of the signing scope.
pub(crate) fn compact(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
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
    }

    #[test]
    fn a_time_that_no_clock_shows_is_written_all_the_same() {
        let written = |seconds| http_date(DateTime::from_timestamp(seconds, 0).expect("a valid time"));
        assert_eq!(written(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(written(LATEST + 1), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
