//! The search for the translation of one line.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::quotes;
use crate::template::Template;

/// What a message begins with that is added to the end of another one.
pub(crate) const MARKS: [char; 4] = [',', ';', '.', '('];

/// What stands before a message, whatever that says.
const LABELS: [&str; 2] = ["error", "tip"];

/// The most parts of a line that are looked up. Messages of this program have a few; what a service or a file
/// name adds may have any number.
const MOST_PARTS: usize = 64;

/// The longest line that is looked up, in bytes: no message of this program is nearly as long.
const LONGEST: usize = 8192;

/// The most colons and marks of a part at which it is taken apart.
const MOST_PLACES: usize = 32;

/// What is searched.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) whole: HashMap<String, String>,
    /// The closest match first.
    pub(crate) templates: Vec<(Template, Template)>,
    /// Those of them that are added to the end of other messages: they begin with a mark.
    pub(crate) ends: Vec<(Template, Template)>,
}

/// One search. No part of a line is looked up twice, so its cost grows with the number of parts.
pub(crate) struct Search<'c, 't> {
    table: &'c Table,
    known: HashMap<&'t str, String>,
    looked_up: usize,
}

impl<'c, 't> Search<'c, 't> {
    pub(crate) fn new(table: &'c Table) -> Self {
        Self { table, known: HashMap::new(), looked_up: 0 }
    }

    /// The translation of a line.
    pub(crate) fn line(&mut self, english: &'t str) -> String {
        if let Some(known) = self.known.get(english) {
            return known.clone();
        }
        self.looked_up += 1;
        if self.looked_up > MOST_PARTS || english.len() > LONGEST {
            return english.to_owned();
        }
        let text = self.parts(english);
        self.known.insert(english, text.clone());
        text
    }

    fn parts(&mut self, english: &'t str) -> String {
        let table = self.table;
        if let Some(text) = table.whole.get(english) {
            return text.clone();
        }
        if let Some((name, rest)) = english.split_once(": ").filter(|(name, _)| is_setting(name)) {
            return format!("{name}: {}", self.line(rest));
        }
        if let Some((label, rest)) = english.split_once(": ").filter(|(label, _)| LABELS.contains(label)) {
            return format!("{}：{}", self.line(label), self.line(rest));
        }
        // The last of them first: it is the one that was added last.
        for at in quotes::outside(english, |rest| rest.starts_with(MARKS)).rev().take(MOST_PLACES) {
            let end = table.ends.iter().filter(|_| at > 0).find_map(|pair| self.made(pair, &english[at..]));
            if let Some(end) = end {
                return self.line(english[..at].trim_end()) + &end;
            }
        }
        // What to do, and what else is to be known.
        for at in quotes::outside(english, |rest| rest.starts_with("; ")).take(MOST_PLACES) {
            if let Some(end) = table.whole.get(&english[at + 2..]) {
                return format!("{}；{end}", self.line(&english[..at]));
            }
        }
        let colons: Vec<usize> =
            quotes::outside(english, |rest| rest.starts_with(": ")).take(MOST_PLACES).collect();
        if let Some((text, end)) = self.message(english, &colons) {
            let cause = english[end..].strip_prefix(": ");
            return cause.map_or(text.clone(), |cause| format!("{text}：{}", self.line(cause)));
        }
        // A name in quotes or an address, and what is said of it. Any other name may be any text, and so may
        // its end.
        match colons.first() {
            Some(&at) if quotes::are_around(&english[..at]) || is_address(&english[..at]) => {
                format!("{}: {}", &english[..at], self.line(&english[at + 2..]))
            }
            _ => english.to_owned(),
        }
    }

    /// The translation of a text that is one message.
    pub(crate) fn text(&mut self, english: &'t str) -> Option<String> {
        self.message(english, &[]).map(|(text, _)| text)
    }

    /// The translation of the message that `english` begins with, and where that ends: at the end, or before
    /// one of `colons`. Of several it is the one of which most is text and not value.
    fn message(&mut self, english: &'t str, colons: &[usize]) -> Option<(String, usize)> {
        let table = self.table;
        let length = english.len();
        let mut ends = vec![(length, "")];
        ends.extend(english.strip_suffix('.').map(|text| (text.len(), "。")));
        // A message may have a colon in it, and begin like another one.
        ends.extend(colons.iter().rev().map(|&at| (at, "")));
        let end_of = |end: usize, stop: &str| if stop.is_empty() { end } else { length };
        let whole = ends.iter().find_map(|&(end, stop)| {
            let text = table.whole.get(&english[..end])?;
            Some((text.clone() + stop, end, end_of(end, stop)))
        });
        let least = whole.as_ref().map_or(0, |(_, length, _)| *length);
        for pair in table.templates.iter().take_while(|(from, _)| from.weight() > least) {
            for &(end, stop) in &ends {
                if let Some(text) = self.made(pair, &english[..end]) {
                    return Some((text + stop, end_of(end, stop)));
                }
            }
        }
        whole.map(|(text, _, end)| (text, end))
    }

    /// The text in Chinese, if it was made of this template.
    fn made(&mut self, (from, to): &'c (Template, Template), english: &'t str) -> Option<String> {
        let mut values = from.matched(english)?;
        let last = from.last_place();
        let colon = |value: &str| quotes::outside(value, |rest| rest.starts_with(": ")).next();
        // A value that is no message ends before a colon, or the message is another's.
        if values
            .iter()
            .any(|(name, value)| Some(*name) != last && !to.has_message(name) && colon(value).is_some())
        {
            return None;
        }
        // A message that ends with a value may have its cause behind it, which looks like a part of the
        // value.
        let cut = last.and_then(|last| {
            let value = *values.get(last)?;
            let at = colon(value)?;
            Some((last, &value[..at], &value[at + 2..]))
        });
        // A message in the end is translated together with its cause.
        let Some((last, value, cause)) = cut.filter(|(last, ..)| to.last_message() != Some(last)) else {
            return self.filled(to, &values);
        };
        values.insert(last, value);
        let text = self.filled(to, &values)?;
        let chinese = self.line(cause);
        let is_last_in_both = to.last_place() == Some(last);
        let colon = if is_last_in_both && chinese == cause { ": " } else { "：" };
        Some(text + colon + &chinese)
    }

    fn filled(&mut self, to: &Template, values: &BTreeMap<&str, &'t str>) -> Option<String> {
        let this = RefCell::new(self);
        to.filled(values, |value| this.borrow_mut().line(value), |value| this.borrow_mut().text(value))
    }
}

/// Whether it is an address of something: `oss://bucket/key`.
fn is_address(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !text.contains(' ')
}

/// Whether it is the name of a setting, an argument or an option, behind which the message begins.
fn is_setting(text: &str) -> bool {
    let is_name = |text: &str| {
        text.len() > 1
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.starts_with("--") && !text.contains(' ') || is_name(text)
}
