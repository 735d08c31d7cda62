//! Keys from arguments or stdin, in chunks of bounded size.

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
pub(super) enum Input {
    Arguments(std::vec::IntoIter<String>),
    Stdin(mpsc::Receiver<Chunk>),
}

impl Input {
    /// `-` alone means stdin.
    pub(super) fn open(keys: Vec<String>, null: bool) -> Self {
        if keys != ["-"] {
            return Self::Arguments(keys.into_iter());
        }
        let (chunks, input) = mpsc::channel(1);
        let end = if null { 0 } else { b'\n' };
        // A thread of its own, not a blocking task: a read that never returns must not keep the runtime from ending.
        thread::spawn(move || read(&mut io::stdin().lock(), end, |chunk| chunks.blocking_send(chunk).is_ok()));
        Self::Stdin(input)
    }

    /// Number of keys, where it is known beforehand.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Arguments(keys) => u64::try_from(keys.len()).ok(),
            Self::Stdin(_) => None,
        }
    }

    pub(super) async fn next(&mut self) -> Option<Chunk> {
        match self {
            Self::Arguments(keys) => {
                let mut chunk = Chunk::default();
                for key in keys.by_ref().take(CHUNK) {
                    chunk.add(key.into_bytes());
                }
                (!chunk.is_empty()).then_some(chunk)
            }
            Self::Stdin(chunks) => chunks.recv().await,
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
        let input: String = (0..2500).map(|n| format!("k{n}\n")).collect();
        let lengths: Vec<usize> = chunks(input.as_bytes(), b'\n').iter().map(|chunk| chunk.keys.len()).collect();
        assert_eq!(lengths, [CHUNK, CHUNK, 500]);
    }
}
