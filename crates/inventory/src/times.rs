//! Times as manifests, names of folders and rows write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// The time in the name of a folder that holds a manifest: the start of the scan.
pub(crate) fn of_folder(name: &str) -> Option<DateTime<Utc>> {
    let minute = ["%Y-%m-%dT%H-%MZ", "%Y-%m-%d-%H-%M"];
    let minute = minute.into_iter().find_map(|form| NaiveDateTime::parse_from_str(name, form).ok());
    let day = || NaiveDate::parse_from_str(name, "%Y%m%d").ok()?.and_hms_opt(0, 0, 0);
    // The parser would take fewer digits.
    let complete = name.len() == 8 || name.len() >= 16;
    minute.or_else(day).filter(|_| complete).map(|time| time.and_utc())
}

/// `creationTimestamp` of a manifest: seconds or milliseconds, which the number of digits tells apart, or a
/// date.
pub(crate) fn of_manifest(text: &str) -> Option<DateTime<Utc>> {
    of_digits(text).or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()))
}

/// The time in a row, in any of the forms that are known of the services.
pub(crate) fn of_row(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f"];
    let bare = text.strip_suffix('Z').unwrap_or(text).trim_end();
    let bare = bare.strip_suffix("UTC").or_else(|| bare.strip_suffix("GMT")).unwrap_or(bare).trim_end();
    let parsed = forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok());
    parsed.map(|time| time.and_utc()).or_else(|| of_digits(text))
}

fn of_digits(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = text.parse().ok()?;
    if text.len() > 11 {
        DateTime::from_timestamp_millis(number)
    } else {
        DateTime::from_timestamp(number, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(time: Option<DateTime<Utc>>) -> Option<String> {
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }

    #[test]
    fn folders_of_all_vendors_have_a_time() {
        for (name, time) in [
            ("2026-11-06T21-32Z", "2026-11-06T21:32:00.000Z"),
            ("2026-11-06-21-32", "2026-11-06T21:32:00.000Z"),
            ("20261106", "2026-11-06T00:00:00.000Z"),
        ] {
            assert_eq!(shown(of_folder(name)).as_deref(), Some(time), "{name}");
        }
        for name in
            ["data", "hive", "dt=2026-11-06-21-32", "files", "2026", "2026116", "2026-1-6-1-2", "20261306"]
        {
            assert_eq!(of_folder(name), None, "{name}");
        }
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart_by_their_digits() {
        assert_eq!(shown(of_manifest("1514944800000")).as_deref(), Some("2018-01-03T02:00:00.000Z"));
        assert_eq!(shown(of_manifest("1514944800")).as_deref(), Some("2018-01-03T02:00:00.000Z"));
        assert_eq!(shown(of_manifest("2018-01-03T02:00:00Z")).as_deref(), Some("2018-01-03T02:00:00.000Z"));
        for text in ["", "12:10:00", "-1", "soon"] {
            assert_eq!(of_manifest(text), None, "{text}");
        }
    }

    #[test]
    fn times_of_rows_are_read_in_every_known_form() {
        for text in [
            "2024-04-22T01:11:06.000Z",
            "2024-04-22T01:11:06Z",
            "2024-04-22T09:11:06+08:00",
            "2024-04-22 01:11:06",
            "2024-04-22 01:11:06 UTC",
            "2024/04/22 01:11:06",
            "1713748266",
            "1713748266000",
        ] {
            assert_eq!(shown(of_row(text)).as_deref(), Some("2024-04-22T01:11:06.000Z"), "{text}");
        }
        for text in ["", "yesterday", "2024-04-22"] {
            assert_eq!(of_row(text), None, "{text}");
        }
    }
}
