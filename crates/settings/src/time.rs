//! Points in time, and lengths of time, as people type them.

use std::time::Duration;

use crate::Invalid;
use crate::lenient::half_width;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Reads `2026-01-05T10:00:00Z`, `2026-01-05` (its midnight, UTC) or an age such as `90s`, `15m`, `2h`, `7d`,
/// `1w`.
///
/// # Errors
///
/// What is understood, when `text` is none of it.
pub fn parse(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
    let instant = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    instant.or_else(day).or_else(|| now.checked_sub_signed(age(text)?)).ok_or_else(|| {
        Invalid::new(format_args!(
            "{text:?} is neither a time (2026-01-05T10:00:00Z), a day (2026-01-05) nor an age (15m, 2h, 7d)"
        ))
    })
}

/// Reads a length of time such as `90s`, `15m`, `2h`, `7d`, `1w`; `0` needs no unit.
///
/// # Errors
///
/// What is understood, when `text` is none of it.
pub fn length(text: &str) -> Result<Duration, Invalid> {
    let text = half_width(text.trim());
    let length = if text == "0" { Some(TimeDelta::zero()) } else { age(&text.to_ascii_lowercase()) };
    length
        .and_then(|length| length.to_std().ok())
        .ok_or_else(|| Invalid::new(format_args!("{text:?} is not a length of time (90s, 15m, 2h, 7d, 0)")))
}

fn age(text: &str) -> Option<TimeDelta> {
    let seconds = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u32 = text[..text.len() - 1].parse().ok()?;
    TimeDelta::try_seconds(i64::from(count) * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_days_and_ages_are_read() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for (text, seconds) in [
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-15T00:13:20+02:00", 1_700_000_000),
            ("2023-11-14", 1_699_920_000),
            ("90s", 1_699_999_910),
            ("15m", 1_699_999_100),
            ("2h", 1_699_992_800),
            ("7d", 1_699_395_200),
            ("1w", 1_699_395_200),
        ] {
            assert_eq!(parse(text, now).map(|time| time.timestamp()), Ok(seconds), "{text}");
        }
        for text in ["", "yesterday", "5", "-5m", "5y", "é", "99999999999d"] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_have_a_unit() {
        for (text, seconds) in
            [("90s", 90), (" 15M", 900), ("7d", 604_800), ("0", 0), ("0s", 0), ("\u{ff11}h", 3600)]
        {
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "-5m", "1.5h", "m", "99999999999d"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
