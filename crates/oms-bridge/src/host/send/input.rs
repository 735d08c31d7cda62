//! Keys from a list or stdin, in chunks of bounded size.

use std::io;
use std::thread;

use tokio::sync::mpsc;

/// Keys handed to the pipeline at once.
const CHUNK: usize = 1000;

/// A chunk of the input.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) keys: Vec<String>,
    /// What is no key, and why.
    pub(super) rejected: Vec<String>,
    /// Reading stopped here because of this.
    pub(super) error: Option<String>,
}

/// Where keys come from.
#[derive(Debug)]
pub struct Input(Source);

#[derive(Debug)]
enum Source {
    Keys(std::vec::IntoIter<String>),
    Stdin(mpsc::Receiver<Chunk>),
}

/// What stands between two keys on stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// A line feed, or carriage return and line feed.
    Line,
    /// A NUL byte.
    Null,
}

impl Input {
    /// These keys.
    pub fn keys(keys: Vec<String>) -> Self {
        Self(Source::Keys(keys.into_iter()))
    }

    /// The keys on stdin. Empty ones are passed over.
    pub fn stdin(separator: Separator) -> Self {
        let (chunks, input) = mpsc::channel(1);
        let end = match separator {
            Separator::Line => b'\n',
            Separator::Null => 0,
        };
        // A thread of its own, not a blocking task: a read that never returns must not keep the runtime from ending.
        thread::spawn(move || {
            read(&mut io::stdin().lock(), end, |chunk| chunks.blocking_send(chunk).is_ok());
        });
        Self(Source::Stdin(input))
    }

    /// Number of keys, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Source::Keys(keys) => u64::try_from(keys.len()).ok(),
            Source::Stdin(_) => None,
        }
    }

    pub(super) async fn next(&mut self) -> Option<Chunk> {
        match &mut self.0 {
            Source::Keys(keys) => {
                let mut chunk = Chunk::default();
                for key in keys.by_ref().take(CHUNK) {
                    chunk.add(key.into_bytes());
                }
                (!chunk.is_empty()).then_some(chunk)
            }
            Source::Stdin(chunks) => chunks.recv().await,
        }
    }
}

impl Chunk {
    fn add(&mut self, key: Vec<u8>) {
        match String::from_utf8(key) {
            Ok(key) if key.is_empty() => {}
            Ok(key) => self.keys.push(key),
            Err(error) => {
                self.rejected.push(format!("{:?} is not UTF-8", String::from_utf8_lossy(error.as_bytes())));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.rejected.is_empty() && self.error.is_none()
    }
}

/// Reads keys that end in `end` until `take` wants no more. Lines may end in CR LF; empty keys are passed over.
fn read(input: &mut dyn io::BufRead, end: u8, mut take: impl FnMut(Chunk) -> bool) {
    let mut chunk = Chunk::default();
    loop {
        let mut key = Vec::new();
        match input.read_until(end, &mut key) {
            Ok(0) => break,
            Ok(_) => {
                if key.last() == Some(&end) {
                    key.pop();
                }
                if end == b'\n' && key.last() == Some(&b'\r') {
                    key.pop();
                }
                chunk.add(key);
            }
            Err(error) => {
                chunk.error = Some(format!("cannot read keys from stdin: {error}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(input: &[u8], end: u8) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        read(&mut { input }, end, |chunk| {
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
