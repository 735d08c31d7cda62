//! The texts of the command line in the language of its user: English, or Chinese.
//!
//! | module | concern |
//! |---|---|
//! | [`mod@language`] | the language that the environment asks for |
//! | `catalogue` | the table of translations, `texts/zh_CN.po` |
//! | `search` | the search in it for one line, and for its parts |
//! | `quotes` | values in quotes, which are no parts of a message |
//! | `template` | a text with placeholders: `cannot connect to {host}` |
//! | `command` | the help of a command line, translated |
//!
//! # How a text is translated
//!
//! All code writes English. What people read is translated at the place that shows it: messages in
//! `terminal::stderr`, findings in `doctor`, help in `oms_bridge::cli::help`. There [`translated`] looks each
//! line up by its template as the source has it, placeholders and all, and fills in the Chinese one. So
//! errors of every crate and of clap are translated alike, and what programs read (JSON, log lines, records,
//! metrics) is English by construction: it does not pass here.
//!
//! `tests/tests/texts` holds the table complete: each message of the source has an entry, each entry a
//! message, and both have the same placeholders, settings, options and addresses.
//!
//! A build without the feature `chinese` has no table, and [`translated`] returns what it is given.

#![warn(missing_docs)]

#[cfg(feature = "chinese")]
pub mod catalogue;
#[cfg(feature = "chinese")]
pub mod command;
pub mod language;
#[cfg(feature = "chinese")]
mod quotes;
#[cfg(feature = "chinese")]
mod search;
#[cfg(feature = "chinese")]
pub mod template;

use std::borrow::Cow;
#[cfg(feature = "chinese")]
use std::sync::OnceLock;

#[cfg(feature = "chinese")]
use self::catalogue::Catalogue;
use self::language::Language;

/// The table, where this process speaks Chinese.
#[cfg(feature = "chinese")]
static CHINESE: OnceLock<Catalogue> = OnceLock::new();

/// Chooses the language of this process, from the variables of the environment. To be called at the start.
/// `described` are texts that have their translation elsewhere.
pub fn start(
    variable: impl Fn(&str) -> Option<String>,
    described: impl IntoIterator<Item = (String, String)>,
) {
    if Language::of(variable) == Language::Chinese {
        #[cfg(feature = "chinese")]
        CHINESE.get_or_init(|| Catalogue::chinese().with(described));
        #[cfg(not(feature = "chinese"))]
        drop(described);
    }
}

/// The language of this process.
pub fn language() -> Language {
    #[cfg(feature = "chinese")]
    if CHINESE.get().is_some() {
        return Language::Chinese;
    }
    Language::English
}

/// The table, where this process speaks Chinese.
#[cfg(feature = "chinese")]
pub fn chinese() -> Option<&'static Catalogue> {
    CHINESE.get()
}

/// A message in the language of this process. What the table does not have stays as it is.
pub fn translated(text: &str) -> Cow<'_, str> {
    #[cfg(feature = "chinese")]
    if let Some(catalogue) = CHINESE.get() {
        return Cow::Owned(catalogue.lines(text));
    }
    Cow::Borrowed(text)
}

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
