//! The loop that copies one object: read metadata, copy, compare metadata, again if the source changed.
//!
//! An object service reports the same metadata in each response, so a copy is right if the metadata after the
//! copy is the same as before. For a web server that is only a hint, see [`super::web`].

use std::sync::Arc;

use oss_lite::{Bucket, ObjectMeta, PutOptions};
use tokio::time::Instant;

use super::copier::{Copier, Start};
use super::destination::{Destination, StoreDestination};
use super::error::{Abort, TransferError};
use super::fidelity;
use super::item::{CopyOutcome, DestinationHint, Item};
use super::opened::Opened;
use super::origin::{Origin, Owner, Unmarked};
use super::plan::Plan;
use super::range::GetRange;
use super::reader::Pinned;
use super::removal::{Removal, Removals, Wrote};
use super::resume::{self, Continue};
use super::server_side::{self, Bounds, ServerSide};
use super::skip::is_copy;
use super::source::{self, Source};
use super::source_info::{ObjectKind, SourceInfo};
use super::upload_tracker::UploadTracker;
use super::{Existing, Extras, Preserve, ServerSideCopy, parts, sequence, single, to_file};
use crate::stop::StopLevel;

/// Most tries of an object that keeps changing, or arrives corrupt.
const ROUNDS: u32 = 5;

impl Copier {
    /// Copies the object, or removes its copy if it is gone and removals are propagated, until both sides
    /// agree.
    pub(super) async fn reconcile(
        &self,
        item: &Item,
        start: Start,
        deadline: Option<Instant>,
        tracker: &UploadTracker,
    ) -> Result<CopyOutcome, TransferError> {
        let name = self.source.name(&item.key);
        let mut gone = match start {
            Start::Copy => None,
            Start::Look => match self.source.look(&item.key).await {
                Ok(_) => None,
                Err(Abort::Gone) => Some(Wrote::No),
                Err(abort) => return Err(abort.into_error(&name)),
            },
        };
        for _ in 0..ROUNDS {
            let wrote = match gone.take() {
                Some(wrote) => wrote,
                None => match self.copy_until_stable(item, deadline, tracker).await? {
                    Copied::Done(done) => return Ok(done),
                    Copied::Gone(wrote) => wrote,
                },
            };
            match self.remove_copy(item, wrote).await? {
                Removal::Done(done) => return Ok(done),
                Removal::MadeAgain => tracing::debug!(key = &*name, "recreated while its copy was removed"),
            }
        }
        Err(TransferError::transient(format!("{name:?} is deleted and created repeatedly")))
    }

    async fn copy_until_stable(
        &self,
        item: &Item,
        deadline: Option<Instant>,
        tracker: &UploadTracker,
    ) -> Result<Copied, TransferError> {
        let name = self.source.name(&item.key);
        let mut round = Round {
            item,
            deadline,
            tracker,
            reading: Reading::InParts,
            writing: Writing::WhatIsMissing,
            touched: false,
            wrote: Wrote::No,
            repeated: false,
            whole: None,
            other_md5: None,
        };
        let mut last =
            TransferError::transient(format!("{name:?} changed each time before its copy was finished"));
        for _ in 0..ROUNDS {
            let abort = match self.round(&mut round).await {
                Ok(done) => return Ok(Copied::Done(done)),
                Err(abort) => abort,
            };
            match abort {
                Abort::Gone | Abort::Failed(_) if round.whole.is_some() => break,
                Abort::Gone => return Ok(Copied::Gone(round.wrote)),
                Abort::LeftOut(_) => return Ok(Copied::Done(CopyOutcome::SymlinkSkipped)),
                Abort::Failed(failed) => return Err(failed),
                // Several machines may serve it, each with an `ETag` of its own; a single response is of one
                // version.
                Abort::Changed if matches!(self.source, Source::Web(_)) => round.reading = Reading::InOneGo,
                Abort::Changed => {}
                Abort::RangesIgnored if round.reading == Reading::InParts => round.reading = Reading::InOneGo,
                Abort::OldMetadata => round.writing = Writing::Everything,
                Abort::Restart(failed) => last = failed,
                Abort::OtherMd5(md5) => {
                    round.other_md5 = Some(md5);
                    last = abort.into_error(&name);
                }
                abort @ (Abort::Corrupt(_) | Abort::RangesIgnored) => last = abort.into_error(&name),
            }
            if self.context.stop.is(StopLevel::EndAtParts) {
                return Err(TransferError::cut_short(format!("stopped before another try: {}", last.error)));
            }
            tracing::debug!(key = &*name, "starting over");
        }
        // A complete copy from a web server stays valid whatever the server says afterwards.
        round.whole.map(|bytes| Copied::Done(CopyOutcome::Copied { bytes })).ok_or(last)
    }

    async fn round(&self, round: &mut Round<'_>) -> Result<CopyOutcome, Abort> {
        let item = round.item;
        let (pinned, bytes) = match &self.destination {
            Destination::Directory(directory) => {
                let skips = self.options.existing == Existing::Skip && !round.touched;
                if skips
                    && directory.has(&item.to).await?
                    && directory.is_copy(&item.to, &self.source.look(&item.key).await?).await?
                {
                    return Ok(CopyOutcome::UpToDate);
                }
                let (pinned, opened) = self.open(round).await?;
                if self.leaves_out(&pinned.info) {
                    return Ok(CopyOutcome::SymlinkSkipped);
                }
                round.begin_to_write();
                let bytes = to_file::write(&self.context, directory, &item.to, &pinned, Some(opened)).await?;
                (pinned, bytes)
            }
            Destination::Store(to) => match self.to_store(to, round).await? {
                Stored::Nothing(done) => return Ok(done),
                Stored::Copied(pinned, bytes) => (pinned, bytes),
            },
        };
        round.wrote = Wrote::Yes;
        self.look_again(round, &pinned, bytes).await?;
        Ok(CopyOutcome::Copied { bytes })
    }

    /// Checks the source once more: the event of a change during this copy may have been handled before the
    /// copy ended.
    async fn look_again(&self, round: &mut Round<'_>, pinned: &Pinned, bytes: u64) -> Result<(), Abort> {
        let (key, seen) = (&round.item.key, &pinned.info.identity);
        let Source::Web(web) = &self.source else {
            return match self.source.look(key).await {
                Ok(now) if now.identity.is_same(seen) => Ok(()),
                Ok(_) => Err(Abort::Changed),
                // Deleted after its copy was complete; the copy stays.
                Err(Abort::Gone) if matches!(self.options.removals, Removals::Ignored) => Ok(()),
                Err(abort) => Err(abort),
            };
        };
        // The copy is complete by the framing of its response. What the server says elsewhere may cause one
        // more copy, but never invalidates this one; neither does a failing request, as with links that work
        // once.
        if round.repeated || web.hint(key).await.is_some_and(|now| now.is_same(seen)) {
            return Ok(());
        }
        // Many servers answer HEAD differently, and some not at all, so a GET is compared with the GET. A
        // response without a validator may be any page, such as one saying that the link has expired.
        match web.first_byte(key).await {
            Some(now) if now.has_validator() && seen.has_validator() && !now.is_same(seen) => {
                round.repeated = true;
                round.whole = Some(bytes);
                Err(Abort::Changed)
            }
            _ => Ok(()),
        }
    }

    /// Opens the source: the first part if the object may be copied in parts, else the whole.
    async fn open(&self, round: &Round<'_>) -> Result<(Pinned, Opened), Abort> {
        let (item, part_size) = (round.item, self.context.part_size);
        let small = item.size.is_some_and(|size| size <= part_size);
        let in_one_go = small || round.reading == Reading::InOneGo;
        let range = if in_one_go { GetRange::Whole } else { GetRange::Span(0..part_size) };
        let mut opened = self.source.open(&item.key, &range, None).await?;
        if range != GetRange::Whole {
            self.cross_check(item, &mut opened).await?;
        }
        let size = opened.info.size();
        // The server ignored the range, or nothing would show which version a later range is of.
        let unfit = opened.end == size || !opened.info.identity.distinguishes_versions();
        if range != GetRange::Whole && size.is_some_and(|size| size > part_size) && unfit {
            return Err(Abort::RangesIgnored);
        }
        Ok((self.pin(round, opened.info.clone()), opened))
    }

    /// Compares the response to a range with the size that HEAD reports. If the response has no total size
    /// and HEAD does, the rest can be read in parts too.
    async fn cross_check(&self, item: &Item, opened: &mut Opened) -> Result<(), Abort> {
        let (size, Some(end)) = (opened.info.size(), opened.end) else { return Ok(()) };
        let told = match &self.source {
            Source::Web(web) => web.hint(&item.key).await,
            source if size.is_none() => Some(source.look(&item.key).await?.identity),
            _ => None,
        };
        let Some((told, whole)) = told.and_then(|told| told.size.map(|size| (told, size))) else {
            return Ok(());
        };
        let seen = &opened.info.identity;
        if size.is_some() {
            // The size of something that may be another version proves nothing: it may be an error page.
            return if size == Some(whole) || !told.shows(seen) { Ok(()) } else { Err(Abort::RangesIgnored) };
        }
        if whole >= end
            && told.shows(seen)
            && told.is_same(seen)
            && self.ends_at(item, whole, &opened.info).await
        {
            opened.info.identity.size = Some(whole);
        }
        Ok(())
    }

    /// Whether the object ends after `size` bytes: if HEAD reports too little, the copy would be truncated.
    async fn ends_at(&self, item: &Item, size: u64, info: &SourceInfo) -> bool {
        let beyond = GetRange::Span(size..size.saturating_add(1));
        matches!(self.source.open(&item.key, &beyond, Some(info)).await, Err(Abort::Changed))
    }

    fn pin(&self, round: &Round<'_>, info: SourceInfo) -> Pinned {
        let key = &round.item.key;
        Pinned {
            source: self.source.clone(),
            key: key.as_str().into(),
            name: self.source.name(key).into(),
            info: Arc::new(info),
            other_md5: round.other_md5,
            flow: self.options.flow.clone(),
            random: self.options.random,
        }
    }

    async fn to_store(&self, to: &StoreDestination, round: &mut Round<'_>) -> Result<Stored, Abort> {
        let item = round.item;
        let within = self.within();
        let existing = async {
            match (self.options.existing, item.hint) {
                // An earlier round of this run wrote it: it is no older copy.
                _ if round.touched || round.writing == Writing::Everything => Ok(None),
                (Existing::Skip, DestinationHint::Unknown | DestinationHint::SameSize) => {
                    to.look(&item.to).await.map_err(Abort::from)
                }
                _ => Ok(None),
            }
        };
        let likely_there = item.hint == DestinationHint::SameSize && self.options.existing == Existing::Skip;
        let source = async {
            if within.is_some() || likely_there {
                return Ok((self.pin(round, self.source.look(&item.key).await?), None));
            }
            self.open(round).await.map(|(pinned, opened)| (pinned, Some(opened)))
        };
        let ((mut pinned, opened), existing) = tokio::try_join!(source, existing)?;
        self.context.admit(pinned.info.size().unwrap_or(0))?;
        let info = self.with_checksum(item, (*pinned.info).clone(), existing.as_ref()).await?;
        pinned.info = Arc::new(info);
        if self.leaves_out(&pinned.info) {
            return Ok(Stored::Nothing(CopyOutcome::SymlinkSkipped));
        }
        let mut options = fidelity::put_options(&pinned.info, to.bucket.dialect());
        let origin = Origin::of(&self.source, &item.key);
        if existing.is_some_and(|existing| {
            self.may_be_its_copy(&origin, &existing) && is_copy(&pinned.info, &options, &existing)
        }) {
            return Ok(Stored::Nothing(CopyOutcome::UpToDate));
        }
        origin.mark(&mut options);
        self.add_extras(&item.key, &mut options).await?;
        round.begin_to_write();
        // The service would copy a symlink itself, not its target.
        if let Some(from) = within.filter(|_| pinned.info.kind == ObjectKind::Object) {
            let bounds =
                Bounds { deadline: round.deadline, tracker: round.tracker, which: round.writing.continues() };
            match server_side::copy(&self.context, (from, to), &item.to, &pinned, &options, bounds).await? {
                ServerSide::Done => {
                    let bytes = pinned.info.size().unwrap_or(0);
                    return Ok(Stored::Copied(pinned, bytes));
                }
                ServerSide::Refused(why) => {
                    tracing::info!(key = item.key, error = %why.error, "no server-side copy, streaming");
                }
            }
        }
        let bytes = self.stream(to, round, &pinned, &options, opened).await?;
        Ok(Stored::Copied(pinned, bytes))
    }

    /// If removals are propagated, a copy must name its own origin: otherwise the removal of another object
    /// with the same content would remove it.
    fn may_be_its_copy(&self, origin: &Origin, existing: &ObjectMeta) -> bool {
        matches!(self.options.removals, Removals::Ignored)
            || origin.owner(&existing.metadata, Unmarked::Kept) != Owner::Another
    }

    /// The source bucket, if the service may copy from there by itself.
    fn within(&self) -> Option<&Bucket> {
        match &self.source {
            Source::Store(bucket) if self.options.server_side == ServerSideCopy::Yes => Some(bucket),
            _ => None,
        }
    }

    async fn add_extras(&self, key: &str, options: &mut PutOptions) -> Result<(), Abort> {
        let Source::Store(bucket) = &self.source else { return Ok(()) };
        let Extras { tags, acl } = self.options.extras;
        if tags == Preserve::Yes {
            options.tagging = fidelity::tagging(&bucket.tagging(key).await.map_err(source::abort)?);
        }
        if acl == Preserve::Yes {
            options.acl = fidelity::acl(bucket.acl(key).await.map_err(source::abort)?);
        }
        Ok(())
    }

    /// Streams a pinned object in the suitable way. Returns its size.
    async fn stream(
        &self,
        to: &StoreDestination,
        round: &Round<'_>,
        pinned: &Pinned,
        options: &PutOptions,
        opened: Option<Opened>,
    ) -> Result<u64, Abort> {
        let (context, key) = (&self.context, round.item.to.as_str());
        let Round { deadline, tracker, .. } = *round;
        match pinned.info.size() {
            Some(size) if size <= context.part_size => {
                let _permit = context.streams.acquire().await;
                single::put(context, to, key, pinned, options, opened).await.map(|()| size)
            }
            Some(size)
                if round.reading == Reading::InParts && pinned.info.identity.distinguishes_versions() =>
            {
                let plan = Plan::new(size, context.part_size)?;
                context.may_begin_parts()?;
                let which = (tracker, round.writing.continues(), context.left_open);
                let mut upload = resume::open(to, key, pinned, plan, options, which).await?;
                let sent = match parts::send(context, &mut upload, pinned, opened, deadline).await {
                    Ok(()) => upload.complete(pinned).await,
                    Err(abort) => Err(abort),
                };
                match sent {
                    Ok(()) => Ok(size),
                    Err(abort) => Err(upload.keep_or_discard(abort, context.left_open).await),
                }
            }
            _ => sequence::put(context, to, (key, pinned, options), opened, deadline, tracker).await,
        }
    }
}

/// State of the rounds of one object.
struct Round<'r> {
    item: &'r Item,
    deadline: Option<Instant>,
    tracker: &'r UploadTracker,
    reading: Reading,
    writing: Writing,
    /// Whether this run may have written to the destination: the object there is no older copy then.
    touched: bool,
    /// Whether this run completed a copy.
    wrote: Wrote,
    /// Whether the object was copied a second time because of the check after the first copy.
    repeated: bool,
    /// Size of a complete copy of a web object, until it is overwritten.
    whole: Option<u64>,
    /// The MD5 that a round computed, if the `ETag` differs.
    other_md5: Option<[u8; 16]>,
}

impl Round<'_> {
    /// From here on the object at the destination is no older copy, and may be incomplete.
    fn begin_to_write(&mut self) {
        self.touched = true;
        self.whole = None;
    }
}

/// Result of copying an object.
enum Copied {
    /// Finished.
    Done(CopyOutcome),
    /// The source has no such object.
    Gone(Wrote),
}

/// How to read the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// By ranges, if the object is large.
    InParts,
    /// Sequentially: it does not support ranges.
    InOneGo,
}

/// How much of the destination is reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// Existing copies and parts are not written again.
    WhatIsMissing,
    /// Everything is written again, since the copy has outdated metadata.
    Everything,
}

impl Writing {
    fn continues(self) -> Continue {
        match self {
            Self::WhatIsMissing => Continue::Any,
            Self::Everything => Continue::None,
        }
    }
}

/// Result of a round to a bucket.
enum Stored {
    /// Nothing was written.
    Nothing(CopyOutcome),
    /// The pinned object and its size.
    Copied(Pinned, u64),
}
