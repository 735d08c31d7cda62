//! Reads the files of an inventory, checks them, and sorts their rows: on a thread of its own, since
//! decompressing, parsing and sorting never wait for anything but bytes.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use md5::{Digest as _, Md5};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::manifest::DataFile;
use crate::parse::{Kind, RowReader};
use crate::records::{RecordError, Records};
use crate::schema::Schema;
use crate::sort::{Limits, Sorted, Sorter};
use crate::vendor::KeyEncoding;

/// What the files are read by.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) schema: Schema,
    pub(crate) encoding: KeyEncoding,
    pub(crate) limits: Limits,
}

/// What goes to the thread.
pub(crate) enum Message {
    /// A file follows.
    Begin(Box<Input>),
    /// Its next bytes.
    Data(Bytes),
    /// That was all of it.
    End,
}

/// A file that is read.
pub(crate) struct Input {
    /// Its address in messages.
    pub(crate) address: String,
    pub(crate) file: DataFile,
}

/// What an inventory held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Files.
    pub files: u64,
    /// Rows of current versions.
    pub rows: u64,
    /// Rows of earlier versions, which are left out.
    pub old_versions: u64,
    /// Rows of keys that are deleted, which are left out.
    pub delete_markers: u64,
    /// Rows whose time of the last change cannot be read.
    pub unreadable_times: u64,
    /// Bytes that were written to temporary files.
    pub spilled: u64,
}

/// Counts what was read so far. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    /// Bytes of files.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Rows, also those that are left out.
    pub fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }
}

/// Reads all files that come, and returns their rows in order once all of them were checked.
pub(crate) fn load(
    form: &Form,
    messages: mpsc::Receiver<Message>,
    progress: &Progress,
) -> Result<(Sorted, Summary), Error> {
    let mut sorter = Sorter::new(form.limits.clone());
    let mut summary = Summary::default();
    let mut rows = RowReader::default();
    let mut incoming = Incoming::new(messages, progress.clone());
    while let Some(input) = incoming.begin()? {
        let loader = Loader { form, input: &input, progress };
        loader.file(&mut incoming, &mut rows, &mut sorter, &mut summary)?;
        summary.files += 1;
    }
    summary.unreadable_times = rows.unreadable_times;
    let sorted = sorter.finish().map_err(|error| unsorted(&form.limits, error))?;
    summary.spilled = sorted.written;
    Ok((sorted, summary))
}

pub(crate) fn unsorted(limits: &Limits, error: io::Error) -> Error {
    Error::Sort { folder: limits.folder.clone(), error }
}

struct Loader<'l> {
    form: &'l Form,
    input: &'l Input,
    progress: &'l Progress,
}

impl Loader<'_> {
    fn file(
        &self,
        incoming: &mut Incoming,
        rows: &mut RowReader,
        sorter: &mut Sorter,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let mut start = [0; 3];
        let length = fill(incoming, &mut start).map_err(|error| self.broken(&error))?;
        let start = &start[..length];
        let is_gzip = start.starts_with(&[0x1f, 0x8b]);
        let input = Cursor::new(start).chain(&mut *incoming);
        let counted = if is_gzip {
            self.rows(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(input)), rows, sorter, summary)
        } else {
            self.rows(input, rows, sorter, summary)
        };
        // What a file has is only then wrong when the file is the one that the manifest means: one that was
        // cut short or replaced is reported as such.
        match counted {
            Err(error @ (Error::Row { .. } | Error::File { .. })) => {
                incoming.drain()?;
                self.check(incoming, None)?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(counted) => {
                incoming.drain()?;
                self.check(incoming, Some(counted))
            }
        }
    }

    fn rows(
        &self,
        input: impl BufRead,
        rows: &mut RowReader,
        sorter: &mut Sorter,
        summary: &mut Summary,
    ) -> Result<Counted, Error> {
        let Form { schema, encoding, limits } = self.form;
        let mut records = Records::new(WithoutMark::new(input));
        let mut counted = Counted::default();
        while let Some(record) = records.next().map_err(|error| self.unread(error))? {
            if counted.rows == 0 && !counted.header && schema.is_header(record.fields()) {
                counted.header = true;
                continue;
            }
            counted.rows += 1;
            let failed = |why| Error::Row { file: self.input.address.clone(), line: record.line, why };
            match rows.read(&record, schema, *encoding).map_err(failed)? {
                Kind::Object => {
                    summary.rows += 1;
                    sorter.push(&rows.key, &rows.payload).map_err(|error| unsorted(limits, error))?;
                }
                Kind::OldVersion => summary.old_versions += 1,
                Kind::DeleteMarker => summary.delete_markers += 1,
            }
            self.progress.0.rows.fetch_add(1, Ordering::Relaxed);
        }
        Ok(counted)
    }

    /// Compares what came with what the manifest says of the file.
    fn check(&self, incoming: &Incoming, counted: Option<Counted>) -> Result<(), Error> {
        let DataFile { size, md5, rows, .. } = &self.input.file;
        if let Some(size) = size.filter(|size| *size != incoming.size) {
            return Err(self.wrong(format!("it has {} bytes, and the manifest says {size}", incoming.size)));
        }
        let found: [u8; 16] = incoming.md5.clone().finalize().into();
        if let Some(md5) = md5.filter(|md5| *md5 != found) {
            let (found, told) = (hex::encode(found), hex::encode(md5));
            return Err(self.wrong(format!("its MD5 is {found}, and the manifest says {told}")));
        }
        let Some((counted, rows)) = counted.zip(*rows) else { return Ok(()) };
        // Whether a header counts is not documented.
        if counted.rows != rows && !(counted.header && counted.rows + 1 == rows) {
            return Err(self.wrong(format!("it has {} rows, and the manifest says {rows}", counted.rows)));
        }
        Ok(())
    }

    fn wrong(&self, why: String) -> Error {
        Error::File { file: self.input.address.clone(), why }
    }

    fn unread(&self, error: RecordError) -> Error {
        match error {
            RecordError::Row { line, why } => Error::Row { file: self.input.address.clone(), line, why },
            RecordError::Io(error) => self.broken(&error),
        }
    }

    fn broken(&self, error: &io::Error) -> Error {
        match error.kind() {
            INTERRUPTED => Error::Interrupted,
            io::ErrorKind::UnexpectedEof => self.wrong("it ends within its compressed data".into()),
            _ => self.wrong(format!("its compressed data are damaged: {error}")),
        }
    }
}

/// What a file held.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    rows: u64,
    header: bool,
}

/// The bytes of one file after another, as they arrive, with their MD5.
struct Incoming {
    messages: mpsc::Receiver<Message>,
    progress: Progress,
    chunk: Bytes,
    /// Whether the file was read to its end.
    ended: bool,
    md5: Md5,
    size: u64,
}

impl Incoming {
    fn new(messages: mpsc::Receiver<Message>, progress: Progress) -> Self {
        Self { messages, progress, chunk: Bytes::new(), ended: true, md5: Md5::new(), size: 0 }
    }

    /// Waits for the next file; `None` after the last.
    fn begin(&mut self) -> Result<Option<Input>, Error> {
        match self.messages.blocking_recv() {
            Some(Message::Begin(input)) => {
                (self.ended, self.md5, self.size) = (false, Md5::new(), 0);
                Ok(Some(*input))
            }
            Some(Message::End) => Ok(None),
            Some(Message::Data(_)) | None => Err(Error::Interrupted),
        }
    }

    /// Reads the file to its end, for its checksum.
    fn drain(&mut self) -> Result<(), Error> {
        loop {
            let length = self.fill_buf().map_err(|_| Error::Interrupted)?.len();
            if length == 0 {
                return Ok(());
            }
            self.consume(length);
        }
    }
}

impl BufRead for Incoming {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() && !self.ended {
            match self.messages.blocking_recv() {
                Some(Message::Data(chunk)) => {
                    self.md5.update(&chunk);
                    self.size += chunk.len() as u64;
                    self.progress.0.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                    self.chunk = chunk;
                }
                Some(Message::End) => self.ended = true,
                // The sender gave up: this is not the end of the file.
                Some(Message::Begin(_)) | None => return Err(INTERRUPTED.into()),
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, length: usize) {
        drop(self.chunk.split_to(length));
    }
}

/// The kind of error by which readers learn that the sender ended early; not one that they retry.
const INTERRUPTED: io::ErrorKind = io::ErrorKind::ConnectionAborted;

impl Read for Incoming {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let length = chunk.len().min(out.len());
        out[..length].copy_from_slice(&chunk[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// Reads until `out` is full or the input ends; returns how many bytes there were.
fn fill(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < out.len() {
        match input.read(&mut out[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// Text without the byte order mark that some tools put before it.
struct WithoutMark<R> {
    input: R,
    begun: bool,
}

impl<R> WithoutMark<R> {
    fn new(input: R) -> Self {
        Self { input, begun: false }
    }
}

impl<R: BufRead> BufRead for WithoutMark<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.begun {
            self.begun = true;
            if self.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
                self.input.consume(3);
            }
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.input.consume(length);
    }
}

impl<R: BufRead> Read for WithoutMark<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut input = self.fill_buf()?;
        let length = input.read(out)?;
        self.consume(length);
        Ok(length)
    }
}
