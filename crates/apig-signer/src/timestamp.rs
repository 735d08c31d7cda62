//! The time of signing in the one form that the gateway reads.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Timelike, Utc};
use http::HeaderValue;

use crate::error::{Error, ErrorKind};
use crate::wire::WireText;

/// A time with a precision of one second between the years 0 and 9999; displays as `YYYYMMDDTHHMMSSZ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Cuts `time` to whole seconds.
    pub fn new(time: DateTime<Utc>) -> Result<Self, Error> {
        if (0..=9999).contains(&time.year()) {
            Ok(Self(time.trunc_subsecs(0)))
        } else {
            let message = format!("cannot sign at a time in the year {}", time.year());
            Err(Error::new(ErrorKind::InvalidTime, message))
        }
    }

    /// Reads the value of an `x-sdk-date` header.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse_basic_format(text).map(Self).ok_or_else(|| {
            Error::new(ErrorKind::InvalidTime, "x-sdk-date is not a time of the form YYYYMMDDTHHMMSSZ")
        })
    }

    /// The time itself.
    pub fn to_datetime(self) -> DateTime<Utc> {
        self.0
    }

    pub(crate) fn to_header_value(self) -> Result<HeaderValue, Error> {
        HeaderValue::from_bytes(&self.text())
            .map_err(|e| Error::new(ErrorKind::InvalidTime, "time does not fit a header").with_source(e))
    }

    fn text(self) -> [u8; 16] {
        let mut text = *b"00000000T000000Z";
        let mut put = |range: std::ops::Range<usize>, mut value: u32| {
            for digit in text[range].iter_mut().rev() {
                *digit = b"0123456789"[(value % 10) as usize];
                value /= 10;
            }
        };
        put(0..4, self.0.year().unsigned_abs());
        put(4..6, self.0.month());
        put(6..8, self.0.day());
        put(9..11, self.0.hour());
        put(11..13, self.0.minute());
        put(13..15, self.0.second());
        text
    }
}

fn parse_basic_format(text: &str) -> Option<DateTime<Utc>> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !all_digits(date) || !all_digits(time) {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().ok();
    NaiveDate::from_ymd_opt(date[..4].parse().ok()?, number(&date[4..6])?, number(&date[6..])?)?
        .and_hms_opt(number(&time[..2])?, number(&time[2..4])?, number(&time[4..])?)
        .map(|naive| naive.and_utc())
}

impl WireText for Timestamp {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        sink(&self.text());
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn displays_every_field_with_leading_zeros_and_reads_it_back() {
        for (time, text) in [
            (Utc.with_ymd_and_hms(2019, 11, 15, 3, 36, 55), "20191115T033655Z"),
            (Utc.with_ymd_and_hms(7, 1, 2, 3, 4, 5), "00070102T030405Z"),
            (Utc.with_ymd_and_hms(9999, 12, 31, 23, 59, 59), "99991231T235959Z"),
        ] {
            let stamp = Timestamp::new(time.unwrap()).unwrap();
            assert_eq!(stamp.to_string(), text);
            assert_eq!(Timestamp::parse(text).unwrap(), stamp);
        }
    }

    #[test]
    fn refuses_times_that_have_no_four_digit_year() {
        let year_10000 = Utc.with_ymd_and_hms(10_000, 1, 1, 0, 0, 0).unwrap();
        for time in [year_10000, DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            assert_eq!(Timestamp::new(time).unwrap_err().kind(), ErrorKind::InvalidTime);
        }
    }

    #[test]
    fn refuses_every_other_form_of_time() {
        for text in [
            "",
            "Z",
            "20191115T033655",
            "20191115t033655Z",
            "2019-11-15T03:36:55Z",
            "20191315T033655Z",
            "20190230T033655Z",
            "20191115T243655Z",
            "+2191115T033655Z",
            "20191115T+33655Z",
            "2019111éT33655Z",
            " 20191115T033655Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap_err().kind(), ErrorKind::InvalidTime, "{text:?}");
        }
    }
}
