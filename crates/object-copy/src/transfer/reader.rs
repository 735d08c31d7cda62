//! A part of one object as a stream that outlives broken connections.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::checksums::Tally;
use super::error::{Cause, Failed, SourceBroke, Stop};
use super::flow::Flow;
use super::source::{Body, Opened, Source, Want, exactly};
use super::source_info::Facts;
use crate::backoff::{Backoff, Random};

/// How often in a row reading on may fail without a single byte.
const TRIES: u32 = 5;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// An object that was looked at, and where it is read.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    pub(super) source: Source,
    pub(super) key: Arc<str>,
    /// The key in messages.
    pub(super) name: Arc<str>,
    pub(super) facts: Arc<Facts>,
    /// The MD5 that the round before came to, if it was not that of the `ETag`.
    pub(super) other_md5: Option<[u8; 16]>,
    pub(super) flow: Flow,
    pub(super) random: Random,
}

/// What to do with a server that answers a request for a part with the whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// What was read before is skipped.
    Skip,
    /// It would be sent once for each part: stop.
    Refuse,
}

/// Reads `span` of a pinned object: where a connection breaks or a body falls short, the rest is asked for again from
/// there, of the same object.
pub(super) struct Reader {
    pinned: Pinned,
    at: u64,
    end: u64,
    body: Option<Body>,
    /// Where the current body ends by itself.
    body_end: u64,
    whole: Whole,
    tally: Tally,
    /// Whether the tally comes to that of the whole object.
    covers_all: bool,
    failures: u32,
}

impl Reader {
    pub(super) fn new(pinned: &Pinned, span: Range<u64>, whole: Whole, tally: &Tally) -> Self {
        Self {
            covers_all: span.start == 0 && pinned.facts.size() == Some(span.end),
            pinned: pinned.clone(),
            at: span.start,
            end: span.end,
            body: None,
            body_end: 0,
            whole,
            tally: tally.clone(),
            failures: 0,
        }
    }

    /// Begins with a body that was opened already, if it begins where this reader does.
    pub(super) fn begin_with(mut self, opened: Option<Opened>) -> Self {
        if let Some(opened) = opened
            && opened.first == self.at
        {
            self.take(opened);
        }
        self
    }

    /// Reads on in a body that begins where this reader is.
    fn take(&mut self, opened: Opened) {
        self.body_end = opened.end.unwrap_or(self.end);
        // A body that does not tell its length must have that of the rest: it might be of a longer object.
        self.body = Some(match opened.end {
            None => exactly(opened.body, self.end - self.at),
            Some(_) => opened.body,
        });
    }

    /// As a request body. Why it broke, if it does, is left in `cause`.
    pub(super) fn into_stream(
        self,
        cause: Cause,
    ) -> impl Stream<Item = Result<Bytes, SourceBroke>> + Send + use<> {
        stream::try_unfold((self, cause), |(mut reader, cause)| async move {
            match reader.next().await {
                Ok(Some(chunk)) => Ok(Some((chunk, (reader, cause)))),
                Ok(None) => Ok(None),
                Err(stop) => Err(cause.set(stop)),
            }
        })
    }

    /// The next bytes; `None` after the last one of the span.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Stop> {
        while self.at < self.end {
            let Some(body) = &mut self.body else {
                self.reopen().await?;
                continue;
            };
            let broke = match body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => return self.pass(chunk).await.map(Some),
                Some(Err(failed)) => failed,
                None if self.at == self.body_end => {
                    self.body = None;
                    continue;
                }
                None => Failed::transient(format!(
                    "the source sent {} bytes of {:?} less than it announced",
                    self.body_end.min(self.end).saturating_sub(self.at),
                    self.pinned.name
                )),
            };
            self.body = None;
            self.wait_after(broke).await?;
        }
        Ok(None)
    }

    async fn pass(&mut self, mut chunk: Bytes) -> Result<Bytes, Stop> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        chunk.truncate(room);
        self.failures = 0;
        self.at += chunk.len() as u64;
        self.tally.add(&chunk);
        // The last bytes of a whole object go out only if all of them are right: a copy that is wrong is never completed.
        if self.at == self.end && self.covers_all {
            self.check()?;
        }
        self.pinned.flow.passed(chunk.len()).await;
        Ok(chunk)
    }

    fn check(&self) -> Result<(), Stop> {
        let sums = self.tally.sums();
        let facts = &self.pinned.facts;
        if facts.crc64.is_some_and(|crc64| crc64 != sums.crc64) {
            return Err(Stop::Corrupt(format!(
                "the bytes that the source sent of {:?} do not match the CRC-64 that it names",
                self.pinned.name
            )));
        }
        if let (Some(likely), Some(read)) = (facts.likely_md5, sums.md5) {
            if likely != read && self.pinned.other_md5 != Some(read) {
                return Err(Stop::OtherMd5(read));
            }
            // The same bytes twice, and they are not of this MD5: it is none.
            self.pinned.source.learn_etags(likely == read);
        }
        Ok(())
    }

    async fn reopen(&mut self) -> Result<(), Stop> {
        let Pinned { source, key, facts, .. } = &self.pinned;
        let alone = self.covers_all && self.at == 0;
        let want = if alone { Want::Whole } else { Want::Span(self.at..self.end) };
        let mut answer = source.open(key, &want, Some(facts)).await;
        // Its parts contradict themselves: then it is read from its beginning.
        if matches!(answer, Err(Stop::RangesIgnored)) && !alone && self.whole == Whole::Skip {
            answer = source.open(key, &Want::Whole, Some(facts)).await;
        }
        let opened = match answer {
            Ok(opened) => opened,
            Err(Stop::Failed(failed)) => return self.wait_after(failed).await,
            Err(stop) => return Err(stop),
        };
        // What comes is put together with what came before, or with other parts.
        if !alone && !opened.facts.identity.shows(&facts.identity) {
            return Err(Stop::RangesIgnored);
        }
        // A whole object of unknown length is no part.
        if opened.first == self.at && (opened.end.is_some() || self.covers_all) {
            self.take(opened);
            return Ok(());
        }
        if opened.first != 0 || self.whole == Whole::Refuse {
            return Err(Stop::RangesIgnored);
        }
        self.skip(opened).await
    }

    /// Drops what was read before from the body of a server that knows no ranges.
    async fn skip(&mut self, mut opened: Opened) -> Result<(), Stop> {
        if opened.end.is_none() && self.covers_all {
            opened.body = exactly(opened.body, self.end);
        }
        let mut left = self.at;
        while left > 0 {
            match opened.body.next().await {
                Some(Ok(chunk)) if chunk.len() as u64 <= left => left -= chunk.len() as u64,
                Some(Ok(mut chunk)) => {
                    let rest = chunk.split_off(usize::try_from(left).unwrap_or(usize::MAX));
                    opened.body = Box::pin(stream::iter([Ok(rest)]).chain(opened.body));
                    left = 0;
                }
                Some(Err(failed)) => return self.wait_after(failed).await,
                None => {
                    let failed = Failed::transient("the source sent less than before");
                    return self.wait_after(failed).await;
                }
            }
        }
        self.body_end = self.end;
        self.body = Some(opened.body);
        Ok(())
    }

    /// Waits before the next try; stops when there were too many, or another try is no use.
    async fn wait_after(&mut self, failed: Failed) -> Result<(), Stop> {
        self.failures += 1;
        if self.failures >= TRIES || !failed.class.may_pass() {
            return Err(Stop::Failed(failed));
        }
        // The rest might be of another version.
        if self.at > 0 && !self.pinned.facts.identity.tells_versions() {
            return Err(Stop::Restart(failed));
        }
        tracing::debug!(key = &*self.pinned.name, at = self.at, error = %failed.error, "reading on from where it broke");
        tokio::time::sleep(BACKOFF.delay(self.failures - 1, self.pinned.random)).await;
        Ok(())
    }
}
