//! The files below a directory.
//!
//! One bad name is one failure, and the walk continues: an unreadable directory is reported with a slash at
//! its end, for everything below it. The walk ends: a directory that lies below itself (by a link or a mount)
//! is skipped there, and so is the directory that copies are written to. It does not multiply either: unless
//! all links are followed, links to directories below a directory that was itself reached by a link are
//! skipped. Their targets are copied under their own name, and once under each link in the tree itself;
//! sixteen directories with links to each other would give 65,535 copies otherwise.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{Stream, stream};

use super::items::{Entry, ListError};
use crate::transfer::{Directory, EntryKind, Item, TransferError};

/// A walk of a directory tree. Files come in the order of their names, those of a directory before those
/// below it.
#[derive(Debug)]
pub struct Tree {
    source: Directory,
    /// Prefix of each key at the destination.
    to: String,
    /// Where copies are written, if that is on this machine.
    written: Option<PathBuf>,
    open: Vec<PendingDirectory>,
    /// Entries that were read, in reverse order.
    found: Vec<(PathBuf, EntryKind, Option<Arc<Ancestor>>)>,
}

/// A directory to read.
#[derive(Debug)]
struct PendingDirectory {
    /// Below the root; `None` for the root itself.
    below: Option<PathBuf>,
    by_link: bool,
    above: Option<Arc<Ancestor>>,
}

/// A directory on the way to another.
#[derive(Debug)]
struct Ancestor {
    id: (u64, u64),
    /// Reached by a link, or below a directory that was.
    by_link: bool,
    next: Option<Arc<Ancestor>>,
}

impl Tree {
    /// All files of `source`.
    pub fn new(source: Directory, to: String, written: Option<PathBuf>) -> Self {
        let open = vec![PendingDirectory { below: None, by_link: false, above: None }];
        Self { source, to, written, open, found: Vec::new() }
    }

    /// Only those below one of its directories, which may be given with slashes at its end.
    #[must_use]
    pub fn below(self, directory: &Path) -> Self {
        let below = Some(directory.components().collect());
        Self { open: vec![PendingDirectory { below, by_link: false, above: None }], ..self }
    }

    /// The next entry.
    ///
    /// # Errors
    ///
    /// When the root cannot be read.
    pub async fn next(&mut self) -> Result<Option<Entry>, ListError> {
        loop {
            if let Some((relative, found, above)) = self.found.pop() {
                if let Some(entry) = self.entry(relative, found, above) {
                    return Ok(Some(entry));
                }
                continue;
            }
            let Some(open) = self.open.pop() else { return Ok(None) };
            if let Some(entry) = self.read(open).await? {
                return Ok(Some(entry));
            }
        }
    }

    /// As a stream.
    pub fn entries(self) -> impl Stream<Item = Result<Entry, ListError>> + Send {
        stream::try_unfold(self, |mut tree| async move {
            let entry = tree.next().await?;
            Ok(entry.map(|entry| (entry, tree)))
        })
    }

    async fn read(
        &mut self,
        PendingDirectory { below, by_link, above }: PendingDirectory,
    ) -> Result<Option<Entry>, ListError> {
        let listing = match (self.source.list(below.as_deref()).await, &below) {
            (Ok(listing), _) => listing,
            (Err(failed), Some(below)) => return Ok(Some(Entry::Failed { name: folder(below), failed })),
            (Err(failed), None) => return Err(ListError::Directory(failed)),
        };
        let name = || below.as_deref().map_or_else(|| OsString::from("./"), folder);
        let mut all_above = std::iter::successors(above.as_deref(), |above| above.next.as_deref());
        if all_above.any(|above| above.id == listing.id) {
            let why = "a directory that lies below itself";
            return Ok(Some(Entry::LeftOut { name: name(), why }));
        }
        if below.is_some() && self.is_written(listing.id).await {
            return Ok(Some(Entry::LeftOut {
                name: name(),
                why: "the directory that copies are written to",
            }));
        }
        let by_link = by_link || above.as_ref().is_some_and(|above| above.by_link);
        let above = Some(Arc::new(Ancestor { id: listing.id, by_link, next: above }));
        let root = below.clone().unwrap_or_default();
        let names = listing.names.into_iter().rev();
        self.found.extend(names.map(|(name, found)| (root.join(name), found, above.clone())));
        Ok(listing.broke_off.map(|failed| Entry::Failed { name: name(), failed }))
    }

    /// Whether copies are written here. Checked each time, since the directory may have been created in the
    /// meantime.
    async fn is_written(&self, id: (u64, u64)) -> bool {
        let Some(written) = &self.written else { return false };
        let found = Directory::new(written).id().await;
        found.is_ok_and(|found| found == id)
    }

    fn entry(&mut self, relative: PathBuf, found: EntryKind, above: Option<Arc<Ancestor>>) -> Option<Entry> {
        let size = match found {
            EntryKind::Directory { by_link } => {
                let again = by_link && above.as_ref().is_some_and(|above| above.by_link);
                if again && !self.source.follows_all() {
                    let why = "a link to a directory, below a directory that a link led to";
                    return Some(Entry::LeftOut { name: folder(&relative), why });
                }
                self.open.push(PendingDirectory { below: Some(relative), by_link, above });
                return None;
            }
            EntryKind::LeftOut(why) => return Some(Entry::LeftOut { name: relative.into_os_string(), why }),
            EntryKind::Bad(failed) => {
                return Some(Entry::Failed { name: relative.into_os_string(), failed });
            }
            EntryKind::File(size) => Some(size),
        };
        Some(match relative.into_os_string().into_string() {
            Ok(key) => {
                let to = [&self.to, key.as_str()].concat();
                Entry::Copy(Item { size, ..Item::new(key, to) })
            }
            Err(name) => {
                let failed = TransferError::permanent("the name is not UTF-8, as keys must be");
                Entry::Failed { name, failed }
            }
        })
    }
}

/// The name of a directory.
fn folder(below: &Path) -> OsString {
    let mut name = below.as_os_str().to_owned();
    name.push("/");
    name
}
