//! Both texts of an entry name the same settings, options, commands and addresses.

use std::collections::{BTreeMap, BTreeSet};

use texts::catalogue::{CHINESE, Catalogue, entries};
use texts::template::Template;

use crate::names;

/// How often each placeholder is used.
fn places(text: &str) -> BTreeSet<String> {
    Template::parse(text).places().map(str::to_owned).collect()
}

#[test]
fn no_translation_loses_a_placeholder_a_setting_an_option_or_an_address() {
    let mut problems = Vec::new();
    for entry in entries(CHINESE).unwrap() {
        for english in &entry.english {
            if entry.chinese.is_empty() {
                problems.push(format!("{english:?} is not translated"));
            }
            // A page of the documentation has a Chinese twin.
            let chinese = entry.chinese.replace(".zh-CN.md", ".md");
            if places(english) != places(&chinese) {
                problems.push(format!("{english:?}: other placeholders in {chinese:?}"));
            }
            let (wanted, found) = (names(english), names(&chinese));
            if wanted != found {
                problems.push(format!("{english:?}: {wanted:?}, in Chinese {found:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "crates/texts/texts/zh_CN.po:\n{}", problems.join("\n"));
}

#[test]
fn no_text_is_in_the_table_twice() {
    let mut seen = BTreeSet::new();
    let all = entries(CHINESE).unwrap().into_iter().flat_map(|entry| entry.english);
    let twice: Vec<String> = all.filter(|english| !seen.insert(english.clone())).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

/// What a service answers. It has no translation, whatever words are in it.
const CAUSE: &str = "404 NoSuchBucket: The specified bucket is not in this region, and will not be";

/// A message that is made of a template must come out as the Chinese of that template, and not of another one
/// that happens to fit.
#[test]
fn each_entry_is_found_by_a_message_made_of_it() {
    let catalogue = Catalogue::chinese();
    let mut problems = Vec::new();
    for entry in entries(CHINESE).unwrap() {
        for english in &entry.english {
            let (source, english) = (english, Template::parse(english));
            let chinese = Template::parse(&entry.chinese);
            let names: Vec<String> = english.places().map(str::to_owned).collect();
            let quoted = |name: &str| [format!("{{{name}:?}}"), "{:?}".to_owned()];
            let is_quoted = |name: &str| quoted(name).iter().any(|place| source.contains(place.as_str()));
            let value = |name: &String| match () {
                () if entry.chinese.contains(":number}") => "17".to_owned(),
                () if entry.chinese.contains(&format!("{{{name}:word}}")) => "list".to_owned(),
                () if is_quoted(name) => format!("\"{name}\""),
                () => format!("<{name}>"),
            };
            let values: Vec<String> = names.iter().map(value).collect();
            let values: BTreeMap<&str, &str> =
                names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
            let filled = |template: &Template| {
                template.filled(&values, str::to_owned, |word| catalogue.text(word)).unwrap()
            };
            let (message, expected) = (filled(&english), filled(&chinese));
            let found = catalogue.text(&message);
            if found.as_ref() != Some(&expected) {
                problems.push(format!("{message:?} is shown as {found:?}, not as {expected:?}"));
            }
            // What a service says of it stands behind it as it is, wherever the Chinese has the values.
            if !names.is_empty() && !source.starts_with([',', ';', '.', '(']) {
                let found = catalogue.line(&format!("{message}: {CAUSE}"));
                let cause = found.strip_prefix(&expected);
                let cause = cause.and_then(|cause| cause.strip_prefix("：").or(cause.strip_prefix(": ")));
                if cause != Some(CAUSE) {
                    problems.push(format!(
                        "{message:?} and its cause are shown as {found:?}, not as {expected:?}"
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "crates/texts/texts/zh_CN.po:\n{}", problems.join("\n"));
}
