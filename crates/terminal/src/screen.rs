//! The output of `demo` and `dev`: plain lines, coloured on a terminal, readable in a log file and on a
//! narrow screen.

use std::io::{self, Write as _};
use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};

use crate::layout::paragraph;
use crate::stderr;
use crate::style::Stream;
use settings::text::printable;

/// Widest object name that is shown in full, if there is room for it.
const NAME: usize = 34;

/// Narrowest column of names.
const NARROWEST: usize = 12;

/// Width of the other columns.
const OTHERS: usize = 46;

/// The stream that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// stdout: the text is the result.
    Stdout,
    /// stderr: the result on stdout is for a program.
    Stderr,
}

impl Screen {
    /// One line.
    pub fn line(self, text: &str) {
        match self {
            // An error means that the reader has closed the stream.
            Self::Stdout => drop(writeln!(io::stdout(), "{text}")),
            Self::Stderr => stderr::styled(text),
        }
    }

    /// Text behind `first`, wrapped at the width of the terminal with a hanging indent.
    pub fn paragraph(self, first: &str, text: &str) {
        for line in paragraph(first, text, self.width()).lines() {
            self.line(line);
        }
    }

    /// The title of a step.
    pub fn title(self, text: &str) {
        self.line("");
        for line in paragraph("", text, self.width()).lines() {
            self.line(&self.style(line).bold().to_string());
        }
    }

    /// A success.
    pub fn good(self, key: &str, detail: &str) {
        self.about(&self.style("✓").green().to_string(), key, detail);
    }

    /// A failure.
    pub fn bad(self, key: &str, detail: &str) {
        self.about(&self.style("✗").red().to_string(), key, detail);
    }

    fn about(self, mark: &str, key: &str, detail: &str) {
        let name = pad_str(&self.shown(key), self.name_width(), Alignment::Left, None).into_owned();
        self.paragraph(&format!("  {mark} {name}  "), detail);
    }

    /// A table with a header row; the first column is aligned left, the others right.
    pub fn table(self, rows: &[Vec<String>]) {
        let columns = rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0))
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    let alignment = if column == 0 { Alignment::Left } else { Alignment::Right };
                    pad_str(cell, *width, alignment, None).into_owned()
                })
                .collect();
            let line = format!("  {}", cells.join("  "));
            self.line(&if index == 0 { self.style(line.trim_end()).dim().to_string() } else { line });
        }
    }

    /// A key for display: escaped, and truncated if it is too long.
    pub fn shown(self, key: &str) -> String {
        truncate_str(&printable(key), self.name_width(), "…").into_owned()
    }

    fn name_width(self) -> usize {
        self.width().map_or(NAME, |width| width.saturating_sub(OTHERS).clamp(NARROWEST, NAME))
    }

    fn width(self) -> Option<usize> {
        self.stream().width()
    }

    fn stream(self) -> Stream {
        match self {
            Self::Stdout => Stream::Stdout,
            Self::Stderr => Stream::Stderr,
        }
    }

    fn style(self, text: &str) -> console::StyledObject<&str> {
        match self {
            Self::Stdout => style(text),
            Self::Stderr => style(text).for_stderr(),
        }
    }
}

/// A time in milliseconds.
pub fn millis(time: Duration) -> String {
    format!("{:.1}ms", time.as_secs_f64() * 1000.0)
}
