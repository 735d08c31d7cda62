//! Sorts rows by key in bounded memory.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | rows in memory; when they are written; how many runs are merged at once |
//! | `run` | a sorted run in the temporary file: written, read |
//! | `merge` | several runs as one |
//!
//! Rows are collected in memory. When it is full they are sorted and written as a run. A run that begins
//! where the last one ended continues it, so rows that come in order make one run and are never compared
//! again. When there are as many runs as are merged at once they become one run of the next level, so memory
//! and open files stay bounded for any number of rows.
//!
//! The temporary files have no name: nothing is left of them, however the process ends.

mod merge;
mod run;

use std::io;
use std::path::PathBuf;

pub(crate) use self::merge::Merge;
use self::run::RunFile;
use crate::row;
use crate::varint;

/// Bounds of a sort.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Folder of the temporary files.
    pub(crate) folder: PathBuf,
    /// Bytes of rows in memory.
    pub(crate) memory: usize,
    /// Most runs that are merged at once, at least 2.
    pub(crate) fan_in: usize,
}

/// Rows that are being sorted.
pub(crate) struct Sorter {
    limits: Limits,
    /// Rows one after another: the lengths of key and payload, then both.
    rows: Vec<u8>,
    /// Where each row begins, in the order of arrival; sorted before they are written.
    slots: Vec<Slot>,
    /// Whether the rows in memory are in order as they are.
    in_order: bool,
    levels: Vec<RunFile>,
    last: Vec<u8>,
    duplicates: u64,
    written: u64,
}

/// A row in memory.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The first bytes of the key after those that all keys share, as a number of the same order.
    head: u64,
    offset: u32,
}

/// Estimate of the shortest row, for the memory of slots.
const SHORTEST: usize = 32;

impl Sorter {
    pub(crate) fn new(limits: Limits) -> Self {
        let memory = limits.memory.clamp(1024, u32::MAX as usize / 2);
        let fan_in = limits.fan_in.max(2);
        let limits = Limits { memory, fan_in, ..limits };
        // Room that is never touched costs nothing.
        let (rows, slots) = (Vec::with_capacity(memory), Vec::with_capacity(memory / SHORTEST));
        let (last, levels) = (Vec::new(), Vec::new());
        Self { limits, rows, slots, in_order: true, levels, last, duplicates: 0, written: 0 }
    }

    /// Takes a row.
    pub(crate) fn push(&mut self, key: &[u8], payload: &[u8]) -> io::Result<()> {
        // Each length takes at most 10 bytes.
        let full = self.rows.len() + key.len() + payload.len() + 20 > self.limits.memory;
        if !self.slots.is_empty() && (full || self.slots.len() == self.limits.memory / SHORTEST) {
            self.spill()?;
        }
        self.in_order &= self.slots.is_empty() || *key >= *self.last;
        self.last.clear();
        self.last.extend_from_slice(key);
        let offset = u32::try_from(self.rows.len()).map_err(io::Error::other)?;
        self.slots.push(Slot { head: 0, offset });
        varint::write(&mut self.rows, key.len() as u64);
        varint::write(&mut self.rows, payload.len() as u64);
        self.rows.extend_from_slice(key);
        self.rows.extend_from_slice(payload);
        Ok(())
    }

    /// All rows by key, without duplicates of a key.
    pub(crate) fn finish(mut self) -> io::Result<Sorted> {
        if self.levels.is_empty() {
            self.order();
            return Ok(Sorted::new(Ordered::InMemory { rows: self.rows, slots: self.slots, next: 0 }, 0, 0));
        }
        self.spill()?;
        (self.rows, self.slots) = (Vec::new(), Vec::new());
        // The lowest levels have the shortest runs.
        for level in 0.. {
            let runs: usize = self.levels.iter().map(RunFile::runs).sum();
            if runs <= self.limits.fan_in {
                break;
            }
            self.lift(level)?;
        }
        let mut cursors = Vec::new();
        // From the highest level down, so that rows of a key keep the order in which they came.
        for level in self.levels.iter_mut().rev() {
            level.cursors(&mut cursors)?;
        }
        Ok(Sorted::new(Ordered::Merged(Merge::new(cursors)?), self.duplicates, self.written))
    }

    /// Writes the rows in memory as a run.
    fn spill(&mut self) -> io::Result<()> {
        if self.slots.is_empty() {
            return Ok(());
        }
        if self.levels.first().is_some_and(|level| level.runs() >= self.limits.fan_in) {
            self.lift(0)?;
        }
        self.order();
        let level = self.level(0)?;
        let before = self.levels[level].len();
        let run = &mut self.levels[level];
        let first = self.slots.first().map_or(&[][..], |slot| row_at(&self.rows, *slot).0);
        run.begin(first);
        for slot in &self.slots {
            let (key, payload) = row_at(&self.rows, *slot);
            run.push(key, payload)?;
        }
        self.written += run.len() - before;
        self.rows.clear();
        self.slots.clear();
        self.in_order = true;
        Ok(())
    }

    /// Merges the runs of a level into one of the next.
    fn lift(&mut self, level: usize) -> io::Result<()> {
        let above = self.level(level + 1)?;
        if self.levels[above].runs() >= self.limits.fan_in {
            self.lift(above)?;
        }
        let mut cursors = Vec::new();
        self.levels[level].cursors(&mut cursors)?;
        let mut merged = Newest::new(Merge::new(cursors)?);
        let mut first = true;
        let before = self.levels[above].len();
        while let Some((key, payload)) = merged.next()? {
            if first {
                self.levels[above].begin(key);
                first = false;
            }
            self.levels[above].push(key, payload)?;
        }
        self.duplicates += merged.duplicates;
        self.written += self.levels[above].len() - before;
        self.levels[level].clear()
    }

    /// The index of a level, which is made if there is none.
    fn level(&mut self, level: usize) -> io::Result<usize> {
        while self.levels.len() <= level {
            self.levels.push(RunFile::new(&self.limits.folder)?);
        }
        Ok(level)
    }

    /// Puts the rows in memory in order; rows of one key stay in the order in which they came.
    fn order(&mut self) {
        if self.in_order {
            return;
        }
        let Self { rows, slots, .. } = self;
        let key = |slot: &Slot| row_at(rows, *slot).0;
        let Some(first) = slots.first().map(key) else { return };
        let shared = slots.iter().map(key).fold(first.len(), |shared, other| common(&first[..shared], other));
        for slot in &mut *slots {
            slot.head = head(&row_at(rows, *slot).0[shared..]);
        }
        slots.sort_unstable_by(|one, other| {
            let by_key = || row_at(rows, *one).0.cmp(row_at(rows, *other).0);
            one.head.cmp(&other.head).then_with(by_key).then(one.offset.cmp(&other.offset))
        });
        self.in_order = true;
    }
}

/// Key and payload of a row in memory.
fn row_at(rows: &[u8], slot: Slot) -> (&[u8], &[u8]) {
    let mut rest = rows.get(slot.offset as usize..).unwrap_or_default();
    let mut length = || varint::read(&mut rest).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let (key, payload) = (length(), length());
    let (key, rest) = rest.split_at(key.min(rest.len()));
    (key, &rest[..payload.min(rest.len())])
}

/// How many bytes two keys share.
fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// The first eight bytes as a number: shorter keys come first, as they do among bytes.
fn head(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes)
}

/// Rows by key, one after another.
enum Ordered {
    InMemory { rows: Vec<u8>, slots: Vec<Slot>, next: usize },
    Merged(Merge),
}

impl Ordered {
    fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        match self {
            Self::InMemory { rows, slots, next } => {
                let slot = slots.get(*next).copied();
                *next += 1;
                Ok(slot.map(|slot| row_at(rows, slot)))
            }
            Self::Merged(merge) => merge.next(),
        }
    }
}

/// Sorted rows: each key once, with the row that was changed last.
pub(crate) struct Sorted {
    rows: Newest,
    before: u64,
    /// Bytes that were written to temporary files.
    pub(crate) written: u64,
}

impl Sorted {
    fn new(rows: Ordered, before: u64, written: u64) -> Self {
        Self { rows: Newest::of(rows), before, written }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        self.rows.next()
    }

    /// How many rows were left out so far, for another row of the same key.
    pub(crate) fn duplicates(&self) -> u64 {
        self.before + self.rows.duplicates
    }
}

/// The newest row of each key.
struct Newest {
    rows: Ordered,
    key: Vec<u8>,
    payload: Vec<u8>,
    /// The row that was read beyond the current key.
    ahead: bool,
    next_key: Vec<u8>,
    next_payload: Vec<u8>,
    duplicates: u64,
}

impl Newest {
    fn new(merge: Merge) -> Self {
        Self::of(Ordered::Merged(merge))
    }

    fn of(rows: Ordered) -> Self {
        let empty = Vec::new;
        Self {
            rows,
            key: empty(),
            payload: empty(),
            ahead: false,
            next_key: empty(),
            next_payload: empty(),
            duplicates: 0,
        }
    }

    fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        if !self.ahead && !self.advance()? {
            return Ok(None);
        }
        std::mem::swap(&mut self.key, &mut self.next_key);
        std::mem::swap(&mut self.payload, &mut self.next_payload);
        self.ahead = false;
        while self.advance()? {
            if self.next_key != self.key {
                self.ahead = true;
                break;
            }
            self.duplicates += 1;
            // Of the same time, the one that came later.
            if row::modified(&self.next_payload) >= row::modified(&self.payload) {
                std::mem::swap(&mut self.payload, &mut self.next_payload);
            }
        }
        Ok(Some((&self.key, &self.payload)))
    }

    fn advance(&mut self) -> io::Result<bool> {
        let Some((key, payload)) = self.rows.next()? else { return Ok(false) };
        self.next_key.clear();
        self.next_key.extend_from_slice(key);
        self.next_payload.clear();
        self.next_payload.extend_from_slice(payload);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
