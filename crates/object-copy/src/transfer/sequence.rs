//! Sequential copies, for sources that cannot be read in ranges: the length is unknown, whole objects are
//! sent only, or no validator distinguishes two versions.
//!
//! Memory holds two parts: one is sent while the next one is read.
//!
//! Such a copy cannot be continued: the next read may return other bytes. So when time runs out its upload is
//! removed, and the failure is permanent, with the reason: another run of the same length would get no
//! further, so it needs more time; and records of permanent failures are dead-lettered after some replays,
//! others are not. Only if this copy had almost no time for itself, as one that was started last, the failure
//! is transient.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use oss_lite::PutOptions;
use tokio::time::Instant;

use super::Context;
use super::checksums::{Algorithms, Checksums};
use super::destination::{StoreDestination, Verdict, WriteResponse};
use super::error::{Abort, TransferError};
use super::opened::{Body, Opened};
use super::part::{Part, Trust};
use super::parts::until;
use super::plan::{MAX_PART_SIZE, Plan};
use super::range::GetRange;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::retry::Retries;
use super::upload::Upload;
use super::upload_tracker::UploadTracker;
use crate::outcome::FailureClass;
use crate::stop::StopLevel;

/// A copy that had less time than this may get further next time.
const NEXT_TO_NO_TIME: Duration = Duration::from_secs(5);

/// Number of parts after which the part size doubles, if the length is unknown: 10,000 parts then hold 16
/// TiB.
const PARTS_OF_A_SIZE: u32 = 1000;

/// Reads to the end and writes the bytes: with one request if they fit one part, else in parts. In either
/// case no upload is left open, if it can be removed. Returns the size.
pub(super) async fn put(
    context: &Context,
    to: &StoreDestination,
    (key, pinned, options): (&str, &Pinned, &PutOptions),
    opened: Option<Opened>,
    deadline: Option<Instant>,
    tracker: &UploadTracker,
) -> Result<u64, Abort> {
    // An upload of an earlier run cannot be continued.
    tracker.discard(to).await?;
    let permit = context.streams.acquire().await;
    let (begun, read) = (Instant::now(), Arc::<AtomicU64>::default());
    let copy = SequentialCopy { context, to, key, pinned, options, tracker };
    let done = tokio::select! {
        done = copy.run(opened, &read) => done,
        () = until(deadline) => Err(cut_short(pinned, begun.elapsed(), read.load(Ordering::Relaxed)).into()),
    };
    drop(permit);
    match done {
        Ok(bytes) => Ok(bytes),
        Err(abort) => Err(tracker.give_up(to, abort).await),
    }
}

fn cut_short(pinned: &Pinned, time: Duration, bytes: u64) -> TransferError {
    let why = if pinned.info.size().is_none() {
        "the source does not report its length"
    } else if !pinned.info.identity.distinguishes_versions() {
        "the source sends neither a strong ETag nor a Last-Modified"
    } else {
        "the source sends whole objects only"
    };
    let class = if time < NEXT_TO_NO_TIME { FailureClass::Transient } else { FailureClass::Permanent };
    TransferError::new(
        class,
        format!(
            "{:?} has to be read in one go ({why}), and after {bytes} bytes in {} s the time budget ended: the copy cannot be resumed, so \
             give it more time in one run, or copy it with `oms-bridge copy`",
            pinned.name,
            time.as_secs()
        ),
    )
}

/// One try.
#[derive(Clone, Copy)]
struct SequentialCopy<'c> {
    context: &'c Context,
    to: &'c StoreDestination,
    key: &'c str,
    pinned: &'c Pinned,
    options: &'c PutOptions,
    tracker: &'c UploadTracker,
}

impl SequentialCopy<'_> {
    async fn run(self, opened: Option<Opened>, read: &Arc<AtomicU64>) -> Result<u64, Abort> {
        let Self { context, to, key, pinned, options, tracker } = self;
        let mut incoming = Incoming::new(pinned, opened, to.crc64_support.algorithms(), read).await?;
        let part_size = match pinned.info.size() {
            Some(size) => Plan::new(size, context.part_size)?.part_size,
            None => context.part_size,
        };
        let first = incoming.part(part_size).await?;
        context.admit(first.len() as u64)?;
        if (first.len() as u64) < part_size {
            let bytes = first.len() as u64;
            put_whole(context, to, key, first, incoming, options).await?;
            return Ok(bytes);
        }
        context.may_begin_parts()?;
        let plan = Plan { size: 0, part_size };
        let mut upload = Upload::begin(to, key, plan, options, pinned, tracker).await?;
        send(context, &mut upload, &mut incoming, first).await?;
        let bytes = upload.plan.size;
        upload.complete(pinned).await?;
        Ok(bytes)
    }
}

/// Writes an object that fits one part.
async fn put_whole(
    context: &Context,
    to: &StoreDestination,
    key: &str,
    body: Bytes,
    incoming: Incoming,
    options: &PutOptions,
) -> Result<(), Abort> {
    let digests = incoming.checksums.digests();
    let options = PutOptions { content_md5: digests.md5, crc64: Some(digests.crc64), ..options.clone() };
    let mut retries = Retries::new(context.random);
    loop {
        let outcome = to.bucket.put(key, body.clone(), options.clone()).await.map_err(TransferError::from)?;
        let answered = WriteResponse { etag: outcome.etag.as_deref(), crc64: outcome.crc64 };
        // If the response proves nothing, the service compared the body with its MD5.
        if to.judge(digests, answered) != Verdict::Mismatch {
            return Ok(());
        }
        to.remove_bad(key).await;
        retries.wait(corrupt(key)).await?;
    }
}

/// Writes part after part; reads the next one meanwhile.
async fn send(
    context: &Context,
    upload: &mut Upload,
    incoming: &mut Incoming,
    first: Bytes,
) -> Result<(), Abort> {
    let (mut number, mut body, mut part_size) = (1, first, upload.plan.part_size);
    let mut bytes = 0;
    while !body.is_empty() {
        if number > 1 && context.stop.is(StopLevel::EndAtParts) {
            return Err(TransferError::cut_short(format!(
                "stopped after {} parts; it has to be read in one go, so a later run starts over",
                number - 1
            ))
            .into());
        }
        bytes += body.len() as u64;
        context.admit(bytes)?;
        if number % PARTS_OF_A_SIZE == 0 && incoming.is_of_unknown_length() {
            part_size = part_size.saturating_mul(2).min(MAX_PART_SIZE);
        }
        let (part, next) = tokio::join!(write(upload, number, body), incoming.part(part_size));
        upload.done.insert(number, part?);
        body = next?;
        number += 1;
    }
    upload.plan.size = upload.done.values().map(|part| part.len).sum();
    Ok(())
}

async fn write(upload: &Upload, number: u32, body: Bytes) -> Result<Part, Abort> {
    let to = &upload.to;
    let checksums = Checksums::new(to.crc64_support.algorithms());
    checksums.add(&body);
    let digests = checksums.digests();
    let mut retries = Retries::new(fastrand::f64);
    loop {
        let outcome = to.bucket.upload_part(&upload.key, &upload.id, number, body.clone(), digests.md5).await;
        let outcome = outcome.map_err(TransferError::from)?;
        let answered = WriteResponse { etag: Some(&outcome.etag), crc64: outcome.crc64 };
        match to.judge(digests, answered) {
            Verdict::Mismatch => retries.wait(corrupt(&upload.key)).await?,
            verdict => {
                let proved = verdict == Verdict::Match || digests.md5.is_some();
                let trust = if proved { Trust::Proved } else { Trust::Sent };
                let len = body.len() as u64;
                return Ok(Part { etag: outcome.etag, len, crc64: Some(digests.crc64), trust });
            }
        }
    }
}

fn corrupt(key: &str) -> TransferError {
    TransferError::transient(format!("bytes of {key:?} have a different checksum at the destination"))
}

/// The bytes of the source, in order.
struct Incoming {
    from: Input,
    checksums: Checksums,
    /// Read, but not consumed yet.
    pending: Bytes,
    /// Bytes read so far.
    read: Arc<AtomicU64>,
}

enum Input {
    /// Of known length: reading continues after a break.
    Reader(Reader),
    /// Of unknown length: a break starts over.
    Stream(Pinned, Body),
}

impl Incoming {
    async fn new(
        pinned: &Pinned,
        opened: Option<Opened>,
        digests: Algorithms,
        read: &Arc<AtomicU64>,
    ) -> Result<Self, Abort> {
        let checksums = Checksums::new(digests);
        let from = if let Some(size) = pinned.info.size() {
            Input::Reader(Reader::new(pinned, 0..size, OnFullResponse::Skip, &checksums).begin_with(opened))
        } else {
            // `opened` may be a range of an object of unknown size.
            let opened = match opened.filter(|opened| opened.first == 0 && opened.end.is_none()) {
                Some(opened) => opened,
                None => pinned.source.open(&pinned.key, &GetRange::Whole, Some(&pinned.info)).await?,
            };
            Input::Stream(pinned.clone(), opened.body)
        };
        Ok(Self { from, checksums, pending: Bytes::new(), read: Arc::clone(read) })
    }

    fn is_of_unknown_length(&self) -> bool {
        matches!(self.from, Input::Stream(..))
    }

    /// The next `size` bytes, or the rest.
    async fn part(&mut self, size: u64) -> Result<Bytes, Abort> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut part = BytesMut::new();
        while part.len() < size {
            if self.pending.is_empty() {
                let Some(chunk) = self.chunk().await? else { break };
                self.read.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                self.pending = chunk;
            }
            let taken = self.pending.len().min(size - part.len());
            part.extend_from_slice(&self.pending.split_to(taken));
        }
        Ok(part.freeze())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Abort> {
        match &mut self.from {
            Input::Reader(reader) => reader.next().await,
            Input::Stream(pinned, body) => {
                let chunk = body.next().await.transpose().map_err(Abort::Restart)?;
                if let Some(chunk) = &chunk {
                    self.checksums.add(chunk);
                    pinned.flow.passed(chunk.len()).await;
                }
                Ok(chunk)
            }
        }
    }
}
