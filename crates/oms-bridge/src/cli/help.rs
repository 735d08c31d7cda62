//! `--help`, which is short, and `--help-all`.
//!
//! The short help says what a command does, what it needs, its most used options and two examples. An option
//! of a command is left out of it by `hide_short_help`; a setting is shown where its row in the table says so
//! ([`Spec::short_help`]).
//!
//! A usage line names what the command line must have. Settings are none of it, since the environment can
//! give each: the short help lists those that are required.

#[cfg(test)]
use std::iter;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Args, Command, CommandFactory as _};
use serde::Serialize;
use settings::Spec;
use settings::setting::Given;
use terminal::language;
use terminal::layout::paragraph;
use terminal::style::Stream;
use terminal::usage::usage;

use super::{Cli, Ended, Exit, exit, print_json, stdout};
use crate::failure::Failure;
use bridge_config::table;

/// Width of the lines that are added to the short help, the same as clap's.
const WIDEST: usize = 100;

/// Examples in the short help.
const EXAMPLES: usize = 2;

/// Shows the help of a command.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge help copy
  oms-bridge help copy --all"))]
pub(super) struct HelpArgs {
    /// The command [default: an overview of all].
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// All options, not only those that are used most.
    #[arg(long)]
    all: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct HelpText {
    help: String,
}

pub(super) fn run(args: &HelpArgs) -> Ended {
    // What programs read is in English.
    let mut cli = if args.json { command() } else { language::shown(command(), &table::named) };
    cli.build();
    let command = match &args.command {
        None => Some(&mut cli),
        Some(name) => cli.find_subcommand_mut(name),
    };
    let Some(command) = command else {
        let name = args.command.as_deref().unwrap_or_default();
        let why = format!("there is no command {name:?}");
        return Err(Failure::configuration(why).with_remedy("oms-bridge --help lists them"));
    };
    let help = if args.all { command.render_long_help() } else { command.render_help() };
    if args.json {
        print_json(&HelpText { help: help.to_string() });
    } else {
        print_help(&help);
    }
    Ok(Exit::Done)
}

/// Prints a text of clap on stdout.
pub(super) fn print_help(text: &StyledStr) {
    stdout::write(language::laid_out(text, Stream::Stdout).as_bytes());
}

/// The command line with both forms of help.
pub(super) fn command() -> Command {
    let cli = Cli::command().disable_help_subcommand(true);
    let names: Vec<String> = cli.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.iter().fold(with_flags(cli), |cli, name| cli.mut_subcommand(name, shortened))
}

fn with_flags(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort);
    let all = Arg::new("help-all").long("help-all").action(ArgAction::HelpLong);
    command
        .disable_help_flag(true)
        .arg(help.help("Print this help in short").display_order(1000))
        .arg(all.help("Print it with all options").display_order(1001))
}

fn shortened(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let whole = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut parts: Vec<String> = needs(&name).into_iter().collect();
    for part in whole.split("\n\n").filter(|part| !part.starts_with("Exit codes:")) {
        parts.push(if part.starts_with("Examples:") { first_examples(part) } else { part.to_owned() });
    }
    parts.push(format!("All options, and exit codes: oms-bridge {name} --help-all"));
    let usage = usage("oms-bridge", &command);
    with_flags(command).override_usage(usage).after_help(parts.join("\n\n")).after_long_help(whole)
}

/// The first examples; an indented line continues the previous one.
fn first_examples(all: &str) -> String {
    let starts = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let mut left = EXAMPLES;
    let shown = all.lines().take_while(|line| {
        let starts = starts(line);
        let is_shown = left > 0 || !starts;
        left = left.saturating_sub(usize::from(starts));
        is_shown
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// The settings that the command requires.
fn needs(command: &str) -> Option<String> {
    let required = |spec: &&Spec| table::is_required(spec) && spec.short_help.contains(&command);
    let names: Vec<String> = table::of_commands().filter(required).map(both_names).collect();
    if names.is_empty() {
        return None;
    }
    let width = Stream::Stdout.width().map_or(WIDEST, |width| width.min(WIDEST));
    let when = if command == "copy" { "Settings, as SRC and DST need them" } else { "Required settings" };
    Some(paragraph(
        "",
        &format!("{when}, in the environment (or as options): {}", names.join(", ")),
        Some(width),
    ))
}

/// `LOG_BUCKET (--log-bucket)`
fn both_names(spec: &Spec) -> String {
    match spec.given {
        Given::VariableOrOption => format!("{} (--{})", spec.name, spec.option()),
        Given::Variable => spec.name.to_owned(),
    }
}

/// The examples of a help text, each as one shell command.
#[cfg(test)]
fn examples(after_help: &str) -> Vec<String> {
    let section = after_help.split("\n\n").find(|part| part.starts_with("Example")).unwrap_or_default();
    let mut examples: Vec<String> = Vec::new();
    for line in section.lines().skip(1) {
        match examples.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line.trim_start());
            }
            _ => examples.push(line.trim_start().to_owned()),
        }
    }
    examples
}

/// All commands, including those that this build lacks.
#[cfg(test)]
fn all_commands() -> impl Iterator<Item = Command> {
    let mut cli = command();
    cli.build();
    let commands: Vec<Command> = cli.get_subcommands().cloned().collect();
    iter::once(cli).chain(commands)
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;
    use std::ffi::OsString;
    use std::path::PathBuf;

    use terminal::usage::{keep_examples, laid_out};

    use super::super::start;
    use super::*;

    /// Columns of a narrow terminal, which examples fit.
    const NARROW: usize = 60;

    /// The arguments of each `oms-bridge` in a line of a shell.
    fn invocations(line: &str) -> Vec<Vec<String>> {
        let words = shlex::split(line).unwrap_or_else(|| panic!("no shell reads {line:?}"));
        let pieces = words.split(|word| matches!(word.as_str(), "|" | "&&" | ";"));
        let of_ours = |piece: &[String]| {
            let at = piece.iter().position(|word| word == "oms-bridge")?;
            assert!(piece[..at].iter().all(|word| word.contains('=')), "{line}");
            Some(piece[at..].to_vec())
        };
        pieces.filter_map(of_ours).collect()
    }

    #[test]
    fn every_example_can_be_pasted() {
        for command in all_commands() {
            let name = command.get_name().to_owned();
            let texts = [command.get_after_help(), command.get_after_long_help()];
            let texts: Vec<String> = texts.into_iter().flatten().map(ToString::to_string).collect();
            let found: Vec<String> = texts.iter().flat_map(|text| examples(text)).collect();
            assert!(!found.is_empty(), "{name} has no example");
            for example in found {
                assert!(!example.contains(['<', '…']), "{name}: a shell would not take {example}");
                for arguments in invocations(&example) {
                    let parsed = super::command().try_get_matches_from(&arguments);
                    assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                    let named = arguments.get(1).map(String::as_str);
                    assert!(name == "oms-bridge" || named == Some(&name), "{name}: {example}");
                }
            }
        }
    }

    #[test]
    fn the_short_help_is_short_and_the_long_one_complete() {
        for command in all_commands().skip(1) {
            let name = command.get_name().to_owned();
            let shown =
                |arg: &&Arg| !arg.is_hide_set() && !arg.is_hide_short_help_set() && arg.get_long().is_some();
            let is_help = |arg: &&Arg| ["help", "help-all"].contains(&arg.get_id().as_str());
            let options: Vec<&str> = command
                .get_arguments()
                .filter(shown)
                .filter(|arg| !is_help(arg))
                .map(|arg| arg.get_id().as_str())
                .collect();
            assert!(options.len() <= 10, "{name}: {options:?}");
            let short = command.clone().render_help().to_string();
            assert!(short.lines().count() <= 45, "{name}: {short}");
            assert!(short.contains(&format!("oms-bridge {name} --help-all")), "{short}");
            let long = command.clone().render_long_help().to_string();
            for option in command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long) {
                assert!(long.contains(&format!("--{option}")), "{name}: --{option} is not in {long}");
            }
        }
    }

    #[test]
    fn no_example_is_broken_at_the_width_of_the_terminal() {
        for (width, command) in
            [NARROW, 100].into_iter().flat_map(|width| all_commands().map(move |of| (width, of)))
        {
            let written = [command.get_after_help(), command.get_after_long_help()];
            let written: Vec<String> = written.into_iter().flatten().map(ToString::to_string).collect();
            let mut shown = keep_examples(command).term_width(width);
            let texts = [shown.render_help(), shown.render_long_help()];
            let texts = texts.map(|text| laid_out(&text, Stream::Stdout));
            let parts = written.iter().flat_map(|text| text.split("\n\n"));
            let parts: Vec<&str> = parts.filter(|part| part.starts_with("Example")).collect();
            assert!(!parts.is_empty());
            for line in parts.iter().flat_map(|part| part.lines()) {
                assert!(line.len() <= NARROW, "it has to fit a narrow terminal: {line}");
            }
            for part in parts {
                assert!(
                    texts.iter().any(|text| text.contains(part)),
                    "{width}: {part}\nis not in\n{}",
                    texts[0]
                );
            }
            assert!(!texts.iter().any(|text| text.contains('\u{e000}')));
        }
    }

    #[test]
    fn a_usage_line_has_what_the_command_line_must_have_and_no_setting() {
        for command in all_commands().skip(1) {
            let usage = command.clone().render_usage().to_string();
            for setting in command.get_arguments().filter(|arg| arg.get_env().is_some()) {
                assert!(!usage.contains(&format!("--{}", setting.get_long().unwrap())), "{usage}");
            }
            let needed = command.get_positionals().filter(|arg| arg.is_required_set());
            for name in needed.flat_map(|arg| arg.get_value_names().unwrap_or_default()) {
                assert!(usage.contains(&format!("<{name}>")), "{name}: {usage}");
            }
        }
    }

    /// What of the standard library's and of other parsers' words must not reach a user.
    const FOREIGN: [&str; 9] = [
        "invalid digit",
        "invalid float",
        "empty string",
        "is not in ",
        "too large to fit",
        "socket address",
        "relative URL",
        "ParseIntError",
        "provided string",
    ];

    #[test]
    fn an_option_with_a_value_that_it_cannot_read_says_what_it_expects() {
        let text = [TypeId::of::<String>(), TypeId::of::<PathBuf>(), TypeId::of::<OsString>()];
        let is_text = |option: &&Arg| text.iter().any(|id| option.get_value_parser().type_id() == *id);
        let mut read = 0;
        for command in all_commands() {
            let name = command.get_name();
            let options = command.get_arguments().filter(|arg| arg.get_action().takes_values());
            for option in options.filter(|option| !is_text(option)) {
                for value in ["%banana", "-1", "99999999999999999999999", "1,5"] {
                    let given = match option.get_long() {
                        Some(long) => format!("--{long}={value}"),
                        None => value.to_owned(),
                    };
                    let arguments = ["oms-bridge", name, &given].map(OsString::from);
                    let Err(error) = super::command().try_get_matches_from(arguments) else {
                        panic!("{name} {given} is taken")
                    };
                    let told = format!("{} {}", error.render(), start::failure(&error));
                    let expects = ["such as", " from ", "possible values", "unexpected argument"];
                    assert!(expects.iter().any(|words| told.contains(words)), "{name} {given}: {told}");
                    assert!(!FOREIGN.iter().any(|words| told.contains(words)), "{name} {given}: {told}");
                    read += 1;
                }
            }
        }
        assert!(read > 50, "{read}");
    }

    #[test]
    fn an_example_of_several_lines_stays_whole() {
        let text = "Examples:\n  one \\\n    more\n  two\n  three";
        assert_eq!(first_examples(text), "Examples:\n  one \\\n    more\n  two");
        assert_eq!(examples(text), ["one more", "two", "three"]);
    }
}
