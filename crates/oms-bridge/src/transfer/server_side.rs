//! Copies within one service: the bytes never leave it.

use std::sync::Arc;

use oss_lite::{Bucket, CopyMetadata, CopySource, ErrorKind, PutOptions};

use super::Context;
use super::destination::StoreDestination;
use super::parts::{Part, Upload, fill};
use super::plan::Plan;
use super::reader::Pinned;
use super::stop::{Failed, Stop};

/// Largest object that one `CopyObject` takes under all circumstances: OSS refuses more where the storage class changes.
const SINGLE: u64 = 1 << 30;

/// Parts of larger objects. Nothing of them passes through here, so they may be large.
const PART_SIZE: u64 = 256 << 20;

/// Whether the service did it.
#[derive(Debug)]
pub(super) enum ServerSide {
    /// The copy is there.
    Done,
    /// It would not: the object must be streamed.
    Refused(Failed),
}

/// Has the service copy a pinned object from bucket to bucket.
pub(super) async fn copy(
    context: &Context,
    from: &Bucket,
    to: &StoreDestination,
    key: &str,
    pinned: &Pinned,
    options: &PutOptions,
) -> Result<ServerSide, Stop> {
    let source = CopySource {
        bucket: from.name().clone(),
        key: (*pinned.key).to_owned(),
        version_id: None,
        if_match: pinned.facts.identity.etag.clone(),
    };
    let size = pinned.facts.size().unwrap_or(0);
    let copied = if size <= SINGLE {
        single(to, key, &source, pinned, options).await
    } else {
        parts(context, to, key, &source, pinned, options).await
    };
    match copied {
        Ok(()) => Ok(ServerSide::Done),
        Err(Refusal::Service(failed)) => Ok(ServerSide::Refused(failed)),
        Err(Refusal::Stop(stop)) => Err(stop),
    }
}

enum Refusal {
    Service(Failed),
    Stop(Stop),
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<oss_lite::Error> for Refusal {
    fn from(error: oss_lite::Error) -> Self {
        match error.kind() {
            ErrorKind::PreconditionFailed => Self::Stop(Stop::Changed),
            ErrorKind::NoSuchKey => Self::Stop(Stop::Gone),
            ErrorKind::NoSuchUpload => Self::Stop(Stop::Restart(error.into())),
            // The two sides may turn out to be two accounts or two regions.
            ErrorKind::AccessDenied
            | ErrorKind::InvalidArgument
            | ErrorKind::NoSuchBucket
            | ErrorKind::Rejected
            | ErrorKind::TooLarge
            | ErrorKind::WrongEndpoint => Self::Service(error.into()),
            _ => Self::Stop(Stop::Failed(error.into())),
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
        Some(crc64) => (Some(crc64), pinned.facts.size()),
        None => match to.look(key).await.map_err(Stop::from)? {
            Some(meta) => (meta.crc64, Some(meta.size)),
            None => (None, None),
        },
    };
    let right = size == pinned.facts.size()
        && match (found, pinned.facts.crc64) {
            (Some(found), Some(named)) => found == named,
            // The service itself moved the bytes, and has no checksum of them.
            _ => true,
        };
    if right {
        return Ok(());
    }
    to.remove_bad(key).await;
    Err(Stop::Corrupt(format!("the service's copy of {key:?} is not the source, and was removed")).into())
}

async fn parts(
    context: &Context,
    to: &StoreDestination,
    key: &str,
    source: &CopySource,
    pinned: &Pinned,
    options: &PutOptions,
) -> Result<(), Refusal> {
    let size = pinned.facts.size().unwrap_or(0);
    let plan = Plan::new(size, PART_SIZE).map_err(Stop::from)?;
    let mut upload = Upload::begin(to, key, plan, options).await?;
    let copied = copy_parts(context, &mut upload, source).await;
    let done = match copied {
        Ok(()) => upload.complete(pinned).await,
        Err(stop) => Err(stop),
    };
    if let Err(stop) = done {
        super::parts::abort(to, key, &upload.id).await;
        return Err(match stop {
            Stop::Failed(failed) if failed.class != crate::engine::FailureClass::Transient => {
                Refusal::Service(failed)
            }
            stop => Refusal::Stop(stop),
        });
    }
    Ok(())
}

async fn copy_parts(context: &Context, upload: &mut Upload, source: &CopySource) -> Result<(), Stop> {
    let (to, key, id) = (upload.to.clone(), Arc::clone(&upload.key), Arc::clone(&upload.id));
    let (plan, source) = (upload.plan, Arc::new(source.clone()));
    fill(context, upload, None, |number| {
        let (to, key, id, source) = (to.clone(), Arc::clone(&key), Arc::clone(&id), Arc::clone(&source));
        async move {
            let span = plan.part(number);
            let copied =
                to.bucket.upload_part_copy(&key, &id, number, &source, span.start, span.end - 1).await;
            match copied {
                // The service moves the bytes itself; the whole is compared in the end.
                Ok(part) => {
                    let len = plan.len(number);
                    Ok(Part { etag: part.etag, len, crc64: part.crc64, proved: true })
                }
                Err(error) => Err(match error.kind() {
                    ErrorKind::PreconditionFailed => Stop::Changed,
                    ErrorKind::NoSuchKey => Stop::Gone,
                    _ => Stop::Failed(error.into()),
                }),
            }
        }
    })
    .await
}
