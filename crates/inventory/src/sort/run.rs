//! Sorted runs, one after another in a temporary file. A key is written as the bytes in which it differs from
//! the key before it.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::common;
use crate::varint;

/// Bytes that are written at once.
const WRITE: usize = 256 << 10;

/// Bytes of a run that are read at once.
const READ: usize = 64 << 10;

/// A temporary file without a name, and the runs in it.
pub(super) struct RunFile {
    file: Arc<File>,
    out: BufWriter<File>,
    length: u64,
    runs: Vec<Range<u64>>,
    last: Vec<u8>,
    scratch: Vec<u8>,
}

impl RunFile {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        let out = BufWriter::with_capacity(WRITE, file.try_clone()?);
        let (runs, last, scratch) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { file: Arc::new(file), out, length: 0, runs, last, scratch })
    }

    /// The number of runs.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Says that rows follow which are in order and begin with this key: the last run goes on if it ends
    /// before.
    pub(super) fn begin(&mut self, first: &[u8]) {
        if self.runs.is_empty() || *self.last > *first {
            self.runs.push(self.length..self.length);
            self.last.clear();
        }
    }

    /// Appends a row to the last run.
    pub(super) fn push(&mut self, key: &[u8], payload: &[u8]) -> io::Result<()> {
        let shared = common(&self.last, key);
        let rest = &key[shared..];
        self.scratch.clear();
        for number in [shared, rest.len(), payload.len()] {
            varint::write(&mut self.scratch, number as u64);
        }
        self.scratch.extend_from_slice(rest);
        self.scratch.extend_from_slice(payload);
        self.out.write_all(&self.scratch)?;
        self.length += self.scratch.len() as u64;
        if let Some(run) = self.runs.last_mut() {
            run.end = self.length;
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        Ok(())
    }

    /// Adds a reader for each run.
    pub(super) fn cursors(&mut self, cursors: &mut Vec<Cursor>) -> io::Result<()> {
        self.out.flush()?;
        let of = |span: &Range<u64>| Cursor::new(Arc::clone(&self.file), span.clone());
        cursors.extend(self.runs.iter().map(of));
        Ok(())
    }

    /// Forgets all runs and gives their space back.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_mut().seek(SeekFrom::Start(0))?;
        self.file.set_len(0)?;
        self.runs.clear();
        self.last.clear();
        self.length = 0;
        Ok(())
    }
}

/// Reads a run.
pub(super) struct Cursor {
    file: Arc<File>,
    /// What is not read yet.
    span: Range<u64>,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    at: usize,
    key: Vec<u8>,
    payload: Range<usize>,
}

impl Cursor {
    fn new(file: Arc<File>, span: Range<u64>) -> Self {
        Self { file, span, buffer: Vec::new(), at: 0, key: Vec::new(), payload: 0..0 }
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.buffer[self.payload.clone()]
    }

    /// Moves to the next row; `false` after the last.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        loop {
            if let Some((shared, rest, payload)) = self.decoded() {
                self.key.truncate(shared);
                self.key.extend_from_slice(&self.buffer[rest]);
                self.at = payload.end;
                self.payload = payload;
                return Ok(true);
            }
            if self.span.is_empty() {
                let is_whole = self.at == self.buffer.len();
                return if is_whole { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.fill()?;
        }
    }

    /// How many bytes of the key are as before, and where the others and the payload are; `None` if the row
    /// is not whole in the buffer.
    fn decoded(&self) -> Option<(usize, Range<usize>, Range<usize>)> {
        let mut rest = self.buffer.get(self.at..)?;
        let mut number = || usize::try_from(varint::read(&mut rest)?).ok();
        let (shared, key, payload) = (number()?, number()?, number()?);
        let begin = self.buffer.len() - rest.len();
        let (key, end) = (begin..begin + key, begin + key + payload);
        (end <= self.buffer.len()).then(|| (shared, key.clone(), key.end..end))
    }

    /// Reads on, and keeps what is left of the buffer.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.payload = 0..0;
        self.at = 0;
        let left = usize::try_from(self.span.end - self.span.start).unwrap_or(usize::MAX);
        let (old, more) = (self.buffer.len(), left.min(READ));
        self.buffer.resize(old + more, 0);
        self.file.read_exact_at(&mut self.buffer[old..], self.span.start)?;
        self.span.start += more as u64;
        Ok(())
    }
}
