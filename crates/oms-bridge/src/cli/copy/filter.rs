//! Which objects `--include` and `--exclude` let through.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{Stream, StreamExt as _};

use bridge_core::policy::KeyFilter;
use object_copy::bulk::{Entry, ListError};

/// The objects of a run, as they are found.
pub(super) type EntryStream = Pin<Box<dyn Stream<Item = Result<Entry, ListError>> + Send>>;

/// What the globs say of keys below SRC, as those of rclone and aws do. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct CopyFilter {
    globs: Arc<KeyFilter>,
    /// What keys begin with that the globs do not see.
    below: String,
    filtered: Arc<AtomicU64>,
}

impl CopyFilter {
    /// Globs for what stands behind `below` in keys; for whole keys where that is empty.
    pub(super) fn new(globs: KeyFilter, below: &str) -> Self {
        Self { globs: Arc::new(globs), below: below.to_owned(), filtered: Arc::default() }
    }

    /// How many objects were not let through.
    pub(super) fn filtered(&self) -> u64 {
        self.filtered.load(Ordering::Relaxed)
    }

    /// The same globs, with a count of their own.
    pub(super) fn uncounted(&self) -> Self {
        Self { filtered: Arc::default(), ..self.clone() }
    }

    fn seen<'k>(&self, key: &'k str) -> &'k str {
        key.strip_prefix(&self.below).unwrap_or(key)
    }

    /// Whether this one is let through. Counts it if not.
    pub(super) fn wanted(&self, entry: &Entry) -> bool {
        self.counted(match entry {
            Entry::Copy(item) => self.globs.admits(self.seen(&item.key)),
            Entry::UpToDate { key, .. } => self.globs.admits(self.seen(key)),
            Entry::Failed { name, .. } | Entry::LeftOut { name, .. } => {
                let name = name.to_string_lossy();
                let seen = self.seen(&name);
                // What is in a directory that cannot be read may be wanted.
                if seen.ends_with('/') { !self.globs.excludes(seen) } else { self.globs.admits(seen) }
            }
        })
    }

    /// The same of a name that is no whole key.
    pub(super) fn admits(&self, name: &str) -> bool {
        self.counted(self.globs.admits(name))
    }

    fn counted(&self, wanted: bool) -> bool {
        if !wanted {
            self.filtered.fetch_add(1, Ordering::Relaxed);
        }
        wanted
    }
}

/// Those that `filter` lets through.
pub(super) fn filtered(entries: EntryStream, filter: CopyFilter) -> EntryStream {
    Box::pin(entries.filter(move |entry| {
        let wanted = entry.as_ref().map_or(true, |entry| filter.wanted(entry));
        std::future::ready(wanted)
    }))
}
