//! The table of translations, and the search in it.

use std::cmp::Reverse;
use std::collections::HashMap;

use polib::po_file;

use crate::template::Template;

/// The table, in the format of gettext that the tools of translators read.
pub const CHINESE: &str = include_str!("../texts/zh_CN.po");

/// Texts and their translations.
#[derive(Debug, Default)]
pub struct Catalogue {
    whole: HashMap<String, String>,
    /// The closest match first.
    templates: Vec<(Template, Template)>,
}

impl Catalogue {
    /// The table of this build. Empty if it cannot be read, which a test rules out.
    pub fn chinese() -> Self {
        Self::read(CHINESE).unwrap_or_default()
    }

    /// Reads a table.
    pub fn read(po: &str) -> Result<Self, po_file::POParseError> {
        let mut this = Self::default();
        for entry in entries(po)? {
            for english in entry.english {
                let template = Template::parse(&english);
                if template.places().next().is_some() {
                    this.templates.push((template, Template::parse(&entry.chinese)));
                } else {
                    let nothing = std::collections::BTreeMap::new();
                    let text = |template: &Template| template.filled(&nothing, str::to_owned);
                    this.whole.insert(text(&template), text(&Template::parse(&entry.chinese)));
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
            self.whole.get(english).cloned().or_else(|| {
                let fitting = |(from, to): &(Template, Template)| {
                    from.matched(english).map(|values| to.filled(&values, |value| self.line(value)))
                };
                self.templates.iter().find_map(fitting)
            })
        };
        of(english).or_else(|| english.strip_suffix('.').and_then(of).map(|text| text + "。"))
    }

    /// The translation of one line: as a whole, else of its parts between colons, as a message and its cause
    /// are joined. What has no translation stays.
    pub fn line(&self, english: &str) -> String {
        if let Some((name, rest)) = english.split_once(": ").filter(|(name, _)| is_setting(name)) {
            return format!("{name}: {}", self.line(rest));
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
msgstr[0] "{} 个键"

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
            ("2 keys in b", "b 中的 2 个键"),
            ("not started, since missing", "因缺失而未启动"),
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
