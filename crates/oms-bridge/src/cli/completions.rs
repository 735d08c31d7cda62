//! `completions` and `man`: what a shell completes, and manual pages, both from the command line itself.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Ended, Exit, exit, help};
use crate::failure::Failure;

/// Name of the program in what is generated.
const PROGRAM: &str = "oms-bridge";

/// Prints the script that lets a shell complete commands and options: docs/install.md says where it goes.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge completions bash
  oms-bridge completions zsh"))]
pub(super) struct CompletionsArgs {
    /// Shell that the script is for.
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), PROGRAM, &mut script);
    if args.shell == Shell::Bash {
        script = with_reached_labels(&script);
    }
    // A closed stdout is the reader's choice.
    let _ = io::Write::write_all(&mut io::stdout(), &script);
    Exit::Done
}

/// `clap_complete` 4.6 looks for `oms__bridge__subcmd__copy` and labels it
/// `oms__subcmd__bridge__subcmd__copy`, for a program with a hyphen in its name, so that nothing is completed
/// behind a command.
fn with_reached_labels(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("oms__subcmd__bridge", "oms__bridge").into_bytes()
}

/// Writes manual pages, one for each command.
#[derive(Args)]
#[command(after_help = exit::help("Example:
  oms-bridge man ~/.local/share/man/man1"))]
pub(super) struct ManArgs {
    /// Folder for the pages; it is made if it is not there.
    folder: PathBuf,
}

pub(super) fn man(args: &ManArgs) -> Ended {
    let folder = &args.folder;
    // A page has everything that `--help-all` has.
    let command = shown(help::command());
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written
        .map(|()| Exit::Done)
        .map_err(|error| Failure::configuration(format_args!("{}: {error}", folder.display())))
}

/// The same command with the text of all its options, and of those of its subcommands.
fn shown(command: Command) -> Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(shown)
}
