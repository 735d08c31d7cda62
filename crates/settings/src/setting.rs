//! Rows of the tables of settings.
//!
//! Everything that is known of a setting stands in one row: its name, what it says in both languages, its
//! default, who has it and how it is parsed. The options of commands, their help texts, the reference pages
//! and the checks of deployment templates are made of it.

use crate::Invalid;

/// Markdown in both languages of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese, for the users of the Chinese console.
    pub zh: &'static str,
}

/// Both languages, English first.
pub const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

/// A group of settings under one heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: Text,
    /// What holds for all of them; empty where nothing does.
    pub intro: Text,
}

/// What a command does without the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// It does not start. The text says where that does not hold.
    Required(Text),
    /// It does without.
    Nothing(Text),
    /// As if this were set.
    Is(Text),
}

/// How a setting is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// By its environment variable, or by the option of the same name in kebab case.
    VariableOrOption,
    /// By its environment variable alone.
    Variable,
}

/// Whether messages may show the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// They may.
    Public,
    /// They may not, and who can should keep it off the command line.
    Secret,
}

/// Everything of a setting but how it is parsed.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The environment variable.
    pub name: &'static str,
    /// What stands for the value in help texts.
    pub value: &'static str,
    /// Where it is listed.
    pub section: &'static Section,
    /// The commands that have it.
    pub commands: &'static [&'static str],
    /// Of these, the commands that look whether its value is good, and make no use of it.
    pub unused_by: &'static [&'static str],
    /// The commands whose users may expect an effect of the variable where it has none, and are told so. They
    /// need not have the setting.
    pub missed_by: &'static [&'static str],
    /// Where it has an effect, if not in each of its commands whatever the other settings are: behind "only".
    pub only: Text,
    /// The feature of the build without which no command has it.
    pub feature: Option<&'static str>,
    /// The commands whose short help names it, among what is required or as an option.
    pub short_help: &'static [&'static str],
    /// How it is given.
    pub given: Given,
    /// Whether messages may show it.
    pub secrecy: Secrecy,
    /// What it is, in one sentence without a full stop: for help texts and the reference.
    pub about: Text,
    /// What the reference says besides.
    pub more: Text,
    /// What happens without.
    pub unset: Unset,
}

impl Spec {
    /// What most rows have in common. A row of its own names the rest.
    pub const BASE: Self = Self {
        name: "",
        value: "VALUE",
        section: &Section { title: text("", ""), intro: text("", "") },
        commands: &[],
        unused_by: &[],
        missed_by: &[],
        only: text("", ""),
        feature: None,
        short_help: &[],
        given: Given::VariableOrOption,
        secrecy: Secrecy::Public,
        about: text("", ""),
        more: text("", ""),
        unset: Unset::Nothing(text("none", "无")),
    };

    /// The option of the same name, without its dashes.
    pub fn option(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// Whether the command has it.
    pub fn is_of(&self, command: &str) -> bool {
        self.commands.contains(&command)
    }

    /// Whether the command has it, and makes use of it.
    pub fn is_used_by(&self, command: &str) -> bool {
        self.is_of(command) && !self.unused_by.contains(&command)
    }

    /// The help text of its option: what it is, and its default.
    pub fn help(&self) -> String {
        let secret = match self.secrecy {
            Secrecy::Public => "",
            Secrecy::Secret => ". Prefer the environment: options show in the process list",
        };
        let about = self.about.en;
        let default = match self.unset {
            Unset::Required(_) => String::new(),
            Unset::Nothing(default) | Unset::Is(default) => format!(" [default: {}]", default.en),
        };
        format!("{about}{secret}{default}").replace('`', "")
    }
}

/// A setting, and how its value is read.
#[derive(Debug)]
pub struct Setting<T> {
    /// Everything else of it.
    pub spec: Spec,
    /// Reads a value. Its problems are reported without repeating a secret.
    pub parse: fn(&str) -> Result<T, Invalid>,
}

/// Declares settings, and the table of them in the same order: `NAME: TYPE = how it is parsed, its row;`.
///
/// The name of the row is that of the setting.
#[macro_export]
macro_rules! table {
    ($(#[$doc:meta])* $visibility:vis static $table:ident; $($name:ident: $type:ty = $parse:expr, $spec:expr;)*) => {
        $(
            #[doc = concat!("The setting `", stringify!($name), "`.")]
            $visibility static $name: $crate::setting::Setting<$type> = $crate::setting::Setting {
                spec: $crate::setting::Spec { name: stringify!($name), ..$spec },
                parse: $parse,
            };
        )*
        $(#[$doc])*
        $visibility static $table: &[&$crate::setting::Spec] = &[$(&$name.spec),*];
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    const MADE_UP: Spec = Spec { value: "N", about: text("Number of `things`", "数量"), ..Spec::BASE };

    table! {
        static TABLE;
        HOW_MANY: u32 = |text| parse::number(text, 1..=10), Spec { unset: Unset::Is(text("3", "3")), ..MADE_UP };
        WHAT_FOR: String = parse::text, Spec { secrecy: Secrecy::Secret, unset: Unset::Required(text("always", "")), ..MADE_UP };
    }

    #[test]
    fn a_row_has_the_name_of_its_setting_and_says_what_help_needs() {
        let names: Vec<(&str, String)> = TABLE.iter().map(|spec| (spec.name, spec.option())).collect();
        assert_eq!(names, [("HOW_MANY", "how-many".to_owned()), ("WHAT_FOR", "what-for".to_owned())]);
        assert_eq!(HOW_MANY.spec.help(), "Number of things [default: 3]");
        assert_eq!(
            WHAT_FOR.spec.help(),
            "Number of things. Prefer the environment: options show in the process list"
        );
    }
}
