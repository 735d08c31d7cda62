//! The options that decide which keys are on a list, as the log bucket has them.

use sha2::{Digest as _, Sha256};

/// Longest option that is recorded whole, in bytes. With every character escaped, all of them fit into the
/// largest object that is read of a run, 64 KiB.
const LONGEST: usize = 2048;

/// What is between the beginning of a longer one and its digest.
const CUT: &str = "… SHA-256 ";

/// An option as it is recorded: a long one by its beginning and a digest, so that no two options are recorded
/// alike.
pub fn recorded(option: String) -> String {
    if option.len() <= LONGEST {
        return option;
    }
    let beginning = &option[..option.floor_char_boundary(LONGEST)];
    format!("{beginning}{CUT}{}", hex::encode(Sha256::digest(&option)))
}

/// Whether a recorded option is the beginning of a longer one.
pub fn is_cut(recorded: &str) -> bool {
    recorded.len() > LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stay_short_and_no_two_are_recorded_alike() {
        let option = |globs: usize| format!("--include {}", "é*,".repeat(globs));
        assert_eq!(recorded(option(500)), option(500));
        let (long, longer) = (recorded(option(20_000)), recorded(option(20_001)));
        assert!(long != longer && long.len() < LONGEST + 100, "{long}");
        assert!(long.starts_with("--include é*,") && is_cut(&long) && !is_cut(&option(500)));
        // Whoever gives the recorded form as an option is not taken for the same.
        assert_ne!(recorded(long.clone()), long);
    }
}
