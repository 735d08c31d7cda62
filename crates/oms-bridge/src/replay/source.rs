//! Markers, in chunks that are ready to be sent.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use oss_lite::Error;
use tokio::sync::mpsc;

use super::Run;
use crate::change::{Effect, Provider};
use crate::engine::Job;
use crate::journal::{Lookup, Marker, Naming, ReadError, Record, Shelf};

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

    /// The job that the record describes, as far as there is one and it was read.
    pub(super) fn job(&self) -> Job<'_> {
        let record = self.record.as_ref();
        let effect = match record.and_then(|record| record.event.as_deref()).map(Effect::of) {
            Some(Effect::Removed) => Effect::Removed,
            // It was forwarded once: whatever the event is called, there is something to forward.
            _ => Effect::Changed,
        };
        let bucket = record.and_then(|record| record.bucket.as_deref());
        let open = record.and_then(|record| record.upload.as_ref());
        let url = record.and_then(|record| record.url.as_deref());
        let provider = Provider::of_record(record.and_then(|record| record.provider.as_deref()));
        Job { key: self.key(), provider, bucket, url, effect, open }
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

/// The chunks of one run.
pub(super) struct Source {
    run: Arc<Run>,
    found: BoxStream<'static, Result<Found, Error>>,
    by_key: Lookup,
    by_hash: Lookup,
    /// Keys in a chunk: full batches, so that a replay makes as few requests as its keys allow.
    size: usize,
    /// Keys that may still be sent.
    left: usize,
    ended: bool,
}

impl Source {
    /// Lists in a task of its own, a chunk ahead, until nobody takes chunks any more.
    pub(super) fn spawn(run: &Arc<Run>) -> mpsc::Receiver<Chunk> {
        let (chunks, receiver) = mpsc::channel(1);
        let mut source = Self::new(run);
        tokio::spawn(async move {
            while !source.ended {
                let chunk = tokio::select! {
                    chunk = source.next() => chunk,
                    () = chunks.closed() => return,
                };
                if chunk.listed > 0 && chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn new(run: &Arc<Run>) -> Self {
        let batch = run.engine.batch();
        Self {
            found: found(run),
            by_key: run.journal.lookup(Shelf::Success, Naming::Key),
            by_hash: run.journal.lookup(Shelf::Success, Naming::Hash),
            size: (CHUNK / batch).max(1) * batch,
            left: run.options.limit.unwrap_or(usize::MAX),
            ended: false,
            run: Arc::clone(run),
        }
    }

    /// The next chunk. An error of the listing ends the source; what was found before it is still sent.
    async fn next(&mut self) -> Chunk {
        let mut chunk = Chunk::default();
        while !self.ended && chunk.send.len() < self.size && chunk.done.len() < CHUNK {
            let next = if self.left == 0 { None } else { self.found.next().await };
            match next {
                None => self.ended = true,
                Some(Ok(found)) => self.take(found, &mut chunk).await,
                Some(Err(error)) => {
                    self.run.journal_failed(&error);
                    self.ended = true;
                }
            }
        }
        chunk
    }

    async fn take(&mut self, found: Found, chunk: &mut Chunk) {
        chunk.listed += 1;
        let Found::Send(item) = found else {
            chunk.skipped += 1;
            return;
        };
        // The copy engine still has to remove what was left open.
        let settled = self.run.engine.copier().is_none() || item.job().open.is_none();
        let done = settled
            && self.is_done(&item.marker).await.unwrap_or_else(|error| {
                // Not knowing is no reason not to send: a duplicate does no harm.
                tracing::warn!(%error, "cannot look up success records");
                false
            });
        if done {
            chunk.done.push(item.marker);
        } else {
            self.left -= 1;
            chunk.send.push(*item);
        }
    }

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

/// Markers past the filters, in the order of the listing.
fn found(run: &Arc<Run>) -> BoxStream<'static, Result<Found, Error>> {
    let prefix = run.options.filter.prefix.as_deref().unwrap_or_default();
    let markers = run.journal.markers(run.options.shelf, prefix);
    let run = Arc::clone(run);
    let found = markers.map(move |marker| sift(Arc::clone(&run), marker));
    found.buffered(READS).boxed()
}

async fn sift(run: Arc<Run>, marker: Result<Marker, Error>) -> Result<Found, Error> {
    let marker = marker?;
    let filter = &run.options.filter;
    if !filter.admits_marker(&marker) {
        return Ok(Found::Skip);
    }
    if filter.needs_record(&marker) {
        return read(&run, marker).await;
    }
    if run.engine.copier().is_none() {
        return Ok(Found::Send(Box::new(Item { marker, record: None })));
    }
    // The name says which key; bucket, URL, event and what was left open are in the record only.
    let record = match run.journal.read(&marker).await {
        Ok(record) => record,
        Err(ReadError::Store(error)) => return Err(error),
        Err(error @ ReadError::Malformed(_)) => {
            tracing::warn!(name = marker.object().key, %error, "sent by its name alone");
            Record::default()
        }
    };
    Ok(Found::Send(Box::new(Item { marker, record: Some(record) })))
}

async fn read(run: &Run, marker: Marker) -> Result<Found, Error> {
    let record = match run.journal.read(&marker).await {
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
    let fits =
        item.record.as_ref().is_some_and(|record| run.options.filter.admits_record(item.key(), record));
    Ok(if fits { Found::Send(Box::new(item)) } else { Found::Skip })
}
