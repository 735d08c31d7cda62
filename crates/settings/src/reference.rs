//! The tables of settings as pages of the documentation.

use std::fmt::Write as _;

use crate::setting::{Given, Spec, Text, Unset};

/// A language of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The text in this language.
    pub fn of(self, text: Text) -> &'static str {
        match self {
            Self::English => text.en,
            Self::Chinese => text.zh,
        }
    }

    fn heads(self) -> &'static str {
        match self {
            Self::English => "| name | meaning | default | commands |",
            Self::Chinese => "| 名称 | 含义 | 默认值 | 命令 |",
        }
    }

    fn required(self) -> &'static str {
        match self {
            Self::English => "required",
            Self::Chinese => "必填",
        }
    }

    fn no_option(self) -> &'static str {
        match self {
            Self::English => " (no option)",
            Self::Chinese => "（没有参数）",
        }
    }

    fn feature(self, feature: &str) -> String {
        match self {
            Self::English => format!(" (feature `{feature}`)"),
            Self::Chinese => format!("（特性 `{feature}`）"),
        }
    }

    fn only(self, only: &str) -> String {
        match self {
            Self::English => format!("has an effect only {only}"),
            Self::Chinese => format!("仅在此时有效：{only}"),
        }
    }

    /// What stands between two sentences.
    fn joined(self, about: &str, more: &str) -> String {
        let (end, between) = match self {
            Self::English => (";", " "),
            Self::Chinese => ("；", ""),
        };
        if more.is_empty() { about.to_owned() } else { format!("{about}{end}{between}{more}") }
    }
}

/// The tables, a section for each heading, in the order of the rows.
pub fn tables<'s>(specs: impl IntoIterator<Item = &'s Spec>, language: Language) -> String {
    let mut page = String::new();
    let mut title = "";
    for spec in specs {
        let section = spec.section;
        if section.title.en != title {
            title = section.title.en;
            let _ = write!(page, "\n## {}\n", language.of(section.title));
            let intro = language.of(section.intro);
            if !intro.is_empty() {
                let _ = write!(page, "\n{}\n", wrapped(intro));
            }
            let _ = write!(page, "\n{}\n|---|---|---|---|\n", language.heads());
        }
        let _ = writeln!(page, "{}", row(spec, language));
    }
    page
}

/// Widest line of running text, in characters.
const WIDTH: usize = 110;

/// Running text in lines that fit. Chinese may also break behind a mark.
pub fn wrapped(text: &str) -> String {
    let (mut page, mut line) = (String::new(), String::new());
    let ends_word = |c: char| c == ' ' || "，。；：、".contains(c);
    for word in text.split_inclusive(ends_word) {
        if line.chars().count() + word.trim_end().chars().count() > WIDTH && !line.is_empty() {
            page.push_str(line.trim_end());
            page.push('\n');
            line.clear();
        }
        line.push_str(word);
    }
    page + line.trim_end()
}

fn row(spec: &Spec, language: Language) -> String {
    let option = match spec.given {
        Given::VariableOrOption => "",
        Given::Variable => language.no_option(),
    };
    let feature = spec.feature.map(|feature| language.feature(feature)).unwrap_or_default();
    let meaning = language.joined(language.of(spec.about), language.of(spec.more));
    let default = match spec.unset {
        Unset::Required(unless) if unless.en.is_empty() => language.required().to_owned(),
        Unset::Required(unless) => format!("{}{}", language.required(), language.of(unless)),
        Unset::Nothing(text) | Unset::Is(text) => language.of(text).to_owned(),
    };
    let meaning = match language.of(spec.only) {
        "" => meaning,
        only => language.joined(&meaning, &language.only(only)),
    };
    let commands = spec.commands.iter().filter(|command| spec.is_used_by(command));
    let commands: Vec<String> = commands.map(|command| format!("`{command}`")).collect();
    let commands = commands.join(if language == Language::Chinese { "、" } else { ", " });
    format!("| `{}`{option}{feature} | {meaning} | {default} | {commands} |", spec.name)
        .replace("||", "\\|\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::{Section, text};

    #[test]
    fn running_text_is_broken_at_blanks_and_in_chinese_behind_marks() {
        let english = "word ".repeat(50);
        assert!(wrapped(&english).lines().all(|line| line.len() <= WIDTH && line.ends_with("word")));
        assert_eq!(wrapped(&english).replace('\n', " "), english.trim_end());
        let chinese = "设置，".repeat(80);
        assert!(wrapped(&chinese).lines().all(|line| line.chars().count() <= WIDTH && line.ends_with('，')));
    }

    #[test]
    fn each_heading_has_its_table_in_either_language() {
        const SECTION: Section =
            Section { title: text("Copies", "复制"), intro: text("Of copies.", "用于复制。") };
        const ROW: Spec =
            Spec { name: "DEST", section: &SECTION, commands: &["serve", "send"], ..Spec::BASE };
        let dest = Spec {
            about: text("Where to", "目标"),
            more: text("a bucket", "一个桶"),
            unset: Unset::Required(text(" for copies", "（复制时）")),
            ..ROW
        };
        let token = Spec { name: "TOKEN", about: text("Token", "令牌"), given: Given::Variable, ..ROW };
        assert_eq!(
            tables([&dest, &token], Language::English),
            "\n## Copies\n\nOf copies.\n\n| name | meaning | default | commands |\n|---|---|---|---|\n\
             | `DEST` | Where to; a bucket | required for copies | `serve`, `send` |\n\
             | `TOKEN` (no option) | Token | none | `serve`, `send` |\n"
        );
        let chinese = tables([&dest], Language::Chinese);
        assert!(
            chinese.ends_with("| `DEST` | 目标；一个桶 | 必填（复制时） | `serve`、`send` |\n"),
            "{chinese}"
        );
    }
}
