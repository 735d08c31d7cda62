//! Parts that a build may lack, and how to get them.
//!
//! The default build contains only what `demo` needs, which
//! saves minutes; the build that is deployed as a function contains less. The rule: a command that a build
//! lacks is still listed in its help, and running it names the feature to build with.

/// The message when `what` needs a feature that this build lacks.
pub(crate) fn missing(feature: &str, what: &str) -> String {
    format!(
        "{what} is not in this build. To get it: cargo install --locked --path crates/oms-bridge --profile dist --features {feature}, or --features full for everything"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_message_names_features_that_exist() {
        let manifest = include_str!("../Cargo.toml");
        for feature in ["aws", "chinese", "completions", "demo", "desk", "full"] {
            assert!(manifest.contains(&format!("\n{feature} = [")), "{feature}");
        }
        assert!(manifest.contains("\nfull = [\"aws\", \"chinese\", \"completions\", \"demo\", \"desk\"]\n"));
    }
}
