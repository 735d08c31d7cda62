//! Objects that are local files.
//!
//! | module | concern |
//! |---|---|
//! | `beneath` | names below a directory, reached without following a link |
//! | `links` | which links are followed, and where they lead |
//! | `errors` | the meaning of I/O errors |
//!
//! # Rules
//!
//! They apply to a single file, a directory and a list of keys alike:
//!
//! - Only regular files are objects. A pipe, a socket or a device is a failure, and is never opened: it may
//!   be endless, or block until there is a writer. So is a file that reports a size of 0 and has bytes
//!   (`/proc`).
//! - Links of a source are followed according to [`Links`]. Skipped links are reported and counted. A broken
//!   link is a failure.
//! - Below a destination no link to a directory is followed: it could lead outside. A link in the place of
//!   the file itself is replaced; a directory, a pipe or a device is not.
//! - An object that a directory cannot hold is a failure: a key that ends in `/` is a directory, and cannot
//!   have bytes.
//! - A file is written under a temporary name until it is complete and verified.

mod beneath;
mod errors;
mod links;

use std::ffi::OsString;
use std::io::{self, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures_util::stream;
use oss_lite::Crc64;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use self::beneath::{AnchoredPath, FileKind, FileMeta, MissingDirectory, ResolveError};
use self::errors::{broken, is_missing, local, unresolved, unwritten};
pub use self::links::{EntryKind, Links};
use self::links::{Located, locate};
use super::error::{Abort, TransferError};
use super::opened::{Body, Opened};
use super::range::GetRange;
use super::source_info::{ContentHeaders, Identity, SourceInfo};

/// Bytes read from a file at once.
const CHUNK: usize = 256 << 10;

/// A directory whose files are objects: the key is the path below it, with `/` between its parts.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
    links: Links,
}

impl Directory {
    /// The objects below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), links: Links::default() }
    }

    /// The same, with another policy for links.
    #[must_use]
    pub fn following(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// Whether all links are followed.
    pub fn follows_all(&self) -> bool {
        self.links == Links::Follow
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of the object below the root. A key that would be outside, or cannot be a file name, is
    /// refused.
    fn relative<'k>(&self, key: &'k str) -> Result<&'k Path, TransferError> {
        let relative = Path::new(key);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        // `a//b` and `./a` would name the files of other keys.
        let exact =
            !key.contains("//") && !key.starts_with("./") && !key.contains("/./") && !key.ends_with("/.");
        if key.is_empty() || !inside || !exact || key.contains('\0') {
            return Err(TransferError::permanent(format!(
                "{key:?} cannot be a file below {:?}",
                self.root.display()
            )));
        }
        Ok(relative)
    }

    /// Finds the file of a key in a source.
    async fn find(&self, key: &str) -> Result<Located, Abort> {
        let (root, links) = (self.root.clone(), self.links);
        let relative = self.relative(key)?.to_owned();
        let path = root.join(&relative);
        let located =
            blocking(move || locate(&root, &relative, links)).await?.map_err(|error| match error {
                links::LocateError::Gone => Abort::Gone,
                links::LocateError::LeftOut(why) => Abort::LeftOut(why),
                links::LocateError::Nowhere(why) => {
                    TransferError::permanent(format!("{:?}: {why}", path.display())).into()
                }
                links::LocateError::Io(error) => broken(&path, &error),
            })?;
        match located.meta.kind {
            // A key with a slash at its end is a directory, any other one a file.
            FileKind::Directory if key.ends_with('/') => Ok(located),
            FileKind::File if !key.ends_with('/') => Ok(located),
            FileKind::File => Err(Abort::Gone),
            other => {
                Err(TransferError::permanent(format!("{:?}: {}", path.display(), other.refusal())).into())
            }
        }
    }

    pub(super) async fn look(&self, key: &str) -> Result<SourceInfo, Abort> {
        Ok(info(key, &self.find(key).await?.meta))
    }

    pub(super) async fn open(&self, key: &str, range: &GetRange) -> Result<Opened, Abort> {
        let located = self.find(key).await?;
        let info = info(key, &located.meta);
        let size = info.size().unwrap_or(0);
        let (first, end) = match range {
            GetRange::Whole => (0, size),
            GetRange::Span(span) => (span.start, span.end.min(size)),
        };
        let nothing = |info| Opened { info, first, end: Some(end), body: Box::pin(stream::empty()) };
        let path = self.root.join(self.relative(key)?);
        let Some(anchored) = located.anchored.filter(|_| located.meta.kind == FileKind::File) else {
            return Ok(nothing(info));
        };
        if size > 0 && first >= end {
            return Ok(nothing(info));
        }
        let failed = |error: io::Error| broken(&path, &error);
        let mut file = opened(Arc::new(anchored)).await.map_err(failed)?;
        if size == 0 {
            return match file.read(&mut [0]).await.map_err(failed)? {
                0 => Ok(nothing(info)),
                _ => Err(grown(&path, &file).await),
            };
        }
        file.seek(SeekFrom::Start(first)).await.map_err(failed)?;
        Ok(Opened { info, first, end: Some(end), body: chunks(file, end - first, path) })
    }

    /// The entries of a directory of a source; of the root with `None`.
    ///
    /// # Errors
    ///
    /// When it cannot be read. An entry that cannot be read is [`EntryKind::Bad`].
    pub async fn list(&self, below: Option<&Path>) -> Result<links::DirectoryListing, TransferError> {
        let (root, links) = (self.root.clone(), self.links);
        let below = below.map(Path::to_owned);
        let path = below.as_ref().map_or_else(|| root.clone(), |below| root.join(below));
        let listing = blocking(move || links::list(&root, below.as_deref(), links)).await?;
        listing.map_err(|error| local(&path, &error))
    }

    /// Device and inode number of the directory itself, which identify it on this machine.
    ///
    /// # Errors
    ///
    /// When it does not exist, or its metadata cannot be read.
    pub async fn id(&self) -> Result<(u64, u64), TransferError> {
        let root = self.root.clone();
        let found = blocking(move || std::fs::metadata(root).map(|meta| beneath::of_std(&meta).id)).await?;
        found.map_err(|error| local(&self.root, &error))
    }

    /// The path of a key of a destination, if all its parent directories exist.
    async fn anchored(
        &self,
        key: &str,
        missing: MissingDirectory,
    ) -> Result<Option<Arc<AnchoredPath>>, TransferError> {
        let (root, relative) = (self.root.clone(), self.relative(key)?.to_owned());
        let path = root.join(&relative);
        match blocking(move || AnchoredPath::below(&root, &relative, missing)).await? {
            Ok(anchored) => Ok(Some(Arc::new(anchored))),
            Err(ResolveError::Io(error)) if missing == MissingDirectory::Refuse && is_missing(&error) => {
                Ok(None)
            }
            Err(error) => Err(unresolved(&path, error)),
        }
    }

    /// What exists under a key of a destination, without following a link.
    async fn found(&self, key: &str) -> Result<Option<(Arc<AnchoredPath>, FileMeta)>, TransferError> {
        let path = self.root.join(self.relative(key)?);
        let Some(anchored) = self.anchored(key, MissingDirectory::Refuse).await? else { return Ok(None) };
        let looked = Arc::clone(&anchored);
        match blocking(move || looked.meta()).await? {
            Ok(meta) => Ok(Some((anchored, meta))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(local(&path, &error)),
        }
    }

    /// Whether there is anything of this name.
    pub(super) async fn has(&self, key: &str) -> Result<bool, TransferError> {
        Ok(self.found(key).await?.is_some())
    }

    /// Whether the object can be held here.
    pub(super) fn admit(&self, key: &str, source: &SourceInfo) -> Result<(), TransferError> {
        self.relative(key)?;
        match source.size() {
            Some(0) => Ok(()),
            Some(bytes) if key.ends_with('/') => Err(TransferError::permanent(format!(
                "{key:?} is a folder here, which cannot hold the {bytes} bytes of the object: copy it under another name"
            ))),
            None if key.ends_with('/') => Err(TransferError::permanent(format!(
                "{key:?} is a folder here, and the object may have bytes"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether [`Directory::begin`] could create an object that [`Directory::admit`] accepts. Creates
    /// nothing.
    pub(super) async fn has_room(&self, key: &str) -> Result<(), TransferError> {
        let (root, relative) = (self.root.clone(), self.relative(key)?.to_owned());
        let (path, is_folder) = (root.join(&relative), key.ends_with('/'));
        let room = blocking(move || match AnchoredPath::below(&root, &relative, MissingDirectory::Refuse) {
            Ok(anchored) if is_folder => enterable(&anchored).map_err(ResolveError::Io),
            Ok(anchored) => replaceable(&anchored).map_err(ResolveError::Io),
            // Missing parents are created. `is_missing` is not used here: it also accepts a file in the place
            // of a parent.
            Err(ResolveError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        });
        room.await?.map_err(|error| unresolved(&path, error))
    }

    /// Whether a file has the CRC-64 of the source.
    pub(super) async fn is_copy(&self, key: &str, source: &SourceInfo) -> Result<bool, TransferError> {
        self.admit(key, source)?;
        let path = self.root.join(self.relative(key)?);
        let Some((anchored, meta)) = self.found(key).await? else { return Ok(false) };
        if key.ends_with('/') {
            return Ok(meta.kind == FileKind::Directory);
        }
        if meta.kind != FileKind::File || Some(meta.size) != source.size() {
            return Ok(false);
        }
        let Some(named) = source.crc64 else { return Ok(false) };
        crc64(anchored).await.map(|found| found == named).map_err(|error| local(&path, &error))
    }

    /// The CRC-64 of a file of a source; `None` for a directory.
    pub(super) async fn crc64(&self, key: &str) -> Result<Option<u64>, Abort> {
        let Located { anchored, meta } = self.find(key).await?;
        let Some(anchored) = anchored.filter(|_| meta.kind == FileKind::File) else { return Ok(None) };
        let path = self.root.join(self.relative(key)?);
        crc64(Arc::new(anchored)).await.map(Some).map_err(|error| broken(&path, &error))
    }

    /// Begins to create an object: its folder, or a file under a temporary name.
    pub(super) async fn begin(&self, key: &str, source: &SourceInfo) -> Result<Begun, Abort> {
        self.admit(key, source)?;
        let path = self.root.join(self.relative(key)?);
        let Some(anchored) = self.anchored(key, MissingDirectory::Create).await? else {
            return Err(TransferError::transient(format!(
                "{:?}: was removed while it was created",
                path.display()
            ))
            .into());
        };
        if key.ends_with('/') {
            let made = blocking(move || anchored.make_directory()).await?;
            return Ok(made.map(|()| Begun::Folder).map_err(|error| unresolved(&path, error))?);
        }
        let beside = Arc::clone(&anchored);
        let made = blocking(move || {
            replaceable(&beside)?;
            beside.unfinished(|| fastrand::u32(..))
        });
        let (file, name) = made.await?.map_err(|error| unwritten(&path, &error))?;
        let temporary = Temporary(Some((anchored, name)));
        Ok(Begun::File(UnfinishedFile { file: File::from_std(file), path, temporary }))
    }
}

/// What is being created for an object.
pub(super) enum Begun {
    /// A folder, which is complete.
    Folder,
    /// A file to be written.
    File(UnfinishedFile),
}

/// A file under a temporary name, until it is complete and verified. It is removed with this value.
pub(super) struct UnfinishedFile {
    file: File,
    path: PathBuf,
    temporary: Temporary,
}

impl UnfinishedFile {
    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), Abort> {
        self.file.write_all(chunk).await.map_err(|error| unwritten(&self.path, &error).into())
    }

    /// Syncs the file to disk, sets the time of the source, and renames it to its final name.
    pub(super) async fn finish(self, modified: Option<DateTime<Utc>>) -> Result<(), Abort> {
        let Self { file, path, temporary } = self;
        settle(file, modified).await.map_err(|error| unwritten(&path, &error))?;
        let renamed = blocking(move || temporary.rename()).await?;
        Ok(renamed.map_err(|error| unwritten(&path, &error))?)
    }
}

/// A temporary file, which is removed when this is dropped, also if a copy is cancelled.
struct Temporary(Option<(Arc<AnchoredPath>, OsString)>);

impl Temporary {
    fn rename(mut self) -> io::Result<()> {
        if let Some((anchored, name)) = &self.0 {
            anchored.finish(name)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some((anchored, name)) = &self.0
            && let Err(error) = anchored.discard(name)
        {
            tracing::warn!(name = %name.display(), %error, "an unfinished temporary file could not be removed");
        }
    }
}

async fn settle(mut file: File, modified: Option<DateTime<Utc>>) -> io::Result<()> {
    file.flush().await?;
    file.sync_all().await?;
    let file = file.into_std().await;
    if let Some(time) = modified {
        // For listings only; nothing depends on it.
        let _ = file.set_modified(time.into());
    }
    Ok(())
}

/// Only a regular file or a link may be replaced by a file.
fn replaceable(anchored: &AnchoredPath) -> io::Result<()> {
    match anchored.meta() {
        Ok(FileMeta { kind: FileKind::File | FileKind::Link, .. }) => Ok(()),
        Ok(FileMeta { kind, .. }) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("what is there is {}", kind.refusal())))
        }
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Only a directory, or nothing, may be in the place of a folder.
fn enterable(anchored: &AnchoredPath) -> io::Result<()> {
    match anchored.meta() {
        Ok(FileMeta { kind: FileKind::Directory, .. }) => Ok(()),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TransferError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| TransferError::transient(format!("a task of this program ended: {error}")))
}

fn info(key: &str, meta: &FileMeta) -> SourceInfo {
    SourceInfo {
        identity: Identity {
            size: Some(if meta.kind == FileKind::Directory { 0 } else { meta.size }),
            last_modified: meta.modified,
            ..Identity::default()
        },
        content: ContentHeaders {
            content_type: mime_guess::from_path(key).first_raw().map(str::to_owned),
            ..ContentHeaders::default()
        },
        ..SourceInfo::default()
    }
}

/// The reason why a file with a size of 0 has bytes.
async fn grown(path: &Path, file: &File) -> Abort {
    match file.metadata().await {
        Ok(meta) if meta.len() > 0 => Abort::Changed,
        Ok(_) => TransferError::permanent(format!(
            "{:?}: reports a size of 0, but has content: a file that the system generates while it is read cannot be copied",
            path.display()
        ))
        .into(),
        Err(error) => broken(path, &error),
    }
}

fn chunks(file: File, left: u64, path: PathBuf) -> Body {
    Box::pin(stream::try_unfold((file, left, path), |(mut file, left, path)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        let mut chunk = BytesMut::with_capacity(size);
        match file.read_buf(&mut chunk).await {
            Ok(0) => Ok(None),
            Ok(_) => {
                chunk.truncate(size);
                let left = left - chunk.len() as u64;
                Ok(Some((chunk.freeze(), (file, left, path))))
            }
            Err(error) => Err(local(&path, &error)),
        }
    }))
}

async fn opened(anchored: Arc<AnchoredPath>) -> io::Result<File> {
    let file = tokio::task::spawn_blocking(move || anchored.open()).await.map_err(io::Error::other)?;
    file.map(File::from_std)
}

async fn crc64(anchored: Arc<AnchoredPath>) -> io::Result<u64> {
    let mut file = opened(anchored).await?;
    let (mut crc64, mut chunk) = (Crc64::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(crc64.value()),
            read => crc64.update(&chunk[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_would_leave_the_directory_or_meet_another_key_are_refused() {
        let directory = Directory::new("/data");
        assert_eq!(directory.relative("a/b c/é").unwrap(), Path::new("a/b c/é"));
        assert_eq!(directory.relative("a/").unwrap(), Path::new("a"));
        for key in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/./b", "a/.", "..", "a\0b"] {
            assert!(directory.relative(key).is_err(), "{key:?}");
        }
    }
}
