//! Removes the copy of an object that is gone from its source.
//!
//! ```text
//! look at the source ──▶ there: copy it, look again ──▶ still the same: done
//!        ▲                                   │
//!        │                                   ▼ gone
//!        └── there again ── look again ◀── remove ◀── gone for sure? ◀── whose copy is it?
//! ```
//!
//! If removals are propagated, events of new objects and events of removals require the same: that the
//! destination match the source as it is now. So both are handled here, whatever the order of the events,
//! also if two instances handle them at once or one died half-way: after writing, the source is checked and
//! the copy removed if it is gone; after removing, it is checked and the object copied if it is back.
//!
//! Nothing is removed unless
//!
//! - the service of the source responds to a GET with its own `NoSuchKey`: a response to HEAD has no body,
//!   and any proxy sends 404;
//! - the object at the destination is a copy of this very object ([`super::origin`]);
//! - the limit of removals is not reached ([`RemovalLimiter`]). Copies that the same run wrote do not count.

use std::fmt;
use std::sync::Arc;

use super::copier::Copier;
use super::error::{Abort, TransferError};
use super::item::{CopyOutcome, Item};
use super::origin::{Origin, Owner, Unmarked};
use super::range::GetRange;
use super::source::Source;
use super::{Destination, StoreDestination};

/// What to do with the copy of an object that is gone from the source.
#[derive(Clone, Debug, Default)]
pub enum Removals {
    /// It is kept.
    #[default]
    Ignored,
    /// It is removed.
    CarriedOver {
        /// Whether an object without a recorded origin counts as the copy.
        unmarked: Unmarked,
        /// Limits the number of removals.
        allow: Arc<dyn RemovalLimiter>,
    },
}

/// Limits how many objects may be removed.
pub trait RemovalLimiter: fmt::Debug + Send + Sync {
    /// Whether one more object may be removed; if so, it counts as removed.
    fn try_acquire(&self) -> bool;
}

/// Whether this run wrote the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    Yes,
    No,
}

/// Result of a removal.
pub(super) enum Removal {
    /// Finished.
    Done(CopyOutcome),
    /// The source has the object again.
    MadeAgain,
}

impl Copier {
    /// Removes the copy of an object that seems to be gone from the source.
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
        // If the object was created again in the meantime, its event may have been handled before this
        // removal: then it must be copied again.
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
        Unmarked::Kept => "set SOURCE_BUCKET if changes come from one bucket only, or remove it by hand",
        Unmarked::OlderCopies | Unmarked::Removed => "if it is to go, remove it by hand",
    };
    TransferError::permanent(format!(
        "gone from the source, but {key:?} at the destination does not name its source, and was kept: {remedy}, then replay"
    ))
}

impl Source {
    /// Whether the service itself says that there is no such object.
    ///
    /// # Errors
    ///
    /// When the response shows neither that it exists nor that it is gone.
    async fn confirms_gone(&self, key: &str) -> Result<bool, TransferError> {
        use oss_lite::{ByteRange, ErrorKind, GetOptions};

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
