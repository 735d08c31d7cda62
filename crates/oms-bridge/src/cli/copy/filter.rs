//! Which objects `--include` and `--exclude` let through.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};

use bridge_core::policy::KeyFilter;
use object_copy::bulk::{Entry, ListError};

/// The objects of a run, as they are found.
pub(super) type EntryStream = Pin<Box<dyn Stream<Item = Result<Entry, ListError>> + Send>>;

/// Those that `filter` lets through.
pub(super) fn filtered(entries: EntryStream, filter: KeyFilter) -> EntryStream {
    Box::pin(entries.filter(move |entry| {
        let wanted = entry.as_ref().map_or(true, |entry| wanted(&filter, entry));
        std::future::ready(wanted)
    }))
}

/// Whether `filter` lets this one through.
pub(super) fn wanted(filter: &KeyFilter, entry: &Entry) -> bool {
    match entry {
        Entry::Copy(item) => filter.admits(&item.key),
        Entry::UpToDate { key, .. } => filter.admits(key),
        Entry::Failed { name, .. } | Entry::LeftOut { name, .. } => {
            let name = name.to_string_lossy();
            // What is in a directory that cannot be read may be wanted.
            if name.ends_with('/') { !filter.excludes(&name) } else { filter.admits(&name) }
        }
    }
}
