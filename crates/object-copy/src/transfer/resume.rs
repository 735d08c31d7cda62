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
//! An unrecorded upload, as after a kill, is continued only if the source has a CRC-64; so is one recorded by
//! a version that did not note metadata. The metadata that those were started with is checked after
//! completion, by a HEAD, which shows neither tags nor an ACL: if these are preserved, such an upload is not
//! continued.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use oss_lite::{ErrorKind, ListedPart, ListedUpload, PutOptions};
use sha2::{Digest as _, Sha256};

use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use super::parts::{InitialMetadata, Part, Trust, Upload};
use super::plan::Plan;
use super::reader::Pinned;
use super::upload_tracker::UploadTracker;
use crate::outcome::{OpenUpload, VerifiedParts};

/// Most unrecorded uploads of one key that are tried.
const CANDIDATES: usize = 4;

/// Most parts that share one digest: if one of them has changed, all are sent again.
const TOGETHER: u32 = 100;

/// Most entries of a record, which keeps it well below the 64 KiB that are read. Parts beyond that are sent
/// again.
const MOST_VERIFIED: usize = 300;

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
    (tracker, which): (&UploadTracker, Continue),
) -> Result<Upload, Abort> {
    let known = |id: &str, plan| Upload::known(to, key, id, plan, options, pinned, tracker);
    if let Some(open) = tracker.get() {
        if which == Continue::Any
            && let Some((initial, plan)) = fits(&open, key, to, pinned, plan, options)
        {
            let upload = Upload { initial, ..known(&open.id, plan) };
            if let Some(upload) =
                adopt(upload, open.as_left.as_ref().map_or(&[], |left| &left.verified)).await?
            {
                return Ok(upload);
            }
        }
        tracker.discard(to).await?;
    }
    if which == Continue::Any && pinned.info.crc64.is_some() && shows_in_a_look(options) {
        for found in candidates(to, key, pinned).await? {
            if let Some(upload) = adopt(known(&found.upload_id, plan), &[]).await? {
                return Ok(upload);
            }
        }
    }
    Upload::begin(to, key, plan, options, pinned, tracker).await
}

/// Whether a HEAD shows all metadata that is stored with an object.
fn shows_in_a_look(options: &PutOptions) -> bool {
    options.tagging.is_none() && options.acl.is_none()
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
async fn adopt(upload: Upload, recorded: &[VerifiedParts]) -> Result<Option<Upload>, Abort> {
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
    let provable = upload.info.crc64.is_some();
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
        "going on with an upload that was left open"
    );
    let upload = Upload { done, ..upload };
    upload.note();
    Ok(Some(upload))
}

/// The listed parts, with the trust that the record gives them.
fn taken_over(listed: Vec<ListedPart>, recorded: &[VerifiedParts]) -> BTreeMap<u32, Part> {
    let left = |part: ListedPart| {
        (part.number, Part { etag: part.etag, len: part.size, crc64: part.crc64, trust: Trust::Left })
    };
    let mut done: BTreeMap<_, _> = listed.into_iter().map(left).collect();
    for entry in recorded {
        let numbers = entry.first..entry.first.saturating_add(entry.count.min(TOGETHER));
        let as_left = numbers.clone().map(|number| done.get(&number).map(|part| (number, part)));
        let as_left: Option<Vec<_>> = as_left.collect();
        if as_left.is_some_and(|parts| digest_of_parts(&parts) == entry.digest) {
            for (_, part) in done.range_mut(numbers) {
                part.trust = if entry.proved { Trust::Proved } else { Trust::Sent };
            }
        }
    }
    done
}

/// The record of the parts, by which a later run recognises them.
pub(super) fn verified(done: &BTreeMap<u32, Part>) -> Vec<VerifiedParts> {
    let mut runs: Vec<Vec<(u32, &Part)>> = Vec::new();
    for (&number, part) in done.iter().filter(|(_, part)| part.trust != Trust::Left) {
        match runs.last_mut() {
            Some(run)
                if run.len() < TOGETHER as usize
                    && run
                        .last()
                        .is_some_and(|(last, before)| last + 1 == number && before.trust == part.trust) =>
            {
                run.push((number, part));
            }
            _ => runs.push(vec![(number, part)]),
        }
    }
    runs.truncate(MOST_VERIFIED);
    let entry = |run: Vec<(u32, &Part)>| {
        let &(first, part) = run.first()?;
        let count = u32::try_from(run.len()).ok()?;
        Some(VerifiedParts {
            first,
            count,
            digest: digest_of_parts(&run),
            proved: part.trust == Trust::Proved,
        })
    };
    runs.into_iter().filter_map(entry).collect()
}

fn digest_of_parts(parts: &[(u32, &Part)]) -> String {
    let mut text = String::new();
    for (number, part) in parts {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{number} {} {}", part.len, part.etag.to_ascii_lowercase());
    }
    digest(&text)
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

/// 128 bits of a SHA-256.
fn digest(text: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(text));
    digest.truncate(32);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(etag: &str, trust: Trust) -> Part {
        Part { etag: etag.to_owned(), len: 10, crc64: None, trust }
    }

    fn listed(parts: &[(u32, &str)]) -> Vec<ListedPart> {
        let part = |(number, etag): &(u32, &str)| {
            let mut part = ListedPart::default();
            (part.number, part.size, part.etag) = (*number, 10, (*etag).to_owned());
            part
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn parts_are_known_again_by_their_etags_and_others_are_not() {
        let sent = [(1, "A"), (2, "B"), (4, "D"), (5, "E")];
        let done: BTreeMap<_, _> = sent.map(|(number, etag)| (number, part(etag, Trust::Proved))).into();
        let recorded = verified(&done);
        assert_eq!(
            recorded.iter().map(|entry| (entry.first, entry.count)).collect::<Vec<_>>(),
            [(1, 2), (4, 2)]
        );
        let found = taken_over(listed(&[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "x")]), &recorded);
        let trusted: Vec<_> = found.values().map(|part| part.trust).collect();
        assert_eq!(trusted, [Trust::Proved, Trust::Proved, Trust::Left, Trust::Left, Trust::Left]);
    }

    #[test]
    fn what_was_only_sent_is_not_taken_for_proved_and_what_was_left_is_not_recorded() {
        let done: BTreeMap<_, _> =
            [(1, part("a", Trust::Sent)), (2, part("b", Trust::Proved)), (3, part("c", Trust::Left))].into();
        let recorded = verified(&done);
        assert_eq!(recorded.len(), 2);
        let found = taken_over(listed(&[(1, "a"), (2, "b"), (3, "c")]), &recorded);
        let trusted: Vec<_> = found.values().map(|part| part.trust).collect();
        assert_eq!(trusted, [Trust::Sent, Trust::Proved, Trust::Left]);
    }

    #[test]
    fn a_record_of_the_most_parts_is_small() {
        let all: BTreeMap<_, _> = (1..=10_000).map(|number| (number, part("e", Trust::Proved))).collect();
        assert_eq!(verified(&all).len(), 100);
        let scattered: BTreeMap<_, _> = all.into_iter().filter(|(number, _)| number % 2 == 0).collect();
        // Some 90 bytes each.
        assert_eq!(verified(&scattered).len(), MOST_VERIFIED);
    }

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
