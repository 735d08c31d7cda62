//! The commands that this build lacks: still listed, and running one says how to get it.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::exit;
use crate::failure::Failure;
use crate::features;

/// A missing command.
#[derive(Subcommand)]
pub(super) enum LeftOut {
    /// Not in this build: forwards the object events in a queue of Amazon SQS.
    #[cfg(not(feature = "aws"))]
    #[command(after_help = help("aws", "consume"))]
    Consume(Anything),
    /// Not in this build: serves uploads straight from browsers to OSS.
    #[cfg(not(feature = "desk"))]
    #[command(after_help = help("desk", "desk"))]
    Desk(Anything),
    /// Not in this build: shows the main job on a local cloud.
    #[cfg(not(feature = "demo"))]
    #[command(after_help = help("demo", "demo"))]
    Demo(Anything),
    /// Not in this build: runs the local cloud with the function on it until Ctrl-C.
    #[cfg(not(feature = "demo"))]
    #[command(after_help = help("demo", "dev"))]
    Dev(Anything),
    /// Not in this build: prints the script that lets a shell complete commands.
    #[cfg(not(feature = "completions"))]
    #[command(after_help = help("completions", "completions"))]
    Completions(Anything),
    /// Not in this build: writes manual pages.
    #[cfg(not(feature = "completions"))]
    #[command(after_help = help("completions", "man"))]
    Man(Anything),
}

/// Accepts all arguments of the missing command.
#[derive(Args)]
pub(super) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

fn help(feature: &str, command: &str) -> String {
    exit::help(&format!("Note: {}.", missing(feature, command)))
}

fn missing(feature: &str, command: &str) -> String {
    features::missing(feature, &format!("the command `{command}`"))
}

/// The failure that says how to get it.
pub(super) fn failure(asked: &LeftOut) -> Failure {
    let (feature, command) = match asked {
        #[cfg(not(feature = "aws"))]
        LeftOut::Consume(_) => ("aws", "consume"),
        #[cfg(not(feature = "desk"))]
        LeftOut::Desk(_) => ("desk", "desk"),
        #[cfg(not(feature = "demo"))]
        LeftOut::Demo(_) => ("demo", "demo"),
        #[cfg(not(feature = "demo"))]
        LeftOut::Dev(_) => ("demo", "dev"),
        #[cfg(not(feature = "completions"))]
        LeftOut::Completions(_) => ("completions", "completions"),
        #[cfg(not(feature = "completions"))]
        LeftOut::Man(_) => ("completions", "man"),
    };
    Failure::configuration(missing(feature, command))
}
