//! Numbers for people: `1,234 keys`, `1.5 GiB`, `17.7k keys/s`, `9s`.

use std::time::Duration;

/// A count, with commas between thousands.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, in singular or plural.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {}", self::count(count), plural(count, noun))
}

/// The noun alone, as it stands behind this count.
pub fn plural(count: u64, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == 1 => noun.to_owned(),
        // A day, a key.
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

/// A number of bytes in its largest unit of 1024.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u32, &str); 6] =
        [(60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (power, unit) in UNITS {
        let size = 1_u64 << power;
        if count >= size {
            let tenths = u128::from(count) * 10 / u128::from(size);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{count} B")
}

/// Things per second: `3.2 keys/s`, `850 keys/s`, `17.7k keys/s`.
pub fn rate(per_second: f64, noun: &str) -> String {
    let (value, unit) = match per_second {
        // Where one decimal would be rounded up to the next unit, it is that unit.
        value if value >= 999_500.0 => (value / 1_000_000.0, "M"),
        value if value >= 999.5 => (value / 1000.0, "k"),
        value => (value, ""),
    };
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$}{unit} {noun}s/s")
}

/// Bytes per second.
pub fn byte_rate(per_second: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is neither negative nor that large"
    )]
    let per_second = per_second.max(0.0) as u64;
    format!("{}/s", bytes(per_second))
}

/// A length of time in whole seconds, by its two largest units: `9s`, `1m 5s`, `3h`, `2d 4h`.
pub fn duration(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let seconds = time.as_secs();
    let largest = UNITS.iter().position(|(size, _)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let (size, unit) = UNITS[largest];
    let text = format!("{}{unit}", seconds / size);
    match UNITS.get(largest + 1) {
        Some((next, unit)) if seconds % size >= *next => format!("{text} {}{unit}", seconds % size / next),
        _ => text,
    }
}

/// How long something took: below ten seconds to a tenth of one.
pub fn elapsed(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1}s", seconds.max(0.0));
    }
    duration(Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas_between_thousands() {
        let counts = [0, 7, 999, 1000, 12_345, 1_234_567, u64::MAX].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "12,345", "1,234,567", "18,446,744,073,709,551,615"]);
        assert_eq!([0, 1, 2000].map(|n| counted(n, "key")), ["0 keys", "1 key", "2,000 keys"]);
        assert_eq!([1, 2].map(|n| counted(n, "copy")), ["1 copy", "2 copies"]);
    }

    #[test]
    fn sizes_are_in_units_of_1024() {
        let sizes = [0, 1023, 1024, 1_300_000, 10 << 30, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.2 MiB", "10.0 GiB", "15.9 EiB"]);
        assert_eq!(byte_rate(47_900_000.0), "45.6 MiB/s");
    }

    #[test]
    fn rates_have_three_digits_at_most() {
        let rates = [0.0, 3.24, 99.94, 99.95, 850.4, 999.5, 17_700.0, 999_499.0, 2_500_000.0]
            .map(|per_second| rate(per_second, "key"));
        let expected = ["0.0", "3.2", "99.9", "100", "850", "1.0k", "17.7k", "999k", "2.5M"];
        assert_eq!(rates, expected.map(|value| format!("{value} keys/s")));
    }

    #[test]
    fn times_have_their_two_largest_units() {
        let times = [0, 9, 60, 65, 3600, 12_000, 86_399, 86_400, 190_000, 2_592_000]
            .map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(times, ["0s", "9s", "1m", "1m 5s", "1h", "3h 20m", "23h 59m", "1d", "2d 4h", "30d"]);
        let times = [0.04, 0.26, 9.94, 9.95, 59.6, 125.0].map(elapsed);
        assert_eq!(times, ["0.0s", "0.3s", "9.9s", "10s", "1m", "2m 5s"]);
    }
}
