//! Tables and paragraphs within the width of the terminal.

pub use console::measure_text_width;
use texts::language::Language;

use crate::chinese;

/// How the cells of a column are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left.
    Left,
    /// Right.
    Right,
}

/// Least width of the last column of a table; if there is less room, it is not wrapped here.
const NARROWEST: usize = 16;

/// Rows as lines, indented by two, each column as wide as its widest cell. If that exceeds `width`, the last
/// column is wrapped.
pub fn table<const N: usize>(align: [Align; N], rows: &[[String; N]], width: Option<usize>) -> String {
    let widest = |column: usize| rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(widest);
    let before: usize = 2 + widths[..N.saturating_sub(1)].iter().map(|width| width + 2).sum::<usize>();
    let room = width.and_then(|width| width.checked_sub(before)).filter(|room| *room >= NARROWEST);
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        let mut rest = Vec::new();
        for (column, ((cell, width), align)) in row.iter().zip(widths).zip(align).enumerate() {
            let mut lines = match room {
                Some(room) if column == N - 1 => broken(cell, room),
                _ => vec![cell.clone()],
            };
            let first = lines.remove(0);
            rest = lines;
            let padding = " ".repeat(width.saturating_sub(measure_text_width(&first)));
            match align {
                Align::Left => line.extend([" ", &first, &padding, " "]),
                Align::Right => line.extend([" ", &padding, &first, " "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
        for more in rest {
            text.push_str(&" ".repeat(before));
            text.push_str(&more);
            text.push('\n');
        }
    }
    text
}

/// A text with blanks behind it up to `width` columns.
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// A paragraph behind `first`, with a hanging indent. Words are never broken, so that keys and commands can
/// be copied.
pub fn paragraph(first: &str, text: &str, width: Option<usize>) -> String {
    let indent = measure_text_width(first);
    let lines = match width.and_then(|width| width.checked_sub(indent)).filter(|room| *room >= NARROWEST) {
        Some(room) => broken(text, room),
        None => vec![text.to_owned()],
    };
    let mut whole = first.to_owned();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            whole.push('\n');
            whole.push_str(&" ".repeat(indent));
        }
        whole.push_str(line);
    }
    whole
}

/// Stands for a blank where no line may be broken: a character of the private use area, one column wide.
const KEPT_BLANK: char = '\u{e000}';

/// Text that a layout which breaks lines at blanks leaves as it is. [`with_blanks`] ends that.
pub fn unbroken(text: &str) -> String {
    text.replace(' ', KEPT_BLANK.encode_utf8(&mut [0; 4]))
}

/// Text after its layout, with all its blanks.
pub fn with_blanks(text: &str) -> String {
    text.replace(KEPT_BLANK, " ")
}

/// At least one line, none wider than `room` unless one word is.
fn broken(text: &str, room: usize) -> Vec<String> {
    if measure_text_width(text) <= room {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let pieces = match texts::language() {
            Language::English => vec![word],
            Language::Chinese => chinese::pieces(word, room),
        };
        for (index, piece) in pieces.into_iter().enumerate() {
            let Some(line) = lines.last_mut() else { break };
            let blank = usize::from(index == 0 && !line.is_empty());
            if line.is_empty() || measure_text_width(line) + blank + measure_text_width(piece) <= room {
                line.push_str(&" ".repeat(blank));
                line.push_str(piece);
            } else {
                lines.push(piece.to_owned());
            }
        }
    }
    lines
}

/// Where the text of a list begins that has no room beside its names, as in the help of clap.
const BELOW: usize = 10;

/// Help text as it was laid out for lines of any length: what is too wide goes on below the beginning of its
/// text, which is the second column of a list. A text with a word that is too wide for that column begins on
/// a line of its own. A line without Chinese in it is a command, and stays whole.
pub fn help(text: &str, width: usize) -> String {
    let line = |line: &str| {
        if measure_text_width(line) <= width || !chinese::is_in(line) {
            return line.to_owned();
        }
        let start = line.len() - line.trim_start().len();
        let column = line[start..].find("  ").filter(|_| start > 0).map_or(start, |end| {
            let rest = &line[start + end..];
            start + end + rest.len() - rest.trim_start().len()
        });
        let (first, text) = line.split_at(column);
        let room = width.saturating_sub(measure_text_width(first));
        if start < column && broken(text, room).iter().any(|line| measure_text_width(line) > room) {
            return format!("{}\n{}", first.trim_end(), paragraph(&" ".repeat(BELOW), text, Some(width)));
        }
        paragraph(first, text, Some(width))
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(a: &str, b: &str) -> [String; 2] {
        [a.to_owned(), b.to_owned()]
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [row("a", "10"), row("long", "5"), row("测", "1")];
        let text = table([Align::Left, Align::Right], &rows, None);
        assert_eq!(text, "  a     10\n  long   5\n  测     1\n");
    }

    #[test]
    fn the_last_column_is_wrapped_at_the_width_of_the_terminal() {
        let rows = [row("auth", "which credentials to check"), row("b", "short")];
        let text = table([Align::Left, Align::Left], &rows, Some(26));
        assert_eq!(text, "  auth  which credentials\n        to check\n  b     short\n");
        let whole = table([Align::Left, Align::Left], &rows, Some(20));
        assert!(whole.starts_with("  auth  which credentials to check\n"), "there is no room to break it in");
    }

    #[test]
    fn text_that_is_not_to_be_broken_stays_whole() {
        let command = "oms-bridge copy  a b";
        let text = paragraph("", &format!("run {} now and again", unbroken(command)), Some(18));
        assert_eq!(with_blanks(&text), format!("run\n{command}\nnow and again"));
    }

    #[test]
    fn words_stay_whole() {
        let key = "k".repeat(40);
        let text = paragraph("  do  ", &format!("look at {key} and then again at it"), Some(30));
        assert_eq!(text, format!("  do  look at\n      {key}\n      and then again at it"));
    }
}
