//! The files below a directory.
//!
//! One bad name is one failure, and the walk continues: an unreadable directory is reported with a slash at
//! its end, for everything below it. The walk ends: a directory that lies below itself (by a link or a mount)
//! is skipped there, and so is the directory that copies are written to. It does not multiply either: unless
//! all links are followed, links to directories below a directory that was itself reached by a link are
//! skipped. Their targets are copied under their own name, and once under each link in the tree itself;
//! sixteen directories with links to each other would give 65,535 copies otherwise.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};

use super::items::{Entry, ListError};
use crate::transfer::{Directory, EntryKind, Item, TransferError};

/// A walk of a directory tree.
#[derive(Debug)]
pub struct Tree {
    source: Directory,
    /// Prefix of each key at the destination.
    to: String,
    order: TreeOrder,
    /// Where copies are written, if that is on this machine.
    written: Option<PathBuf>,
    open: Vec<PendingDirectory>,
    /// Entries that were read, in reverse order.
    found: Vec<(PathBuf, EntryKind, Option<Arc<Ancestor>>)>,
}

/// The order of the files of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TreeOrder {
    /// In the order of their names, those of a directory before those below it.
    FilesFirst,
    /// In byte order of their keys, as services list them.
    Keys,
}

/// An entry of a walk.
#[derive(Debug)]
pub enum TreeEntry {
    /// A file.
    File {
        /// Its path below the root.
        name: OsString,
        /// Its size in bytes.
        size: u64,
        /// When it was last written, where the file system says.
        modified: Option<DateTime<Utc>>,
    },
    /// It cannot be read. A directory has a slash at its end, and stands for everything below it.
    Failed {
        /// Its path below the root.
        name: OsString,
        /// The reason.
        failed: TransferError,
    },
    /// A rule skips it.
    LeftOut {
        /// Its path below the root.
        name: OsString,
        /// The rule.
        why: &'static str,
    },
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
        Self { source, to, order: TreeOrder::FilesFirst, written, open, found: Vec::new() }
    }

    /// Only those below one of its directories, which may be given with slashes at its end.
    #[must_use]
    pub fn below(self, directory: &Path) -> Self {
        let below = Some(directory.components().collect());
        Self { open: vec![PendingDirectory { below, by_link: false, above: None }], ..self }
    }

    /// The same in byte order of the keys, as services list them: what is below a directory comes where its
    /// name with a slash at its end belongs.
    #[must_use]
    pub fn in_key_order(self) -> Self {
        Self { order: TreeOrder::Keys, ..self }
    }

    /// The next entry, as an object to copy.
    ///
    /// # Errors
    ///
    /// When the root cannot be read.
    pub async fn next(&mut self) -> Result<Option<Entry>, ListError> {
        Ok(self.next_entry().await?.map(|entry| match entry {
            TreeEntry::File { name, size, .. } => match name.into_string() {
                Ok(key) => {
                    let to = [&self.to, key.as_str()].concat();
                    Entry::Copy(Item { size: Some(size), ..Item::new(key, to) })
                }
                Err(name) => Entry::Failed { name, failed: not_utf8() },
            },
            TreeEntry::Failed { name, failed } => Entry::Failed { name, failed },
            TreeEntry::LeftOut { name, why } => Entry::LeftOut { name, why },
        }))
    }

    /// The next entry.
    ///
    /// # Errors
    ///
    /// When the root cannot be read.
    pub async fn next_entry(&mut self) -> Result<Option<TreeEntry>, ListError> {
        loop {
            if self.order == TreeOrder::Keys
                && let Some(open) = self.open.pop()
            {
                if let Some(entry) = self.read(open).await? {
                    return Ok(Some(entry));
                }
                continue;
            }
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
    ) -> Result<Option<TreeEntry>, ListError> {
        let mut listing = match (self.source.list(below.as_deref()).await, &below) {
            (Ok(listing), _) => listing,
            (Err(failed), Some(below)) => return Ok(Some(TreeEntry::Failed { name: folder(below), failed })),
            (Err(failed), None) => return Err(ListError::Directory(failed)),
        };
        let name = || below.as_deref().map_or_else(|| OsString::from("./"), folder);
        let mut all_above = std::iter::successors(above.as_deref(), |above| above.next.as_deref());
        if all_above.any(|above| above.id == listing.id) {
            let why = "a directory that lies below itself";
            return Ok(Some(TreeEntry::LeftOut { name: name(), why }));
        }
        if below.is_some() && self.is_written(listing.id).await {
            return Ok(Some(TreeEntry::LeftOut {
                name: name(),
                why: "the directory that copies are written to",
            }));
        }
        let by_link = by_link || above.as_ref().is_some_and(|above| above.by_link);
        let above = Some(Arc::new(Ancestor { id: listing.id, by_link, next: above }));
        if self.order == TreeOrder::Keys {
            listing.names.sort_by(|one, other| key_order(one).cmp(key_order(other)));
        }
        let root = below.clone().unwrap_or_default();
        let names = listing.names.into_iter().rev();
        self.found.extend(names.map(|(name, found)| (root.join(name), found, above.clone())));
        Ok(listing.broke_off.map(|failed| TreeEntry::Failed { name: name(), failed }))
    }

    /// Whether copies are written here. Checked each time, since the directory may have been created in the
    /// meantime.
    async fn is_written(&self, id: (u64, u64)) -> bool {
        let Some(written) = &self.written else { return false };
        let found = Directory::new(written).id().await;
        found.is_ok_and(|found| found == id)
    }

    fn entry(
        &mut self,
        relative: PathBuf,
        found: EntryKind,
        above: Option<Arc<Ancestor>>,
    ) -> Option<TreeEntry> {
        let name = |relative: PathBuf| relative.into_os_string();
        Some(match found {
            EntryKind::Directory { by_link } => {
                let again = by_link && above.as_ref().is_some_and(|above| above.by_link);
                if again && !self.source.follows_all() {
                    let why = "a link to a directory, below a directory that a link led to";
                    return Some(TreeEntry::LeftOut { name: folder(&relative), why });
                }
                self.open.push(PendingDirectory { below: Some(relative), by_link, above });
                return None;
            }
            EntryKind::LeftOut(why) => TreeEntry::LeftOut { name: name(relative), why },
            EntryKind::Bad(failed) => TreeEntry::Failed { name: name(relative), failed },
            EntryKind::File { size, modified } => TreeEntry::File { name: name(relative), size, modified },
        })
    }
}

/// What the key of an entry begins with, in bytes: what is below a directory has a slash behind its name.
fn key_order((name, found): &(OsString, EntryKind)) -> impl Iterator<Item = u8> {
    let slash: &[u8] = if matches!(found, EntryKind::Directory { .. }) { b"/" } else { b"" };
    name.as_bytes().iter().chain(slash).copied()
}

fn not_utf8() -> TransferError {
    TransferError::permanent("the name is not UTF-8, as keys must be")
}

/// The name of a directory.
fn folder(below: &Path) -> OsString {
    let mut name = below.as_os_str().to_owned();
    name.push("/");
    name
}
