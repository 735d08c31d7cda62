//! `completions` and `man`: shell completions and manual pages, both generated from the command line.

use std::iter;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use super::{Ended, Exit, exit, help, print_json, stdout};
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
    /// Print one JSON object as the result, with the script in it.
    #[arg(long)]
    json: bool,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), PROGRAM, &mut script);
    if args.shell == Shell::Bash {
        script = with_reached_labels(&script);
    }
    if args.json {
        let script = String::from_utf8_lossy(&script).into_owned();
        print_json(&Completions { shell: args.shell.to_string(), script });
    } else {
        stdout::write(&script);
    }
    Exit::Done
}

/// `clap_complete` 4.6 jumps to the label `oms__bridge__subcmd__copy` but writes
/// `oms__subcmd__bridge__subcmd__copy` if the program has a hyphen in its name, so nothing would be completed
/// after a command.
fn with_reached_labels(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("oms__subcmd__bridge", "oms__bridge").into_bytes()
}

/// Writes manual pages, one for each command.
#[derive(Args)]
#[command(after_help = exit::help("Example:
  oms-bridge man ~/.local/share/man/man1"))]
pub(super) struct ManArgs {
    /// Folder for the pages; it is created if it does not exist.
    folder: PathBuf,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct ManPages {
    folder: String,
    pages: Vec<String>,
}

pub(super) fn man(args: &ManArgs) -> Ended {
    let folder = &args.folder;
    // A page contains everything that `--help-all` shows.
    let command = shown(help::command());
    let names = command.get_subcommands().map(|command| format!("{PROGRAM}-{}.1", command.get_name()));
    let pages: Vec<String> = iter::once(format!("{PROGRAM}.1")).chain(names).collect();
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    if let Err(error) = written {
        let failure = Failure::configuration(format_args!("{:?}: {error}", folder.display()));
        return Err(failure.of_setting("FOLDER").with_remedy("name a folder that can be written to"));
    }
    if args.json {
        print_json(&ManPages { folder: folder.display().to_string(), pages });
    }
    Ok(Exit::Done)
}

/// The command with all options shown, also in its subcommands.
fn shown(command: Command) -> Command {
    command.mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(shown)
}
