//! The table of translations, and the search in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use polib::po_file;

use crate::template::Template;

/// The table, in the format of gettext that the tools of translators read.
pub const CHINESE: &str = include_str!("../texts/zh_CN.po");

/// What a message begins with that is added to the end of another one.
const MARKS: [char; 4] = [',', ';', '.', '('];

/// What stands before a message, whatever that says.
const LABELS: [&str; 2] = ["error", "tip"];

/// Texts and their translations.
#[derive(Debug, Default)]
pub struct Catalogue {
    whole: HashMap<String, String>,
    /// The closest match first.
    templates: Vec<(Template, Template)>,
    /// Those of them that are added to the end of other messages: they begin with a mark.
    ends: Vec<(Template, Template)>,
}

impl Catalogue {
    /// The table of this build. Empty if it cannot be read, which a test rules out.
    pub fn chinese() -> Self {
        Self::read(CHINESE).unwrap_or_default()
    }

    /// The same with more texts, which are described elsewhere: the settings.
    #[must_use]
    pub fn with(mut self, texts: impl IntoIterator<Item = (String, String)>) -> Self {
        self.whole.extend(texts);
        self
    }

    /// Reads a table.
    pub fn read(po: &str) -> Result<Self, po_file::POParseError> {
        let mut this = Self::default();
        for entry in entries(po)? {
            for english in entry.english {
                let pair = (Template::parse(&english), Template::parse(&entry.chinese));
                if english.starts_with(MARKS) {
                    this.ends.push(pair.clone());
                }
                if pair.0.places().next().is_some() {
                    this.templates.push(pair);
                } else {
                    this.whole.insert(plain(&pair.0), plain(&pair.1));
                }
            }
        }
        this.templates.sort_by_key(|(template, _)| Reverse(template.weight()));
        Ok(this)
    }

    /// The translation of a whole text, if there is one. A full stop at its end is that of the sentence, and
    /// not part of what is looked up.
    pub fn text(&self, english: &str) -> Option<String> {
        let of = |english: &str| {
            let whole = self.whole.get(english).cloned();
            whole.or_else(|| self.templates.iter().find_map(|pair| self.made(pair, english)))
        };
        of(english).or_else(|| english.strip_suffix('.').and_then(of).map(|text| text + "。"))
    }

    /// The text in Chinese, if it was made of this template.
    fn made(&self, (from, to): &(Template, Template), english: &str) -> Option<String> {
        let mut values = from.matched(english)?;
        // A message that ends with a value may have its cause behind it, which looks like a part of the value.
        let mut cause = None;
        if let Some(last) = from.last_place().filter(|last| to.last_place() == Some(last))
            && let Some((value, english)) = values.get(last).and_then(|value| value.split_once(": "))
        {
            let chinese = self.line(english);
            if chinese != english {
                values.insert(last, value);
                cause = Some(format!("：{chinese}"));
            }
        }
        let text = to.filled(&values, |value| self.line(value), |value| self.text(value))?;
        Some(text + &cause.unwrap_or_default())
    }

    /// The translation of one line: of what is added to its end, then as a whole, else of its parts between
    /// colons, as a message and its cause are joined. What has no translation stays.
    pub fn line(&self, english: &str) -> String {
        if let Some((name, rest)) = english.split_once(": ").filter(|(name, _)| is_setting(name)) {
            return format!("{name}: {}", self.line(rest));
        }
        if let Some((label, rest)) = english.split_once(": ").filter(|(label, _)| LABELS.contains(label)) {
            if let Some(text) = self.whole.get(english) {
                return text.clone();
            }
            return format!("{}：{}", self.line(label), self.line(rest));
        }
        for (at, _) in english.match_indices(MARKS).filter(|(at, _)| *at > 0) {
            let end = self.ends.iter().find_map(|pair| self.made(pair, &english[at..]));
            if let Some(end) = end {
                return self.line(english[..at].trim_end()) + &end;
            }
        }
        // What to do, and what else is to be known.
        for (at, _) in english.match_indices("; ") {
            if let Some(end) = self.whole.get(&english[at + 2..]) {
                return format!("{}；{end}", self.line(&english[..at]));
            }
        }
        if let Some(text) = self.text(english) {
            return text;
        }
        for (at, _) in english.match_indices(": ") {
            if let Some(first) = self.text(&english[..at]) {
                return format!("{first}：{}", self.line(&english[at + 2..]));
            }
        }
        for (at, _) in english.match_indices(": ") {
            let rest = self.line(&english[at + 2..]);
            if rest != english[at + 2..] {
                return format!("{}: {rest}", &english[..at]);
            }
        }
        english.to_owned()
    }

    /// The same of a text of several lines; blanks at the beginning of each stay.
    pub fn lines(&self, english: &str) -> String {
        let line = |line: &str| {
            let text = line.trim_start();
            format!("{}{}", &line[..line.len() - text.len()], self.line(text))
        };
        english.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The text of a template without placeholders.
fn plain(template: &Template) -> String {
    template.filled(&BTreeMap::new(), str::to_owned, |_| None).unwrap_or_default()
}

/// Whether it is the name of a setting or of an option, behind which the message begins.
fn is_setting(text: &str) -> bool {
    let is_variable = |text: &str| {
        text.contains('_')
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.starts_with("--") && !text.contains(' ') || is_variable(text)
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The text as the source has it; two where the second is its plural.
    pub english: Vec<String>,
    /// The translation.
    pub chinese: String,
}

/// The rows of a table, in their order.
pub fn entries(po: &str) -> Result<Vec<Entry>, po_file::POParseError> {
    let read = po_file::parse_from_reader(po.as_bytes())?;
    let entry = |message: &dyn polib::message::MessageView| {
        let plural = message.msgid_plural().ok().map(str::to_owned);
        let english = [message.msgid().to_owned()].into_iter().chain(plural).collect();
        let several = message.msgstr_plural().ok().and_then(|forms| forms.first().cloned());
        let chinese = several.or_else(|| message.msgstr().ok().map(str::to_owned)).unwrap_or_default();
        Entry { english, chinese }
    };
    Ok(read.messages().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

msgid "missing"
msgstr "缺失"

msgid "cannot connect to {host}"
msgstr "无法连接 {host}"

msgid "not started, since {why}"
msgstr "因{why:tr}而未启动"

msgid "{} key"
msgid_plural "{} keys"
msgstr[0] "{:number} 个键"

msgid ", of {bucket}"
msgstr "（{bucket}）"

msgid "{} keys in {bucket}"
msgstr "{bucket} 中的 {0} 个键"
"#;

    #[test]
    fn a_line_is_looked_up_as_a_whole_and_then_in_parts() {
        let catalogue = Catalogue::read(TABLE).unwrap();
        for (english, chinese) in [
            ("missing", "缺失"),
            ("missing.", "缺失。"),
            ("HW_AK: missing", "HW_AK: 缺失"),
            ("cannot connect to h:1: refused", "无法连接 h:1: refused"),
            ("LOG_BUCKET: cannot connect to h:1", "LOG_BUCKET: 无法连接 h:1"),
            ("missing: cannot connect to h", "缺失：无法连接 h"),
            ("1 key", "1 个键"),
            ("2 keys", "2 个键"),
            ("2 keys, of b", "2 个键（b）"),
            ("2 keys in b", "b 中的 2 个键"),
            ("not started, since missing", "因缺失而未启动"),
            ("cannot connect to h:1: missing", "无法连接 h:1：缺失"),
            ("cannot connect to h; missing", "无法连接 h；缺失"),
            ("error: cannot connect to h", "error：无法连接 h"),
            ("nothing of it", "nothing of it"),
            ("heading\n  missing", "heading\n  缺失"),
        ] {
            assert_eq!(catalogue.lines(english), chinese);
        }
    }

    #[test]
    fn the_table_can_be_read() {
        assert!(Catalogue::read(CHINESE).is_ok());
    }
}
