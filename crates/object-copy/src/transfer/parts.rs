//! Multipart copies: ranges of the source are streamed into parts of the destination, several at once.

use std::sync::Arc;

use oss_lite::{ErrorKind, StreamBody, etag_md5};
use tokio::sync::SemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::checksums::{Algorithms, Checksums};
use super::destination::{StoreDestination, Verdict, WriteResponse};
use super::error::{Abort, Cause, TransferError};
use super::opened::Opened;
use super::part::{Part, Trust};
use super::plan::Plan;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::retry::Retries;
use super::single::refused;
use super::upload::Upload;
use super::{Context, resume};
use crate::outcome::Attempt;
use crate::stop::StopLevel;

/// Uploads the missing parts, each through a stream of its own.
pub(super) async fn send(
    context: &Context,
    upload: &mut Upload,
    pinned: &Pinned,
    mut opened: Option<Opened>,
    deadline: Option<Instant>,
) -> Result<(), Abort> {
    let sender = Sender {
        to: upload.to.clone(),
        key: Arc::clone(&upload.key),
        id: Arc::clone(&upload.id),
        pinned: pinned.clone(),
        context: context.clone(),
    };
    let plan = upload.plan;
    let mut part = |number| {
        let opened = if number == 1 { opened.take() } else { None };
        sender.clone().part(number, plan, opened)
    };
    fill(context, upload, deadline, &mut part).await?;
    let unproved = upload.take_unproved();
    // If no part was sent in this run, it is not known whether the destination reports CRC-64s; the `ETag`s
    // of the parts may be MD5s, which prove them too.
    let compare = pinned.info.crc64.is_some() && !upload.to.crc64_support.is_missing()
        || resume::by_reading(&upload.to, context.left_open);
    let again = |number| {
        let left = unproved.get(&number).filter(|_| compare).cloned();
        sender.clone().resend(number, plan, left)
    };
    fill(context, upload, deadline, again).await
}

/// Runs one future for each missing part, up to the limit of concurrent streams.
pub(super) async fn fill<F>(
    context: &Context,
    upload: &mut Upload,
    deadline: Option<Instant>,
    mut part: impl FnMut(u32) -> F,
) -> Result<(), Abort>
where
    F: Future<Output = Result<Part, Abort>> + Send + 'static,
{
    let missing: Vec<u32> =
        (1..=upload.plan.count()).filter(|number| !upload.done.contains_key(number)).collect();
    let mut missing = missing.into_iter();
    // Dropping the set cancels its tasks when a part fails or time is up.
    let mut tasks = JoinSet::new();
    loop {
        while !context.stop.is(StopLevel::EndAtParts)
            && tasks.len() < context.concurrency
            && let Some(number) = missing.next()
        {
            let part = part(number);
            tasks.spawn(async move { part.await.map(|part| (number, part)) });
        }
        tokio::select! {
            joined = tasks.join_next() => match joined {
                None => break,
                Some(Ok(Ok((number, part)))) => {
                    upload.done.insert(number, part);
                }
                Some(Ok(Err(Abort::Failed(failed)))) if failed.attempt == Attempt::CutShort => {}
                Some(Ok(Err(abort))) => return Err(abort),
                Some(Err(error)) => return Err(TransferError::transient(format!("a part was lost: {error}")).into()),
            },
            () = until(deadline) => {
                let (done, all) = (upload.done.len(), upload.plan.count());
                return Err(TransferError::out_of_time(&format!("{done} of {all} parts were copied")).into());
            }
        }
    }
    let (done, all) = (upload.done.len(), upload.plan.count());
    if u32::try_from(done).is_ok_and(|done| done < all) {
        return Err(upload.cut_short(context.left_open).into());
    }
    Ok(())
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[derive(Clone)]
struct Sender {
    to: StoreDestination,
    key: Arc<str>,
    id: Arc<str>,
    pinned: Pinned,
    context: Context,
}

impl Sender {
    /// A stream, unless the copy is to end before this part.
    async fn permit(&self, number: u32) -> Result<Option<SemaphorePermit<'_>>, Abort> {
        tokio::select! {
            biased;
            () = self.context.stop.reached(StopLevel::EndAtParts) => {
                Err(TransferError::cut_short(format!("part {number} was not begun")).into())
            }
            permit = self.context.streams.acquire() => Ok(permit.ok()),
        }
    }

    /// Compares a part of an earlier run with the bytes of the source, and writes it again unless that proves
    /// it.
    async fn resend(self, number: u32, plan: Plan, left: Option<Part>) -> Result<Part, Abort> {
        if let Some(left) = left {
            let permit = self.permit(number).await?;
            let checksums = Checksums::new(Algorithms::CrcAndMd5);
            let mut reader = Reader::new(&self.pinned, plan.part(number), OnFullResponse::Refuse, &checksums);
            while reader.next().await?.is_some() {}
            drop(permit);
            let digests = checksums.digests();
            if digests.md5.is_some() && digests.md5 == etag_md5(&left.etag) {
                return Ok(Part { crc64: Some(digests.crc64), trust: Trust::Proved, ..left });
            }
        }
        self.part(number, plan, None).await
    }

    /// Writes one part, with retries.
    async fn part(self, number: u32, plan: Plan, mut opened: Option<Opened>) -> Result<Part, Abort> {
        let _permit = self.permit(number).await?;
        let mut retries = Retries::new(self.context.random);
        loop {
            let checksums = Checksums::new(self.to.crc64_support.algorithms());
            let cause = Cause::default();
            let reader = Reader::new(&self.pinned, plan.part(number), OnFullResponse::Refuse, &checksums)
                .begin_with(opened.take());
            let body = StreamBody::new(plan.len(number), reader.into_stream(cause.clone()));
            let sent = self.to.bucket.upload_part_stream(&self.key, &self.id, number, body, None).await;
            let failed = match sent {
                Ok(outcome) => {
                    let digests = checksums.digests();
                    let answered = WriteResponse { etag: Some(&outcome.etag), crc64: outcome.crc64 };
                    match self.to.judge(digests, answered) {
                        Verdict::Mismatch => TransferError::transient(format!(
                            "part {number} of {:?} has a different checksum at the destination",
                            self.key
                        )),
                        verdict => {
                            let trust = if verdict == Verdict::Match { Trust::Proved } else { Trust::Sent };
                            let len = plan.len(number);
                            return Ok(Part { etag: outcome.etag, len, crc64: Some(digests.crc64), trust });
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
                    return Err(Abort::Restart(error.into()));
                }
                Err(error) => refused(error, &cause)?,
            };
            tokio::select! {
                biased;
                () = self.context.stop.reached(StopLevel::EndAtParts) => {
                    return Err(TransferError::cut_short(format!("part {number}: {}", failed.error)).into());
                }
                again = retries.wait(failed.clone()) => again?,
            }
        }
    }
}
