//! What a comparison of both sides found: the report of `reconcile`, read line by line. Memory does not grow
//! with its length.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// Keys that are named, of all that are not equal.
const NAMED: usize = 20;

/// The longest line that is read: two sizes of a key, and what is around it.
const LONGEST: u64 = 64 * 1024;

/// The keys of a report by result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Keys that were compared.
    pub compared: u64,
    /// Keys of which both sides hold the same object.
    pub equal: u64,
    /// Keys of which they hold different ones.
    pub different: u64,
    /// Keys that only the source has.
    pub missing: u64,
    /// Keys that only the destination has.
    pub extra: u64,
    /// Keys of which it is not known.
    pub undecided: u64,
    /// Keys that could not be looked at.
    pub failed: u64,
    /// By what equal keys were judged, if the report says so.
    pub equal_by: BTreeMap<String, u64>,
    /// The first keys that are not equal.
    pub examples: Vec<Difference>,
}

/// A key that is not equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// What was found.
    pub result: Finding,
}

/// What was found of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Both sides hold the same object.
    Equal,
    /// They hold different ones.
    Different,
    /// Only the source has it.
    Missing,
    /// Only the destination has it.
    Extra,
    /// It is not known.
    Undecided,
    /// It could not be looked at.
    Failed,
}

/// A line of the report.
#[derive(Deserialize)]
struct Line {
    key: String,
    result: Finding,
    by: Option<String>,
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// A line is none of a report. User action: name the file that `reconcile --report` wrote.
    #[error("line {number} is not one of a report of reconcile")]
    Malformed {
        /// The number of the line, from 1.
        number: u64,
    },
}

impl Reconciled {
    /// Reads a report: JSON lines, or the lines of text that begin with a sign.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn read(mut report: impl BufRead) -> Result<Self, ReportError> {
        let (mut found, mut line) = (Self::default(), Vec::new());
        for number in 1.. {
            line.clear();
            let read = io::Read::take(&mut report, LONGEST).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            found.add(parse(&line).ok_or(ReportError::Malformed { number })?);
        }
        Ok(found)
    }

    fn add(&mut self, line: Line) {
        self.compared += 1;
        *match line.result {
            Finding::Equal => &mut self.equal,
            Finding::Different => &mut self.different,
            Finding::Missing => &mut self.missing,
            Finding::Extra => &mut self.extra,
            Finding::Undecided => &mut self.undecided,
            Finding::Failed => &mut self.failed,
        } += 1;
        match (line.result, line.by) {
            (Finding::Equal, by) => *self.equal_by.entry(by.unwrap_or_default()).or_default() += 1,
            (result, _) if self.examples.len() < NAMED => {
                self.examples.push(Difference { key: line.key, result });
            }
            _ => {}
        }
    }
}

fn parse(line: &[u8]) -> Option<Line> {
    let line = str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let (sign, key) = line.split_once(' ')?;
    let result = match sign {
        "=" => Finding::Equal,
        "*" => Finding::Different,
        "+" => Finding::Missing,
        "-" => Finding::Extra,
        "?" => Finding::Undecided,
        "!" => Finding::Failed,
        _ => return None,
    };
    Some(Line { key: key.to_owned(), result, by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_counted_alike() {
        let json = concat!(
            r#"{"key":"a","result":"equal","by":"crc64","source":{"size":1},"destination":{"size":1}}"#,
            "\n",
            r#"{"key":"b","result":"missing","source":{"size":1}}"#,
            "\n",
            r#"{"key":"c","result":"undecided","why":"size_only"}"#,
        );
        let read = Reconciled::read(json.as_bytes()).unwrap();
        assert_eq!((read.compared, read.equal, read.missing, read.undecided), (3, 1, 1, 1));
        assert_eq!(read.equal_by, BTreeMap::from([("crc64".to_owned(), 1)]));
        let named: Vec<_> = read.examples.iter().map(|example| (&*example.key, example.result)).collect();
        assert_eq!(named, [("b", Finding::Missing), ("c", Finding::Undecided)]);

        let text = Reconciled::read("= a\n+ b c\n? c\n".as_bytes()).unwrap();
        assert_eq!((text.compared, text.equal, text.missing, text.undecided), (3, 1, 1, 1));
        assert_eq!(text.examples[0].key, "b c");
    }

    #[test]
    fn a_file_of_another_kind_is_refused_with_its_line() {
        for (text, line) in [("= a\nabc\n", 2), ("{\"key\":1}\n", 1), ("= a\n\n", 2)] {
            let error = Reconciled::read(text.as_bytes()).unwrap_err();
            assert!(
                matches!(error, ReportError::Malformed { number } if number == line),
                "{text:?}: {error}"
            );
        }
        let endless = "= ".to_owned() + &"x".repeat(100_000);
        assert!(Reconciled::read(endless.as_bytes()).is_err());
    }

    #[test]
    fn the_number_of_examples_is_bounded() {
        let many = "+ key\n".repeat(1000);
        let read = Reconciled::read(many.as_bytes()).unwrap();
        assert_eq!((read.missing, read.examples.len()), (1000, NAMED));
    }
}
