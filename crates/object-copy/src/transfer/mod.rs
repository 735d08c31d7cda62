//! Copies one object: from a bucket of OSS, OBS or Amazon S3, a web server or a directory, to a bucket or a directory.
//!
//! ```text
//! look at the source ──▶ there already? ──▶ server-side copy, or stream ──▶ compare checksums ──▶ look again
//!        ▲                                                                                           │
//!        └────────────────────────── the source is another object by now ───────────────────────────┘
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `object` | what is asked for of an object, and what became of it |
//! | `rounds` | the loop above |
//! | `source_info`, `source`, `web`, `s3`, `files` | what a source says of an object; reading it |
//! | `response` | what answers of web servers and Amazon S3 have in common; their framing is read by [`oss_lite::Framing`] |
//! | `reader` | a span of one object that outlives broken connections |
//! | `single`, `parts`, `sequence`, `server_side` | the four ways an object takes |
//! | `plan` | parts |
//! | `resume`, `upload_tracker` | uploads that an earlier run left open; what is open now, and goes into the record of a failure |
//! | `destination`, `checksums` | writing; what the service's answer proves |
//! | `skip`, `fidelity` | whether a copy is there already; what goes along |
//! | `metadata`, `encoded_words` | user metadata and content headers in the form of each service; that of S3 |
//! | `origin`, `removal` | of what a copy is one; what becomes of it when that is gone |
//! | `flow` | bytes counted and held back |
//! | `error`, `retry` | why a transfer ends; how often a request is tried again |
//!
//! # Rules
//!
//! - Nothing touches a disk on its way, and memory holds what the sockets hold: a stream is 1 to 2 MiB, whatever the size
//!   of the object or of its parts. Only a source that has to be read in one go (its length is unknown, or it sends whole
//!   objects only) is held part by part, two at a time.
//! - The source is pinned: every further read asks for the same `ETag`, and its answer must show it, or the same
//!   `Last-Modified`. An object of which neither is known is read in one go, and begun again where that breaks: a range might be of another
//!   version. A weak `ETag` is compared, and proves nothing. An object that changes on the way is copied again from the start, and so is
//!   one that changed by the time its copy is finished.
//! - What is a file of this machine, which links are followed and what a folder can hold: `files`.
//! - Framing is not believed but compared ([`oss_lite::Framing`]), for every source: an answer that contradicts itself or what was asked for is
//!   asked for again without a range, and is a failure then. A body has the length that its head told.
//! - A web server describes each answer by itself. A body that was whole by its own framing is a copy; what HEAD and other answers say is a
//!   hint, for one more copy at most. What this run wrote is never taken for an older copy.
//! - An object is gone if the service itself says so, with its code and a request id: a bare 404 is a failure that may pass, and a
//!   missing bucket is never a missing object. Of a web server, 404 and 410 are its word. A symlink whose target does not exist is there: it
//!   is a failure.
//! - Bytes are proved: a CRC-64 is computed on the way and compared with what the source names and with what the
//!   destination says it holds; where the `ETag` of OSS or OBS is an MD5 the destination is given that as `Content-MD5`. What
//!   fails the comparison is removed, or never completed. An `ETag` of S3 that looks like an MD5 is compared with the MD5 of what was read:
//!   what differs is read again, and where it is the same then, the `ETag` is no MD5.
//! - Headers are cleaned and requests tried again by one rule for every source (`source_info`, `retry`).
//! - An `ETag` of a multipart upload is never compared across services.
//! - An upload in parts that cannot be finished stays open, and the next run goes on with it: with the metadata of then, and
//!   with no part that nothing proves (`resume`). One that cannot be gone on with is removed, and where that fails too it stays in the record
//!   of the failure until it is: no upload is left without one.

mod checksums;
mod destination;
#[cfg(feature = "s3")]
mod encoded_words;
mod error;
mod fidelity;
mod files;
mod flow;
mod metadata;
mod object;
mod origin;
mod parts;
mod plan;
mod reader;
mod removal;
mod response;
mod resume;
mod retry;
mod rounds;
#[cfg(feature = "s3")]
mod s3;
mod sequence;
mod server_side;
mod single;
mod skip;
mod source;
mod source_info;
mod upload_tracker;
mod web;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::destination::{Destination, StoreDestination};
pub use self::error::{ErrorDetails, TransferError};
pub use self::files::{Directory, EntryKind, Links};
pub use self::flow::Flow;
pub use self::object::{CopyOutcome, DestinationHint, Item, Transfer};
pub use self::origin::SOURCE_ORIGIN;
pub use self::plan::{MAX_PART_SIZE, MIN_PART_SIZE, PART_SIZE};
pub use self::removal::{RemovalLimiter, Removals, Unmarked};
#[cfg(feature = "s3")]
pub use self::s3::{S3, S3Bucket, S3Options};
pub use self::skip::SOURCE_ETAG;
pub use self::source::Source;
pub use self::web::{Admission, Inadmissible, Web};
use crate::backoff::Random;

/// Streams open at once, unless told otherwise.
pub const CONCURRENCY: usize = 16;

/// How objects are copied.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects up to this size go with one request, larger ones in parts of it (or larger ones, so that 10,000 suffice).
    pub part_size: u64,
    /// Streams open at once, over all objects; at least 1.
    pub concurrency: usize,
    /// Objects above this size in bytes are a permanent failure. Only buckets as destinations have that limit.
    pub max_size: Option<u64>,
    /// Counts what passes, and limits it.
    pub flow: Flow,
    /// What to do with a copy that is there already.
    pub existing: Existing,
    /// What to do with the symlinks of OSS.
    pub symlinks: Symlinks,
    /// Whether the service may copy by itself: both ends are buckets of one service, region and account.
    pub server_side: ServerSideCopy,
    /// What else goes along; each costs a request.
    pub extras: Extras,
    /// What happens to the copy of an object that is gone.
    pub removals: Removals,
    /// Randomness of the backoff.
    pub random: Random,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            part_size: PART_SIZE,
            concurrency: CONCURRENCY,
            max_size: None,
            flow: Flow::default(),
            existing: Existing::Skip,
            symlinks: Symlinks::Follow,
            server_side: ServerSideCopy::No,
            extras: Extras::default(),
            removals: Removals::default(),
            random: fastrand::f64,
        }
    }
}

/// What to do with a copy that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, if it is the same object.
    Skip,
    /// Write it again.
    Overwrite,
}

/// What to do with the symlinks of OSS, which OBS does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// Their target's content is copied under the link's key.
    Follow,
    /// They are left out.
    Skip,
}

/// Whether the service may copy by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerSideCopy {
    /// Both ends are within its reach; where it refuses, objects are streamed.
    Yes,
    /// Objects are streamed.
    No,
}

/// What goes along on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Object tags.
    pub tags: Preserve,
    /// The canned ACL of the object.
    pub acl: Preserve,
}

/// Whether something goes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preserve {
    /// It stays behind.
    #[default]
    No,
    /// It goes along.
    Yes,
}

/// What the steps of all objects share.
#[derive(Clone, Debug)]
struct Context {
    part_size: u64,
    concurrency: usize,
    max_size: Option<u64>,
    streams: Arc<Semaphore>,
    random: Random,
}

impl Context {
    /// Refuses an object of which so many bytes are known.
    fn admit(&self, bytes: u64) -> Result<(), TransferError> {
        match self.max_size {
            Some(max) if bytes > max => Err(TransferError::permanent(format!("larger than {max} bytes"))),
            _ => Ok(()),
        }
    }
}
