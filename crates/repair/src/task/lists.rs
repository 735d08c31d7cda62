//! Lists of what a comparison finds missing or different, written to the destination bucket as it is found.

use bridge_core::oms::migration::list::{CONTENT_TYPE, ObjectList};
use object_copy::transfer::{Source, TransferError};
use oss_lite::{Bucket, CompletedPart, Error, PutOptions};
use reconcile::judge::Verdict;
use reconcile::{Finding, Side};

use super::FOLDER;
use super::position::Position;

/// Size of a part: all that is held of a list.
const PART: usize = 8 << 20;

/// Why lists cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The first key of a list cannot be looked at.
    #[error("{0}")]
    Look(TransferError),
    /// The destination bucket does not take them.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Lists of keys.
#[derive(Debug)]
pub struct ObjectLists {
    bucket: Bucket,
    source: Source,
    prefix: String,
    run: String,
    open: Option<OpenList>,
    done: Vec<String>,
    keys: u64,
    failed: Option<ListError>,
}

#[derive(Debug)]
struct OpenList {
    key: String,
    list: ObjectList,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
}

impl ObjectLists {
    /// Lists in the bucket of the destination, below the name `run`, which no other run has. `None` where the
    /// destination is no bucket of OSS or OBS, or the source cannot be asked for single objects.
    pub fn new(source: &Side, destination: &Side, run: impl Into<String>) -> Option<Self> {
        let Some(Source::Store(bucket)) = &destination.objects else { return None };
        Some(Self {
            bucket: bucket.clone(),
            source: source.objects.clone()?,
            prefix: source.prefix.clone(),
            run: run.into(),
            open: None,
            done: Vec::new(),
            keys: 0,
            failed: None,
        })
    }

    /// Adds what is missing or different among findings. After an error nothing more is written.
    pub async fn take(&mut self, findings: &[Finding]) {
        for finding in findings {
            if self.failed.is_some() || !matches!(finding.verdict, Verdict::Missing | Verdict::Different(_)) {
                continue;
            }
            let key = [&self.prefix, finding.key()].concat();
            if let Err(error) = self.add(&key).await {
                self.failed = Some(error);
            }
        }
    }

    /// Keys so far.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    async fn add(&mut self, key: &str) -> Result<(), ListError> {
        if let Some(open) = &mut self.open {
            if open.list.add(key) {
                self.keys += 1;
                return Ok(open.write(&self.bucket, PART).await?);
            }
            self.close().await?;
        }
        // The first key of a list must exist, or OMS refuses all of it (TRF.0012).
        if self.source.facts(key).await.map_err(ListError::Look)?.is_none() {
            return Ok(());
        }
        let name = format!("{FOLDER}{}-{}.txt", self.run, self.done.len() + 1);
        let mut open = OpenList { key: name, list: ObjectList::default(), upload: None, parts: Vec::new() };
        self.keys += u64::from(open.list.add(key));
        self.open = Some(open);
        Ok(())
    }

    async fn close(&mut self) -> Result<(), ListError> {
        if let Some(open) = self.open.take() {
            self.done.push(open.finish(&self.bucket).await?);
        }
        Ok(())
    }

    /// Completes the lists; `None` if nothing is on them.
    ///
    /// # Errors
    ///
    /// [`ListError`], also of an earlier [`take`](Self::take). Then the lists are removed.
    pub async fn finish(mut self) -> Result<Option<Position>, ListError> {
        let closed = match self.failed.take() {
            Some(error) => Err(error),
            None => self.close().await,
        };
        if let Err(error) = closed {
            self.discard().await;
            return Err(error);
        }
        Ok(Some(Position::of(self.done)).filter(|position| position.list().is_some()))
    }

    /// Removes what was written, as far as that can be done.
    pub async fn discard(self) {
        if let Some(OpenList { key, upload: Some(upload), .. }) = &self.open {
            logged(key, self.bucket.abort_multipart_upload(key, upload).await);
        }
        for key in &self.done {
            logged(key, self.bucket.delete(key).await);
        }
    }
}

pub(super) fn logged(key: &str, removed: Result<(), Error>) {
    if let Err(error) = removed {
        tracing::warn!(key, %error, "a list of objects is left behind");
    }
}

fn options() -> PutOptions {
    PutOptions { content_type: Some(CONTENT_TYPE.to_owned()), ..PutOptions::default() }
}

impl OpenList {
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

    async fn finish(mut self, bucket: &Bucket) -> Result<String, Error> {
        if self.upload.is_some() {
            self.write(bucket, 1).await?;
        }
        if let Some(upload) = &self.upload {
            let completed = bucket.complete_multipart_upload(&self.key, upload, &self.parts, None).await;
            if let Err(error) = completed {
                // It may be there all the same, and is discarded then.
                logged(&self.key, bucket.delete(&self.key).await);
                return Err(error);
            }
        } else {
            let bytes = self.list.take(1).unwrap_or_default();
            bucket.put(&self.key, bytes, options()).await?;
        }
        Ok(self.key)
    }
}
