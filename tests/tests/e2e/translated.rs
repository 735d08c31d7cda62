//! What messages are in a Chinese locale: the table of translations has all of each.

use crate::leftovers::left;

/// What a command said on stderr in English has a Chinese form in which nothing of it is left. Log lines are
/// English in every locale.
pub(crate) fn assert_translated(stderr: &str) {
    let is_message = |line: &&str| !line.starts_with(['{', '2']) && !line.trim().is_empty();
    let messages: Vec<&str> = stderr.lines().filter(is_message).collect();
    let left = left(&oms_bridge::cli::catalogue().lines(&messages.join("\n")));
    assert!(left.is_empty(), "translate in crates/texts/texts/zh_CN.po what is left of {stderr}\n{left:#?}");
}
