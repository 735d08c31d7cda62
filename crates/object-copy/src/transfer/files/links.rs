//! Resolves the links of a source, as far as they are followed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::beneath::{AnchoredPath, FileKind, FileMeta, MissingDirectory, ResolveError, of_std};
use super::errors::{is_missing, local};
use crate::transfer::TransferError;

/// Which symbolic links are followed. A link that is followed is replaced by its target: the content of a
/// file, or everything below a directory, under the link's own name. A root may always be a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Links to targets below the root. The others are skipped: the tree may belong to another user, who
    /// could otherwise reach files that are not theirs.
    #[default]
    Within,
    /// All links.
    Follow,
    /// None.
    Skip,
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// When it was last written, where the file system says.
        modified: Option<DateTime<Utc>>,
    },
    /// The entries of a directory.
    Directory {
        /// It was reached by a link.
        by_link: bool,
    },
    /// A link that is not followed, with the reason.
    LeftOut(&'static str),
    /// An entry that cannot be copied, with the reason.
    Bad(TransferError),
}

/// The entries of a directory.
#[derive(Clone, Debug)]
pub struct DirectoryListing {
    /// Device and inode number, which identify it on this machine.
    pub id: (u64, u64),
    /// Its entries in byte order of their names.
    pub names: Vec<(OsString, EntryKind)>,
    /// Why the listing may be incomplete.
    pub broke_off: Option<TransferError>,
}

/// A located file or directory.
#[derive(Debug)]
pub(super) struct Located {
    /// Its path; a root has none.
    pub(super) anchored: Option<AnchoredPath>,
    pub(super) meta: FileMeta,
}

/// Why it was not located.
#[derive(Debug)]
pub(super) enum LocateError {
    /// It does not exist.
    Gone,
    /// A link on its path, or the path itself, is skipped.
    LeftOut(&'static str),
    /// A link is broken.
    Nowhere(&'static str),
    Io(io::Error),
}

impl From<ResolveError> for LocateError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Io(error) => error.into(),
            // It was replaced a moment ago.
            ResolveError::Link(_) => Self::Nowhere("a link that changes while it is followed"),
        }
    }
}

impl From<io::Error> for LocateError {
    fn from(error: io::Error) -> Self {
        if is_missing(&error) { Self::Gone } else { Self::Io(error) }
    }
}

const OUTSIDE: &str = "a link that leads out of the folder";
const SKIPPED: &str = "a link, and links are skipped";

/// Locates `relative` below `root`.
pub(super) fn locate(root: &Path, relative: &Path, links: Links) -> Result<Located, LocateError> {
    match AnchoredPath::below(root, relative, MissingDirectory::Refuse) {
        Ok(anchored) => {
            let meta = anchored.meta()?;
            if meta.kind != FileKind::Link {
                return Ok(Located { anchored: Some(anchored), meta });
            }
        }
        Err(ResolveError::Link(_)) => {}
        Err(error) => return Err(error.into()),
    }
    follow(root, relative, links)
}

fn follow(root: &Path, relative: &Path, links: Links) -> Result<Located, LocateError> {
    if links == Links::Skip {
        return Err(LocateError::LeftOut(SKIPPED));
    }
    let target = fs::canonicalize(root.join(relative)).map_err(|error| {
        if is_missing(&error) { LocateError::Nowhere("a link to nothing") } else { LocateError::Io(error) }
    })?;
    let (base, relative): (PathBuf, &Path) = match links {
        Links::Within => {
            let base = fs::canonicalize(root)?;
            let relative = target.strip_prefix(&base).map_err(|_| LocateError::LeftOut(OUTSIDE))?;
            (base, relative)
        }
        Links::Follow | Links::Skip => match (target.parent(), target.file_name()) {
            (Some(parent), Some(name)) => (parent.to_owned(), Path::new(name)),
            _ => (target.clone(), Path::new("")),
        },
    };
    if relative.as_os_str().is_empty() {
        return Ok(Located { anchored: None, meta: of_std(&fs::metadata(&base)?) });
    }
    let anchored = AnchoredPath::below(&base, relative, MissingDirectory::Refuse)?;
    let meta = anchored.meta()?;
    Ok(Located { anchored: Some(anchored), meta })
}

/// Reads a directory below `root`.
pub(super) fn list(root: &Path, below: Option<&Path>, links: Links) -> io::Result<DirectoryListing> {
    let path = below.map_or_else(|| root.to_owned(), |below| root.join(below));
    let mut listing =
        DirectoryListing { id: of_std(&fs::metadata(&path)?).id, names: Vec::new(), broke_off: None };
    for entry in fs::read_dir(&path)? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.broke_off = Some(local(&path, &error));
                break;
            }
        };
        let relative = below.unwrap_or(Path::new("")).join(entry.file_name());
        listing.names.push((entry.file_name(), found(root, &relative, &entry, links)));
    }
    listing.names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(listing)
}

fn found(root: &Path, relative: &Path, entry: &fs::DirEntry, links: Links) -> EntryKind {
    // Of the name itself, without following a link.
    let own = entry.metadata();
    let by_link = own.as_ref().is_ok_and(|meta| meta.file_type().is_symlink());
    let meta = match own {
        Ok(_) if by_link => match follow(root, relative, links) {
            Ok(located) => located.meta,
            Err(LocateError::LeftOut(why)) => return EntryKind::LeftOut(why),
            Err(LocateError::Nowhere(why)) => return EntryKind::Bad(bad(root, relative, why)),
            // The target was removed in the meantime.
            Err(LocateError::Gone) => return EntryKind::Bad(bad(root, relative, "a link to nothing")),
            Err(LocateError::Io(error)) => return EntryKind::Bad(local(&root.join(relative), &error)),
        },
        Ok(meta) => of_std(&meta),
        Err(error) => return EntryKind::Bad(local(&root.join(relative), &error)),
    };
    match meta.kind {
        FileKind::File => EntryKind::File { size: meta.size, modified: meta.modified },
        FileKind::Directory => EntryKind::Directory { by_link },
        other => EntryKind::Bad(bad(root, relative, &other.refusal())),
    }
}

fn bad(root: &Path, relative: &Path, why: &str) -> TransferError {
    TransferError::permanent(format!("{:?}: {why}", root.join(relative).display()))
}
