//! The help of a command line in Chinese.
//!
//! [`translated`] replaces the texts of the [`Command`]; what clap itself adds to what it lays out is
//! replaced in the finished text by [`laid_out`].

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use settings::Spec;
use settings::setting::{Secrecy, Unset};

/// Finds the translation of a text, if there is one.
pub type Translate<'t> = &'t dyn Fn(&str) -> Option<String>;

/// Words of clap's that stand in usage lines and above lists.
pub const WORDS: [&str; 7] =
    ["Usage:", "Commands:", "Arguments:", "Options:", "[OPTIONS]", "<COMMAND>", "[COMMAND]"];

/// What clap adds to the help of an argument that has other names.
pub const ALIASES: [&str; 2] = ["[alias: {}]", "[aliases: {}]"];

/// The command line with all its texts translated. `settings` finds the row of a setting by its
/// name: what the table of settings says in Chinese is used as it is.
pub fn translated(
    command: Command,
    settings: &dyn Fn(&str) -> Option<&'static Spec>,
    find: Translate<'_>,
) -> Command {
    let text = |text: Option<String>| text.map(|text| prose(&text, find));
    let about = text(command.get_about().map(ToString::to_string));
    let long_about = text(command.get_long_about().map(ToString::to_string));
    let after_help = text(command.get_after_help().map(ToString::to_string));
    let after_long_help = text(command.get_after_long_help().map(ToString::to_string));
    let mut command = command;
    if let Some(text) = about {
        command = command.about(text);
    }
    if let Some(text) = long_about {
        command = command.long_about(text);
    }
    if let Some(text) = after_help {
        command = command.after_help(text);
    }
    if let Some(text) = after_long_help {
        command = command.after_long_help(text);
    }
    if command.get_version().is_some() {
        let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        command = command.disable_version_flag(true).arg(version.help("Print version").display_order(999));
    }
    command
        // What is laid out here is broken by `terminal::layout`, which knows where Chinese may be.
        .term_width(0)
        .mut_args(|arg| argument(arg, settings, find))
        .mut_subcommands(|command| translated(command, settings, find))
}

fn argument(arg: Arg, settings: &dyn Fn(&str) -> Option<&'static Spec>, find: Translate<'_>) -> Arg {
    let spec = arg.get_env().and_then(|variable| settings(variable.to_str()?));
    let (short, long) = match spec {
        Some(spec) => (about(spec, find), None),
        None => (
            prose(&arg.get_help().map(ToString::to_string).unwrap_or_default(), find),
            arg.get_long_help().map(|text| prose(&text.to_string(), find)),
        ),
    };
    let mut arg = match (arg.get_help_heading(), spec) {
        (Some(heading), Some(spec)) if heading == spec.section.title.en => {
            arg.help_heading(spec.section.title.zh)
        }
        (Some(heading), _) => {
            let heading = or_same(heading, find);
            arg.help_heading(heading)
        }
        (None, _) => arg,
    };
    let notes = Notes::of(&arg, find);
    if arg.get_action().takes_values() {
        arg = arg.hide_default_value(true).hide_env(true).hide_possible_values(true);
    }
    let with = |text: &str, between: &str, notes: String| {
        let parts = [text.to_owned(), notes].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(between)
    };
    let long = with(long.as_deref().unwrap_or(&short), "\n", notes.long());
    arg.help(with(&short, " ", notes.short())).long_help(long)
}

/// What clap adds to the help of an argument.
struct Notes {
    default: Option<String>,
    variable: Option<String>,
    values: Option<String>,
    /// The values one by one, where they are explained.
    explained: Option<String>,
}

impl Notes {
    fn of(arg: &Arg, find: Translate<'_>) -> Self {
        let takes = arg.get_action().takes_values();
        let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
        let defaults = defaults.collect::<Vec<_>>().join(" ");
        let has_default = takes && !defaults.is_empty() && !arg.is_hide_default_value_set();
        let variable = arg.get_env().filter(|_| !arg.is_hide_env_set()).map(|name| name.to_string_lossy());
        let mut values = arg.get_possible_values();
        values.retain(|value| takes && !value.is_hide_set() && !arg.is_hide_possible_values_set());
        let names = values.iter().map(PossibleValue::get_name).collect::<Vec<_>>().join(", ");
        let explained = values.iter().map(|value| {
            let help = value.get_help().map(|help| format!(": {}", or_same(&help.to_string(), find)));
            format!("- {}{}", value.get_name(), help.unwrap_or_default())
        });
        let explained = [or_same("Possible values:", find)].into_iter().chain(explained).collect::<Vec<_>>();
        let is_explained = values.iter().any(|value| value.get_help().is_some());
        Self {
            default: has_default.then(|| or_same(&format!("[default: {defaults}]"), find)),
            variable: variable.map(|name| or_same(&format!("[env: {name}]"), find)),
            values: (!names.is_empty()).then(|| or_same(&format!("[possible values: {names}]"), find)),
            explained: is_explained.then(|| format!("\n{}", explained.join("\n"))),
        }
    }

    fn short(&self) -> String {
        let notes = [&self.default, &self.variable, &self.values];
        notes.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    }

    fn long(&self) -> String {
        let line =
            [&self.default, &self.variable, if self.explained.is_some() { &None } else { &self.values }];
        let line = line.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let parts = [Some(line).filter(|line| !line.is_empty()), self.explained.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// What [`Spec::help`] says, of the Chinese texts of the table.
fn about(spec: &Spec, find: Translate<'_>) -> String {
    let secret = match spec.secrecy {
        Secrecy::Public => String::new(),
        Secrecy::Secret => or_same(". Prefer the environment: options show in the process list", find),
    };
    let default = match spec.unset {
        Unset::Required(_) => String::new(),
        Unset::Nothing(default) | Unset::Is(default) => {
            format!(" {}", or_same(&format!("[default: {}]", default.zh), find))
        }
    };
    format!("{}{secret}{default}", spec.about.zh).replace('`', "")
}

/// Paragraphs, each looked up as one line; and blocks of lines under a heading, of which only what explains
/// is: examples stay as they are.
fn prose(english: &str, find: Translate<'_>) -> String {
    let part = |part: &str| {
        let mut lines = part.lines();
        let first = lines.next().unwrap_or_default();
        if !part.lines().skip(1).any(|line| line.starts_with("  ")) {
            return or_same(&part.split_whitespace().collect::<Vec<_>>().join(" "), find);
        }
        let is_example = first.starts_with("Example");
        let line = |line: &str| {
            let columns = line.trim_start().split_once("  ").filter(|_| !is_example);
            let Some((_, explained)) = columns else { return line.to_owned() };
            let explained = explained.trim_start();
            format!("{}{}", &line[..line.len() - explained.len()], or_same(explained, find))
        };
        let below: Vec<String> = lines.map(line).collect();
        format!("{}\n{}", or_same(first, find), below.join("\n"))
    };
    english.split("\n\n").map(part).collect::<Vec<_>>().join("\n\n")
}

fn or_same(english: &str, find: Translate<'_>) -> String {
    if english.is_empty() {
        return String::new();
    }
    find(english).unwrap_or_else(|| english.to_owned())
}

/// What clap has laid out, help or an error, with its own words translated. Styles stay. `line` translates
/// what is left: an error has lines that are messages.
pub fn laid_out(text: &str, find: Translate<'_>, line: &dyn Fn(&str) -> String) -> String {
    let mut below_usage = false;
    let mut of = |english: &str| {
        if below_usage && english.starts_with("       ") {
            // It stands below the first command, behind a word that is shorter by a column.
            return english[1..].to_owned();
        }
        below_usage = english.contains("Usage:");
        if !english.starts_with(' ') && WORDS.iter().any(|word| english.contains(word)) {
            let line =
                WORDS.iter().fold(english.to_owned(), |line, word| line.replace(word, &or_same(word, find)));
            // No blank follows a Chinese colon.
            return if below_usage { line.replacen(' ', "", 1) } else { line };
        }
        if let Some(heading) = of_heading(english) {
            return heading;
        }
        let text = english.trim_start();
        let indent = &english[..english.len() - text.len()];
        let (text, aliases) =
            text.split_at(ALIASES.iter().find_map(|form| aliases(text, form)).unwrap_or(text.len()));
        let shown = if text.is_empty() { String::new() } else { line(text) };
        format!("{indent}{shown}{}", or_same(aliases, find))
    };
    text.split('\n').map(&mut of).collect::<Vec<_>>().join("\n")
}

/// A heading of options, which clap ends with a colon of ASCII. It is in Chinese, or one name: `OSS`.
fn of_heading(line: &str) -> Option<String> {
    let (heading, styles) = line.rsplit_once(':')?;
    let is_at_the_end = styles.is_empty() || styles.starts_with('\u{1b}');
    let is_ours = heading.ends_with(|last: char| !last.is_ascii()) || !heading.contains(' ');
    (is_at_the_end && is_ours).then(|| format!("{heading}：{styles}"))
}

/// Where the other names of an argument begin: in a line of their own, or behind its short help.
fn aliases(text: &str, form: &str) -> Option<usize> {
    let begins = &form[..form.len() - "{}]".len()];
    text.rfind(begins).filter(|at| text.ends_with(']') && (*at == 0 || text[..*at].ends_with(' ')))
}
