//! Counts, times and shares as the page shows them.

use std::time::Duration;

use texts::language::Language;

/// A count with a comma before each three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in its two largest units.
pub(crate) fn time(time: Duration, language: Language) -> String {
    let [days, hours, minutes, seconds] = match language {
        Language::English => ["d", "h", "min", "s"],
        Language::Chinese => ["天", "小时", "分钟", "秒"],
    };
    let gap = if language == Language::English { " " } else { "" };
    let two = |(first, one): (u64, &str), (second, other): (u64, &str)| match second {
        0 => format!("{first}{gap}{one}"),
        _ => format!("{first}{gap}{one} {second}{gap}{other}"),
    };
    let all = time.as_secs();
    match all {
        0..10 if time.subsec_millis() > 0 => format!("{:.1}{gap}{seconds}", time.as_secs_f64()),
        0..60 => format!("{all}{gap}{seconds}"),
        60..3600 => two((all / 60, minutes), (all % 60, seconds)),
        3600..86_400 => two((all / 3600, hours), (all % 3600 / 60, minutes)),
        _ => two((all / 86_400, days), (all % 86_400 / 3600, hours)),
    }
}

/// Bytes in a binary unit.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A share in percent. It is rounded down: what is not all is never 100 %.
pub(crate) fn share(share: f64) -> String {
    let text = format!("{:.3}", (share * 100_000.0).floor() / 1000.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_better_than_they_are() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [1.0, 0.99999, 0.999_999_9, 0.9999, 0.5].map(share),
            ["100 %", "99.999 %", "99.999 %", "99.99 %", "50 %"]
        );
        assert_eq!(
            [0, 1023, 1024, 1_048_576, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "16.0 EiB"]
        );
    }

    #[test]
    fn times_have_two_units() {
        let english = |millis| time(Duration::from_millis(millis), Language::English);
        assert_eq!(english(2500), "2.5 s");
        assert_eq!(english(59_999), "59 s");
        assert_eq!(english(900_000), "15 min");
        assert_eq!(english(3_661_000), "1 h 1 min");
        assert_eq!(english(180_000_000), "2 d 2 h");
        assert_eq!(time(Duration::from_mins(61), Language::Chinese), "1小时 1分钟");
    }
}
