//! `--help` in short, `--help-all` in whole.
//!
//! The short help says what a command does, what it needs, its most used options and two examples. An option
//! of a command is left out of it by `hide_short_help`; a setting is shown where its row in the table says so
//! ([`Spec::short_help`]).

#[cfg(test)]
use std::iter;

use clap::{Arg, ArgAction, Args, Command, CommandFactory as _};
use settings::Spec;
use terminal::layout::paragraph;
use terminal::style::Stream;

use super::{Cli, Ended, Exit, exit, language};
use crate::config::table;
use crate::failure::Failure;

/// Lines of the short help that are made here are no longer than this, as those of clap.
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
}

pub(super) fn run(args: &HelpArgs) -> Ended {
    let mut cli = language::shown(command());
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
    let text = if args.all { command.render_long_help() } else { command.render_help() };
    // A closed stdout is the reader's choice.
    language::print(&text, Stream::Stdout, || {
        drop(if args.all { command.print_long_help() } else { command.print_help() });
    });
    Ok(Exit::Done)
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
    with_flags(command).after_help(parts.join("\n\n")).after_long_help(whole)
}

/// The first of the examples; what goes on on a further line belongs to the one before.
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

/// The settings without which the command does nothing.
fn needs(command: &str) -> Option<String> {
    let required = |spec: &&Spec| table::is_required(spec) && spec.short_help.contains(&command);
    let names: Vec<&str> = table::of_commands().filter(required).map(|spec| spec.name).collect();
    if names.is_empty() {
        return None;
    }
    let width = Stream::Stdout.width().map_or(WIDEST, |width| width.min(WIDEST));
    let when = if command == "copy" { "Settings, as SRC and DST need them" } else { "Required settings" };
    Some(paragraph(
        "",
        &format!("{when} (environment, or options of the same name): {}", names.join(", ")),
        Some(width),
    ))
}

/// The examples of a help text, each a command as a shell takes it.
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

/// The command and what it does, for those that complete or list commands.
#[cfg(test)]
fn all_commands() -> impl Iterator<Item = Command> {
    let mut cli = command();
    cli.build();
    let commands: Vec<Command> = cli.get_subcommands().cloned().collect();
    iter::once(cli).chain(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_short_help_is_short_and_the_other_is_whole() {
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
    fn an_example_of_several_lines_stays_whole() {
        let text = "Examples:\n  one \\\n    more\n  two\n  three";
        assert_eq!(first_examples(text), "Examples:\n  one \\\n    more\n  two");
        assert_eq!(examples(text), ["one more", "two", "three"]);
    }
}
