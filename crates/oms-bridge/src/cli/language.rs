//! The help, and what clap says of wrong arguments, in the language of this process.

#[cfg(feature = "chinese")]
use std::cell::RefCell;
#[cfg(feature = "chinese")]
use std::collections::BTreeSet;

use clap::Command;
use clap::builder::StyledStr;
#[cfg(feature = "chinese")]
use terminal::layout;
use terminal::style::Stream;
use terminal::usage;
#[cfg(feature = "chinese")]
use texts::command::{self, Translate};

use super::variable;
#[cfg(feature = "chinese")]
use crate::config::table;

/// Columns of help where there is no terminal, as clap has it.
#[cfg(feature = "chinese")]
const USUAL_WIDTH: usize = 100;

/// Chooses the language of this process. Settings are described as their table has it.
pub(super) fn start() {
    #[cfg(feature = "chinese")]
    let described = table::all().map(|spec| [spec.about.en, spec.about.zh].map(|text| text.replace('`', "")));
    #[cfg(not(feature = "chinese"))]
    let described = std::iter::empty::<[String; 2]>();
    texts::start(variable, described.map(|[english, chinese]| (english, chinese)));
}

/// The command line as this process shows it.
pub(super) fn shown(command: Command) -> Command {
    #[cfg(feature = "chinese")]
    if let Some(catalogue) = texts::chinese() {
        return translated(command, &|english| catalogue.text(english));
    }
    usage::keep_examples(command)
}

/// The command line with the texts that `find` finds.
#[cfg(feature = "chinese")]
fn translated(command: Command, find: Translate<'_>) -> Command {
    command::translated(command, &|name| table::all().find(|spec| spec.name == name), find)
}

/// What clap has laid out, help or an error, as it goes to `stream`.
pub(super) fn laid_out(text: &StyledStr, stream: Stream) -> String {
    #[cfg(feature = "chinese")]
    if let Some(catalogue) = texts::chinese() {
        // Help is made of texts that are translated; an error has lines that are not.
        let line = |line: &str| match stream {
            Stream::Stdout => line.to_owned(),
            Stream::Stderr => catalogue.line(line),
        };
        let text = usage::laid_out(text, stream);
        let text = command::laid_out(&text, &|text| catalogue.text(text), &line);
        return layout::help(&text, stream.width().unwrap_or(USUAL_WIDTH));
    }
    usage::laid_out(text, stream)
}

/// The texts of all help of this command line.
#[cfg(feature = "chinese")]
pub(super) fn texts_of(command: Command) -> BTreeSet<String> {
    let found = RefCell::new(BTreeSet::new());
    let find = |text: &str| {
        found.borrow_mut().insert(text.to_owned());
        None
    };
    let _ = translated(command, &find);
    for word in command::WORDS {
        drop(find(word));
    }
    found.into_inner()
}
