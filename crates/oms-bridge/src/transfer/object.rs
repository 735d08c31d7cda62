//! One object, from the first look to the last.

use std::sync::Arc;
use std::time::Duration;

use oss_lite::{Bucket, ObjectMeta, PutOptions};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::destination::{Destination, StoreDestination};
use super::facts::{Facts, Kind};
use super::fidelity;
use super::origin::{Origin, Owner};
use super::parts::until;
use super::plan::Plan;
use super::reader::Pinned;
use super::removal::{Removal, Removals, Unmarked, Wrote};
use super::resume::{self, Continue};
use super::server_side::{self, Bounds, ServerSide};
use super::skip::is_copy;
use super::source::{self, Opened, Source, Want};
use super::stop::{Failed, Stop};
use super::underway::Underway;
use super::{Carry, Context, Existing, Extras, Options, ServerSideCopy, Symlinks, parts, sequence, single};
use crate::engine::OpenUpload;

/// How often an object that keeps changing, or keeps arriving broken, is begun anew.
const ROUNDS: u32 = 5;

/// Time past the deadline for putting away what is under way.
const GRACE: Duration = Duration::from_secs(1);

/// Copies objects from one source to one destination. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transfer(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) source: Source,
    pub(super) destination: Destination,
    pub(super) options: Options,
    context: Context,
}

/// What to copy.
#[derive(Clone, Debug)]
pub struct Item {
    /// The object at the source: a key; of a web source, the URL.
    pub key: String,
    /// The key at the destination.
    pub to: String,
    /// Size in bytes, if a listing or an event told.
    pub size: Option<u64>,
    /// What is known of the destination.
    pub existing: Known,
    /// An upload that an earlier run left open.
    pub open: Option<OpenUpload>,
}

/// What is known of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A listing shows no object of this key and size there.
    NoCopy,
    /// A listing shows one of the same size, or does not tell the size of a symlink: that may be the copy.
    SameSize,
    /// Nothing.
    Nothing,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was copied, and the copy is right.
    Copied {
        /// Its size.
        bytes: u64,
    },
    /// The destination had it already.
    UpToDate,
    /// It was removed from the destination, as it is gone from the source.
    Removed,
    /// It is gone from the source; what lies at the destination is the copy of another object, and stays.
    NotItsCopy,
    /// It is gone from the source; its copy stays for now, as no more may be removed.
    PutOff,
    /// There is no such object at the source, and no copy of it that would have to be removed.
    SourceGone,
    /// It is a symlink, or lies behind one, that is left out.
    SymlinkSkipped,
}

impl Transfer {
    /// Copies from `source` to `destination`.
    pub fn new(source: Source, destination: Destination, options: Options) -> Self {
        let streams = Arc::new(Semaphore::new(options.concurrency));
        Self::sharing(source, destination, options, streams)
    }

    /// The same, with a limit on streams that is shared with others.
    pub fn sharing(
        source: Source,
        destination: Destination,
        options: Options,
        streams: Arc<Semaphore>,
    ) -> Self {
        let Options { part_size, concurrency, max_size, random, .. } = options;
        let context = Context { part_size, concurrency, max_size, streams, random };
        Self(Arc::new(Inner { source, destination, options, context }))
    }

    /// How the object of this key is called in messages: without the query of a URL, which may be a signature.
    pub fn name<'k>(&self, key: &'k str) -> &'k str {
        self.0.source.name(key)
    }

    /// Copies an object, unless it is there already. Ends within a second after `deadline`; what cannot be finished by
    /// then is left so that a later run goes on. What an earlier run left open and nobody needs any more is removed.
    ///
    /// # Errors
    ///
    /// [`Failed`], and then nothing that looks like a good copy of the object as it is now was left behind.
    pub async fn copy(&self, item: &Item, deadline: Option<Instant>) -> Result<Done, Failed> {
        let underway = Underway::new(item.open.clone());
        let copied = tokio::select! {
            done = self.0.settle(item, Start::Copy, deadline, &underway) => done,
            () = until(deadline.map(|deadline| deadline + GRACE)) => Err(self.0.out_of_time(item)),
        };
        let copied = match copied {
            Ok(done) => self.0.put_away(&underway).await.map(|()| done),
            failed => failed,
        };
        copied.map_err(|failed| underway.attach(failed))
    }

    /// What [`Transfer::copy`] would do: changes nothing.
    ///
    /// # Errors
    ///
    /// [`Failed`], where one of the ends cannot be looked at.
    pub async fn preview(&self, item: &Item) -> Result<Done, Failed> {
        let Inner { source, destination, options, .. } = &*self.0;
        let facts = match source.look(&item.key).await {
            Ok(facts) => facts,
            Err(Stop::Gone) => return Ok(Done::SourceGone),
            Err(Stop::LeftOut(_)) => return Ok(Done::SymlinkSkipped),
            Err(stop) => return Err(stop.into_failed(source.name(&item.key))),
        };
        if self.0.leaves_out(&facts) {
            return Ok(Done::SymlinkSkipped);
        }
        if let Destination::Directory(directory) = destination {
            directory.admit(&item.to, &facts)?;
        }
        let there = match (options.existing, destination) {
            (Existing::Overwrite, _) => false,
            (Existing::Skip, Destination::Directory(directory)) => {
                directory.is_copy(&item.to, &facts).await?
            }
            (Existing::Skip, Destination::Store(to)) => {
                let existing = to.look(&item.to).await?;
                let facts = self.0.summed_up(item, facts.clone(), existing.as_ref()).await;
                let facts = facts.map_err(|stop| stop.into_failed(source.name(&item.key)))?;
                let wanted = fidelity::put_options(&facts, to.bucket.dialect());
                existing.is_some_and(|existing| is_copy(&facts, &wanted, &existing))
            }
        };
        Ok(if there { Done::UpToDate } else { Done::Copied { bytes: facts.size().unwrap_or(0) } })
    }

    /// Carries a removal over: removes the copy from the destination if the source has no such object any more, else copies it.
    /// Ends within a second after `deadline`.
    ///
    /// # Errors
    ///
    /// [`Failed`].
    pub async fn remove(&self, item: &Item, deadline: Option<Instant>) -> Result<Done, Failed> {
        let underway = Underway::new(item.open.clone());
        let done = tokio::select! {
            done = self.0.settle(item, Start::Look, deadline, &underway) => done,
            () = until(deadline.map(|deadline| deadline + GRACE)) => Err(self.0.out_of_time(item)),
        };
        let done = match done {
            Ok(done) => self.0.put_away(&underway).await.map(|()| done),
            failed => failed,
        };
        done.map_err(|failed| underway.attach(failed))
    }
}

impl Inner {
    fn out_of_time(&self, item: &Item) -> Failed {
        Failed::out_of_time(&format!("{:?} was not copied", self.source.name(&item.key)))
    }

    /// Removes an upload that an earlier run left open and nobody needs any more. One that was completed is gone already.
    ///
    /// # Errors
    ///
    /// When it may be there still: then the change is not done, so that its record stays, and the next run finds the copy and only this to do.
    async fn put_away(&self, underway: &Underway) -> Result<(), Failed> {
        let Destination::Store(to) = &self.destination else { return Ok(()) };
        match timeout(GRACE, underway.discard(to)).await {
            Ok(removed) => removed,
            Err(_) => {
                Err(Failed::transient("no reply to the removal of an upload that an earlier run left open"))
            }
        }
    }

    /// Copies the object, and removes the copy of one that is gone where that is carried over, until the two sides agree.
    async fn settle(
        &self,
        item: &Item,
        start: Start,
        deadline: Option<Instant>,
        underway: &Underway,
    ) -> Result<Done, Failed> {
        let name = self.source.name(&item.key);
        let mut gone = match start {
            Start::Copy => None,
            Start::Look => match self.source.look(&item.key).await {
                Ok(_) => None,
                Err(Stop::Gone) => Some(Wrote::No),
                Err(stop) => return Err(stop.into_failed(name)),
            },
        };
        for _ in 0..ROUNDS {
            let wrote = match gone.take() {
                Some(wrote) => wrote,
                None => match self.rounds(item, deadline, underway).await? {
                    Copied::Done(done) => return Ok(done),
                    Copied::Gone(wrote) => wrote,
                },
            };
            match self.remove_copy(item, wrote).await? {
                Removal::Done(done) => return Ok(done),
                Removal::MadeAgain => tracing::debug!(key = name, "made again while it was removed"),
            }
        }
        Err(Failed::transient(format!("{name:?} comes and goes")))
    }

    async fn rounds(
        &self,
        item: &Item,
        deadline: Option<Instant>,
        underway: &Underway,
    ) -> Result<Copied, Failed> {
        let name = self.source.name(&item.key);
        let mut wrote = Wrote::No;
        let (mut reading, mut writing) = (Reading::InParts, Writing::WhatIsMissing);
        let mut last = Failed::transient(format!("{name:?} changed each time before its copy was finished"));
        for _ in 0..ROUNDS {
            let round = Round { item, reading, writing, deadline, underway };
            let stop = match self.round(&round, &mut wrote).await {
                Ok(done) => return Ok(Copied::Done(done)),
                Err(stop) => stop,
            };
            match stop {
                Stop::Gone => return Ok(Copied::Gone(wrote)),
                Stop::LeftOut(_) => return Ok(Copied::Done(Done::SymlinkSkipped)),
                Stop::Failed(failed) => return Err(failed),
                Stop::Changed => {}
                Stop::RangesIgnored if reading == Reading::InParts => reading = Reading::InOneGo,
                Stop::OldMetadata => writing = Writing::Everything,
                Stop::Restart(failed) => last = failed,
                stop @ (Stop::Corrupt(_) | Stop::RangesIgnored) => last = stop.into_failed(name),
            }
            tracing::debug!(key = name, "beginning anew");
        }
        Err(last)
    }

    async fn round(&self, round: &Round<'_>, wrote: &mut Wrote) -> Result<Done, Stop> {
        let item = round.item;
        let pinned = match &self.destination {
            Destination::Directory(directory) => {
                let skips = self.options.existing == Existing::Skip;
                if skips
                    && directory.has(&item.to).await?
                    && directory.is_copy(&item.to, &self.source.look(&item.key).await?).await?
                {
                    return Ok(Done::UpToDate);
                }
                let (pinned, opened) = self.open(item, round.reading).await?;
                if self.leaves_out(&pinned.facts) {
                    return Ok(Done::SymlinkSkipped);
                }
                directory.write(&item.to, &pinned, Some(opened)).await?;
                pinned
            }
            Destination::Store(to) => match self.to_store(to, round).await? {
                Stored::Nothing(done) => return Ok(done),
                Stored::Copied(pinned) => pinned,
            },
        };
        *wrote = Wrote::Yes;
        // Whoever changed the source meanwhile may have been told of by an event that was handled before this copy ended.
        match self.source.look(&item.key).await {
            Ok(now) if now.identity.is_same(&pinned.facts.identity) => {
                Ok(Done::Copied { bytes: pinned.facts.size().unwrap_or(0) })
            }
            // It went once its copy was whole, and the copy stays.
            Err(Stop::Gone) if matches!(self.options.removals, Removals::Ignored) => {
                Ok(Done::Copied { bytes: pinned.facts.size().unwrap_or(0) })
            }
            Ok(_) => Err(Stop::Changed),
            Err(stop) => Err(stop),
        }
    }

    /// Opens the source: an object that may be in parts at its first part, any other as a whole.
    async fn open(&self, item: &Item, reading: Reading) -> Result<(Pinned, Opened), Stop> {
        let part_size = self.context.part_size;
        let small = item.size.is_some_and(|size| size <= part_size);
        let want = if small || reading == Reading::InOneGo { Want::Whole } else { Want::Span(0..part_size) };
        let mut opened = self.source.open(&item.key, &want, None).await?;
        // A part came, and nobody said of how much. Where the server tells it otherwise, the rest can be read in parts too.
        if opened.facts.size().is_none() && opened.end.is_some() {
            let told = self.source.look(&item.key).await?.identity;
            if told.shows(&opened.facts.identity) && told.is_same(&opened.facts.identity) {
                opened.facts.identity.size = told.size;
            }
        }
        let size = opened.facts.size();
        // Every part would come as the whole object, or nothing would tell of which version it is.
        let unfit = opened.end == size || !opened.facts.identity.tells_versions();
        if want != Want::Whole && size.is_some_and(|size| size > part_size) && unfit {
            return Err(Stop::RangesIgnored);
        }
        Ok((self.pin(item, opened.facts.clone()), opened))
    }

    fn pin(&self, item: &Item, facts: Facts) -> Pinned {
        Pinned {
            source: self.source.clone(),
            key: item.key.as_str().into(),
            name: self.source.name(&item.key).into(),
            facts: Arc::new(facts),
            flow: self.options.flow.clone(),
            random: self.options.random,
        }
    }

    async fn to_store(&self, to: &StoreDestination, round: &Round<'_>) -> Result<Stored, Stop> {
        let item = round.item;
        let within = self.within();
        let existing = async {
            match (self.options.existing, item.existing) {
                _ if round.writing == Writing::Everything => Ok(None),
                (Existing::Skip, Known::Nothing | Known::SameSize) => {
                    to.look(&item.to).await.map_err(Stop::from)
                }
                _ => Ok(None),
            }
        };
        let likely_there = item.existing == Known::SameSize && self.options.existing == Existing::Skip;
        let source = async {
            if within.is_some() || likely_there {
                return Ok((self.pin(item, self.source.look(&item.key).await?), None));
            }
            self.open(item, round.reading).await.map(|(pinned, opened)| (pinned, Some(opened)))
        };
        let ((mut pinned, opened), existing) = tokio::try_join!(source, existing)?;
        self.context.admit(pinned.facts.size().unwrap_or(0))?;
        let facts = self.summed_up(item, (*pinned.facts).clone(), existing.as_ref()).await?;
        pinned.facts = Arc::new(facts);
        if self.leaves_out(&pinned.facts) {
            return Ok(Stored::Nothing(Done::SymlinkSkipped));
        }
        let mut options = fidelity::put_options(&pinned.facts, to.bucket.dialect());
        let origin = Origin::of(&self.source, &item.key);
        if existing.is_some_and(|existing| {
            self.may_be_its_copy(&origin, &existing) && is_copy(&pinned.facts, &options, &existing)
        }) {
            return Ok(Stored::Nothing(Done::UpToDate));
        }
        origin.mark(&mut options);
        self.add_extras(&item.key, &mut options).await?;
        // Of a symlink the service would copy the link.
        if let Some(from) = within.filter(|_| pinned.facts.kind == Kind::Object) {
            let bounds = Bounds {
                deadline: round.deadline,
                underway: round.underway,
                which: round.writing.continues(),
            };
            match server_side::copy(&self.context, (from, to), &item.to, &pinned, &options, bounds).await? {
                ServerSide::Done => return Ok(Stored::Copied(pinned)),
                ServerSide::Refused(why) => {
                    tracing::info!(key = item.key, error = %why.error, "no server-side copy, streaming");
                }
            }
        }
        self.stream(to, round, &pinned, &options, opened).await?;
        Ok(Stored::Copied(pinned))
    }

    /// With the CRC-64 of a file that may be there already: to compute it is cheaper than to send the file.
    async fn summed_up(
        &self,
        item: &Item,
        facts: Facts,
        existing: Option<&ObjectMeta>,
    ) -> Result<Facts, Stop> {
        match &self.source {
            Source::Directory(directory)
                if facts.crc64.is_none()
                    && existing.is_some_and(|existing| Some(existing.size) == facts.size()) =>
            {
                Ok(Facts { crc64: directory.crc64(&item.key).await?, ..facts })
            }
            _ => Ok(facts),
        }
    }

    /// Where removals are carried over a copy must be marked as that of its own origin: else the removal of another object of the
    /// same content takes it along.
    fn may_be_its_copy(&self, origin: &Origin, existing: &ObjectMeta) -> bool {
        matches!(self.options.removals, Removals::Ignored)
            || origin.owner(&existing.metadata, Unmarked::Kept) != Owner::Another
    }

    fn leaves_out(&self, facts: &Facts) -> bool {
        facts.kind == Kind::Symlink && self.options.symlinks == Symlinks::Skip
    }

    /// The source bucket, if the service may copy from there by itself.
    fn within(&self) -> Option<&Bucket> {
        match &self.source {
            Source::Store(bucket) if self.options.server_side == ServerSideCopy::Yes => Some(bucket),
            _ => None,
        }
    }

    async fn add_extras(&self, key: &str, options: &mut PutOptions) -> Result<(), Stop> {
        let Source::Store(bucket) = &self.source else { return Ok(()) };
        let Extras { tags, acl } = self.options.extras;
        if tags == Carry::Yes {
            options.tagging = fidelity::tagging(&bucket.tagging(key).await.map_err(source::stop)?);
        }
        if acl == Carry::Yes {
            options.acl = fidelity::acl(bucket.acl(key).await.map_err(source::stop)?);
        }
        Ok(())
    }

    /// Streams a pinned object by the way that fits it.
    async fn stream(
        &self,
        to: &StoreDestination,
        round: &Round<'_>,
        pinned: &Pinned,
        options: &PutOptions,
        opened: Option<Opened>,
    ) -> Result<(), Stop> {
        let (context, key) = (&self.context, round.item.to.as_str());
        let Round { deadline, underway, .. } = *round;
        match pinned.facts.size() {
            Some(size) if size <= context.part_size => {
                let _permit = context.streams.acquire().await;
                single::put(context, to, key, pinned, options, opened).await
            }
            Some(size) if round.reading == Reading::InParts && pinned.facts.identity.tells_versions() => {
                let plan = Plan::new(size, context.part_size)?;
                let which = (underway, round.writing.continues());
                let mut upload = resume::open(to, key, pinned, plan, options, which).await?;
                let sent = match parts::send(context, &mut upload, pinned, opened, deadline).await {
                    Ok(()) => upload.complete(pinned).await,
                    Err(stop) => Err(stop),
                };
                match sent {
                    Ok(()) => Ok(()),
                    Err(stop) => Err(upload.settle(stop).await),
                }
            }
            _ => sequence::put(context, to, (key, pinned, options), opened, deadline, underway).await,
        }
    }
}

/// One round of one object.
struct Round<'r> {
    item: &'r Item,
    reading: Reading,
    writing: Writing,
    deadline: Option<Instant>,
    underway: &'r Underway,
}

/// What a change begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// There is an object, as far as is known.
    Copy,
    /// There may be none.
    Look,
}

/// What the copying of an object came to.
enum Copied {
    /// To an end.
    Done(Done),
    /// The source has no such object.
    Gone(Wrote),
}

/// How the source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// By ranges, where the object is large.
    InParts,
    /// From the first byte to the last: it knows no ranges.
    InOneGo,
}

/// How much of the destination is relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// What is there, and what an earlier run left, is not written again.
    WhatIsMissing,
    /// The copy has metadata of an earlier time: all is written again.
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

/// What a round came to at a bucket.
enum Stored {
    /// Nothing was written.
    Nothing(Done),
    /// The object that was pinned.
    Copied(Pinned),
}
