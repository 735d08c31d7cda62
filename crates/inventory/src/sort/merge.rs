//! Several runs as one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use super::run::Cursor;

/// The rows of several runs by key. Rows of one key come in the order of their runs.
pub(crate) struct Merge {
    /// Those that have a row.
    heap: BinaryHeap<Head>,
    /// Whether the first one's row was handed out.
    begun: bool,
}

struct Head {
    cursor: Cursor,
    run: usize,
}

impl Merge {
    pub(super) fn new(cursors: Vec<Cursor>) -> io::Result<Self> {
        let mut heap = BinaryHeap::with_capacity(cursors.len());
        for (run, mut cursor) in cursors.into_iter().enumerate() {
            if cursor.advance()? {
                heap.push(Head { cursor, run });
            }
        }
        Ok(Self { heap, begun: false })
    }

    /// The next row: its key and payload.
    pub(crate) fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        if self.begun
            && let Some(mut first) = self.heap.peek_mut()
            && !first.cursor.advance()?
        {
            PeekMut::pop(first);
        }
        self.begun = true;
        Ok(self.heap.peek().map(|head| (head.cursor.key(), head.cursor.payload())))
    }
}

/// The smallest key is the greatest in the heap.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cursor.key().cmp(self.cursor.key()).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
