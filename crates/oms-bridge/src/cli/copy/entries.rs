//! The objects that SRC stands for.

use futures_util::TryStreamExt as _;
use thiserror::Error;

use super::filter::{CopyFilter, EntryStream, filtered};
use super::keys_from::{self, KeyListError};
use super::route::Route;
use super::{CopyArgs, mapping, overlap};
use crate::cli::places::location::Location;
use object_copy::bulk::{self, BucketListing, Compared, Entry, KeyMapping, Tree};
use object_copy::transfer::{Item, Side, Source};

/// Why it is not known which objects are meant.
#[derive(Debug, Error)]
pub(super) enum EntriesError {
    #[error("a web server cannot be listed: -r takes buckets and directories")]
    WebServer,
    #[error(transparent)]
    KeyList(#[from] KeyListError),
}

/// The objects that the arguments name.
pub(super) async fn entries(
    args: &CopyArgs,
    source: &Location,
    route: &Route,
    filter: CopyFilter,
) -> Result<EntryStream, EntriesError> {
    let KeyMapping { from, to } = &route.names;
    if !args.recursive {
        let name = if args.filter_keys {
            from.clone()
        } else {
            mapping::last_name(from, source).unwrap_or_default()
        };
        let item = filter.admits(&name).then(|| Ok(Entry::Copy(Item::new(from, to))));
        return Ok(Box::pin(futures_util::stream::iter(item)));
    }
    if let Some(file) = &args.keys_from {
        return Ok(keys_from::entries(file, route, filter).await?);
    }
    let all: EntryStream = match &route.source {
        Source::Store(bucket) => compared(args, route, BucketListing::new(Side::Source, bucket, from)),
        #[cfg(feature = "aws")]
        Source::S3(bucket) => compared(args, route, BucketListing::of_s3(bucket, from)),
        Source::Directory(directory) => {
            Box::pin(Tree::new(directory.clone(), to.clone(), route.written.clone()).entries())
        }
        Source::Web(_) => {
            return Err(EntriesError::WebServer);
        }
    };
    Ok(filtered(all, filter))
}

/// The objects of a listing, compared with that of the destination.
fn compared(args: &CopyArgs, route: &Route, source: BucketListing) -> EntryStream {
    let compare = !args.force;
    let listed = |bucket| BucketListing::new(Side::Destination, bucket, &route.names.to);
    let destination = route.destination_bucket.as_ref().filter(|_| compare).map(listed);
    let entries = bulk::compared(Compared { source, destination, names: route.names.clone() });
    match route.perhaps_inside.clone() {
        Some(folder) => Box::pin(entries.map_ok(move |entry| without_copies(entry, &folder))),
        None => Box::pin(entries),
    }
}

/// Leaves out what lies in `folder`.
fn without_copies(entry: Entry, folder: &str) -> Entry {
    match entry {
        Entry::Copy(Item { key, .. }) | Entry::UpToDate { key, .. } if key.starts_with(folder) => {
            Entry::LeftOut { name: key.into(), why: overlap::PERHAPS_A_COPY }
        }
        entry => entry,
    }
}
