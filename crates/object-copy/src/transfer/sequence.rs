//! A source that can only be read in one go: its length is unknown, it sends whole objects only, or nothing that it says tells two
//! versions apart.
//!
//! Memory holds two parts: one on its way out while the next one comes in.
//!
//! Nothing of such a copy can be continued: what comes next time need not be the same bytes. So when time runs out its upload is
//! removed, and the failure is a permanent one that says why. Another run of the same length would come no further, and somebody has to
//! give it more time; records of permanent failures are set aside after some replays, others are not. Only where this copy had next to
//! no time for itself, as one that was begun last, the failure is transient.

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
use super::parts::{Part, Trust, Upload, until};
use super::plan::{MAX_PART_SIZE, Plan};
use super::reader::{OnFullResponse, Pinned, Reader};
use super::retry::Retries;
use super::source::{Body, GetRange, Opened};
use super::upload_tracker::UploadTracker;
use crate::outcome::FailureClass;

/// A copy that had less time than that for itself may come further next time.
const NEXT_TO_NO_TIME: Duration = Duration::from_secs(5);

/// After so many parts of unknown length, parts become twice as large: 10,000 of them hold 16 TiB then.
const PARTS_OF_A_SIZE: u32 = 1000;

/// Reads to the end and writes what comes: with one request if it is little, in parts if it is more. Whether it ends well or not, no
/// upload is left open that could be removed. Gives how many bytes came.
pub(super) async fn put(
    context: &Context,
    to: &StoreDestination,
    (key, pinned, options): (&str, &Pinned, &PutOptions),
    opened: Option<Opened>,
    deadline: Option<Instant>,
    tracker: &UploadTracker,
) -> Result<u64, Abort> {
    // There is nothing to go on with.
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
        "the source does not tell its length"
    } else if !pinned.info.identity.tells_versions() {
        "the source tells neither a strong ETag nor a Last-Modified"
    } else {
        "the source sends whole objects only"
    };
    let class = if time < NEXT_TO_NO_TIME { FailureClass::Transient } else { FailureClass::Permanent };
    TransferError::new(
        class,
        format!(
            "{:?} has to be read in one go ({why}), and after {bytes} bytes in {} s the time budget ended: nothing of that can be continued, so \
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
        let plan = Plan { size: 0, part_size };
        let mut upload = Upload::begin(to, key, plan, options, pinned, tracker).await?;
        send(context, &mut upload, &mut incoming, first).await?;
        let bytes = upload.plan.size;
        upload.complete(pinned).await?;
        Ok(bytes)
    }
}

/// Everything came at once.
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
        // Where the answer does not tell, the service compared the body with its MD5.
        if to.judge(digests, answered) != Verdict::Mismatch {
            return Ok(());
        }
        to.remove_bad(key).await;
        retries.wait(arrived_wrong(key)).await?;
    }
}

/// Writes part after part; while one is on its way, the next one is read.
async fn send(
    context: &Context,
    upload: &mut Upload,
    incoming: &mut Incoming,
    first: Bytes,
) -> Result<(), Abort> {
    let (mut number, mut body, mut part_size) = (1, first, upload.plan.part_size);
    let mut bytes = 0;
    while !body.is_empty() {
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
            Verdict::Mismatch => retries.wait(arrived_wrong(&upload.key)).await?,
            verdict => {
                let proved = verdict == Verdict::Match || digests.md5.is_some();
                let trust = if proved { Trust::Proved } else { Trust::Sent };
                let len = body.len() as u64;
                return Ok(Part { etag: outcome.etag, len, crc64: Some(digests.crc64), trust });
            }
        }
    }
}

fn arrived_wrong(key: &str) -> TransferError {
    TransferError::transient(format!("bytes of {key:?} arrived with another checksum"))
}

/// The bytes of the source in order.
struct Incoming {
    from: Input,
    checksums: Checksums,
    /// Read, but not asked for yet.
    pending: Bytes,
    /// Bytes read so far.
    read: Arc<AtomicU64>,
}

enum Input {
    /// As many as the source said: a break is read on from.
    Reader(Reader),
    /// As many as come: a break starts over.
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
            // A first part may have come, of nobody knows how much.
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

    /// The next `size` bytes, or as many as there still are.
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
