//! What becomes of the copy of an object that is gone from its source.
//!
//! ```text
//! look at the source ──▶ there: copy it, look again ──▶ still the same: done
//!        ▲                                   │
//!        │                                   ▼ gone
//!        └── there again ── look again ◀── remove ◀── gone for sure? ◀── whose copy is it?
//! ```
//!
//! Where removals are carried over, an event that tells of a new object and one that tells of a removal ask for the same thing: that the
//! destination be as the source is now. So both go round here, and it does not matter in which order events arrive, whether two instances
//! handle them at once, or whether one died half-way: who wrote looks at the source afterwards and removes what it wrote, and who
//! removed looks afterwards and copies again.
//!
//! Nothing is removed unless
//!
//! - the service of the source answers a GET with its own `NoSuchKey`: an answer to a HEAD has no body, and 404 is what any proxy says;
//! - what lies at the destination is a copy of this very object ([`super::origin`]);
//! - there are not too many removals already ([`RemovalLimiter`]). What the same run wrote just now is no part of that.

use std::fmt;
use std::sync::Arc;

use super::error::{Abort, TransferError};
use super::object::{Copier, CopyOutcome, Item};
use super::origin::{Origin, Owner};
use super::source::Source;
use super::{Destination, StoreDestination};

/// What happens to the copy of an object that is gone from the source.
#[derive(Clone, Debug, Default)]
pub enum Removals {
    /// It stays.
    #[default]
    Ignored,
    /// It is removed.
    CarriedOver {
        /// Whether an object counts as the copy that does not say what it is a copy of.
        unmarked: Unmarked,
        /// Asked before each removal.
        allow: Arc<dyn RemovalLimiter>,
    },
}

/// Which objects at the destination that name no origin count as copies, and may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmarked {
    /// None.
    Kept,
    /// Those that carry a source's `ETag`: copies by versions of this program that recorded no origin.
    OlderCopies,
    /// All: copies by OMS look like anybody's objects.
    Removed,
}

/// Says whether one more object may be removed now.
pub trait RemovalLimiter: fmt::Debug + Send + Sync {
    /// Whether it may, and then it counts as removed.
    fn try_acquire(&self) -> bool;
}

/// Whether this run wrote the copy itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    Yes,
    No,
}

/// What a removal came to.
pub(super) enum Removal {
    /// To an end.
    Done(CopyOutcome),
    /// The source has the object again.
    MadeAgain,
}

impl Copier {
    /// Removes the copy of an object that the source seems to have no more.
    pub(super) async fn remove_copy(&self, item: &Item, wrote: Wrote) -> Result<Removal, TransferError> {
        let (Destination::Store(to), Removals::CarriedOver { unmarked, allow }) =
            (&self.destination, &self.options.removals)
        else {
            return Ok(Removal::Done(CopyOutcome::SourceGone));
        };
        let origin = Origin::of(&self.source, &item.key);
        match owner(to, &item.to, &origin, *unmarked).await? {
            None => return Ok(Removal::Done(CopyOutcome::SourceGone)),
            Some(Owner::This) => {}
            Some(Owner::Another) => return Ok(Removal::Done(CopyOutcome::NotItsCopy)),
            Some(Owner::Unknown) => return Err(unknown_origin(&item.to, *unmarked)),
        }
        if !self.source.confirms_gone(&item.key).await? {
            return Ok(Removal::MadeAgain);
        }
        if wrote == Wrote::No && !allow.try_acquire() {
            return Ok(Removal::Done(CopyOutcome::Deferred));
        }
        to.bucket.delete(&item.to).await?;
        // Made again in the meantime, and told by an event that was handled before the removal: then the copy must be there again.
        match self.source.look(&item.key).await {
            Ok(_) => Ok(Removal::MadeAgain),
            Err(Abort::Gone) => Ok(Removal::Done(CopyOutcome::Removed)),
            Err(abort) => Err(abort.into_error(&self.source.name(&item.key))),
        }
    }
}

async fn owner(
    to: &StoreDestination,
    key: &str,
    origin: &Origin,
    unmarked: Unmarked,
) -> Result<Option<Owner>, TransferError> {
    let found = to.look(key).await?;
    Ok(found.map(|copy| origin.owner(&copy.metadata, unmarked)))
}

fn unknown_origin(key: &str, unmarked: Unmarked) -> TransferError {
    let remedy = match unmarked {
        Unmarked::Kept => {
            "set SOURCE_BUCKET if changes of one bucket only are carried over, or remove it by hand"
        }
        Unmarked::OlderCopies | Unmarked::Removed => "if it is to go, remove it by hand",
    };
    TransferError::permanent(format!(
        "gone from the source, but {key:?} at the destination does not say whose copy it is, and was left: {remedy}, then replay"
    ))
}

impl Source {
    /// Whether the service itself says that there is no such object.
    ///
    /// # Errors
    ///
    /// When it says something else than that there is one or none.
    async fn confirms_gone(&self, key: &str) -> Result<bool, TransferError> {
        use oss_lite::{ByteRange, ErrorKind, GetOptions};

        use super::source::GetRange;

        let unsure = |what: &str| {
            TransferError::transient(format!(
                "{:?} seems to be gone, but the source does not say so itself: {what}",
                self.name(key)
            ))
        };
        let Self::Store(bucket) = self else {
            return match self.open(key, &GetRange::Span(0..1), None).await {
                Ok(_) | Err(Abort::RangesIgnored) => Ok(false),
                Err(Abort::Gone) => Ok(true),
                Err(abort) => Err(abort.into_error(&self.name(key))),
            };
        };
        let first = ByteRange { first: 0, last: Some(0) };
        match bucket.get_with(key, GetOptions { range: Some(first), ..GetOptions::default() }).await {
            Ok(_) => Ok(false),
            Err(error) => match (error.kind(), error.code(), error.request_id()) {
                // An empty object has no first byte.
                (ErrorKind::InvalidRange, ..) => Ok(false),
                (_, Some("NoSuchKey"), Some(_)) => Ok(true),
                (ErrorKind::NoSuchKey, None, _) | (_, Some("NoSuchKey"), None) => {
                    Err(unsure(&error.to_string()))
                }
                _ => Err(error.into()),
            },
        }
    }
}
