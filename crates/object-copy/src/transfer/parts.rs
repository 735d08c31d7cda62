//! Multipart copies: ranges of the source are streamed into parts of the destination, several at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use oss_lite::{CompletedPart, Crc64, ErrorKind, PutOptions, StreamBody, etag_md5};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::checksums::{Algorithms, Checksums};
use super::destination::{StoreDestination, Verdict, WriteResponse};
use super::error::{Abort, Cause, TransferError};
use super::plan::Plan;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::retry::Retries;
use super::single::refused;
use super::source::Opened;
use super::source_info::SourceInfo;
use super::upload_tracker::UploadTracker;
use super::{Context, resume, skip};
use crate::outcome::{FailureClass, OpenUpload, ResumeInfo};

/// A multipart upload in progress.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) to: StoreDestination,
    pub(super) key: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) plan: Plan,
    pub(super) done: BTreeMap<u32, Part>,
    /// What is to be stored with the object.
    pub(super) options: PutOptions,
    /// Whether the upload was started with that.
    pub(super) initial: InitialMetadata,
    pub(super) info: Arc<SourceInfo>,
    /// Tracks it as open.
    pub(super) tracker: UploadTracker,
}

/// The metadata that an upload was started with, which cannot be changed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InitialMetadata {
    /// The metadata that the object has now.
    AsWanted,
    /// Unknown: checked after the upload is completed.
    Unknown,
}

/// An uploaded part.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) etag: String,
    /// Size in bytes.
    pub(super) len: u64,
    /// CRC-64 of the bytes sent, or as reported by the service.
    pub(super) crc64: Option<u64>,
    pub(super) trust: Trust,
}

/// How far the bytes of a part are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The service's response proved them.
    Proved,
    /// They were sent, but the response proves nothing, as with an encrypting destination without CRC-64.
    Sent,
    /// An earlier run stored them. They are verified by the checksum of the whole, or sent again.
    Left,
}

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
    let compare = pinned.info.crc64.is_some() && !upload.to.crc64_support.is_missing();
    let again = |number| {
        let left = unproved.get(&number).filter(|_| compare).cloned();
        sender.clone().again(number, plan, left)
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
        while tasks.len() < context.concurrency
            && let Some(number) = missing.next()
        {
            let part = part(number);
            tasks.spawn(async move { part.await.map(|part| (number, part)) });
        }
        tokio::select! {
            joined = tasks.join_next() => match joined {
                None => return Ok(()),
                Some(Ok(part)) => {
                    let (number, part) = part?;
                    upload.done.insert(number, part);
                }
                Some(Err(error)) => return Err(TransferError::transient(format!("a part was lost: {error}")).into()),
            },
            () = until(deadline) => {
                let (done, all) = (upload.done.len(), upload.plan.count());
                return Err(TransferError::out_of_time(&format!("{done} of {all} parts were copied")).into());
            }
        }
    }
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
    /// Compares a part of an earlier run with the bytes of the source, and writes it again unless that proves
    /// it.
    async fn again(self, number: u32, plan: Plan, left: Option<Part>) -> Result<Part, Abort> {
        if let Some(left) = left {
            let permit = self.context.streams.acquire().await;
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
        let _permit = self.context.streams.acquire().await;
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
                Err(error) => refused(&error, &cause)?,
            };
            retries.wait(failed).await?;
        }
    }
}

impl Upload {
    /// Starts an upload.
    pub(super) async fn begin(
        to: &StoreDestination,
        key: &str,
        plan: Plan,
        options: &PutOptions,
        pinned: &Pinned,
        tracker: &UploadTracker,
    ) -> Result<Self, Abort> {
        let id =
            to.bucket.initiate_multipart_upload(key, options.clone()).await.map_err(TransferError::from)?;
        let upload = Self {
            initial: InitialMetadata::AsWanted,
            ..Self::known(to, key, &id, plan, options, pinned, tracker)
        };
        upload.note();
        Ok(upload)
    }

    /// An upload that is open already, known only by its id.
    pub(super) fn known(
        to: &StoreDestination,
        key: &str,
        id: &str,
        plan: Plan,
        options: &PutOptions,
        pinned: &Pinned,
        tracker: &UploadTracker,
    ) -> Self {
        Self {
            to: to.clone(),
            key: key.into(),
            id: id.into(),
            plan,
            done: BTreeMap::new(),
            options: options.clone(),
            initial: InitialMetadata::Unknown,
            info: Arc::clone(&pinned.info),
            tracker: tracker.clone(),
        }
    }

    /// Updates the tracker with what a later run needs to continue.
    pub(super) fn note(&self) {
        let etag = self.info.identity.etag.clone();
        let as_left = ResumeInfo {
            last_modified: self.info.identity.last_modified.filter(|_| etag.is_none()),
            metadata: (self.initial == InitialMetadata::AsWanted)
                .then(|| resume::digest_of_metadata(&self.options)),
            verified: resume::verified(&self.done),
        };
        self.tracker.set(OpenUpload {
            bucket: self.to.bucket.name().as_str().to_owned(),
            key: (*self.key).to_owned(),
            id: (*self.id).to_owned(),
            part_size: self.plan.part_size,
            etag,
            parts: self.done.len(),
            as_left: Some(Box::new(as_left)),
        });
    }

    /// After `abort`: leaves the upload open if a later run can continue it, else removes it.
    pub(super) async fn keep_or_discard(self, abort: Abort) -> Abort {
        match abort {
            Abort::Failed(failed) if failed.class != FailureClass::Permanent => {
                self.note();
                Abort::Failed(failed)
            }
            abort => self.tracker.give_up(&self.to, abort).await,
        }
    }

    /// Removes and returns the parts of an earlier run that nothing will prove. Parts are proved by the
    /// CRC-64 of the source: by combining theirs if the destination reports one for each, else by the one in
    /// the response to the completion.
    fn take_unproved(&mut self) -> BTreeMap<u32, Part> {
        if self.info.crc64.is_some() && (self.combined().is_some() || self.to.crc64_support.is_known()) {
            return BTreeMap::new();
        }
        self.done.extract_if(.., |_, part| part.trust == Trust::Left).collect()
    }

    /// Completes the upload and verifies the result.
    pub(super) async fn complete(&self, pinned: &Pinned) -> Result<(), Abort> {
        let whole = self.combined();
        if let (Some(whole), Some(named)) = (whole, pinned.info.crc64)
            && whole != named
        {
            return Err(Abort::Corrupt(format!(
                "the parts of {:?} do not add up to the CRC-64 that the source names",
                self.key
            )));
        }
        let expected = whole.or(pinned.info.crc64);
        // The response may not come in time.
        self.note();
        let answered = self.request_completion(expected, pinned).await?;
        self.tracker.clear();
        self.check(answered, expected).await
    }

    /// The combined CRC-64 of all parts, if each is known.
    pub(super) fn combined(&self) -> Option<u64> {
        self.done.values().try_fold(0, |whole, part| Some(Crc64::combine(whole, part.crc64?, part.len)))
    }

    /// Completes the upload, with retries. Returns the CRC-64 in the response, if any.
    ///
    /// A completion whose response was lost may have succeeded: the destination is checked before each retry.
    async fn request_completion(&self, crc64: Option<u64>, pinned: &Pinned) -> Result<Option<u64>, Abort> {
        let parts: Vec<_> = self
            .done
            .iter()
            .map(|(number, part)| CompletedPart { number: *number, etag: part.etag.clone() })
            .collect();
        let mut retries = Retries::new(pinned.random);
        loop {
            let error =
                match self.to.bucket.complete_multipart_upload(&self.key, &self.id, &parts, crc64).await {
                    Ok(outcome) => return Ok(outcome.crc64),
                    Err(error) => error,
                };
            let lost = error.kind() == ErrorKind::NoSuchUpload;
            // Bytes changed on their way, or a part is no longer the same: the upload is useless.
            let spoilt = error.code() == Some("BadDigest")
                || matches!(error.kind(), ErrorKind::Rejected | ErrorKind::InvalidArgument);
            if spoilt {
                return Err(Abort::Restart(error.into()));
            }
            if !lost && !error.is_retryable() {
                return Err(Abort::Failed(error.into()));
            }
            if let Some(meta) = self.to.look(&self.key).await? {
                let ours = meta.upload_id.as_deref() == Some(&*self.id)
                    || (meta.crc64.is_some() && meta.crc64 == crc64);
                if ours && meta.size == self.plan.size {
                    return Ok(meta.crc64);
                }
            }
            if lost {
                return Err(Abort::Restart(error.into()));
            }
            retries.wait(error.into()).await?;
        }
    }

    /// Compares the completed object with the source; removes it if it differs.
    async fn check(&self, answered: Option<u64>, expected: Option<u64>) -> Result<(), Abort> {
        let looked = if answered.is_none() || self.initial == InitialMetadata::Unknown {
            let found = self.to.look(&self.key).await?;
            Some(found.ok_or_else(|| Abort::Corrupt(format!("{:?} is missing after its upload", self.key)))?)
        } else {
            None
        };
        let (crc64, size, encrypted) = match &looked {
            Some(meta) => (meta.crc64.or(answered), meta.size, meta.encryption.is_some()),
            None => (answered, self.plan.size, false),
        };
        let good = size == self.plan.size
            && match (crc64, expected) {
                (Some(found), Some(expected)) => found == expected,
                // Without a checksum of the whole, each part must have been proved by its own MD5. An
                // encrypted object has no MD5s either, so it is enough there that this run, or one with a
                // record, sent each part.
                _ => self.done.values().all(|part| match part.trust {
                    Trust::Proved => true,
                    Trust::Sent => encrypted,
                    Trust::Left => false,
                }),
            };
        if good {
            return match looked {
                Some(meta)
                    if self.initial == InitialMetadata::Unknown && !skip::carries(&self.options, &meta) =>
                {
                    Err(Abort::OldMetadata)
                }
                _ => Ok(()),
            };
        }
        self.to.remove_bad(&self.key).await;
        Err(Abort::Corrupt(format!(
            "checksum mismatch after the upload of {:?}; the object was deleted",
            self.key
        )))
    }
}

/// Removes an upload with its parts.
///
/// # Errors
///
/// When it may still be there and a later try may remove it: also if credentials were refused, which expire
/// and are renewed, or withheld. If permission to remove it is missing, that is only logged.
pub(super) async fn abort(to: &StoreDestination, key: &str, id: &str) -> Result<(), TransferError> {
    let Err(error) = to.bucket.abort_multipart_upload(key, id).await else { return Ok(()) };
    tracing::warn!(key, upload = id, %error, "parts of an upload could not be removed: `copy --abort-stale` does");
    let refused = error.kind() == ErrorKind::CredentialsRefused;
    let failed = TransferError::from(error);
    match failed.class {
        FailureClass::Transient | FailureClass::Throttled => Err(failed),
        FailureClass::Auth if refused => Err(failed),
        FailureClass::Permanent | FailureClass::Auth => Ok(()),
    }
}
