//! What is compared, and how.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use object_copy::transfer::{Flow, Source, TransferError};

use crate::listing::{Holding, Listing, Precision};

/// How far the clock of this machine may be from those of the services: their signatures allow as much.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(15);

/// One side of a comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// What messages call it: `oss://photos/2024/`.
    pub name: String,
    /// What its keys begin with. Keys are compared by what stands behind it.
    pub prefix: String,
    /// What it lists.
    pub listing: Arc<dyn Listing>,
    /// What can be asked for single objects, where there is something. Without it what a listing does not
    /// settle stays undecided.
    pub objects: Option<Source>,
    /// Prefixes of keys, behind [`Side::prefix`], that are left out where only this side has them.
    pub own: Vec<String>,
}

impl Side {
    /// Whether a key that only this side has is left out.
    pub(crate) fn is_own(&self, key: &str) -> bool {
        self.own.iter().any(|own| key.starts_with(own.as_str()))
    }

    /// The prefixes among `own` that can be at this side, behind its prefix. A prefix that the side lies in is
    /// not left out: it was named.
    #[must_use]
    pub fn leaving_out(mut self, own: &[&str]) -> Self {
        let below = own.iter().filter_map(|own| own.strip_prefix(self.prefix.as_str()));
        self.own = below.filter(|own| !own.is_empty()).map(str::to_owned).collect();
        self
    }

    /// What it holds, where that is known without listing it. Of a part of a place no more is known than that
    /// it holds no more than the whole.
    ///
    /// # Errors
    ///
    /// The service refuses to tell.
    pub async fn holding(&self) -> Result<Option<Holding>, TransferError> {
        let holding = self.listing.holding().await?;
        let precision = |of_place| if self.prefix.is_empty() { of_place } else { Precision::AtMost };
        Ok(holding.map(|holding| Holding { precision: precision(holding.precision), ..holding }))
    }

    /// Whether its objects are files of this machine, which are read without a request.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.objects, Some(Source::Directory(_)))
    }
}

/// How far it is checked whether two objects are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// By listings alone.
    #[default]
    Listing,
    /// A HEAD of both settles what listings cannot. Files of this machine are read.
    Full,
    /// Both are read.
    Content,
}

impl Check {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Full => "full",
            Self::Content => "content",
        }
    }
}

/// Which keys are compared, by what stands behind the prefix.
#[derive(Clone)]
pub struct Filter(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Filter {
    /// Those for which `admits` holds.
    pub fn new(admits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(admits))
    }

    pub(crate) fn admits(&self, key: &str) -> bool {
        (self.0)(key)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// A comparison of two sides.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What should be at the destination.
    pub source: Side,
    /// What is there.
    pub destination: Side,
    /// How far it is checked.
    pub check: Check,
    /// Which keys are compared; all without it.
    pub filter: Option<Filter>,
    /// Only objects that changed since then, at either side.
    pub since: Option<DateTime<Utc>>,
    /// When the comparison began. What changed later is looked at once more.
    pub started: DateTime<Utc>,
    /// Requests at the same time, of both sides together; at least 2.
    pub requests: usize,
    /// Whether [`crate::Observer::found`] wants equal keys too.
    pub wants_equal: bool,
    /// Counts and limits the bytes that are read.
    pub flow: Flow,
}

impl Comparison {
    /// When the comparison began at the earliest, by the clock of a service.
    pub(crate) fn began(&self) -> DateTime<Utc> {
        self.started.checked_sub_signed(CLOCK_SKEW).unwrap_or(self.started)
    }

    /// From when on a change may be missing in one of the listings.
    pub(crate) fn complete_to(&self) -> DateTime<Utc> {
        let listings = [&self.source, &self.destination].map(|side| side.listing.complete_to());
        listings.into_iter().flatten().fold(self.began(), Ord::min)
    }
}
