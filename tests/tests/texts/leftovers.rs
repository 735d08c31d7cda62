//! English words that are left in Chinese output.
//!
//! A word is left over if an English text of the table has it and no Chinese one: names of commands, products
//! and values are in both.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex_automata::meta::Regex;
use texts::catalogue::{CHINESE, entries};

/// What is in no language: values in quotes, commands, and what a service or the system answered.
const PASSED_ON: [&str; 13] = [
    "oms-bridge [-a-z ]*",
    "默认值：(listing|within)\\]",
    "可选值：[^]]*",
    "^ *- [a-z]+:",
    "failed to lookup address information[^，；（]*",
    "^  [a-z]+  +",
    "桶 [-a-z0-9]+",
    "没有 AWS 凭证：[^：]*",
    r#""(?:[^"\\]|\\.)*""#,
    "`[^`]*`",
    "'[^']*'",
    "[0-9]{3} [A-Z][A-Za-z0-9.]*:? [^，；（]*",
    r"[：:] ?[^：:]*\(os error [0-9]+\)",
];

/// The words of a text in lower-case Latin letters. Names, options, paths and addresses have other characters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_-./:@<>{}*=$%+~#&\\".contains(c);
    let parts = text.split(move |c| !is_of_name(c));
    let parts = parts.map(|part| part.trim_end_matches(['.', ':']).trim_start_matches(['.', ':']));
    parts.filter(|part| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The words of the English texts that no Chinese text has.
static ENGLISH: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let entries = entries(CHINESE).unwrap();
    let chinese: BTreeSet<&str> = entries.iter().flat_map(|entry| words(&entry.chinese)).collect();
    let english = entries.iter().flat_map(|entry| &entry.english).flat_map(|text| words(text));
    english.filter(|word| !chinese.contains(word)).map(str::to_owned).collect()
});

static PASSED_ON_AS_IT_IS: LazyLock<Regex> = LazyLock::new(|| Regex::new_many(&PASSED_ON).unwrap());

/// The lines of a text that should be Chinese, and have English words in them.
pub(crate) fn left(text: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let mut own = String::new();
        let mut end = 0;
        for found in PASSED_ON_AS_IT_IS.find_iter(line) {
            own.extend([&line[end..found.start()], "，"]);
            end = found.end();
        }
        own.push_str(&line[end..]);
        let found: Vec<&str> = words(&own).filter(|word| ENGLISH.contains(*word)).collect();
        (!found.is_empty()).then(|| format!("{found:?} in {line}"))
    };
    text.lines().filter_map(of_line).collect()
}

#[test]
fn english_words_are_found_and_names_and_answers_are_not() {
    for (line, expected) in [
        ("已略过：1 个（not matched）", true),
        ("检查 HW_AK (or HW_SK)", true),
        ("只比对在此时间之后更改的对象 [alias: --newer-than]", true),
        ("结束该进程，或--port 0 picks free ones", true),
        ("oms、copy 或 json：\"no such file\"；运行 `not this`，或 oms-bridge send", false),
        ("列举桶 logs：403 AccessDenied: the bucket is not yours，请求 ID 1；稍后重试", false),
        ("无法连接：Connection refused by the server (os error 111)（共尝试 3 次）", false),
    ] {
        assert_eq!(!left(line).is_empty(), expected, "{line}");
    }
}
