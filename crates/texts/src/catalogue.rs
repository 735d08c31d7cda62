//! The table of translations, and the search in it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use polib::po_file;

use crate::search::{MARKS, Search, Table};
use crate::template::Template;

/// The table, in the format of gettext that the tools of translators read.
pub const CHINESE: &str = include_str!("../texts/zh_CN.po");

/// Texts and their translations.
#[derive(Debug, Default)]
pub struct Catalogue {
    table: Table,
}

impl Catalogue {
    /// The table of this build. Empty if it cannot be read, which a test rules out.
    pub fn chinese() -> Self {
        Self::read(CHINESE).unwrap_or_default()
    }

    /// The same with more texts, which are described elsewhere: the settings.
    #[must_use]
    pub fn with(mut self, texts: impl IntoIterator<Item = (String, String)>) -> Self {
        self.table.whole.extend(texts);
        self
    }

    /// Reads a table.
    pub fn read(po: &str) -> Result<Self, po_file::POParseError> {
        let mut table = Table::default();
        for entry in entries(po)? {
            for english in entry.english {
                let pair = (Template::parse(&english), Template::parse(&entry.chinese));
                if english.starts_with(MARKS) {
                    table.ends.push(pair.clone());
                }
                if pair.0.places().next().is_some() {
                    table.templates.push(pair);
                } else {
                    table.whole.insert(plain(&pair.0), plain(&pair.1));
                }
            }
        }
        table.templates.sort_by_key(|(template, _)| Reverse(template.weight()));
        Ok(Self { table })
    }

    /// The translation of a whole text, if there is one. A full stop at its end is that of the sentence, and
    /// not part of what is looked up.
    pub fn text(&self, english: &str) -> Option<String> {
        Search::new(&self.table).text(english)
    }

    /// The translation of one line: of what is added to its end, then as a whole, else of its parts between
    /// colons, as a message and its cause are joined. What has no translation stays.
    pub fn line(&self, english: &str) -> String {
        Search::new(&self.table).line(english)
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

msgid "{name} is bad"
msgstr "坏的 {name}"

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
            ("DST: missing", "DST: 缺失"),
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
            // The cause of a message that ends with a value which the Chinese has elsewhere.
            ("2 keys in b: 404 NoSuchBucket: no bucket", "b 中的 2 个键：404 NoSuchBucket: no bucket"),
            ("2 keys in b: missing: why", "b 中的 2 个键：缺失：why"),
            ("not started, since missing: why", "因缺失而未启动：why"),
            ("missing: x is bad", "缺失：坏的 x"),
            ("DST: 2 keys in b, of c", "DST: b 中的 2 个键（c）"),
            ("DST: oss://b/missing: missing", "DST: oss://b/missing: 缺失"),
            ("DST: oss://b/k: cannot connect to h; missing", "DST: oss://b/k: 无法连接 h；缺失"),
            // Names of the user are no messages.
            ("n: missing", "n: missing"),
            ("\"n: missing\": no such file", "\"n: missing\": no such file"),
            ("\"n, of b\": missing", "\"n, of b\": 缺失"),
            ("missing: \"n: missing, of b\"", "缺失：\"n: missing, of b\""),
            ("invalid 'n: missing, of b'", "invalid 'n: missing, of b'"),
            ("it's missing; it isn't, of b", "it's missing; it isn't（b）"),
        ] {
            assert_eq!(catalogue.lines(english), chinese);
        }
    }

    /// The search visits no part twice, or this would never end.
    #[test]
    fn a_line_of_many_parts_takes_no_longer_than_its_parts() {
        let catalogue = Catalogue::read(TABLE).unwrap();
        for (part, chinese) in [("q: ", "q: "), ("\"q\": ", "\"q\": "), ("missing: ", "缺失：")] {
            let all = catalogue.line(&(part.repeat(200) + "end"));
            let translated = all.matches(chinese).count();
            assert!(all.starts_with(&chinese.repeat(10)) && all.ends_with("end"), "{all}");
            assert_eq!(translated + all.matches(part).count(), if part == chinese { 400 } else { 200 });
        }
        // What is longer than any message stays, and does not overflow the stack.
        let line = "missing: ".repeat(100_000);
        assert_eq!(catalogue.line(&line), line);
        // Each of these may be tried with each of the following ones.
        let line = "cannot connect to h, not started, since ".repeat(200);
        assert!(catalogue.line(&line).contains("无法连接 h"));
    }

    #[test]
    fn the_table_can_be_read() {
        assert!(Catalogue::read(CHINESE).is_ok());
    }
}
