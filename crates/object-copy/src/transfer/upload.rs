//! An upload in parts: beginning it, noting how far it is, completing and checking it.

use std::collections::BTreeMap;
use std::sync::Arc;

use oss_lite::{CompletedPart, Crc64, ErrorKind, PutOptions};

use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use super::part::{Part, Trust, digest, verified};
use super::plan::Plan;
use super::reader::Pinned;
use super::retry::Retries;
use super::source_info::SourceInfo;
use super::upload_tracker::UploadTracker;
use super::{LeftOpen, skip};
use crate::outcome::{Attempt, FailureClass, OpenUpload, ResumeInfo};

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
            metadata: (self.initial == InitialMetadata::AsWanted).then(|| digest_of_metadata(&self.options)),
            verified: verified(&self.done),
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

    /// Whether a run without a record of this upload finds it and makes use of its parts.
    fn can_be_found(&self) -> bool {
        shows_in_a_look(&self.options) && !self.to.crc64_support.is_missing()
    }

    /// The copy ended because the program was told to stop.
    pub(super) fn cut_short(&self, left_open: LeftOpen) -> TransferError {
        let (done, all) = (self.done.len(), self.plan.count());
        let then = if left_open == LeftOpen::Recorded || self.can_be_found() {
            "a later run resumes them"
        } else {
            "a later run could not resume them, so they are removed"
        };
        TransferError::cut_short(format!("stopped after {done} of {all} parts; {then}"))
    }

    /// After `abort`: leaves the upload open if a later run can continue it, else removes it.
    pub(super) async fn keep_or_discard(self, abort: Abort, left_open: LeftOpen) -> Abort {
        match abort {
            Abort::Failed(failed)
                if failed.attempt == Attempt::CutShort
                    && left_open == LeftOpen::Found
                    && !self.can_be_found() =>
            {
                self.tracker.give_up(&self.to, Abort::Failed(failed)).await
            }
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
    pub(super) fn take_unproved(&mut self) -> BTreeMap<u32, Part> {
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

/// Whether a HEAD shows all metadata that is stored with an object.
pub(super) fn shows_in_a_look(options: &PutOptions) -> bool {
    options.tagging.is_none() && options.acl.is_none()
}

/// A digest of all metadata that is stored with an object, including tags and ACL.
pub(super) fn digest_of_metadata(options: &PutOptions) -> String {
    let mut metadata: Vec<_> = options.metadata.iter().collect();
    metadata.sort_unstable();
    // `Debug` quotes the values, so that no value can be mistaken for a name.
    digest(&format!(
        "{:?}",
        (
            [
                &options.content_type,
                &options.cache_control,
                &options.content_disposition,
                &options.content_encoding,
                &options.content_language,
                &options.expires,
                &options.storage_class,
                &options.acl,
                &options.tagging,
            ],
            metadata
        )
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_metadata_counts() {
        let some = || Some("x".to_owned());
        let variants = [
            PutOptions::default(),
            PutOptions { content_type: some(), ..PutOptions::default() },
            PutOptions { cache_control: some(), ..PutOptions::default() },
            PutOptions { content_disposition: some(), ..PutOptions::default() },
            PutOptions { content_encoding: some(), ..PutOptions::default() },
            PutOptions { content_language: some(), ..PutOptions::default() },
            PutOptions { expires: some(), ..PutOptions::default() },
            PutOptions { storage_class: some(), ..PutOptions::default() },
            PutOptions { acl: some(), ..PutOptions::default() },
            PutOptions { tagging: some(), ..PutOptions::default() },
            PutOptions { metadata: vec![("a".into(), "x".into())], ..PutOptions::default() },
        ];
        let digests: std::collections::BTreeSet<_> = variants.iter().map(digest_of_metadata).collect();
        assert_eq!(digests.len(), variants.len());
    }
}
