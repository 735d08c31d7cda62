//! Content of objects and parts: real bytes and runs of zeros, so that an object of gigabytes can cost
//! nothing.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// What runs of zeros are served from and compared with.
pub(crate) static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// Zeros in a row from which on a run is kept instead of the bytes.
const SHORTEST_RUN: usize = 4 << 10;

fn is_zeros(data: &[u8]) -> bool {
    data.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// A stretch of content.
#[derive(Clone)]
pub(crate) enum Segment {
    Bytes(Bytes),
    Zeros(u64),
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(count) => *count,
        }
    }

    fn slice(&self, range: Range<u64>) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(bytes.slice(index(range.start)..index(range.end))),
            Self::Zeros(_) => Self::Zeros(range.end - range.start),
        }
    }

    /// What follows `offset`, as much as there is in one piece.
    fn piece(&self, offset: u64) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.slice(index(offset)..),
            Self::Zeros(count) => Bytes::from_static(&ZEROS[..index(count - offset).min(ZEROS.len())]),
        }
    }
}

/// Content of an object: bytes, or a sequence of bytes and runs of zeros that take no memory.
///
/// Clones and slices share the bytes. It compares with and reads like a byte slice (`&object.body` goes where
/// `&[u8]` is wanted); reading content of several segments as one slice puts them together, once, so do that
/// with small objects only. [`Content::len`] and comparing never do.
#[derive(Clone)]
pub struct Content(Repr);

#[derive(Clone)]
enum Repr {
    /// Bytes, or no more zeros than [`ZEROS`].
    Single(Segment),
    Joined(Arc<Joined>),
}

struct Joined {
    segments: Vec<Segment>,
    len: u64,
    contiguous: OnceLock<Vec<u8>>,
}

impl Content {
    /// `len` zeros.
    pub fn zeros(len: u64) -> Self {
        Self::of(vec![Segment::Zeros(len)])
    }

    /// One after the other, without copying.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut segments: Vec<Segment> = Vec::new();
        for segment in parts.into_iter().flat_map(Self::segments) {
            match (segments.last_mut(), segment) {
                (_, empty) if empty.len() == 0 => {}
                (Some(Segment::Zeros(run)), Segment::Zeros(more)) => *run += more,
                _ => segments.push(segment.clone()),
            }
        }
        Self::of(segments)
    }

    fn of(mut segments: Vec<Segment>) -> Self {
        if segments.len() > 1
            || matches!(segments.last(), Some(Segment::Zeros(run)) if index(*run) > ZEROS.len())
        {
            let len = segments.iter().map(Segment::len).sum();
            return Self(Repr::Joined(Arc::new(Joined { segments, len, contiguous: OnceLock::new() })));
        }
        Self(Repr::Single(segments.pop().unwrap_or(Segment::Zeros(0))))
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        match &self.0 {
            Repr::Single(segment) => std::slice::from_ref(segment),
            Repr::Joined(joined) => &joined.segments,
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Repr::Single(segment) => segment.len(),
            Repr::Joined(joined) => joined.len,
        }
    }

    /// Number of bytes that take memory; the others are in runs of zeros.
    pub fn stored_len(&self) -> u64 {
        let stored = |segment: &Segment| match segment {
            Segment::Bytes(bytes) => bytes.len() as u64,
            Segment::Zeros(_) => 0,
        };
        self.segments().iter().map(stored).sum()
    }

    /// Whether there is not a single byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes at `range`, which is cut to what is there.
    #[must_use]
    pub fn slice(&self, range: Range<u64>) -> Self {
        let mut segments = Vec::new();
        let mut start = 0;
        for segment in self.segments() {
            let end = start + segment.len();
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                segments.push(segment.slice(from - start..to - start));
            }
            start = end;
        }
        Self::of(segments)
    }

    /// The same with one bit of the byte in the middle flipped; empty content is unchanged.
    pub(crate) fn with_flipped_middle(&self) -> Self {
        let middle = self.len() / 2;
        let flipped = self.slice(middle..middle + 1).iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
        Self::join([&self.slice(0..middle), &flipped.into(), &self.slice(middle + 1..self.len())])
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Single(Segment::Bytes(bytes)) => bytes,
            Repr::Single(Segment::Zeros(count)) => &ZEROS[..index(*count).min(ZEROS.len())],
            Repr::Joined(joined) => joined.contiguous.get_or_init(|| {
                let mut all = vec![0; index(joined.len)];
                let mut at = 0;
                for segment in &joined.segments {
                    let end = at + index(segment.len());
                    if let Segment::Bytes(bytes) = segment {
                        all[at..end].copy_from_slice(bytes);
                    }
                    at = end;
                }
                all
            }),
        }
    }

    /// The content as one buffer, shared where it is one already.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Single(Segment::Bytes(bytes)) => bytes.clone(),
            _ => Bytes::copy_from_slice(self.as_bytes()),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Single(Segment::Bytes(bytes)))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Content {
    fn eq(&self, other: &T) -> bool {
        let mut rest = other.as_ref();
        let mut pieces = Pieces::of(self.clone());
        self.len() == rest.len() as u64
            && std::iter::from_fn(|| pieces.next_piece(usize::MAX)).all(|piece| {
                let (head, tail) = rest.split_at(piece.len());
                rest = tail;
                piece == head
            })
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (Pieces::of(self.clone()), Pieces::of(other.clone()));
        let mut equal_pieces = || {
            while let Some(piece) = ours.next_piece(usize::MAX) {
                let mut rest = &piece[..];
                while !rest.is_empty() {
                    let Some(other) = theirs.next_piece(rest.len()) else { return false };
                    if rest[..other.len()] != other {
                        return false;
                    }
                    rest = &rest[other.len()..];
                }
            }
            true
        };
        self.len() == other.len() && equal_pieces()
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: u64 = 256;
        if self.len() <= SHOWN {
            return Bytes::copy_from_slice(self).fmt(f);
        }
        write!(f, "{} bytes, {} of them stored", self.len(), self.stored_len())
    }
}

/// Walks through content piece by piece, without copying.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    content: Content,
    segment: usize,
    offset: u64,
    done: u64,
}

impl Pieces {
    pub(crate) fn of(content: Content) -> Self {
        Self { content, segment: 0, offset: 0, done: 0 }
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Bytes not yet given out.
    pub(crate) fn left(&self) -> u64 {
        self.content.len() - self.done
    }

    /// The next piece, of at most `longest` bytes.
    pub(crate) fn next_piece(&mut self, longest: usize) -> Option<Bytes> {
        loop {
            let segment = self.content.segments().get(self.segment)?;
            if self.offset < segment.len() {
                let mut piece = segment.piece(self.offset);
                piece.truncate(longest);
                self.offset += piece.len() as u64;
                self.done += piece.len() as u64;
                return Some(piece);
            }
            self.segment += 1;
            self.offset = 0;
        }
    }
}

/// Content on its way in. Runs of zeros are noticed piece by piece and never kept as bytes.
#[derive(Default)]
pub(crate) struct ContentBuilder {
    segments: Vec<Segment>,
    tail: Vec<u8>,
}

/// What a piece was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Bytes,
    Zeros,
}

impl ContentBuilder {
    /// Adds a piece; `expected` bytes may still come with and after it.
    pub(crate) fn push(&mut self, piece: &[u8], expected: usize) -> Taken {
        let run_goes_on = self.tail.is_empty();
        if (run_goes_on || piece.len() >= SHORTEST_RUN) && is_zeros(piece) {
            self.flush();
            match self.segments.last_mut() {
                Some(Segment::Zeros(run)) => *run += piece.len() as u64,
                _ => self.segments.push(Segment::Zeros(piece.len() as u64)),
            }
            return Taken::Zeros;
        }
        if run_goes_on {
            self.tail.reserve_exact(expected.max(piece.len()));
        }
        self.tail.extend_from_slice(piece);
        Taken::Bytes
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            let mut bytes = std::mem::take(&mut self.tail);
            bytes.shrink_to_fit();
            self.segments.push(Segment::Bytes(bytes.into()));
        }
    }

    pub(crate) fn finish(mut self) -> Content {
        self.flush();
        Content::of(self.segments)
    }
}
