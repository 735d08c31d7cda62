//! Sizes as people type them.

use crate::Invalid;

/// Reads a number of bytes: `512K`, `16M`, `1.5G`, `2T`, or digits alone. K is 1024 bytes, and so on.
///
/// # Errors
///
/// What is understood, when `text` is none of it, or zero.
pub fn parse(text: &str) -> Result<u64, Invalid> {
    let wrong = || Invalid::new(format_args!("{text:?} is not a size such as 512K, 16M or 1.5G"));
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part = match part {
        "" => 0,
        part if part.len() <= 6 => {
            let value: u64 = part.parse().map_err(|_| wrong())?;
            let scale = 10_u64.pow(u32::try_from(part.len()).unwrap_or(6));
            u64::try_from(u128::from(unit) * u128::from(value) / u128::from(scale)).map_err(|_| wrong())?
        }
        _ => return Err(wrong()),
    };
    match whole.checked_mul(unit).and_then(|bytes| bytes.checked_add(part)) {
        None | Some(0) => Err(wrong()),
        Some(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        for (text, bytes) in [
            ("1", 1),
            ("100k", 102_400),
            ("16M", 16 << 20),
            ("1.5GiB", 3 << 29),
            ("2T", 2 << 40),
            ("0.5K", 512),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "M", "-1", "1,5M", "1.2.3", "16 M", "99999999999T", "1X", "1.1234567M"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
