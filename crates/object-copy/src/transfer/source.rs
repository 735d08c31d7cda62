//! Sources of objects.

use std::borrow::Cow;

use futures_util::StreamExt as _;
use oss_lite::{Bucket, ErrorKind, GetOptions};

use super::error::{Abort, TransferError};
use super::files::Directory;
use super::opened::{Opened, exactly};
use super::range::GetRange;
#[cfg(feature = "s3")]
use super::s3::S3Bucket;
use super::source_info::SourceInfo;
use super::web::Web;
use crate::web_url;
use settings::location::scheme;

/// A source of objects.
#[derive(Clone, Debug)]
pub enum Source {
    /// A bucket of OSS or OBS.
    Store(Bucket),
    /// A bucket of Amazon S3.
    #[cfg(feature = "s3")]
    S3(S3Bucket),
    /// Any web server.
    Web(Web),
    /// A local directory.
    Directory(Directory),
}

impl Source {
    /// The name of an object in messages: a URL without its secrets.
    pub(super) fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        match self {
            Self::Web(_) => web_url::shown(key),
            Self::Store(_) | Self::Directory(_) => Cow::Borrowed(key),
            #[cfg(feature = "s3")]
            Self::S3(_) => Cow::Borrowed(key),
        }
    }

    /// Remembers whether an `ETag` that looked like an MD5 was one.
    pub(super) fn learn_etags(&self, are_md5: bool) {
        match self {
            #[cfg(feature = "s3")]
            Self::S3(bucket) => bucket.learn_etags(are_md5),
            Self::Store(_) | Self::Web(_) | Self::Directory(_) => _ = are_md5,
        }
    }

    /// Scheme and bucket of an address of an object here. Web servers and directories have none.
    pub fn address(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Store(bucket) => Some((scheme(bucket.dialect()), bucket.name().to_string())),
            #[cfg(feature = "s3")]
            Self::S3(bucket) => Some(("s3", bucket.name().to_owned())),
            Self::Web(_) | Self::Directory(_) => None,
        }
    }

    /// The endpoint of S3 that the settings name. Without one that of the configuration of AWS applies.
    pub fn s3_endpoint(&self) -> Option<&str> {
        match self {
            #[cfg(feature = "s3")]
            Self::S3(bucket) => bucket.endpoint(),
            Self::Store(_) | Self::Web(_) | Self::Directory(_) => None,
        }
    }

    /// Metadata of the object `key`.
    pub(super) async fn look(&self, key: &str) -> Result<SourceInfo, Abort> {
        match self {
            Self::Store(bucket) => {
                match bucket.head(key).await {
                    Ok(meta) => Ok(SourceInfo::of_store(bucket.dialect(), meta)),
                    // The response to HEAD has no body. Without a code in its headers, a missing object and a
                    // missing bucket look the same; a GET tells them apart.
                    Err(error) if error.kind() == ErrorKind::NoSuchKey && error.code().is_none() => {
                        open_store(bucket, key, &GetRange::Span(0..1), None).await.map(|opened| opened.info)
                    }
                    Err(error) => Err(abort(error)),
                }
            }
            #[cfg(feature = "s3")]
            Self::S3(bucket) => Box::pin(bucket.look(key)).await,
            Self::Web(web) => Box::pin(web.look(key)).await,
            Self::Directory(directory) => directory.look(key).await,
        }
    }

    /// Reads an object or a range of it; with `pin`, only that version.
    pub(super) async fn open(
        &self,
        key: &str,
        range: &GetRange,
        pin: Option<&SourceInfo>,
    ) -> Result<Opened, Abort> {
        let mut opened = match self {
            Self::Store(bucket) => open_store(bucket, key, range, pin).await?,
            #[cfg(feature = "s3")]
            Self::S3(bucket) => Box::pin(bucket.open(key, range, pin)).await?,
            Self::Web(web) => Box::pin(web.open(key, range, pin)).await?,
            Self::Directory(directory) => directory.open(key, range).await?,
        };
        // Not every server supports `If-Match`; others send the changed object.
        match pin {
            Some(pin) if !pin.identity.is_same(&opened.info.identity) => Err(Abort::Changed),
            _ => {
                if let Some(end) = opened.end {
                    opened.body = exactly(opened.body, end.saturating_sub(opened.first));
                }
                Ok(opened)
            }
        }
    }
}

async fn open_store(
    bucket: &Bucket,
    key: &str,
    range: &GetRange,
    pin: Option<&SourceInfo>,
) -> Result<Opened, Abort> {
    let options = GetOptions {
        range: range.byte_range(),
        if_match: pin.and_then(|pin| pin.identity.etag.clone()),
        ..GetOptions::default()
    };
    let object = match bucket.get_with(key, options).await {
        // An empty object has no satisfiable range.
        Err(error) if error.kind() == ErrorKind::InvalidRange && pin.is_none() => {
            bucket.get_with(key, GetOptions::default()).await
        }
        opened => opened,
    };
    let object = object.map_err(|error| match error.kind() {
        // Contradictory framing, see `oss_lite::Framing`. With a pin this is a later range: it is retried,
        // since the first one was good.
        ErrorKind::UnexpectedResponse if *range != GetRange::Whole && pin.is_none() => Abort::RangesIgnored,
        _ => abort(error),
    })?;
    let first = object.range.as_ref().map_or(0, |range| range.first);
    let end = Some(object.range.as_ref().map_or(object.meta.size, |range| range.last + 1));
    let body = object.body.map(|chunk| chunk.map_err(TransferError::of_source));
    Ok(Opened { info: SourceInfo::of_store(bucket.dialect(), object.meta), first, end, body: Box::pin(body) })
}

/// The meaning of an error of the source bucket. An object is gone only if the service says so, see
/// [`ErrorKind::NoSuchKey`]; a symlink without a target is not gone.
pub(super) fn abort(error: oss_lite::Error) -> Abort {
    match error.kind() {
        ErrorKind::NoSuchKey if error.code() == Some("SymlinkTargetNotExist") => Abort::Failed(
            TransferError::of_source(error).permanently("a symlink whose target does not exist"),
        ),
        ErrorKind::PreconditionFailed | ErrorKind::InvalidRange => Abort::Changed,
        ErrorKind::NoSuchKey => Abort::Gone,
        _ => Abort::Failed(TransferError::of_source(error)),
    }
}
