//! How the demo looks: plain lines, coloured on a terminal, readable in a log file.

use std::io::{self, Write as _};
use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};

use settings::text::printable;

/// Widest object name that is shown whole.
const NAME: usize = 34;

/// Where the commentary goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// It is the result.
    Stdout,
    /// The result on stdout is for a program.
    Stderr,
}

impl Screen {
    /// One line.
    pub fn line(self, text: &str) {
        // Nobody is left to be told when the reader has gone.
        let _ = match self {
            Self::Stdout => writeln!(io::stdout(), "{text}"),
            Self::Stderr => writeln!(io::stderr(), "{text}"),
        };
    }

    /// The title of an act.
    pub fn title(self, text: &str) {
        self.line("");
        self.line(&self.style(text).bold().to_string());
    }

    /// Something that went well.
    pub fn good(self, key: &str, detail: &str) {
        self.line(&format!("  {} {}  {detail}", self.style("✓").green(), name(key)));
    }

    /// Something that did not.
    pub fn bad(self, key: &str, detail: &str) {
        self.line(&format!("  {} {}  {detail}", self.style("✗").red(), name(key)));
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
            let line = format!("  {}", cells.join("   "));
            self.line(&if index == 0 { self.style(line.trim_end()).dim().to_string() } else { line });
        }
    }

    fn style(self, text: &str) -> console::StyledObject<&str> {
        match self {
            Self::Stdout => style(text),
            Self::Stderr => style(text).for_stderr(),
        }
    }
}

/// A key as it is shown: escaped, and cut where it is too long.
pub fn shown(key: &str) -> String {
    truncate_str(&printable(key), NAME, "…").into_owned()
}

fn name(key: &str) -> String {
    pad_str(&shown(key), NAME, Alignment::Left, None).into_owned()
}

/// A time in milliseconds.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
