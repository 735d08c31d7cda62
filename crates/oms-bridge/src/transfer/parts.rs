//! An object in parts: ranges of the source stream into parts of the destination, several at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use oss_lite::{CompletedPart, Crc64, ErrorKind, PutOptions, StreamBody};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Context;
use super::destination::{Answered, StoreDestination, Verdict};
use super::plan::Plan;
use super::reader::{Pinned, Reader, Whole};
use super::retry::Retries;
use super::single::refused;
use super::source::Opened;
use super::stop::{Cause, Failed, Stop};
use super::tally::Tally;
use crate::engine::{FailureClass, OpenUpload};

/// A multipart upload under way.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) to: StoreDestination,
    pub(super) key: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) plan: Plan,
    pub(super) done: BTreeMap<u32, Part>,
}

/// A part that is there.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) etag: String,
    /// Size in bytes.
    pub(super) len: u64,
    /// CRC-64 of what was sent, or of what the service says it holds.
    pub(super) crc64: Option<u64>,
    /// Whether the service's answer showed that the right bytes arrived.
    pub(super) proved: bool,
}

/// Uploads the parts that are missing, each through a stream of its own.
pub(super) async fn send(
    context: &Context,
    upload: &mut Upload,
    pinned: &Pinned,
    mut opened: Option<Opened>,
    deadline: Option<Instant>,
) -> Result<(), Stop> {
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
    // Parts of an earlier run that neither were summed up here nor can be compared in the whole.
    if upload.to.proof.is_missing() && upload.done.values().any(|part| part.crc64.is_none()) {
        upload.done.retain(|_, part| part.crc64.is_some());
        fill(context, upload, deadline, &mut part).await?;
    }
    Ok(())
}

/// Runs one future for each part that is missing, as many at once as there may be streams.
pub(super) async fn fill<F>(
    context: &Context,
    upload: &mut Upload,
    deadline: Option<Instant>,
    mut part: impl FnMut(u32) -> F,
) -> Result<(), Stop>
where
    F: Future<Output = Result<Part, Stop>> + Send + 'static,
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
                Some(Err(error)) => return Err(Failed::transient(format!("a part was lost: {error}")).into()),
            },
            () = until(deadline) => {
                let (done, all) = (upload.done.len(), upload.plan.count());
                return Err(Failed::out_of_time(&format!("{done} of {all} parts were copied")).into());
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
    /// Writes one part, as often as it takes.
    async fn part(self, number: u32, plan: Plan, mut opened: Option<Opened>) -> Result<Part, Stop> {
        let _permit = self.context.streams.acquire().await;
        let mut retries = Retries::new(self.context.random);
        loop {
            let tally = Tally::new(self.to.proof.wanted());
            let cause = Cause::default();
            let reader =
                Reader::new(&self.pinned, plan.part(number), Whole::Refuse, &tally).begin_with(opened.take());
            let body = StreamBody::new(plan.len(number), reader.into_stream(cause.clone()));
            let sent = self.to.bucket.upload_part_stream(&self.key, &self.id, number, body, None).await;
            let failed = match sent {
                Ok(outcome) => {
                    let sums = tally.sums();
                    let answered = Answered { etag: Some(&outcome.etag), crc64: outcome.crc64 };
                    match self.to.judge(sums, answered) {
                        Verdict::Wrong => Failed::transient(format!(
                            "part {number} of {:?} arrived with another checksum",
                            self.key
                        )),
                        verdict => {
                            let proved = verdict == Verdict::Right;
                            let len = plan.len(number);
                            return Ok(Part { etag: outcome.etag, len, crc64: Some(sums.crc64), proved });
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
                    return Err(Stop::Restart(error.into()));
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
    ) -> Result<Self, Stop> {
        let id = to.bucket.initiate_multipart_upload(key, options.clone()).await.map_err(Failed::from)?;
        Ok(Self { to: to.clone(), key: key.into(), id: id.into(), plan, done: BTreeMap::new() })
    }

    /// What a later run needs to go on.
    pub(super) fn state(&self, pinned: &Pinned) -> OpenUpload {
        OpenUpload {
            bucket: self.to.bucket.name().as_str().to_owned(),
            key: (*self.key).to_owned(),
            id: (*self.id).to_owned(),
            part_size: self.plan.part_size,
            etag: pinned.facts.identity.etag.clone(),
            parts: self.done.len(),
        }
    }

    /// After a stop: an upload that a later run can go on with is left open, any other is removed.
    pub(super) async fn settle(self, stop: Stop, pinned: &Pinned) -> Stop {
        match stop {
            Stop::Failed(failed) if failed.class != FailureClass::Permanent => {
                Stop::Failed(failed.with_open(self.state(pinned)))
            }
            stop => {
                abort(&self.to, &self.key, &self.id).await;
                stop
            }
        }
    }

    /// Puts the parts together and makes sure that they came out right.
    pub(super) async fn complete(&self, pinned: &Pinned) -> Result<(), Stop> {
        let whole = self.combined();
        if let (Some(whole), Some(named)) = (whole, pinned.facts.crc64)
            && whole != named
        {
            return Err(Stop::Corrupt(format!(
                "the parts of {:?} do not add up to the CRC-64 that the source names",
                self.key
            )));
        }
        let expected = whole.or(pinned.facts.crc64);
        let answered = self.request_completion(expected, pinned).await?;
        self.check(answered, expected).await
    }

    /// The CRC-64 of all parts together, if each is known.
    fn combined(&self) -> Option<u64> {
        self.done.values().try_fold(0, |whole, part| Some(Crc64::combine(whole, part.crc64?, part.len)))
    }

    /// Asks until it is certain that the object is there. Gives its CRC-64 as far as the service says.
    ///
    /// A completion whose reply is lost may have happened: the destination is looked at before another try.
    async fn request_completion(&self, crc64: Option<u64>, pinned: &Pinned) -> Result<Option<u64>, Stop> {
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
                return Err(Stop::Restart(error.into()));
            }
            if !lost && !error.is_retryable() {
                return Err(Stop::Failed(error.into()));
            }
            if let Some(meta) = self.to.look(&self.key).await? {
                let ours = meta.upload_id.as_deref() == Some(&*self.id)
                    || (meta.crc64.is_some() && meta.crc64 == crc64);
                if ours && meta.size == self.plan.size {
                    return Ok(meta.crc64);
                }
            }
            if lost {
                return Err(Stop::Restart(error.into()));
            }
            retries.wait(error.into()).await?;
        }
    }

    /// Compares what came out with what went in; a bad object is removed.
    async fn check(&self, answered: Option<u64>, expected: Option<u64>) -> Result<(), Stop> {
        let (crc64, size, encrypted) = match answered {
            Some(crc64) => (Some(crc64), self.plan.size, false),
            None => match self.to.look(&self.key).await? {
                Some(meta) => (meta.crc64, meta.size, meta.encryption.is_some()),
                None => return Err(Stop::Corrupt(format!("{:?} is not there after its upload", self.key))),
            },
        };
        let good = size == self.plan.size
            && match (crc64, expected) {
                (Some(found), Some(expected)) => found == expected,
                // Without any checksum of the whole, each part must have been proved by its own MD5; of an encrypted object
                // not even those can be.
                _ => encrypted || self.done.values().all(|part| part.proved),
            };
        if good {
            return Ok(());
        }
        self.to.remove_bad(&self.key).await;
        Err(Stop::Corrupt(format!("{:?} came out other than it went in, and was removed", self.key)))
    }
}

/// Removes an upload with its parts.
pub(super) async fn abort(to: &StoreDestination, key: &str, id: &str) {
    if let Err(error) = to.bucket.abort_multipart_upload(key, id).await {
        tracing::warn!(key, upload = id, %error, "parts of an upload could not be removed: `copy --abort-stale` does");
    }
}
