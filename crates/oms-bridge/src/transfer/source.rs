//! Where objects are read.

use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use oss_lite::{Bucket, ByteRange, ErrorKind, GetOptions};

use super::facts::Facts;
use super::files::Directory;
#[cfg(feature = "aws")]
use super::s3::S3Bucket;
use super::stop::{Failed, Stop};
use super::web::Web;

/// Where objects are read.
#[derive(Clone, Debug)]
pub enum Source {
    /// A bucket of OSS or OBS.
    Store(Bucket),
    /// A bucket of Amazon S3.
    #[cfg(feature = "aws")]
    S3(S3Bucket),
    /// Any web server.
    Web(Web),
    /// A directory of this machine.
    Directory(Directory),
}

/// The bytes of an object as they arrive. An error of it may be passed by reading on from where it broke.
pub(super) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Failed>> + Send>>;

/// Which bytes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// All.
    Whole,
    /// These.
    Span(Range<u64>),
}

impl Want {
    fn range(&self) -> Option<ByteRange> {
        match self {
            Self::Whole => None,
            Self::Span(span) => Some(ByteRange { first: span.start, last: Some(span.end.saturating_sub(1)) }),
        }
    }
}

/// An object whose bytes are on their way.
pub(super) struct Opened {
    pub(super) facts: Facts,
    /// The first byte that comes: 0 where a server sent the whole object instead of a part.
    pub(super) first: u64,
    /// Where the bytes end, as far as the source says: not included.
    pub(super) end: Option<u64>,
    pub(super) body: Body,
}

impl Source {
    /// How an object is called in messages: without the query of a URL, which may be a signature.
    pub(super) fn name<'k>(&self, key: &'k str) -> &'k str {
        match self {
            Self::Web(_) => key.split(['?', '#']).next().unwrap_or_default(),
            Self::Store(_) | Self::Directory(_) => key,
            #[cfg(feature = "aws")]
            Self::S3(_) => key,
        }
    }

    /// What there is of `key`.
    pub(super) async fn look(&self, key: &str) -> Result<Facts, Stop> {
        match self {
            Self::Store(bucket) => {
                match bucket.head(key).await {
                    Ok(meta) => Ok(Facts::of_store(bucket.dialect(), meta)),
                    // The answer has no body. Without a code in its headers nothing tells a missing object from a missing bucket.
                    Err(error) if error.kind() == ErrorKind::NoSuchKey && error.code().is_none() => {
                        open_store(bucket, key, &Want::Span(0..1), None).await.map(|opened| opened.facts)
                    }
                    Err(error) => Err(stop(error)),
                }
            }
            #[cfg(feature = "aws")]
            Self::S3(bucket) => Box::pin(bucket.look(key)).await,
            Self::Web(web) => Box::pin(web.look(key)).await,
            Self::Directory(directory) => directory.look(key).await,
        }
    }

    /// Reads an object, or a part of it; with `pin`, of that object and no later one.
    pub(super) async fn open(&self, key: &str, want: &Want, pin: Option<&Facts>) -> Result<Opened, Stop> {
        let opened = match self {
            Self::Store(bucket) => open_store(bucket, key, want, pin).await?,
            #[cfg(feature = "aws")]
            Self::S3(bucket) => Box::pin(bucket.open(key, want, pin)).await?,
            Self::Web(web) => Box::pin(web.open(key, want, pin)).await?,
            Self::Directory(directory) => directory.open(key, want).await?,
        };
        // Not every server knows `If-Match`, and none of them answers a changed object with an error then.
        match pin {
            Some(pin) if !pin.identity.is_same(&opened.facts.identity) => Err(Stop::Changed),
            _ => Ok(opened),
        }
    }
}

async fn open_store(bucket: &Bucket, key: &str, want: &Want, pin: Option<&Facts>) -> Result<Opened, Stop> {
    let options = GetOptions {
        range: want.range(),
        if_match: pin.and_then(|pin| pin.identity.etag.clone()),
        ..GetOptions::default()
    };
    let object = match bucket.get_with(key, options).await {
        // An empty object has no range that could be asked for.
        Err(error) if error.kind() == ErrorKind::InvalidRange && pin.is_none() => {
            bucket.get_with(key, GetOptions::default()).await
        }
        opened => opened,
    };
    let object = object.map_err(stop)?;
    let first = object.range.as_ref().map_or(0, |range| range.first);
    let end = Some(object.range.as_ref().map_or(object.meta.size, |range| range.last + 1));
    let body = object.body.map(|chunk| chunk.map_err(Failed::from));
    Ok(Opened { facts: Facts::of_store(bucket.dialect(), object.meta), first, end, body: Box::pin(body) })
}

/// What a refusal of the source bucket means. Gone is what the service itself says to be gone, see [`ErrorKind::NoSuchKey`].
/// Only an object can be gone: a symlink that leads to nothing is there.
pub(super) fn stop(error: oss_lite::Error) -> Stop {
    match error.kind() {
        ErrorKind::NoSuchKey if error.code() == Some("SymlinkTargetNotExist") => {
            Stop::Failed(Failed::from(error).permanently("a symlink whose target does not exist"))
        }
        ErrorKind::PreconditionFailed | ErrorKind::InvalidRange => Stop::Changed,
        ErrorKind::NoSuchKey => Stop::Gone,
        _ => Stop::Failed(error.into()),
    }
}
