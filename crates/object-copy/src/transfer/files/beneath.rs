//! Names below a directory, reached without following a link on the way.
//!
//! Each directory is opened relative to its parent, and the last name is used relative to the last directory.
//! So replacing a directory by a link meanwhile has no effect: a link is an error, and an open directory
//! stays the same.
//!
//! The calls block, so they are for blocking threads.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

/// Directories are only traversed. Where the system supports it, that needs no permission to list them.
#[cfg(any(target_os = "linux", target_os = "android"))]
const THROUGH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const THROUGH: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Most names that are tried for a temporary file.
const NAMES: u32 = 16;

/// What to do about a missing directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingDirectory {
    /// Create it.
    Create,
    /// Fail.
    Refuse,
}

/// Metadata of a name.
#[derive(Clone, Debug)]
pub(super) struct FileMeta {
    pub(super) kind: FileKind,
    pub(super) size: u64,
    pub(super) modified: Option<DateTime<Utc>>,
    /// Device and inode number, which identify a file on this machine.
    pub(super) id: (u64, u64),
}

/// Kind of file behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    File,
    Directory,
    Link,
    /// With its description.
    Other(&'static str),
}

/// Why a path could not be resolved.
#[derive(Debug)]
pub(super) enum ResolveError {
    /// This part of it is a link.
    Link(PathBuf),
    /// An error of the system.
    Io(io::Error),
}

impl From<Errno> for ResolveError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A name in a directory that is held open.
#[derive(Debug)]
pub(super) struct AnchoredPath {
    folder: OwnedFd,
    name: OsString,
}

impl AnchoredPath {
    /// Resolves `relative` below `root`, which itself may be a link. `relative` has at least one component,
    /// and all are names.
    pub(super) fn below(
        root: &Path,
        relative: &Path,
        missing: MissingDirectory,
    ) -> Result<Self, ResolveError> {
        let name = relative.file_name().ok_or(Errno::INVAL)?.to_owned();
        if missing == MissingDirectory::Create {
            fs::create_dir_all(root).map_err(ResolveError::Io)?;
        }
        let mut folder = rustix::fs::open(root, THROUGH, Mode::empty())?;
        let mut so_far = root.to_owned();
        for part in relative.parent().into_iter().flat_map(Path::components) {
            let part = part.as_os_str();
            so_far.push(part);
            if missing == MissingDirectory::Create {
                match mkdirat(folder.as_fd(), part, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            folder = match openat(folder.as_fd(), part, THROUGH | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(next) => next,
                Err(errno) if is_link(&folder, part) => {
                    tracing::trace!(%errno, path = %so_far.display(), "a link");
                    return Err(ResolveError::Link(so_far));
                }
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(Self { folder, name })
    }

    /// Metadata of the name itself, without following a link.
    pub(super) fn meta(&self) -> io::Result<FileMeta> {
        Ok(meta(&statat(self.folder.as_fd(), &self.name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Opens a regular file for reading. Nothing else is opened: a pipe without a writer would block.
    pub(super) fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(self.folder.as_fd(), &self.name, flags, Mode::empty())?;
        match meta(&rustix::fs::fstat(&file)?).kind {
            FileKind::File => Ok(file.into()),
            other => Err(io::Error::new(io::ErrorKind::InvalidInput, other.refusal())),
        }
    }

    /// Creates the directory, unless it exists.
    pub(super) fn make_directory(&self) -> Result<(), ResolveError> {
        match mkdirat(self.folder.as_fd(), &self.name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) if is_link(&self.folder, &self.name) => {
                Err(ResolveError::Link(PathBuf::from(&self.name)))
            }
            Err(Errno::EXIST) if self.meta().map_err(ResolveError::Io)?.kind == FileKind::Directory => Ok(()),
            Err(errno) => Err(errno.into()),
            Ok(()) => Ok(()),
        }
    }

    /// Creates a temporary file beside the name, to be written and renamed. Its name is short and independent
    /// of the final one, so that it is valid wherever that is.
    pub(super) fn unfinished(&self, mut random: impl FnMut() -> u32) -> io::Result<(File, OsString)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut tried = 0;
        loop {
            let name = OsString::from(format!(".oms-bridge-{:08x}.part", random()));
            match openat(self.folder.as_fd(), &name, flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => return Ok((file.into(), name)),
                Err(Errno::EXIST) if tried < NAMES => tried += 1,
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Renames the finished file to the name. A link of that name is replaced, and its target stays.
    pub(super) fn finish(&self, unfinished: &OsStr) -> io::Result<()> {
        Ok(renameat(self.folder.as_fd(), unfinished, self.folder.as_fd(), &self.name)?)
    }

    /// Removes a temporary file.
    pub(super) fn discard(&self, unfinished: &OsStr) -> io::Result<()> {
        Ok(unlinkat(self.folder.as_fd(), unfinished, AtFlags::empty())?)
    }
}

impl FileKind {
    /// Why it cannot be copied as an object.
    pub(super) fn refusal(self) -> String {
        match self {
            Self::File => "a regular file".to_owned(),
            Self::Directory => "not a regular file: a directory".to_owned(),
            Self::Link => "not a regular file: a link".to_owned(),
            Self::Other(what) => format!("not a regular file: {what}"),
        }
    }
}

/// Converts the metadata of the standard library.
pub(super) fn of_std(meta: &fs::Metadata) -> FileMeta {
    use std::os::unix::fs::MetadataExt as _;
    FileMeta {
        kind: FileType::from_raw_mode(meta.mode()).into(),
        size: meta.len(),
        modified: meta.modified().ok().map(DateTime::<Utc>::from),
        id: (meta.dev(), meta.ino()),
    }
}

fn meta(stat: &Stat) -> FileMeta {
    let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    FileMeta {
        kind: FileType::from_raw_mode(stat.st_mode).into(),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: DateTime::from_timestamp(stat.st_mtime, nanoseconds),
        id: (stat.st_dev, stat.st_ino),
    }
}

impl From<FileType> for FileKind {
    fn from(of: FileType) -> Self {
        match of {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Other("a pipe"),
            FileType::Socket => Self::Other("a socket"),
            FileType::CharacterDevice | FileType::BlockDevice => Self::Other("a device"),
            FileType::Unknown => Self::Other("of no known kind"),
        }
    }
}

fn is_link(folder: &OwnedFd, name: &OsStr) -> bool {
    let stat = statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}
