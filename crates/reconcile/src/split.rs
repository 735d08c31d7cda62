//! The key in the middle of a range, found by probing.
//!
//! A probe asks for the first key behind a marker. The keys that follow a known one share its beginning up to
//! some character; how far is found by bisection, since a marker behind a shorter beginning has fewer keys
//! behind it. Then the last character at that place is found, by steps that double and bisection, and the range
//! is cut in the middle between both: some ten probes for any number of keys. Keys are rarely spread evenly,
//! so ranges turn out uneven; they are cut again while others are done.

use object_copy::transfer::TransferError;

/// Characters of a key at which it is cut at most, so that a marker is no longer than services take.
const LONGEST: usize = 200;

/// Probes that find the middle, at most, where keys are of ASCII: bisection of their length, and of the
/// characters of one place.
pub(crate) const MOST_PROBES: u64 = 22;

/// Answers whether there is a key behind a marker, within the range.
pub(crate) trait Probe {
    /// Whether there is one.
    fn has_key_after(&mut self, marker: &str) -> impl Future<Output = Result<bool, TransferError>> + Send;
}

/// A marker between `low` and the end of the range that has keys behind it, and is about in the middle of
/// them; `None` if none is found. `low` is a key of the range, and keys up to it do not count.
pub(crate) async fn middle(probe: &mut impl Probe, low: &str) -> Result<Option<String>, TransferError> {
    let low: Vec<char> = low.chars().take(LONGEST).collect();
    let Some(place) = branching(probe, &low).await? else { return Ok(None) };
    let (base, first) = (&low[..place], low[place]);
    // The last character at this place that has keys behind it.
    let (mut good, mut beyond) = (1, 2);
    while has_key_behind(probe, base, first, beyond).await? {
        (good, beyond) = (beyond, 2 * beyond);
    }
    while beyond - good > 1 {
        let between = u32::midpoint(good, beyond);
        if has_key_behind(probe, base, first, between).await? { good = between } else { beyond = between }
    }
    Ok(marker(base, first, good.div_ceil(2)))
}

/// The first place at which keys behind `low` differ from it.
async fn branching(probe: &mut impl Probe, low: &[char]) -> Result<Option<usize>, TransferError> {
    let (mut from, mut to) = (0, low.len());
    while from < to {
        let place = usize::midpoint(from, to);
        if has_key_behind(probe, &low[..place], low[place], 1).await? { to = place } else { from = place + 1 }
    }
    Ok((from < low.len()).then_some(from))
}

async fn has_key_behind(
    probe: &mut impl Probe,
    base: &[char],
    first: char,
    steps: u32,
) -> Result<bool, TransferError> {
    match marker(base, first, steps) {
        Some(marker) => probe.has_key_after(&marker).await,
        None => Ok(false),
    }
}

/// `base` and the character that comes `steps` after `first`.
fn marker(base: &[char], first: char, steps: u32) -> Option<String> {
    let mut code = u32::from(first).checked_add(steps)?;
    if u32::from(first) < 0xD800 && code >= 0xD800 {
        // Surrogates are no characters.
        code = code.checked_add(0x800)?;
    }
    let next = char::from_u32(code)?;
    Some(base.iter().copied().chain([next]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct SortedKeys {
        keys: Vec<String>,
        until: Option<String>,
        probes: usize,
    }

    impl Probe for SortedKeys {
        async fn has_key_after(&mut self, marker: &str) -> Result<bool, TransferError> {
            self.probes += 1;
            let until = self.until.as_deref();
            let within =
                |key: &&String| key.as_str() > marker && until.is_none_or(|until| key.as_str() <= until);
            Ok(self.keys.iter().any(|key| within(&key)))
        }
    }

    fn cut(keys: Vec<String>, low: &str, until: Option<&str>) -> (Option<String>, usize) {
        let mut probe = SortedKeys { keys, until: until.map(str::to_owned), probes: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let middle = runtime.block_on(middle(&mut probe, low)).unwrap();
        (middle, probe.probes)
    }

    #[test]
    fn numbered_keys_are_cut_about_in_the_middle() {
        let keys: Vec<String> =
            (0..1_000_000).step_by(7).map(|n| format!("data/2024/img{n:08}.jpg")).collect();
        let low = keys[500].clone();
        let (middle, probes) = cut(keys.clone(), &low, None);
        let middle = middle.unwrap();
        let below = keys.iter().filter(|key| **key <= middle).count() * 100 / keys.len();
        assert!((20..80).contains(&below), "{middle}: {below} %");
        assert!(probes as u64 <= MOST_PROBES, "{probes}");
    }

    #[test]
    fn a_range_that_ends_is_cut_before_its_end() {
        let keys: Vec<String> = (0..10_000).map(|n| format!("k{n:04}")).collect();
        let (middle, _) = cut(keys.clone(), "k0100", Some("k1999"));
        let middle = middle.unwrap();
        assert!(middle.as_str() > "k0100" && middle.as_str() < "k1999", "{middle}");
        assert_eq!(cut(keys, "k9999", None).0, None);
    }

    proptest! {
        #[test]
        fn the_middle_is_behind_the_low_end_and_has_keys_behind_it(
            mut keys in proptest::collection::vec("[a-c/\u{D7FE}\u{D7FF}\u{E000}\u{10FFFF}]{1,6}", 1..60),
            low in 0_usize..60,
        ) {
            keys.sort_unstable();
            keys.dedup();
            let low = keys[low % keys.len()].clone();
            if let (Some(middle), _) = cut(keys.clone(), &low, None) {
                prop_assert!(middle > low);
                prop_assert!(keys.iter().any(|key| *key > middle));
            }
        }
    }
}
