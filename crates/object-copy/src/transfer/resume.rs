//! Continues uploads that an earlier run left open.
//!
//! A recorded upload is continued if the source is unchanged, if the upload was started with the metadata
//! that the object has now, and if each of its parts fits the plan. Its parts are reused
//!
//! - as *verified*, if the record of the run that sent them names them and they are unchanged: same number,
//!   size and `ETag`, however that `ETag` is computed;
//! - else as *left*, if the source has a CRC-64: the result is compared with it, so a part of another object
//!   cannot slip in;
//! - else not at all: they are sent again.
//!
//! An unrecorded upload, as after a kill, is continued if the source has a CRC-64; so is one recorded by a
//! version that did not note metadata. Without a CRC-64 it is continued where nobody keeps records (the
//! command `copy`): each part is read from the source once more, and compared with the MD5 that is the `ETag`
//! of the part. The metadata that those uploads were started with is checked after completion, by a HEAD,
//! which shows neither tags nor an ACL: if these are preserved, such an upload is not continued.

use futures_util::TryStreamExt as _;
use oss_lite::{ErrorKind, ListedUpload, PutOptions};

use super::LeftOpen;
use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use super::part::{Trust, taken_over};
use super::plan::Plan;
use super::reader::Pinned;
use super::upload::{InitialMetadata, Upload, digest_of_metadata, shows_in_a_look};
use super::upload_tracker::UploadTracker;
use crate::outcome::{OpenUpload, VerifiedParts};

/// Most unrecorded uploads of one key that are tried.
const CANDIDATES: usize = 4;

/// Which uploads may be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continue {
    /// The tracked one, or one that is found.
    Any,
    /// None: the last one turned out to have outdated metadata.
    None,
}

/// The upload to continue: the tracked one, else one that is found, else a new one.
pub(super) async fn open(
    to: &StoreDestination,
    key: &str,
    pinned: &Pinned,
    plan: Plan,
    options: &PutOptions,
    (tracker, which, left_open): (&UploadTracker, Continue, LeftOpen),
) -> Result<Upload, Abort> {
    let provable = pinned.info.crc64.is_some() || by_reading(to, left_open);
    let known = |id: &str, plan| Upload::known(to, key, id, plan, options, pinned, tracker);
    if let Some(open) = tracker.get() {
        if which == Continue::Any
            && let Some((initial, plan)) = fits(&open, key, to, pinned, plan, options)
        {
            let upload = Upload { initial, ..known(&open.id, plan) };
            if let Some(upload) =
                adopt(upload, open.as_left.as_ref().map_or(&[], |left| &left.verified), provable).await?
            {
                return Ok(upload);
            }
        }
        tracker.discard(to).await?;
    }
    if which == Continue::Any && provable && shows_in_a_look(options) {
        for found in candidates(to, key, pinned).await? {
            if let Some(upload) = adopt(known(&found.upload_id, plan), &[], provable).await? {
                return Ok(upload);
            }
        }
    }
    Upload::begin(to, key, plan, options, pinned, tracker).await
}

/// Whether parts may be proved by reading the source once more, for their MD5s: that costs less than sending
/// them again. Only where nobody keeps records, which prove parts at no cost.
pub(super) fn by_reading(to: &StoreDestination, left_open: LeftOpen) -> bool {
    left_open == LeftOpen::Found && !to.crc64_support.is_missing()
}

/// Whether a tracked upload may be continued: with its metadata as far as known, and its plan.
fn fits(
    open: &OpenUpload,
    key: &str,
    to: &StoreDestination,
    pinned: &Pinned,
    plan: Plan,
    options: &PutOptions,
) -> Option<(InitialMetadata, Plan)> {
    let here = open.key == key && open.bucket == to.bucket.name().as_str();
    let identity = &pinned.info.identity;
    let left = open.as_left.as_deref();
    let same_object = match &identity.etag {
        Some(etag) => open.etag.as_ref() == Some(etag),
        None => left
            .is_some_and(|left| left.last_modified.is_some() && left.last_modified == identity.last_modified),
    };
    let plan = Plan { part_size: open.part_size, ..plan };
    let in_parts = plan.part_size > 0 && plan.count() <= 10_000;
    let initial = match left.and_then(|left| left.metadata.as_ref()) {
        Some(metadata) if *metadata == digest_of_metadata(options) => InitialMetadata::AsWanted,
        None if pinned.info.crc64.is_some() && shows_in_a_look(options) => InitialMetadata::Unknown,
        Some(_) | None => return None,
    };
    (here && same_object && in_parts).then_some((initial, plan))
}

/// Uploads of this key that were started after the source last changed, newest first.
async fn candidates(to: &StoreDestination, key: &str, pinned: &Pinned) -> Result<Vec<ListedUpload>, Abort> {
    let listed: Result<Vec<_>, _> = to.bucket.list_multipart_uploads(key).try_collect().await;
    let mut found = match listed {
        Ok(found) => found,
        // Listing uploads needs a permission of its own, and continuing only saves time: without it, start
        // over.
        Err(error) if matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::Rejected) => Vec::new(),
        Err(error) => return Err(TransferError::from(error).into()),
    };
    let changed = pinned.info.identity.last_modified;
    found.retain(|upload| upload.key == key && upload.initiated.is_some() && upload.initiated >= changed);
    found.sort_by_key(|upload| std::cmp::Reverse(upload.initiated));
    found.truncate(CANDIDATES);
    Ok(found)
}

/// The upload with the parts it has, if they all fit.
async fn adopt(upload: Upload, recorded: &[VerifiedParts], provable: bool) -> Result<Option<Upload>, Abort> {
    let listed = match upload.to.bucket.list_parts(&upload.key, &upload.id).await {
        Ok(listed) => listed,
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::AccessDenied) => {
            return Ok(None);
        }
        Err(error) => return Err(TransferError::from(error).into()),
    };
    let plan = upload.plan;
    let fits = |number: u32, size: u64| (1..=plan.count()).contains(&number) && size == plan.len(number);
    if !listed.iter().all(|part| fits(part.number, part.size)) {
        return Ok(None);
    }
    let mut done = taken_over(listed, recorded);
    done.retain(|_, part| provable || part.trust != Trust::Left);
    // Without parts there is nothing to gain, and its metadata may be outdated.
    if done.is_empty() && upload.initial == InitialMetadata::Unknown {
        return Ok(None);
    }
    tracing::info!(
        key = &*upload.key,
        upload = &*upload.id,
        parts = done.len(),
        of = plan.count(),
        "resuming an upload that was left open"
    );
    let upload = Upload { done, ..upload };
    upload.note();
    Ok(Some(upload))
}
