//! What a build may be without, and how to get it.
//!
//! The usual build has what `demo` shows, so that it takes minutes less; what is deployed as a function has
//! not even that. The rule: what a build is without is still named in its help, and using it says which
//! feature brings it. Never an unknown command.

/// What a build says that is asked for `what` and was built without the feature that brings it.
pub(crate) fn missing(feature: &str, what: &str) -> String {
    format!(
        "{what} is not in this build. To get it: cargo install --locked --path crates/oms-bridge --profile dist --features {feature}, or --features full for everything"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_missing_can_be_had_by_the_command_that_is_named() {
        let manifest = include_str!("../Cargo.toml");
        for feature in ["aws", "chinese", "completions", "demo", "desk", "full"] {
            assert!(manifest.contains(&format!("\n{feature} = [")), "{feature}");
        }
        assert!(manifest.contains("\nfull = [\"aws\", \"chinese\", \"completions\", \"demo\", \"desk\"]\n"));
    }
}
