//! Keys from a list or stdin, in chunks of bounded size.

use std::io;
use std::thread;

use thiserror::Error;
use tokio::sync::mpsc;

use super::{KeyChunk, KeyInput};
use settings::Invalid;
use settings::lenient::{self, KeyBucket, MARK, Start};

/// Keys per call of the pipeline.
const CHUNK: usize = 1000;

/// A source of keys.
#[derive(Debug)]
pub struct Input(KeySource);

#[derive(Debug)]
enum KeySource {
    Keys(std::vec::IntoIter<String>),
    Stdin(mpsc::Receiver<KeyChunk>),
}

/// What separates keys on stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// A line feed, or carriage return and line feed.
    Line,
    /// A NUL byte.
    Null,
}

impl Input {
    /// These keys, of `bucket` if that is known.
    ///
    /// # Errors
    ///
    /// The first one that is not a key, an empty one too, and what was probably meant.
    pub fn keys(keys: Vec<String>, bucket: Option<&str>) -> Result<Self, Invalid> {
        let keys = keys.into_iter().map(|key| lenient::named_key(key, bucket.map(source_bucket)));
        Ok(Self(KeySource::Keys(keys.collect::<Result<Vec<_>, _>>()?.into_iter())))
    }

    /// The keys on stdin, of `bucket` if that is known. Empty ones are skipped.
    pub fn stdin(separator: Separator, bucket: Option<String>) -> Self {
        let (chunks, input) = mpsc::channel(1);
        let end = match separator {
            Separator::Line => b'\n',
            Separator::Null => 0,
        };
        // A thread of its own, not a blocking task: a read that never returns must not keep the runtime from
        // ending.
        thread::spawn(move || {
            let mut list = KeyReader { end, bucket, line: 0 };
            list.read(&mut io::stdin().lock(), |chunk| chunks.blocking_send(chunk).is_ok());
        });
        Self(KeySource::Stdin(input))
    }

    /// Number of keys, if it is known in advance.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            KeySource::Keys(keys) => u64::try_from(keys.len()).ok(),
            KeySource::Stdin(_) => None,
        }
    }
}

impl KeyInput for Input {
    async fn next(&mut self) -> Option<KeyChunk> {
        match &mut self.0 {
            KeySource::Keys(keys) => {
                let keys = keys.by_ref().take(CHUNK).collect();
                let chunk = KeyChunk { keys, ..KeyChunk::default() };
                (!chunk.is_empty()).then_some(chunk)
            }
            KeySource::Stdin(chunks) => chunks.recv().await,
        }
    }

    fn rest(self) -> Option<Vec<String>> {
        match self.0 {
            KeySource::Keys(keys) => Some(keys.collect()),
            KeySource::Stdin(_) => None,
        }
    }
}

/// Reads a list of keys.
struct KeyReader {
    /// The byte that ends a key.
    end: u8,
    /// The bucket of the keys.
    bucket: Option<String>,
    /// Keys read so far, empty ones included.
    line: usize,
}

impl KeyReader {
    /// Reads keys until `take` returns false. Lines may end in CR LF, and a byte order mark may precede the
    /// first; keys that end in NUL were written by a program, and are not altered.
    fn read(&mut self, input: &mut dyn io::BufRead, mut take: impl FnMut(KeyChunk) -> bool) {
        let mut chunk = KeyChunk::default();
        loop {
            let mut key = Vec::new();
            match input.read_until(self.end, &mut key) {
                Ok(0) => break,
                Ok(_) => {
                    if key.last() == Some(&self.end) {
                        key.pop();
                    }
                    self.line += 1;
                    match self.key(key) {
                        Ok(key) if key.is_empty() => {}
                        Ok(key) => chunk.keys.push(key),
                        Err(KeyError::Line(why)) => {
                            chunk.rejected.push(RejectedLine { number: self.line, why }.into());
                        }
                        Err(KeyError::List(error)) => {
                            chunk.error = Some(error.into());
                            break;
                        }
                    }
                }
                Err(error) => {
                    chunk.error = Some(ListError::Unreadable(error).into());
                    break;
                }
            }
            if chunk.keys.len() + chunk.rejected.len() >= CHUNK && !take(std::mem::take(&mut chunk)) {
                return;
            }
        }
        if !chunk.is_empty() {
            take(chunk);
        }
    }

    fn key(&self, mut key: Vec<u8>) -> Result<String, KeyError> {
        let lines = self.end == b'\n';
        if lines && key.last() == Some(&b'\r') {
            key.pop();
        }
        if lines && self.line == 1 {
            match Start::of(&key) {
                Start::Text(mark) => drop(key.drain(..mark)),
                Start::Foreign(encoding) => {
                    return Err(ListError::Encoding(encoding).into());
                }
            }
        }
        let key = String::from_utf8(key)
            .map_err(|error| LineError::NotUtf8(String::from_utf8_lossy(error.as_bytes()).into_owned()))?;
        if lines && key.starts_with(MARK) {
            return Err(LineError::Marked(lenient::marked(&key)).into());
        }
        let key = lenient::key(key, self.bucket.as_deref().map(source_bucket));
        Ok(key.map_err(LineError::Address)?)
    }
}

fn source_bucket(name: &str) -> KeyBucket<'_> {
    KeyBucket { scheme: "oss", name, setting: "SOURCE_BUCKET" }
}

/// Why a key could not be read.
#[derive(Debug, Error)]
enum KeyError {
    /// Only this line is affected.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The rest of the list cannot be read either.
    #[error(transparent)]
    List(#[from] ListError),
}

/// A line that is not a key.
#[derive(Debug, Error)]
#[error("line {number}: {why}")]
struct RejectedLine {
    /// Its number, from 1.
    number: usize,
    #[source]
    why: LineError,
}

/// Why a line is not a key.
#[derive(Debug, Error)]
enum LineError {
    #[error("{0:?} is not UTF-8")]
    NotUtf8(String),
    #[error("{0}")]
    Marked(String),
    #[error(transparent)]
    Address(Invalid),
}

/// Why the rest of the list cannot be read.
#[derive(Debug, Error)]
enum ListError {
    #[error("the list on stdin is {0}: save it as UTF-8")]
    Encoding(&'static str),
    #[error("cannot read keys from stdin: {0}")]
    Unreadable(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(input: &[u8], end: u8) -> Vec<KeyChunk> {
        let mut chunks = Vec::new();
        KeyReader { end, bucket: Some("photos".to_owned()), line: 0 }.read(&mut { input }, |chunk| {
            chunks.push(chunk);
            true
        });
        chunks
    }

    #[test]
    fn lines_and_nul_separated_keys_are_read_exactly() {
        let lines = chunks(b"a b\r\n\n c \nlast", b'\n').remove(0);
        assert_eq!(lines.keys, ["a b", " c ", "last"]);
        let nul = chunks(b"a\nb\r\0c\0", 0).remove(0);
        assert_eq!(nul.keys, ["a\nb\r", "c"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_key() {
        let lines = chunks("\u{feff}a\r\nb\n\u{feff}c\n".as_bytes(), b'\n').remove(0);
        assert_eq!(lines.keys, ["a", "b"]);
        let rejected = lines.rejected[0].to_string();
        assert!(rejected.starts_with("line 3: ") && rejected.contains("byte order mark"), "{rejected}");
        let nul = chunks("\u{feff}a\0".as_bytes(), 0).remove(0);
        assert_eq!(nul.keys, ["\u{feff}a"]);
        let foreign = chunks(b"\xff\xfea\0\n\0", b'\n').remove(0);
        assert!(
            foreign.keys.is_empty()
                && foreign.error.is_some_and(|error| error.to_string().contains("UTF-16"))
        );
    }

    #[test]
    fn an_address_is_its_key_or_is_rejected_with_its_line() {
        let lines = chunks(b"oss://photos/a\n\noss://other/b\n", b'\n').remove(0);
        assert_eq!(lines.keys, ["a"]);
        let rejected = lines.rejected[0].to_string();
        assert!(rejected.starts_with("line 3: "), "{rejected}");
        assert!(Input::keys(vec!["oss://other/b".to_owned()], Some("photos")).is_err());
        assert!(Input::keys(vec!["oss://photos/b".to_owned()], None).is_err());
    }

    #[test]
    fn what_is_not_utf_8_is_rejected_alone() {
        let chunk = chunks(b"a\n\xff\nb\n", b'\n').remove(0);
        assert_eq!((chunk.keys.len(), chunk.rejected.len()), (2, 1));
    }

    #[test]
    fn long_input_comes_in_chunks() {
        let input = (0..2500).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        let lengths: Vec<usize> =
            chunks(input.as_bytes(), b'\n').iter().map(|chunk| chunk.keys.len()).collect();
        assert_eq!(lengths, [CHUNK, CHUNK, 500]);
    }
}
