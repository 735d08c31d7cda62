//! Lists of what a comparison finds missing or different, written to the destination bucket as it is found.

use bridge_core::journal::BucketPair;
use bridge_core::oms::migration::list::{CONTENT_TYPE, MAX_BYTES, MAX_KEYS, ObjectList};
use futures_util::{StreamExt as _, stream};
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::{Extent, Side as End, TransferError};
use oss_lite::{Bucket, CompletedPart, Error, PutOptions};
use reconcile::judge::Verdict;
use reconcile::{Finding, Side};

use super::position::folder_of;
use super::still::Sides;

/// Size of a part: all that is held of a list.
const PART: usize = 8 << 20;

/// Refusals in a row after which the run ends: a right is missing.
const MOST_REFUSALS: usize = 3;

/// When a list is full, and the next key begins another one.
#[derive(Clone, Copy, Debug)]
pub struct ListLimits {
    /// Bytes of a list.
    pub bytes: u64,
    /// Keys of a list.
    pub keys: u64,
}

/// Those of OMS.
impl Default for ListLimits {
    fn default() -> Self {
        Self { bytes: MAX_BYTES, keys: MAX_KEYS }
    }
}

impl ListLimits {
    fn list(self) -> ObjectList {
        ObjectList::with_limits(self.bytes, self.keys)
    }
}

fn is_to_copy(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Missing | Verdict::Different(_))
}

/// Counts the tasks that lists of findings would need.
#[derive(Debug)]
pub struct TaskCount {
    limits: ListLimits,
    prefix: String,
    list: ObjectList,
    tasks: u64,
}

impl TaskCount {
    /// None yet. The keys of the source have `prefix` before what findings have.
    pub fn new(limits: ListLimits, prefix: &str) -> Self {
        Self { limits, prefix: prefix.to_owned(), list: limits.list(), tasks: 0 }
    }

    /// Counts what is missing or different among findings.
    pub fn take(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| is_to_copy(finding)) {
            let key = [&self.prefix, finding.key()].concat();
            if self.tasks == 0 || !self.list.add(&key) {
                self.tasks += 1;
                self.list = self.limits.list();
                self.list.add(&key);
            }
            // The text is not kept.
            self.list.take(1);
        }
    }

    /// How many tasks, at most: keys that have arrived since are on no list.
    pub fn tasks(&self) -> u64 {
        self.tasks
    }
}

/// Lists of keys.
#[derive(Debug)]
pub(crate) struct ObjectLists {
    bucket: Bucket,
    sides: Sides,
    /// What the keys of lists begin with: the folder of the pair, and the name of this run.
    name: String,
    limits: ListLimits,
    at_once: usize,
    stop: Stop,
    open: Option<OpenUpload>,
    done: Vec<String>,
    refused: usize,
    failed: Option<TransferError>,
}

#[derive(Debug)]
struct OpenUpload {
    key: String,
    list: ObjectList,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
}

impl ObjectLists {
    /// Lists of `pair` in `bucket`, by a run of the name `run`, which no other run has. Keys are asked for
    /// `at_once` at a time. `None` where a side cannot be asked for single objects.
    pub(super) fn new(
        bucket: &Bucket,
        sides: (&Side, &Side),
        (pair, run): (BucketPair, &str),
        limits: ListLimits,
        at_once: usize,
        stop: &Stop,
    ) -> Option<Self> {
        Some(Self {
            bucket: bucket.clone(),
            sides: Sides::of(sides.0, sides.1)?,
            name: format!("{}{run}", folder_of(pair)),
            limits,
            at_once: at_once.max(1),
            stop: stop.clone(),
            open: None,
            done: Vec::new(),
            refused: 0,
            failed: None,
        })
    }

    /// Adds what is missing or different among findings, and still is. After an error nothing more is written.
    pub(crate) async fn take(&mut self, findings: &[Finding]) {
        if let Err(failed) = self.try_take(findings).await {
            self.failed = Some(failed);
        }
    }

    async fn try_take(&mut self, findings: &[Finding]) -> Result<(), TransferError> {
        let sides = self.sides.clone();
        let found: Vec<Finding> = findings.iter().filter(|finding| is_to_copy(finding)).cloned().collect();
        let asked = stream::iter(found).map(move |finding| {
            let sides = sides.clone();
            async move { (sides.key(&finding), sides.still(&finding).await) }
        });
        let mut asked = asked.buffered(self.at_once);
        let stop = self.stop.clone();
        while self.failed.is_none() {
            let next = tokio::select! {
                next = asked.next() => next,
                // The comparison ends, too, and nothing is done with the list.
                () = stop.reached(StopLevel::BeginNothing) => None,
            };
            match next {
                None => break,
                Some((key, Ok(true))) => {
                    self.refused = 0;
                    self.add(&key).await.map_err(of_list)?;
                }
                Some((_, Ok(false))) => self.refused = 0,
                Some((key, Err(failed))) => {
                    self.refused += 1;
                    let concerns_all = match failed.extent() {
                        Extent::One => false,
                        Extent::PerhapsAll => self.refused >= MOST_REFUSALS,
                        Extent::AllForNow | Extent::AllUntilOneIsDone | Extent::All => true,
                    };
                    if concerns_all {
                        return Err(failed);
                    }
                    tracing::warn!(key, error = %failed.error, "could not be asked for once more, and is on no list");
                }
            }
        }
        Ok(())
    }

    async fn add(&mut self, key: &str) -> Result<(), Error> {
        if let Some(open) = &mut self.open
            && !open.list.add(key)
        {
            self.close().await?;
        }
        if self.open.is_none() {
            let name = format!("{}-{}.txt", self.name, self.done.len() + 1);
            let mut list = self.limits.list();
            list.add(key);
            self.open = Some(OpenUpload { key: name, list, upload: None, parts: Vec::new() });
        }
        match &mut self.open {
            Some(open) => open.write(&self.bucket, PART).await,
            None => Ok(()),
        }
    }

    async fn close(&mut self) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.finish(&self.bucket).await?;
        self.done.extend(self.open.take().map(|open| open.key));
        Ok(())
    }

    /// Both sides, which can be asked for keys later.
    pub(super) fn sides(&self) -> Sides {
        self.sides.clone()
    }

    /// Completes the lists, and gives their keys; none if nothing is on them. Without the lists where one
    /// could not be written.
    pub(super) async fn finish(mut self) -> Result<Vec<String>, TransferError> {
        let closed = match self.failed.take() {
            Some(failed) => Err(failed),
            None => self.close().await.map_err(of_list),
        };
        match closed {
            Ok(()) => Ok(self.done),
            Err(failed) => {
                self.discard().await;
                Err(failed)
            }
        }
    }

    /// Removes what was written, as far as that can be done.
    pub(crate) async fn discard(self) {
        if let Some(OpenUpload { key, upload, .. }) = &self.open {
            match upload {
                Some(upload) => logged(key, self.bucket.abort_multipart_upload(key, upload).await),
                // It may be there although the answer was lost.
                None => logged(key, self.bucket.delete(key).await),
            }
        }
        for key in &self.done {
            logged(key, self.bucket.delete(key).await);
        }
    }
}

fn of_list(error: Error) -> TransferError {
    TransferError::from(error).at(End::Destination)
}

pub(super) fn logged(key: &str, removed: Result<(), Error>) {
    if let Err(error) = removed {
        tracing::warn!(key, %error, "a list of objects is left behind: the next run removes it");
    }
}

pub(super) fn options() -> PutOptions {
    PutOptions { content_type: Some(CONTENT_TYPE.to_owned()), ..PutOptions::default() }
}

impl OpenUpload {
    /// Writes what waits, if it is a part.
    async fn write(&mut self, bucket: &Bucket, least: usize) -> Result<(), Error> {
        let Some(bytes) = self.list.take(least) else { return Ok(()) };
        let upload = if let Some(upload) = &self.upload {
            upload.clone()
        } else {
            let upload = bucket.initiate_multipart_upload(&self.key, options()).await?;
            self.upload.insert(upload).clone()
        };
        let number = u32::try_from(self.parts.len() + 1).unwrap_or(u32::MAX);
        let part = bucket.upload_part(&self.key, &upload, number, bytes, None).await?;
        self.parts.push(CompletedPart { number, etag: part.etag });
        Ok(())
    }

    async fn finish(&mut self, bucket: &Bucket) -> Result<(), Error> {
        if self.upload.is_some() {
            self.write(bucket, 1).await?;
        }
        let Some(upload) = &self.upload else {
            let bytes = self.list.take(1).unwrap_or_default();
            return bucket.put(&self.key, bytes, options()).await.map(drop);
        };
        let completed = bucket.complete_multipart_upload(&self.key, upload, &self.parts, None).await;
        if completed.is_err() {
            // It may be there all the same.
            logged(&self.key, bucket.delete(&self.key).await);
        }
        completed.map(drop)
    }
}
