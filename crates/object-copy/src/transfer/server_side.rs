//! Server-side copies: the bytes never leave the service.

use std::sync::Arc;

use oss_lite::{Bucket, CopyMetadata, CopySource, ErrorKind, PutOptions};

use tokio::time::Instant;

use super::Context;
use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use super::part::{Part, Trust};
use super::parts::fill;
use super::plan::Plan;
use super::reader::Pinned;
use super::resume::{self, Continue};
use super::upload::Upload;
use super::upload_tracker::UploadTracker;
use crate::outcome::FailureClass;

/// Largest object that one `CopyObject` copies in all cases: OSS refuses larger ones if the storage class
/// changes.
const SINGLE: u64 = 1 << 30;

/// Part size of larger objects. The bytes are not streamed through this program, so parts may be large.
const PART_SIZE: u64 = 256 << 20;

/// Result of a server-side copy.
#[derive(Debug)]
pub(super) enum ServerSide {
    /// The copy is complete.
    Done,
    /// The service refused: the object must be streamed.
    Refused(TransferError),
}

/// Deadline of a copy, and the uploads that it may continue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'b> {
    pub(super) deadline: Option<Instant>,
    pub(super) tracker: &'b UploadTracker,
    pub(super) which: Continue,
}

/// Lets the service copy a pinned object from bucket to bucket. A later run continues with the parts copied
/// when time runs out.
pub(super) async fn copy(
    context: &Context,
    (from, to): (&Bucket, &StoreDestination),
    key: &str,
    pinned: &Pinned,
    options: &PutOptions,
    bounds: Bounds<'_>,
) -> Result<ServerSide, Abort> {
    let source = CopySource {
        bucket: from.name().clone(),
        key: (*pinned.key).to_owned(),
        version_id: None,
        if_match: pinned.info.identity.etag.clone(),
    };
    let size = pinned.info.size().unwrap_or(0);
    let copied = if size <= SINGLE {
        single(to, key, &source, pinned, options).await
    } else {
        parts(context, to, (key, &source), pinned, options, bounds).await
    };
    match copied {
        Ok(()) => Ok(ServerSide::Done),
        Err(Refusal::Service(failed)) => Ok(ServerSide::Refused(failed)),
        Err(Refusal::Abort(abort)) => Err(abort),
    }
}

enum Refusal {
    Service(TransferError),
    Abort(Abort),
}

impl From<Abort> for Refusal {
    fn from(abort: Abort) -> Self {
        Self::Abort(abort)
    }
}

impl From<oss_lite::Error> for Refusal {
    fn from(error: oss_lite::Error) -> Self {
        match error.kind() {
            ErrorKind::PreconditionFailed => Self::Abort(Abort::Changed),
            ErrorKind::NoSuchKey => Self::Abort(Abort::Gone),
            ErrorKind::NoSuchUpload => Self::Abort(Abort::Restart(error.into())),
            // The two buckets may turn out to be of two accounts or two regions.
            ErrorKind::AccessDenied
            | ErrorKind::InvalidArgument
            | ErrorKind::NoSuchBucket
            | ErrorKind::Rejected
            | ErrorKind::TooLarge
            | ErrorKind::WrongEndpoint => Self::Service(error.into()),
            _ => Self::Abort(Abort::Failed(error.into())),
        }
    }
}

async fn single(
    to: &StoreDestination,
    key: &str,
    source: &CopySource,
    pinned: &Pinned,
    options: &PutOptions,
) -> Result<(), Refusal> {
    let outcome = to.bucket.copy_object(key, source, CopyMetadata::Replace(options.clone())).await?;
    let (found, size) = match outcome.crc64 {
        Some(crc64) => (Some(crc64), pinned.info.size()),
        None => match to.look(key).await.map_err(Abort::from)? {
            Some(meta) => (meta.crc64, Some(meta.size)),
            None => (None, None),
        },
    };
    let right = size == pinned.info.size()
        && match (found, pinned.info.crc64) {
            (Some(found), Some(named)) => found == named,
            // The service copied the bytes itself, and reports no checksum.
            _ => true,
        };
    if right {
        return Ok(());
    }
    to.remove_bad(key).await;
    Err(Abort::Corrupt(format!("the service's copy of {key:?} is not the source, and was removed")).into())
}

async fn parts(
    context: &Context,
    to: &StoreDestination,
    (key, source): (&str, &CopySource),
    pinned: &Pinned,
    options: &PutOptions,
    Bounds { deadline, tracker, which }: Bounds<'_>,
) -> Result<(), Refusal> {
    let size = pinned.info.size().unwrap_or(0);
    let plan = Plan::new(size, PART_SIZE).map_err(Abort::from)?;
    context.may_begin_parts().map_err(Abort::from)?;
    let mut upload =
        resume::open(to, key, pinned, plan, options, (tracker, which, context.left_open)).await?;
    let done = match copy_parts(context, &mut upload, source, deadline).await {
        Ok(()) => upload.complete(pinned).await,
        Err(abort) => Err(abort),
    };
    match done {
        Ok(()) => Ok(()),
        // The object will be streamed, in parts of another size.
        Err(Abort::Failed(failed)) if is_refusal(failed.class) => {
            tracker.discard(to).await.map_err(Abort::from)?;
            Err(Refusal::Service(failed))
        }
        Err(abort) => Err(Refusal::Abort(upload.keep_or_discard(abort, context.left_open).await)),
    }
}

fn is_refusal(class: FailureClass) -> bool {
    matches!(class, FailureClass::Permanent | FailureClass::Auth)
}

async fn copy_parts(
    context: &Context,
    upload: &mut Upload,
    source: &CopySource,
    deadline: Option<Instant>,
) -> Result<(), Abort> {
    loop {
        copy_missing(context, upload, source, deadline).await?;
        // Copying a part again costs no more than checking it.
        let unproved = upload.combined().is_none();
        let before = upload.done.len();
        upload.done.retain(|_, part| !(unproved && part.trust == Trust::Left));
        if upload.done.len() == before {
            return Ok(());
        }
    }
}

async fn copy_missing(
    context: &Context,
    upload: &mut Upload,
    source: &CopySource,
    deadline: Option<Instant>,
) -> Result<(), Abort> {
    let (to, key, id) = (upload.to.clone(), Arc::clone(&upload.key), Arc::clone(&upload.id));
    let (plan, source) = (upload.plan, Arc::new(source.clone()));
    fill(context, upload, deadline, |number| {
        let (to, key, id, source) = (to.clone(), Arc::clone(&key), Arc::clone(&id), Arc::clone(&source));
        async move {
            let span = plan.part(number);
            let copied =
                to.bucket.upload_part_copy(&key, &id, number, &source, span.start, span.end - 1).await;
            match copied {
                // The service copies the bytes itself; the checksum of the whole is compared in the end.
                Ok(part) => {
                    let len = plan.len(number);
                    Ok(Part { etag: part.etag, len, crc64: part.crc64, trust: Trust::Proved })
                }
                Err(error) => Err(match error.kind() {
                    ErrorKind::PreconditionFailed => Abort::Changed,
                    ErrorKind::NoSuchKey => Abort::Gone,
                    _ => Abort::Failed(error.into()),
                }),
            }
        }
    })
    .await
}
