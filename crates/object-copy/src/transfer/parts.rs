//! An object in parts: ranges of the source stream into parts of the destination, several at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use oss_lite::{CompletedPart, Crc64, ErrorKind, PutOptions, StreamBody};
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

/// A multipart upload under way.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) to: StoreDestination,
    pub(super) key: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) plan: Plan,
    pub(super) done: BTreeMap<u32, Part>,
    /// What is to be stored with the object.
    pub(super) options: PutOptions,
    /// Whether that is known to be what the upload was begun with.
    pub(super) initial: InitialMetadata,
    pub(super) info: Arc<SourceInfo>,
    /// Where it is noted as open.
    pub(super) tracker: UploadTracker,
}

/// What an upload was begun with. Nothing changes it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InitialMetadata {
    /// What is to be stored with the object now.
    AsWanted,
    /// Nobody knows: it is looked up once the object is put together.
    Unknown,
}

/// A part that is there.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) etag: String,
    /// Size in bytes.
    pub(super) len: u64,
    /// CRC-64 of what was sent, or of what the service says it holds.
    pub(super) crc64: Option<u64>,
    pub(super) trust: Trust,
}

/// What is known of the bytes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The service's answer showed that the right ones arrived.
    Proved,
    /// They were sent, and the answer told nothing of them, as where the destination encrypts and names no CRC-64.
    Sent,
    /// Somebody stored them in an earlier run. They are compared in the whole, or sent again.
    Left,
}

/// Uploads the parts that are missing, each through a stream of its own.
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
    // Where nothing was sent that would have shown what the destination answers, their own `ETag`s may do.
    let compare = pinned.info.crc64.is_some() && !upload.to.crc64_support.is_missing();
    let again = |number| {
        let left = unproved.get(&number).filter(|_| compare).cloned();
        sender.clone().again(number, plan, left)
    };
    fill(context, upload, deadline, again).await
}

/// Runs one future for each part that is missing, as many at once as there may be streams.
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
    // Dropped with its tasks when a part fails or time is up.
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
    /// Compares a part that an earlier run left with the bytes of the source, and writes it where it is not proved by that.
    async fn again(self, number: u32, plan: Plan, left: Option<Part>) -> Result<Part, Abort> {
        if let Some(left) = left {
            let permit = self.context.streams.acquire().await;
            let checksums = Checksums::new(Algorithms::CrcAndMd5);
            let mut reader = Reader::new(&self.pinned, plan.part(number), OnFullResponse::Refuse, &checksums);
            while reader.next().await?.is_some() {}
            drop(permit);
            let digests = checksums.digests();
            if digests.md5.is_some_and(|md5| hex::encode(md5).eq_ignore_ascii_case(&left.etag)) {
                return Ok(Part { crc64: Some(digests.crc64), trust: Trust::Proved, ..left });
            }
        }
        self.part(number, plan, None).await
    }

    /// Writes one part, as often as it takes.
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
                            "part {number} of {:?} arrived with another checksum",
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
    /// Begins an upload.
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

    /// An upload that is open already, of which nothing is known but its id.
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

    /// Notes what a later run needs to go on.
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

    /// After a stop: an upload that a later run can go on with is left open, any other is removed.
    pub(super) async fn keep_or_discard(self, abort: Abort) -> Abort {
        match abort {
            Abort::Failed(failed) if failed.class != FailureClass::Permanent => {
                self.note();
                Abort::Failed(failed)
            }
            abort => self.tracker.give_up(&self.to, abort).await,
        }
    }

    /// Takes away the parts of an earlier run that nothing will prove. What proves parts is the CRC-64 that the source names: that of
    /// all together if the destination names one of each, else the one that it answers at the end.
    fn take_unproved(&mut self) -> BTreeMap<u32, Part> {
        if self.info.crc64.is_some() && (self.combined().is_some() || self.to.crc64_support.is_known()) {
            return BTreeMap::new();
        }
        self.done.extract_if(.., |_, part| part.trust == Trust::Left).collect()
    }

    /// Puts the parts together and makes sure that they came out right.
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
        // Should the answer not come in time.
        self.note();
        let answered = self.request_completion(expected, pinned).await?;
        self.tracker.clear();
        self.check(answered, expected).await
    }

    /// The CRC-64 of all parts together, if each is known.
    pub(super) fn combined(&self) -> Option<u64> {
        self.done.values().try_fold(0, |whole, part| Some(Crc64::combine(whole, part.crc64?, part.len)))
    }

    /// Asks until it is certain that the object is there. Gives its CRC-64 as far as the service says.
    ///
    /// A completion whose reply is lost may have happened: the destination is looked at before another try.
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
            // Bytes that changed on their way, or a part that is not what it was: the upload is of no use any more.
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

    /// Compares what came out with what went in; a bad object is removed.
    async fn check(&self, answered: Option<u64>, expected: Option<u64>) -> Result<(), Abort> {
        let looked = if answered.is_none() || self.initial == InitialMetadata::Unknown {
            let found = self.to.look(&self.key).await?;
            Some(
                found
                    .ok_or_else(|| Abort::Corrupt(format!("{:?} is not there after its upload", self.key)))?,
            )
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
                // Without any checksum of the whole, each part must have been proved by its own MD5; of an encrypted object
                // not even those can be, but each was sent.
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
        Err(Abort::Corrupt(format!("{:?} came out other than it went in, and was removed", self.key)))
    }
}

/// Removes an upload with its parts.
///
/// # Errors
///
/// When it may be there still and a later try may remove it: also where credentials were refused, which end and are renewed, or were
/// held back. One that may not be removed for want of permission is only told of.
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
