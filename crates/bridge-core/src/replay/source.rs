//! Failures, in chunks that are ready to be sent.

use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use futures_util::future::{Either, FutureExt as _, ready};
use futures_util::stream::{BoxStream, Peekable};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Error, ErrorKind, ListedObject};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Run;
use super::fold::{Failed, ReplayItem, fold};
use crate::journal::{ConfirmedLookup, FailureRef, Form, Lookup, Naming, OpenJournal, ReadError, Record};

/// Keys that are sent together, roughly: as many as one multi-delete takes names.
const CHUNK: usize = 1000;

/// Failures in a chunk at most. More only where one key has very many: then it is sent once more by the next
/// chunk.
const FAILURES: usize = 10 * CHUNK;

/// Records read at once.
const READS: usize = 64;

/// Failures that are processed together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) listed: usize,
    pub(super) skipped: usize,
    /// To be sent.
    pub(super) send: Vec<ReplayItem>,
    /// Forwarded since; only their records are left.
    pub(super) done: Vec<FailureRef>,
    /// Objects that these stand for.
    pub(super) already_done: usize,
}

impl Chunk {
    /// The last of its keys, as far as failures name them.
    pub(super) fn last_key(&self) -> Option<String> {
        let sent = self.send.iter().map(ReplayItem::key);
        let key = sent.chain(self.done.iter().filter_map(FailureRef::key)).max();
        key.map(str::to_owned)
    }
}

enum Found {
    Send(Failed),
    Skip,
}

impl Found {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Send(failed) => Some(failed.key()),
            Self::Skip => None,
        }
    }
}

/// The listing, with one element of lookahead.
type Listing = Pin<Box<Peekable<BoxStream<'static, Result<Found, Error>>>>>;

/// The chunks of one run.
pub(super) struct FailureSource {
    run: Arc<Run>,
    found: Listing,
    by_key: Lookup,
    by_hash: Lookup,
    /// Those of keys that were confirmed since.
    confirmed: ConfirmedLookup,
    /// Keys in a chunk: full batches, so that a replay makes as few requests as its keys allow.
    size: usize,
    /// Keys that may still be sent.
    left: usize,
    ended: bool,
}

impl FailureSource {
    /// Lists in a task of its own, a chunk ahead, until the receiver is dropped.
    pub(super) fn spawn(run: &Arc<Run>) -> (JoinHandle<()>, mpsc::Receiver<Chunk>) {
        let (chunks, receiver) = mpsc::channel(1);
        let mut source = Self::new(run);
        let listing = tokio::spawn(async move {
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
        (listing, receiver)
    }

    fn new(run: &Arc<Run>) -> Self {
        let batch = run.engine.batch();
        Self {
            found: Box::pin(found(run).peekable()),
            by_key: run.journal.successes(Naming::Key),
            by_hash: run.journal.successes(Naming::Hash),
            confirmed: run.journal.confirmed_lookup(),
            size: (CHUNK / batch).max(1) * batch,
            left: run.options.limit.unwrap_or(usize::MAX),
            ended: false,
            run: Arc::clone(run),
        }
    }

    /// The next chunk. An error of the listing ends the source; what was found before it is still sent.
    async fn next(&mut self) -> Chunk {
        let mut chunk = Chunk::default();
        let mut failed = Vec::new();
        let mut keys = 0;
        while !self.ended {
            let full = keys >= self.size.min(self.left) || chunk.skipped >= CHUNK;
            if full && (failed.len() >= FAILURES || !self.goes_on(failed.last()).await) {
                break;
            }
            match self.found.next().await {
                None => self.ended = true,
                Some(Ok(found)) => {
                    chunk.listed += 1;
                    match found {
                        Found::Send(one) => {
                            let another = failed.last().is_none_or(|last: &Failed| last.key() != one.key());
                            keys += usize::from(another);
                            failed.push(one);
                        }
                        Found::Skip => chunk.skipped += 1,
                    }
                }
                Some(Err(error)) => {
                    self.run.stop_for_journal(error);
                    self.ended = true;
                }
            }
        }
        let items = fold(failed, &self.run);
        self.left = self.left.saturating_sub(items.len());
        self.ended |= self.left == 0;
        self.tell_done_apart(items, &mut chunk).await;
        chunk
    }

    /// Whether the next failure is of the same key: then they are sent together.
    async fn goes_on(&mut self, last: Option<&Failed>) -> bool {
        let Some(last) = last else { return false };
        match self.found.as_mut().peek().await {
            Some(Ok(next)) => next.key() == Some(last.key()),
            _ => false,
        }
    }

    /// Leaves out what was forwarded since it failed.
    async fn tell_done_apart(&mut self, items: Vec<ReplayItem>, chunk: &mut Chunk) {
        let successes = match self.successes(&items).await {
            Ok(successes) => successes,
            Err(error) => {
                // Not knowing is no reason not to send: a duplicate does no harm.
                tracing::warn!(%error, "cannot look up success records");
                Vec::new()
            }
        };
        let mut records = covering(&self.run.journal, &items, successes).await;
        for mut item in items {
            // Mostly there are none, and then no key need be hashed.
            if !records.is_empty()
                && let Some(success) = records.remove(item.key())
            {
                // An upload that a copy left open still has to be removed by a copy.
                let (done, open): (Vec<_>, Vec<_>) = item
                    .failed
                    .drain(..)
                    .partition(|failed| failed.upload().is_none() && failed.is_covered(&success));
                chunk.done.extend(done.into_iter().map(|failed| failed.failure));
                item.failed = open;
            }
            if item.failed.is_empty() {
                chunk.already_done += 1;
            } else {
                chunk.send.push(item);
            }
        }
    }

    /// The success records of the keys, of those that were confirmed since as well.
    async fn successes(&mut self, items: &[ReplayItem]) -> Result<Vec<Success>, Error> {
        let mut found = Vec::new();
        let mut others = Vec::new();
        for (naming, lookup) in [(Naming::Key, &mut self.by_key), (Naming::Hash, &mut self.by_hash)] {
            let layout = self.run.journal.layout();
            let mut ends: Vec<(Cow<'_, str>, &str)> = items
                .iter()
                .filter_map(|item| {
                    let (own, end) = layout.success(item.key());
                    (own == naming).then_some((end, item.key()))
                })
                .collect();
            ends.sort_unstable();
            ends.dedup();
            if ends.is_empty() {
                continue;
            }
            let names: Vec<&str> = ends.iter().map(|(end, _)| &**end).collect();
            let objects = lookup.find(&names).await?;
            for ((_, key), object) in ends.iter().zip(objects) {
                match object {
                    // An empty one is the vendor's, and does not say when its attempt began.
                    Some(ListedObject { size: 0, .. }) => {}
                    Some(object) => {
                        let ListedObject { key: name, last_modified: written, .. } = object;
                        found.push(Success { key: (*key).to_owned(), name, written });
                    }
                    None => others.push(*key),
                }
            }
        }
        others.sort_unstable();
        if !others.is_empty() {
            for (key, success) in others.iter().zip(self.confirmed.find(&others).await?) {
                let success =
                    success.map(|(name, written)| Success { key: (*key).to_owned(), name, written });
                found.extend(success);
            }
        }
        Ok(found)
    }
}

/// A success record in the log bucket.
struct Success {
    /// Its key.
    key: String,
    /// The object.
    name: String,
    /// When that was written: not before the record was.
    written: Option<DateTime<Utc>>,
}

/// Reads those success records that may cover a failure: that are newer.
async fn covering(
    journal: &OpenJournal,
    items: &[ReplayItem],
    successes: Vec<Success>,
) -> HashMap<String, Record> {
    if successes.is_empty() {
        return HashMap::new();
    }
    let mut oldest = HashMap::new();
    for item in items {
        let written = item.failed.iter().filter_map(|failed| failed.failure.written()).min();
        let known = oldest.entry(item.key()).or_insert(written);
        *known = (*known).min(written);
    }
    let newer = successes.into_iter().filter(|success| {
        let failed = oldest.get(success.key.as_str()).copied().flatten();
        success.written.zip(failed).is_some_and(|(success, failed)| success > failed)
    });
    let newer: Vec<Success> = newer.collect();
    let reads: Vec<_> = newer
        .into_iter()
        .map(|success| async move {
            let stored = journal.stored(&success.name).await.ok()?;
            Some((success.key, Record::parse(&stored.body).ok()?))
        })
        .collect();
    stream::iter(reads).buffer_unordered(READS).filter_map(std::future::ready).collect().await
}

/// Failures past the filters, in the order of the listing.
fn found(run: &Arc<Run>) -> BoxStream<'static, Result<Found, Error>> {
    let prefix = run.options.filter.prefix.as_deref().unwrap_or_default();
    let failures = run.journal.failures(run.options.status, prefix);
    let run = Arc::clone(run);
    let decide = move |failure: FailureRef| {
        let filter = &run.options.filter;
        if !filter.admits_listed(&failure) {
            run.left_out.fetch_add(1, Ordering::Relaxed);
            return Either::Left(ready(Ok(Found::Skip)));
        }
        // Which change it was is in the record only; OMS asks for nothing but the key.
        if filter.needs_record(&failure) || run.engine.needs_records() {
            // A request takes kilobytes; what needs none, which are most, is not to pay for them.
            return Either::Right(read(Arc::clone(&run), failure).boxed());
        }
        Either::Left(ready(Ok(sift(&run, failure, None))))
    };
    failures.map_ok(decide).try_buffered(READS).boxed()
}

/// Decides about a failure by its record.
async fn read(run: Arc<Run>, failure: FailureRef) -> Result<Found, Error> {
    match run.journal.read(&failure).await {
        Ok(record) => Ok(sift(&run, failure, Some(Box::new(record)))),
        // One object alone: archived by a rule, or with an owner of its own.
        Err(ReadError::Store(error))
            if matches!(error.kind(), ErrorKind::Archived | ErrorKind::AccessDenied) =>
        {
            tracing::warn!(name = failure.name(), %error, "skipped: the record cannot be read");
            run.unreadable.fetch_add(1, Ordering::Relaxed);
            Ok(Found::Skip)
        }
        Err(ReadError::Store(error)) => Err(error),
        Err(ReadError::Vanished) => {
            tracing::info!(name = failure.name(), "skipped: another run has resolved the failure");
            run.resolved.fetch_add(1, Ordering::Relaxed);
            Ok(Found::Skip)
        }
        Err(error) => {
            tracing::warn!(name = failure.name(), %error, "skipped; it is left unchanged");
            run.no_records.fetch_add(1, Ordering::Relaxed);
            Ok(Found::Skip)
        }
    }
}

/// Decides about a failure that is asked for, by its name and, where it was read, its record.
fn sift(run: &Run, failure: FailureRef, record: Option<Box<Record>>) -> Found {
    let Some(failed) = Failed::new(failure, record) else {
        run.no_records.fetch_add(1, Ordering::Relaxed);
        return Found::Skip;
    };
    let unasked = |record: &Record| !run.options.filter.admits_record(failed.key(), record);
    if failed.record.as_deref().is_some_and(unasked) {
        run.left_out.fetch_add(1, Ordering::Relaxed);
        return Found::Skip;
    }
    if !run.engine.needs_records() && run.is_beyond_oms(&failed) {
        run.leave_for_copies(&failed);
        return Found::Skip;
    }
    Found::Send(failed)
}

impl Failed {
    /// `None` if neither name nor record has the key.
    fn new(failure: FailureRef, record: Option<Box<Record>>) -> Option<Self> {
        let recorded = record.as_ref().is_some_and(|record| !record.key.is_empty());
        if failure.key().is_none() && !recorded {
            tracing::warn!(name = failure.name(), "skipped: the record does not say which key it is for");
            return None;
        }
        if failure.form() == Form::Named
            && record.as_ref().is_some_and(|record| record.key.is_empty() && record.v == 0)
        {
            tracing::warn!(
                name = failure.name(),
                "skipped: the object is not a record; it is left unchanged"
            );
            return None;
        }
        Some(Self { failure, record })
    }
}
