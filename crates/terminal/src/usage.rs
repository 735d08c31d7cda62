//! Help texts and errors of clap: usage lines, examples, and what is wrong with arguments.

use std::error::Error as _;
use std::ffi::OsString;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use settings::Invalid;

use crate::layout::{unbroken, with_blanks};
use crate::style::Stream;

/// What the command line of `program` must have for `command`. Left to itself, an error lists in its place
/// all that was given, with the settings that the environment gives.
pub fn usage(program: &str, command: &Command) -> String {
    let mut command = command.clone().bin_name(format!("{program} {}", command.get_name()));
    let usage = command.render_usage().to_string();
    usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned()
}

/// The same command line with examples, behind the options, that no width of a terminal breaks: they are
/// there to be pasted. Its texts are shown by [`laid_out`].
#[must_use]
pub fn keep_examples(command: Command) -> Command {
    let kept = |text: &StyledStr| {
        let text = text.to_string();
        let parts = text.split("\n\n");
        let parts =
            parts.map(|part| if part.starts_with("Example") { unbroken(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("\n\n")
    };
    let [short, long] = [command.get_after_help(), command.get_after_long_help()].map(|text| text.map(kept));
    let command = command.after_help(short.unwrap_or_default()).mut_subcommands(keep_examples);
    match long {
        Some(long) => command.after_long_help(long),
        None => command,
    }
}

/// A text of clap as it goes to `stream`.
pub fn laid_out(text: &StyledStr, stream: Stream) -> String {
    with_blanks(&if stream.has_colours() { text.ansi().to_string() } else { text.to_string() })
}

/// An error without the tip to write `--` before an unknown option, where `command` refuses that too: all its
/// arguments are given already.
#[must_use]
pub fn with_usable_tip(mut error: clap::Error, command: Command, arguments: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let unknown = argument(&error).unwrap_or_default();
    let begins = |given: &OsString| given.to_str().is_some_and(|given| given.starts_with(unknown));
    let mut escaped = arguments.to_vec();
    if let Some(at) = arguments.iter().position(begins) {
        escaped.insert(at, "--".into());
    }
    if command.try_get_matches_from(escaped).is_err() {
        error.remove(ContextKind::Suggested);
    }
    error
}

/// What is wrong with arguments, for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongArguments {
    /// What is wrong, in one line.
    pub message: String,
    /// The option or argument by its name alone: `--read`, `KEY`.
    pub argument: Option<String>,
    /// What is allowed, or what was probably meant.
    pub remedy: Option<String>,
}

impl From<&clap::Error> for WrongArguments {
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        let argument = argument(error).map(str::to_owned);
        match error.source().and_then(|source| source.downcast_ref::<Invalid>()) {
            Some(invalid) => Self {
                message: invalid.what().to_owned(),
                argument,
                remedy: invalid.remedy().map(str::to_owned),
            },
            None => Self {
                message: one_line(text.split("\n\n").next().unwrap_or(text)),
                argument,
                remedy: remedy(error),
            },
        }
    }
}

/// `--read` of `--read <N>`, `KEY` of `<KEY>...`.
fn argument(error: &clap::Error) -> Option<&str> {
    let written = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(argument) => argument,
        ContextValue::Strings(arguments) => arguments.first()?,
        _ => return None,
    };
    let name = if written.starts_with('-') { written.split([' ', '=', '[']).next() } else { None };
    Some(name.unwrap_or_else(|| written.trim_matches(['<', '>', '[', ']', '.'])))
}

fn remedy(error: &clap::Error) -> Option<String> {
    let words = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.as_str()],
        Some(ContextValue::Strings(words)) => words.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let allowed = words(ContextKind::ValidValue);
    if !allowed.is_empty() {
        return Some(format!("allowed: {}", allowed.join(", ")));
    }
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    match suggested.into_iter().flat_map(words).next() {
        Some(meant) => Some(format!("probably {meant} is meant")),
        None => Some(one_line(&error.get(ContextKind::Usage)?.to_string())),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let key = Arg::new("KEY").required(true);
        let read = Arg::new("read").long("read").value_parser(|text: &str| {
            text.parse::<u8>().map_err(|_| Invalid::new("is no number").with_remedy("such as 5"))
        });
        let level = Arg::new("level").long("level").env("LEVEL").value_parser(["low", "high"]);
        Command::new("look").args([key, read, level])
    }

    fn wrong(arguments: &[&str]) -> (String, String, String) {
        let error = command().try_get_matches_from(arguments).unwrap_err();
        let WrongArguments { message, argument, remedy } = (&error).into();
        (message, argument.unwrap_or_default(), remedy.unwrap_or_default())
    }

    #[test]
    fn an_option_is_named_without_its_value_and_what_is_allowed_is_said() {
        let told = |message: &str, argument: &str, remedy: &str| {
            (message.to_owned(), argument.to_owned(), remedy.to_owned())
        };
        assert_eq!(wrong(&["look", "a", "--read", "x"]), told("is no number", "--read", "such as 5"));
        let (_, argument, remedy) = wrong(&["look", "a", "--level=x"]);
        assert_eq!((&*argument, &*remedy), ("--level", "allowed: low, high"));
        let (_, argument, remedy) = wrong(&["look", "a", "--reed", "5"]);
        assert_eq!((&*argument, &*remedy), ("--reed", "probably --read is meant"));
        let (message, argument, remedy) = wrong(&["look"]);
        assert_eq!(message, "the following required arguments were not provided: <KEY>");
        assert_eq!((&*argument, &*remedy), ("KEY", "Usage: look <KEY>"));
    }

    #[test]
    fn dashes_before_an_unknown_option_are_proposed_only_where_they_help() {
        let shown = |arguments: &[&str]| {
            let error = command().try_get_matches_from(arguments).unwrap_err();
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            with_usable_tip(error, command(), &arguments).to_string()
        };
        assert!(shown(&["look", "-n"]).contains("use '-- -n'"));
        for arguments in [&["look", "a", "-n"][..], &["look", "-n", "a"]] {
            let shown = shown(arguments);
            assert!(shown.contains("unexpected argument '-n'") && !shown.contains("-- -n"), "{shown}");
        }
    }

    #[test]
    fn the_usage_has_the_program_and_what_must_be_given() {
        assert_eq!(usage("program", &command()), "program look [OPTIONS] <KEY>");
    }

    #[test]
    fn an_example_stays_whole_and_a_note_does_not() {
        let example = "Example:\n  program look --level high a-key-that-is-long";
        let note = "a note of some length ".repeat(5);
        let command = command().after_help(format!("{example}\n\n{note}"));
        let shown = keep_examples(command).term_width(30).render_help();
        let shown = laid_out(&shown, Stream::Stdout);
        assert!(shown.contains(example), "{shown}");
        assert!(!shown.contains(note.trim()), "{shown}");
    }
}
