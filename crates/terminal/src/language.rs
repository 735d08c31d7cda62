//! The language of this process, and help and errors of clap in it.

#[cfg(feature = "chinese")]
use std::cell::RefCell;
#[cfg(feature = "chinese")]
use std::collections::BTreeSet;

use clap::Command;
use clap::builder::StyledStr;
use settings::Spec;
#[cfg(feature = "chinese")]
use texts::command;

#[cfg(feature = "chinese")]
use crate::layout;
use crate::style::Stream;
use crate::usage;

/// Columns of help where there is no terminal, as clap has it.
#[cfg(feature = "chinese")]
const USUAL_WIDTH: usize = 100;

/// Chooses the language of this process, from the variables of the environment. Settings are described as
/// their table has it.
pub fn start(variable: impl Fn(&str) -> Option<String>, settings: impl IntoIterator<Item = &'static Spec>) {
    texts::start(variable, described(settings));
}

/// What the table of settings says of them, in English and in Chinese, as messages have it.
pub fn described(
    settings: impl IntoIterator<Item = &'static Spec>,
) -> impl Iterator<Item = (String, String)> {
    let text = |text: &str| text.replace('`', "");
    let texts = settings.into_iter().flat_map(|spec| [spec.about, spec.only]);
    texts.map(move |both| (text(both.en), text(both.zh))).filter(|(english, _)| !english.is_empty())
}

/// The command line as this process shows it. `setting` finds the row of a setting.
#[cfg_attr(not(feature = "chinese"), expect(unused_variables, reason = "all of it is English"))]
pub fn shown(command: Command, setting: &dyn Fn(&str) -> Option<&'static Spec>) -> Command {
    #[cfg(feature = "chinese")]
    if let Some(catalogue) = texts::chinese() {
        return command::translated(command, setting, &|english| catalogue.text(english));
    }
    usage::keep_examples(command)
}

/// What clap has laid out, help or an error, as it goes to `stream`.
pub fn laid_out(text: &StyledStr, stream: Stream) -> String {
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

/// The texts of all help of this command line, for the test that holds the table of translations complete.
#[cfg(feature = "chinese")]
pub fn texts_of(command: Command, setting: &dyn Fn(&str) -> Option<&'static Spec>) -> BTreeSet<String> {
    let found = RefCell::new(BTreeSet::new());
    let find = |text: &str| {
        found.borrow_mut().insert(text.to_owned());
        None
    };
    let _ = command::translated(command, setting, &find);
    found.borrow_mut().extend(command::WORDS.into_iter().chain(command::ALIASES).map(str::to_owned));
    found.into_inner()
}
