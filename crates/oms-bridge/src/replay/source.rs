//! Markers, in chunks that are ready to be sent.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use oss_lite::Error;

use super::{Control, Options};
use crate::journal::{Lookup, Marker, Naming, OpenJournal, ReadError, Record, Shelf};

/// Keys that are sent together, roughly: as many as one multi-delete takes markers.
const CHUNK: usize = 1000;

/// Records read at once.
const READS: usize = 64;

/// A marker, and the key it stands for.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) marker: Marker,
    /// The record, where something asked for it.
    pub(super) record: Option<Record<'static>>,
}

impl Item {
    /// The key to send. Only markers that have one become items.
    pub(super) fn key(&self) -> &str {
        match (self.marker.key(), &self.record) {
            (Some(key), _) => key,
            (None, Some(record)) => &record.key,
            (None, None) => "",
        }
    }
}

/// What is done together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) listed: usize,
    pub(super) skipped: usize,
    /// To be sent.
    pub(super) send: Vec<Item>,
    /// Done since; only their markers are left.
    pub(super) done: Vec<Marker>,
}

enum Found {
    Send(Box<Item>),
    Skip,
}

pub(super) struct Source<'s> {
    journal: &'s OpenJournal<'s>,
    options: &'s Options,
    control: &'s Arc<Control>,
    /// Keys in a chunk: full batches, so that a replay makes as few requests as its keys allow.
    chunk: usize,
}

/// Where the stream of chunks stands.
struct State<'s> {
    found: BoxStream<'s, Result<Found, Error>>,
    by_key: Lookup,
    by_hash: Lookup,
    left: usize,
    ended: bool,
}

impl<'s> Source<'s> {
    pub(super) fn new(
        journal: &'s OpenJournal<'s>,
        options: &'s Options,
        control: &'s Arc<Control>,
        batch: usize,
    ) -> Self {
        Self { journal, options, control, chunk: (CHUNK / batch).max(1) * batch }
    }

    pub(super) fn chunks(self) -> impl Stream<Item = Chunk> + 's {
        let state = State {
            found: self.found(),
            by_key: self.journal.lookup(Shelf::Success, Naming::Key),
            by_hash: self.journal.lookup(Shelf::Success, Naming::Hash),
            left: self.options.limit.unwrap_or(usize::MAX),
            ended: false,
        };
        stream::unfold((self, state), |(source, mut state)| async move {
            if state.ended {
                return None;
            }
            let chunk = source.fill(&mut state).await;
            Some((chunk, (source, state)))
        })
    }

    /// Fills one chunk. An error ends the source; what was found before it is still sent.
    async fn fill(&self, state: &mut State<'s>) -> Chunk {
        let mut chunk = Chunk::default();
        while chunk.send.len() < self.chunk && chunk.done.len() < CHUNK {
            if state.left == 0 {
                state.ended = true;
                break;
            }
            let item = match state.found.next().await {
                None => {
                    state.ended = true;
                    break;
                }
                Some(Err(error)) => {
                    self.control.journal_failed(&error);
                    state.ended = true;
                    break;
                }
                Some(Ok(found)) => {
                    chunk.listed += 1;
                    match found {
                        Found::Send(item) => *item,
                        Found::Skip => {
                            chunk.skipped += 1;
                            continue;
                        }
                    }
                }
            };
            match state.is_done(&item.marker).await {
                Ok(true) => chunk.done.push(item.marker),
                Ok(false) => {
                    state.left -= 1;
                    chunk.send.push(item);
                }
                Err(error) => {
                    // Not knowing is no reason not to send: a duplicate does no harm.
                    tracing::warn!(%error, "cannot look up success records");
                    state.left -= 1;
                    chunk.send.push(item);
                }
            }
        }
        chunk
    }

    /// Markers past the filters, in the order of the listing.
    fn found(&self) -> BoxStream<'s, Result<Found, Error>> {
        let (journal, options) = (self.journal, self.options);
        let prefix = options.filter.prefix.as_deref().unwrap_or_default();
        journal
            .markers(options.shelf, prefix)
            .map(move |marker| async move {
                let marker = marker?;
                if !options.filter.admits_marker(&marker) {
                    return Ok(Found::Skip);
                }
                if !options.filter.needs_record(&marker) {
                    return Ok(Found::Send(Box::new(Item { marker, record: None })));
                }
                read(journal, options, marker).await
            })
            .buffered(READS)
            .boxed()
    }
}

async fn read(journal: &OpenJournal<'_>, options: &Options, marker: Marker) -> Result<Found, Error> {
    let record = match journal.read(&marker).await {
        Ok(record) => record,
        Err(ReadError::Store(error)) => return Err(error),
        Err(error @ ReadError::Malformed(_)) => {
            tracing::warn!(name = marker.object().key, %error, "skipped");
            return Ok(Found::Skip);
        }
    };
    let item = Item { marker, record: Some(record) };
    if item.key().is_empty() {
        tracing::warn!(
            name = item.marker.object().key,
            "skipped: the record does not say which key it is for"
        );
        return Ok(Found::Skip);
    }
    let fits = item.record.as_ref().is_some_and(|record| options.filter.admits_record(item.key(), record));
    Ok(if fits { Found::Send(Box::new(item)) } else { Found::Skip })
}

impl State<'_> {
    /// Whether a success record is newer than the marker. Times are whole seconds: the same second does not count as newer.
    async fn is_done(&mut self, marker: &Marker) -> Result<bool, Error> {
        let lookup = match marker.naming() {
            Naming::Key => &mut self.by_key,
            Naming::Hash => &mut self.by_hash,
        };
        let success = lookup.find(marker.end()).await?;
        let success = success.and_then(|object| object.last_modified);
        Ok(success.zip(marker.object().last_modified).is_some_and(|(success, failed)| success > failed))
    }
}
