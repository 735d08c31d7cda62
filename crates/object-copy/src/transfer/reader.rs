//! A byte range of one object as a stream that survives broken connections.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::checksums::Checksums;
use super::error::{Abort, Cause, SourceInterrupted, TransferError};
use super::flow::Flow;
use super::opened::{Body, Opened, exactly};
use super::range::GetRange;
use super::source::Source;
use super::source_info::SourceInfo;
use oss_lite::{Backoff, Random};

/// Most consecutive failures without a single byte.
const TRIES: u32 = 5;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// A snapshot of a source object: every further read must be of the version in `info`.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    pub(super) source: Source,
    pub(super) key: Arc<str>,
    /// The key in messages.
    pub(super) name: Arc<str>,
    pub(super) info: Arc<SourceInfo>,
    /// The MD5 that the previous round computed, if the `ETag` differs.
    pub(super) other_md5: Option<[u8; 16]>,
    pub(super) flow: Flow,
    pub(super) random: Random,
}

/// What to do if a server responds to a range request with the whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFullResponse {
    /// Skip the bytes before the range.
    Skip,
    /// Abort: it would be sent once for each part.
    Refuse,
}

/// Reads `span` of a pinned object: if a connection breaks or a body is too short, the rest is requested from
/// there, of the same version.
pub(super) struct Reader {
    pinned: Pinned,
    at: u64,
    end: u64,
    body: Option<Body>,
    /// End of the current body.
    body_end: u64,
    on_full: OnFullResponse,
    checksums: Checksums,
    /// Whether `span` is the whole object, so that the checksums can be compared with the source's.
    covers_all: bool,
    failures: u32,
}

impl Reader {
    pub(super) fn new(
        pinned: &Pinned,
        span: Range<u64>,
        on_full: OnFullResponse,
        checksums: &Checksums,
    ) -> Self {
        Self {
            covers_all: span.start == 0 && pinned.info.size() == Some(span.end),
            pinned: pinned.clone(),
            at: span.start,
            end: span.end,
            body: None,
            body_end: 0,
            on_full,
            checksums: checksums.clone(),
            failures: 0,
        }
    }

    /// Uses a response that was opened already, if it begins where this reader does.
    pub(super) fn begin_with(mut self, opened: Option<Opened>) -> Self {
        if let Some(opened) = opened
            && opened.first == self.at
        {
            self.take(opened);
        }
        self
    }

    /// Continues with a body that begins at the current position.
    fn take(&mut self, opened: Opened) {
        self.body_end = opened.end.unwrap_or(self.end);
        // A body of unannounced length must have that of the rest: it might be of a longer object.
        self.body = Some(match opened.end {
            None => exactly(opened.body, self.end - self.at),
            Some(_) => opened.body,
        });
    }

    /// As a request body. If it fails, the reason is left in `cause`.
    pub(super) fn into_stream(
        self,
        cause: Cause,
    ) -> impl Stream<Item = Result<Bytes, SourceInterrupted>> + Send + use<> {
        stream::try_unfold((self, cause), |(mut reader, cause)| async move {
            match reader.next().await {
                Ok(Some(chunk)) => Ok(Some((chunk, (reader, cause)))),
                Ok(None) => Ok(None),
                Err(abort) => Err(cause.set(abort)),
            }
        })
    }

    /// The next bytes; `None` after the last one of the span.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Abort> {
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
                None => TransferError::transient(format!(
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

    async fn pass(&mut self, mut chunk: Bytes) -> Result<Bytes, Abort> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        chunk.truncate(room);
        self.failures = 0;
        self.at += chunk.len() as u64;
        self.checksums.add(&chunk);
        // The last bytes of a whole object are passed on only if the checksums match: a corrupt copy is never
        // completed.
        if self.at == self.end && self.covers_all {
            self.check()?;
        }
        self.pinned.flow.passed(chunk.len()).await;
        Ok(chunk)
    }

    fn check(&self) -> Result<(), Abort> {
        let digests = self.checksums.digests();
        let info = &self.pinned.info;
        if info.crc64.is_some_and(|crc64| crc64 != digests.crc64) {
            return Err(Abort::Corrupt(format!(
                "the bytes that the source sent of {:?} do not match the CRC-64 that it names",
                self.pinned.name
            )));
        }
        if let (Some(likely), Some(read)) = (info.likely_md5, digests.md5) {
            if likely != read && self.pinned.other_md5 != Some(read) {
                return Err(Abort::OtherMd5(read));
            }
            // The same bytes were read twice, with another MD5: the `ETag` is no MD5.
            self.pinned.source.learn_etags(likely == read);
        }
        Ok(())
    }

    async fn reopen(&mut self) -> Result<(), Abort> {
        let Pinned { source, key, info, .. } = &self.pinned;
        let alone = self.covers_all && self.at == 0;
        let range = if alone { GetRange::Whole } else { GetRange::Span(self.at..self.end) };
        let mut answer = source.open(key, &range, Some(info)).await;
        // Its range responses contradict themselves: read it from the beginning.
        if matches!(answer, Err(Abort::RangesIgnored)) && !alone && self.on_full == OnFullResponse::Skip {
            answer = source.open(key, &GetRange::Whole, Some(info)).await;
        }
        let opened = match answer {
            Ok(opened) => opened,
            Err(Abort::Failed(failed)) => return self.wait_after(failed).await,
            Err(abort) => return Err(abort),
        };
        // These bytes are combined with earlier ones or with other parts, so they must be of the same
        // version.
        if !alone && !opened.info.identity.shows(&info.identity) {
            return Err(Abort::RangesIgnored);
        }
        // A body of unknown length may be the whole object, not the range.
        if opened.first == self.at && (opened.end.is_some() || self.covers_all) {
            self.take(opened);
            return Ok(());
        }
        if opened.first != 0 || self.on_full == OnFullResponse::Refuse {
            return Err(Abort::RangesIgnored);
        }
        self.skip(opened).await
    }

    /// Skips the bytes before the position in the body of a server that does not support ranges.
    async fn skip(&mut self, mut opened: Opened) -> Result<(), Abort> {
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
                    let failed = TransferError::transient("the source sent less than before");
                    return self.wait_after(failed).await;
                }
            }
        }
        self.body_end = self.end;
        self.body = Some(opened.body);
        Ok(())
    }

    /// Waits before the next try; fails after too many, or if a retry is useless.
    async fn wait_after(&mut self, failed: TransferError) -> Result<(), Abort> {
        self.failures += 1;
        if self.failures >= TRIES || !failed.class.may_pass() {
            return Err(Abort::Failed(failed));
        }
        // The rest might be of another version.
        if self.at > 0 && !self.pinned.info.identity.distinguishes_versions() {
            return Err(Abort::Restart(failed));
        }
        tracing::debug!(key = &*self.pinned.name, at = self.at, error = %failed.error, "continuing after a broken read");
        tokio::time::sleep(BACKOFF.delay(self.failures - 1, self.pinned.random)).await;
        Ok(())
    }
}
