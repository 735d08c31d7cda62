//! The settings of all commands: one row for each.
//!
//! What a row says is what parsing, `--help`, `docs/reference/settings.md` and its Chinese twin, and the
//! checks of the templates of deployment are made of. Those of the desk are in `upload-desk`. To add a
//! setting, add its row; `UPDATE_REFERENCE=1 cargo test -p oms-bridge reference` writes the pages.

pub mod arrival;
pub mod copy;
pub mod oms;
pub mod oss;
pub mod serve;
#[cfg(test)]
mod templates;

use settings::Spec;
use settings::setting::{Given, Unset};

/// A list of commands that have a setting, written once: those that forward changes or look at what was
/// forwarded, `read` those that read or write objects themselves, and `rest` what has nothing to do with either.
macro_rules! commands {
    ($(read: [$($read:literal),*])? $(, rest: [$($rest:literal),*])?) => {
        &[
            "serve", "send", "replay", "confirm", "status", "report", "doctor", "explain",
            $($($read,)*)? "consume", "desk", $($($rest,)*)?
        ]
    };
}

/// The commands that forward changes, or look at what was forwarded.
pub const FORWARDING: &[&str] = commands!();

/// These, and the command that forwards what it finds missing.
pub(crate) const FIXING: &[&str] = &[
    "serve",
    "send",
    "replay",
    "confirm",
    "status",
    "report",
    "doctor",
    "explain",
    "consume",
    "desk",
    "reconcile",
];

/// These, and what reads or writes objects itself.
const ALL: &[&str] = commands!(read: ["copy", "reconcile"]);

/// Every command.
const EVERY: &[&str] = commands!(read: ["copy", "reconcile"], rest: ["demo", "dev", "completions", "man"]);

/// The settings that commands have, in the order of the help texts.
pub fn of_commands() -> impl Iterator<Item = &'static Spec> {
    #[cfg(feature = "desk")]
    let desk = upload_desk::config::TABLE;
    #[cfg(not(feature = "desk"))]
    let desk: &[&Spec] = &[];
    let tables = [oms::TABLE, oss::TABLE, copy::TABLE, oms::FILTERS, arrival::TABLE, serve::TABLE, desk];
    tables.into_iter().flatten().copied()
}

/// All settings: these, and those of the process, which are read before it is known what it is to do.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    of_commands().chain(serve::LOGS.iter().copied())
}

/// The setting of this name.
pub fn named(name: &str) -> Option<&'static Spec> {
    all().find(|spec| spec.name == name)
}

/// Whether this build can make use of a setting.
pub fn is_built(spec: &Spec) -> bool {
    let left_out = [("aws", cfg!(feature = "aws")), ("desk", cfg!(feature = "desk"))];
    left_out.iter().all(|&(feature, is_in)| is_in || spec.feature != Some(feature))
}

/// Whether the short help names it among what is needed, and not as an option.
pub fn is_required(spec: &Spec) -> bool {
    matches!(spec.unset, Unset::Required(_)) || spec.given == Given::Variable
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_row_says_all_that_its_readers_need_in_both_languages() {
        let mut names = BTreeSet::new();
        for spec in all() {
            let name = spec.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(!spec.commands.is_empty() && !spec.value.is_empty(), "{name}");
            let (Unset::Required(unset) | Unset::Nothing(unset) | Unset::Is(unset)) = spec.unset;
            for text in [spec.about, spec.section.title] {
                assert!(!text.en.is_empty() && !text.zh.is_empty(), "{name}");
            }
            for text in [spec.more, spec.section.intro, unset] {
                assert_eq!(text.en.is_empty(), text.zh.is_empty(), "{name}");
            }
            for text in [spec.about, spec.more] {
                assert!(!text.en.ends_with('.') && !text.zh.ends_with('。'), "{name}");
                assert!(!text.en.contains('|') && !text.zh.contains('|'), "{name} breaks its table");
            }
        }
    }
}
