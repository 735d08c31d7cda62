//! Whether to use colours, and the width of the terminal.

use std::env;
use std::io::{self, IsTerminal as _};

use console::Term;

/// An output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Stdout,
    /// Everything else.
    Stderr,
}

/// Least width that output is laid out for.
const NARROWEST: usize = 40;

impl Stream {
    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }

    /// Whether to use colours on it.
    pub fn has_colours(self) -> bool {
        may_have_colours(self.is_terminal(), |name| env::var(name).ok())
    }

    /// The number of columns: `COLUMNS`, else those of the terminal. `None` if lines may be of any length.
    pub fn width(self) -> Option<usize> {
        said_columns().or_else(|| self.terminal_columns()).map(|columns| columns.max(NARROWEST))
    }

    /// How many columns a line that is written over may have: those of the terminal, and no more than
    /// `COLUMNS` says. `None` where it may be of any length.
    pub(crate) fn columns(self) -> Option<usize> {
        said_columns().into_iter().chain(self.terminal_columns()).min()
    }

    fn terminal_columns(self) -> Option<usize> {
        let term = match self {
            Self::Stdout => Term::stdout(),
            Self::Stderr => Term::stderr(),
        };
        term.size_checked().map(|(_, columns)| usize::from(columns))
    }
}

fn said_columns() -> Option<usize> {
    let said = env::var("COLUMNS").ok()?.trim().parse().ok();
    said.filter(|columns| *columns > 0)
}

/// The rules of `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR` ([no-color.org](https://no-color.org),
/// [bixense.com/clicolors](https://bixense.com/clicolors)), in that order. clap follows the same rules.
fn may_have_colours(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && set("CLICOLOR").as_deref() != Some("0") && set("TERM").as_deref() != Some("dumb")
}

/// Passes [`Stream::has_colours`] on to the library that styles text. Call it at the start.
pub fn start() {
    console::set_colors_enabled(Stream::Stdout.has_colours());
    console::set_colors_enabled_stderr(Stream::Stderr.has_colours());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_the_environment_says_otherwise() {
        let cases = [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (true, &[("CLICOLOR", "0")], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        ];
        for (is_terminal, variables, expected) in cases {
            let variable = |wanted: &str| {
                variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(may_have_colours(is_terminal, variable), expected, "{is_terminal} {variables:?}");
        }
    }
}
