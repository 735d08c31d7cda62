//! Copies one object: from a bucket of OSS, OBS or Amazon S3, a web server or a directory, to a bucket or a
//! directory.
//!
//! ```text
//! look at the source ──▶ there already? ──▶ server-side copy, or stream ──▶ compare checksums ──▶ look again
//!        ▲                                                                                           │
//!        └────────────────────────── the source is another object by now ───────────────────────────┘
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `object`, `item` | the public interface; an item to copy, its outcome |
//! | `copier` | what all steps share: both ends, and how objects are copied |
//! | `rounds` | the loop above |
//! | `source_info`, `source`, `web`, `s3`, `files` | metadata of a source object; reading it |
//! | `inspect` | what is known of an object, and its checksum by reading it, without copying it |
//! | `range`, `opened` | which bytes are read; an object whose bytes are arriving |
//! | `response` | what responses of web servers and Amazon S3 have in common; their framing is read by [`oss_lite::Framing`] |
//! | `reader` | a byte range of one object as a stream that survives broken connections |
//! | `object_reader` | one whole object, for callers that use the bytes themselves |
//! | `single`, `parts`, `sequence`, `server_side`, `to_file` | the five ways to copy an object |
//! | `plan`, `part`, `upload` | how an object is cut into parts; a part that was uploaded; an upload in parts |
//! | `resume`, `upload_tracker` | uploads that an earlier run left open; the upload that is open now, for the record of a failure |
//! | `destination`, `checksums` | writing; what the service's response proves |
//! | `skip`, `fidelity` | whether a copy exists already; what is preserved |
//! | `metadata`, `encoded_words` | user metadata and content headers in the form of each service; that of S3 |
//! | `origin`, `removal` | the source of a copy, recorded in its metadata; removing the copy when the source is gone |
//! | `flow` | counts bytes and limits the rate |
//! | `error`, `retry` | why a transfer ends; retries of requests |
//!
//! # Rules
//!
//! - Nothing is buffered on disk, and memory holds what the sockets hold: a stream takes 1 to 2 MiB, whatever
//!   the size of the object or of its parts. Only a source that must be read sequentially (its length is
//!   unknown, or it sends whole objects only) is buffered, two parts at a time.
//! - The source is pinned: every further read asks for the same `ETag`, and its answer must show it, or the
//!   same `Last-Modified`. An object with neither is read sequentially, and restarted if the connection
//!   breaks: a range might be of another version. A weak `ETag` is compared, but proves nothing. An object
//!   that changes during the copy, or before its final check, is copied again from the start.
//! - Local files, the links that are followed, and what a directory can hold: `files`.
//! - Framing is checked ([`oss_lite::Framing`]) for every source: a response that contradicts itself or the
//!   request is requested again without a range; if that one contradicts itself too, the copy fails. A body
//!   must have the length that its head announced.
//! - Each response of a web server describes itself only. A body that is complete by its own framing is a
//!   copy; HEAD and other responses are hints, for one more copy at most. A copy written by this run is never
//!   taken for an older one.
//! - An object is gone if the service itself says so, with its error code and a request id: a bare 404 is a
//!   transient failure, and a missing bucket is never a missing object. For a web server, 404 and 410 mean
//!   gone. A symlink whose target does not exist is a failure.
//! - Bytes are proved: a CRC-64 is computed while streaming and compared with that of the source and that of
//!   the destination; if the `ETag` of OSS or OBS is an MD5, the destination receives it as `Content-MD5`. A
//!   copy that fails the comparison is removed, or never completed. An `ETag` of S3 that looks like an MD5 is
//!   compared with the MD5 of the bytes: on a difference the object is read again, and if the MD5 is the same
//!   then, the `ETag` is no MD5.
//! - Headers are cleaned and requests retried by the same rules for every source (`source_info`, `retry`).
//! - The `ETag` of a multipart upload is never compared across services.
//! - A copy that is told to stop ends after the parts that are being sent; one that cannot be continued
//!   starts over in the next run.
//! - A multipart upload that cannot be finished stays open, and the next run continues it: if the metadata is
//!   unchanged, and without parts that nothing proves (`resume`). One that cannot be continued is removed; if
//!   that fails too, it stays in the record of the failure until it is removed. So every open upload has a
//!   record.

mod checksums;
mod copier;
mod destination;
#[cfg(feature = "s3")]
mod encoded_words;
mod error;
mod fidelity;
mod files;
mod flow;
mod inspect;
mod item;
mod metadata;
mod object;
mod object_reader;
mod opened;
mod origin;
mod part;
mod parts;
mod plan;
mod range;
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
mod to_file;
mod upload;
mod upload_tracker;
mod web;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::destination::{Destination, StoreDestination};
pub use self::error::{Concern, ErrorDetails, Extent, FailedRequest, Side, TransferError};
pub use self::files::{Directory, EntryKind, Links};
pub use self::flow::Flow;
pub use self::inspect::{Algorithms, ObjectFacts, ReadDigest};
pub use self::item::{CopyOutcome, DestinationHint, Item};
pub use self::object::Transfer;
pub use self::object_reader::ObjectReader;
pub use self::origin::{SOURCE_ETAG, SOURCE_ORIGIN, Unmarked};
pub use self::plan::{MAX_PART_SIZE, MIN_PART_SIZE, PART_SIZE};
pub use self::removal::{RemovalLimiter, Removals};
#[cfg(feature = "s3")]
pub use self::s3::{S3, S3Bucket, S3Options};
pub use self::source::Source;
use self::upload_tracker::OpenUploads;
pub use self::web::{Admission, Inadmissible, Web};
use crate::stop::{Stop, StopLevel};
use oss_lite::Random;

/// Concurrent streams by default.
pub const CONCURRENCY: usize = 16;

/// How objects are copied.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects up to this size go with one request, larger ones in parts of it (or larger ones, so that
    /// 10,000 suffice).
    pub part_size: u64,
    /// Concurrent streams, over all objects; at least 1.
    pub concurrency: usize,
    /// Larger objects (in bytes) fail permanently. Applies to buckets as destinations only.
    pub max_size: Option<u64>,
    /// Counts bytes and limits the rate.
    pub flow: Flow,
    /// What to do with a copy that exists already.
    pub existing: Existing,
    /// What to do with the symlinks of OSS.
    pub symlinks: Symlinks,
    /// Whether the service may copy by itself: both ends are buckets of one service, region and account.
    pub server_side: ServerSideCopy,
    /// What else is preserved; each costs a request.
    pub extras: Extras,
    /// What happens to the copy of an object that is gone.
    pub removals: Removals,
    /// How a later run finds an upload that was left open.
    pub left_open: LeftOpen,
    /// Ends copies in parts early.
    pub stop: Stop,
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
            left_open: LeftOpen::Recorded,
            stop: Stop::default(),
            random: fastrand::f64,
        }
    }
}

/// How a later run finds an upload that was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOpen {
    /// By the record of the failure, which the caller keeps.
    Recorded,
    /// By its key: nobody keeps a record. An upload that this would not find is removed instead.
    Found,
}

/// What to do with a copy that exists already.
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
    /// They are skipped.
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

/// What is preserved on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Object tags.
    pub tags: Preserve,
    /// The canned ACL of the object.
    pub acl: Preserve,
}

/// Whether something is copied with the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preserve {
    /// It is not copied.
    #[default]
    No,
    /// It is copied.
    Yes,
}

/// What the steps of all objects share.
#[derive(Clone, Debug)]
struct Context {
    part_size: u64,
    concurrency: usize,
    max_size: Option<u64>,
    streams: Arc<Semaphore>,
    left_open: LeftOpen,
    stop: Stop,
    open_uploads: OpenUploads,
    random: Random,
}

impl Context {
    /// Refuses an object with more than the allowed number of bytes.
    fn admit(&self, bytes: u64) -> Result<(), TransferError> {
        match self.max_size {
            Some(max) if bytes > max => Err(TransferError::permanent(format!("larger than {max} bytes"))),
            _ => Ok(()),
        }
    }

    /// Refuses to begin an upload in parts that would end before the first one.
    fn may_begin_parts(&self) -> Result<(), TransferError> {
        if self.stop.is(StopLevel::EndAtParts) {
            return Err(TransferError::cut_short("stopped before the first part"));
        }
        Ok(())
    }

    /// Resolves when an object of this size that is read in one go, and cannot be continued, is to end early:
    /// smaller ones are finished.
    async fn stopped_while_reading(&self, size: Option<u64>) -> TransferError {
        if size.is_some_and(|size| size <= self.part_size) {
            return std::future::pending().await;
        }
        self.stop.reached(StopLevel::EndAtParts).await;
        TransferError::cut_short(
            "stopped; a file on this machine is not continued, so a later run starts over",
        )
    }
}
