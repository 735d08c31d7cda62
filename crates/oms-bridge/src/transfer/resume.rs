//! Uploads that an earlier run left open.
//!
//! One is continued only if every part that it has fits the plan and the source names a CRC-64: what came out is
//! compared with that, so a part of another object cannot slip in.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use oss_lite::{ErrorKind, ListedUpload, PutOptions};

use super::destination::StoreDestination;
use super::parts::{Part, Upload, abort};
use super::plan::Plan;
use super::reader::Pinned;
use super::stop::{Failed, Stop};
use crate::engine::OpenUpload;

/// Uploads of one key that are looked at.
const CANDIDATES: usize = 4;

/// The upload to go on with: the one that was recorded, else one that is found, else a new one.
pub(super) async fn open(
    to: &StoreDestination,
    key: &str,
    pinned: &Pinned,
    plan: Plan,
    options: &PutOptions,
    recorded: Option<&OpenUpload>,
) -> Result<Upload, Stop> {
    let provable = pinned.facts.crc64.is_some();
    if let Some(open) = recorded.filter(|open| open.key == key && open.bucket == to.bucket.name().as_str()) {
        let same_object = open.etag.is_some() && open.etag == pinned.facts.identity.etag;
        let plan = Plan { part_size: open.part_size, ..plan };
        let fits = plan.part_size > 0 && plan.count() <= 10_000;
        if provable
            && same_object
            && fits
            && let Some(upload) = adopt(to, key, &open.id, plan).await?
        {
            return Ok(upload);
        }
        abort(to, key, &open.id).await;
    }
    if provable {
        for found in candidates(to, key, pinned).await? {
            if let Some(upload) = adopt(to, key, &found.upload_id, plan).await? {
                return Ok(upload);
            }
        }
    }
    Upload::begin(to, key, plan, options).await
}

/// Uploads of this key that were begun after the source last changed, newest first.
async fn candidates(to: &StoreDestination, key: &str, pinned: &Pinned) -> Result<Vec<ListedUpload>, Stop> {
    let listed: Result<Vec<_>, _> = to.bucket.list_multipart_uploads(key).try_collect().await;
    let mut found = match listed {
        Ok(found) => found,
        // To continue saves time and to look for it takes a permission of its own: without it, begin anew.
        Err(error) if matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::Rejected) => Vec::new(),
        Err(error) => return Err(Failed::from(error).into()),
    };
    let changed = pinned.facts.identity.last_modified;
    found.retain(|upload| upload.key == key && upload.initiated.is_some() && upload.initiated >= changed);
    found.sort_by_key(|upload| std::cmp::Reverse(upload.initiated));
    found.truncate(CANDIDATES);
    Ok(found)
}

/// The upload with the parts it has, if they all fit.
async fn adopt(to: &StoreDestination, key: &str, id: &str, plan: Plan) -> Result<Option<Upload>, Stop> {
    let listed = match to.bucket.list_parts(key, id).await {
        Ok(listed) => listed,
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::AccessDenied) => {
            return Ok(None);
        }
        Err(error) => return Err(Failed::from(error).into()),
    };
    let fits = |number: u32, size: u64| (1..=plan.count()).contains(&number) && size == plan.len(number);
    if !listed.iter().all(|part| fits(part.number, part.size)) {
        return Ok(None);
    }
    let done: BTreeMap<_, _> = listed
        .into_iter()
        .map(|part| (part.number, Part { etag: part.etag, len: part.size, crc64: part.crc64, proved: false }))
        .collect();
    tracing::info!(
        key,
        upload = id,
        parts = done.len(),
        of = plan.count(),
        "going on with an upload that was left open"
    );
    Ok(Some(Upload { to: to.clone(), key: key.into(), id: id.into(), plan, done }))
}
