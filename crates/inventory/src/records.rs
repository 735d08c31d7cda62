//! Rows of a CSV file, of bounded length, with their lines.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

/// Longest row in bytes. Keys have at most 1 KiB, thrice that encoded; the largest of the other columns are
/// tags and access lists.
const LONGEST: usize = 1 << 20;

/// Most columns of a row.
const MOST_COLUMNS: usize = 256;

/// Reads rows one by one into the same memory.
pub(crate) struct Records<R> {
    input: R,
    parser: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// Line breaks before rows that the parser did not see.
    skipped: u64,
}

/// A row, and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'r> {
    fields: &'r [u8],
    ends: &'r [usize],
    /// The line that it begins on.
    pub(crate) line: u64,
}

/// Why there is no further row.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// The file cannot be read.
    Io(io::Error),
    /// The row that begins on this line cannot be one.
    Row { line: u64, why: String },
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(input: R) -> Self {
        let fields = vec![0; 4096];
        Self { input, parser: csv_core::Reader::new(), fields, ends: vec![0; 64], skipped: 0 }
    }

    /// The next row. Empty lines are none.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        self.skip_line_breaks().map_err(RecordError::Io)?;
        let line = self.parser.line() + self.skipped;
        let (mut length, mut columns) = (0, 0);
        loop {
            let (result, read, wrote, ended) = {
                let input = self.input.fill_buf().map_err(RecordError::Io)?;
                let (fields, ends) = (&mut self.fields[length..], &mut self.ends[columns..]);
                self.parser.read_record(input, fields, ends)
            };
            self.input.consume(read);
            length += wrote;
            columns += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.fields.len() < LONGEST => {
                    self.fields.resize(self.fields.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_COLUMNS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull => {
                    let why = format!("the row is longer than {LONGEST} bytes: a quote may not be closed");
                    return Err(RecordError::Row { line, why });
                }
                ReadRecordResult::OutputEndsFull => {
                    let why = format!("the row has more than {MOST_COLUMNS} columns");
                    return Err(RecordError::Row { line, why });
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        Ok(Some(Record { fields: &self.fields[..length], ends: &self.ends[..columns], line }))
    }

    fn skip_line_breaks(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let breaks = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let lines = input.iter().take(breaks).filter(|byte| **byte == b'\n').count();
            self.skipped += lines as u64;
            let more = breaks > 0 && breaks == input.len();
            self.input.consume(breaks);
            if !more {
                return Ok(());
            }
        }
    }
}

impl<'r> Record<'r> {
    /// The number of columns.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A column; empty if there is none.
    pub(crate) fn field(&self, column: usize) -> &'r [u8] {
        let begin = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(column).copied().unwrap_or(begin);
        self.fields.get(begin..end).unwrap_or_default()
    }

    /// All columns.
    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = &'r [u8]> + use<'r> {
        let record = *self;
        (0..record.len()).map(move |column| record.field(column))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read as _};

    use super::*;

    fn rows(text: &str, chunk: usize) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(BufReader::with_capacity(chunk, text.as_bytes()));
        let mut rows = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let fields = record.fields().map(|field| String::from_utf8(field.to_vec()).unwrap());
            rows.push((record.line, fields.collect()));
        }
        rows
    }

    #[test]
    fn quotes_commas_and_newlines_are_part_of_a_field() {
        let text = "\"b\",\"a,\"\"x\"\"\n y\",\"\"\r\nb,k2,7\n\n\nb,\"k3\",";
        let expected: [(u64, &[&str]); 3] =
            [(1, &["b", "a,\"x\"\n y", ""]), (3, &["b", "k2", "7"]), (6, &["b", "k3", ""])];
        let expected =
            expected.map(|(line, row)| (line, row.iter().map(|&field| field.to_owned()).collect::<Vec<_>>()));
        for chunk in [1, 2, 7, 4096] {
            assert_eq!(rows(text, chunk), expected, "{chunk}");
        }
    }

    #[test]
    fn nothing_is_no_row() {
        assert_eq!(rows("", 16), []);
        assert_eq!(rows("\n\r\n\n", 16), []);
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let endless = b"b,k,1\nb,\"k".chain(io::repeat(b'x'));
        let mut records = Records::new(BufReader::new(endless));
        assert!(records.next().unwrap().is_some());
        let Err(RecordError::Row { line: 2, why }) = records.next() else { panic!("refused") };
        assert!(why.contains("a quote may not be closed"), "{why}");
        let commas = Records::new(BufReader::new(io::repeat(b','))).next().map(|_| ());
        assert!(matches!(commas, Err(RecordError::Row { line: 1, .. })), "{commas:?}");
    }
}
