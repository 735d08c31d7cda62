//! Objects that are files of this machine.

use std::io::{self, SeekFrom};
use std::path::{Component, Path, PathBuf};

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use oss_lite::Crc64;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::facts::{ContentHeaders, Facts, Identity};
use super::reader::{Pinned, Reader, Whole};
use super::source::{Body, Opened, Want};
use super::stop::{Failed, Stop};
use super::tally::{Tally, Wanted};
use crate::engine::FailureClass;

/// Bytes read from a file at once.
const CHUNK: usize = 256 << 10;

/// A directory whose files are objects: the key is the path below it, with `/` between its parts.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The objects below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where the object is. A key that would lie elsewhere, or cannot be a file name, is refused.
    fn path(&self, key: &str) -> Result<PathBuf, Failed> {
        let relative = Path::new(key);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        // `a//b` and `./a` would name the files of other keys.
        let exact =
            !key.contains("//") && !key.starts_with("./") && !key.contains("/./") && !key.ends_with("/.");
        if key.is_empty() || !inside || !exact || key.contains('\0') {
            return Err(Failed::permanent(format!("{key:?} cannot be a file below {}", self.root.display())));
        }
        Ok(self.root.join(relative))
    }

    pub(super) async fn look(&self, key: &str) -> Result<Facts, Stop> {
        let path = self.path(key)?;
        let meta = fs::metadata(&path).await.map_err(|error| broken(&path, &error))?;
        if key.ends_with('/') != meta.is_dir() {
            return Err(Stop::Gone);
        }
        let content_type = mime_guess::from_path(&path).first_raw().map(str::to_owned);
        let size = if meta.is_dir() { 0 } else { meta.len() };
        let last_modified = meta.modified().ok().map(DateTime::<Utc>::from);
        Ok(Facts {
            identity: Identity { size: Some(size), last_modified, ..Identity::default() },
            content: ContentHeaders { content_type, ..ContentHeaders::default() },
            ..Facts::default()
        })
    }

    pub(super) async fn open(&self, key: &str, want: &Want) -> Result<Opened, Stop> {
        let facts = self.look(key).await?;
        let size = facts.size().unwrap_or(0);
        let (first, end) = match want {
            Want::Whole => (0, size),
            Want::Span(span) => (span.start, span.end.min(size)),
        };
        if key.ends_with('/') || first >= end {
            return Ok(Opened { facts, first, end: Some(end), body: Box::pin(stream::empty()) });
        }
        let path = self.path(key)?;
        let mut file = File::open(&path).await.map_err(|error| broken(&path, &error))?;
        file.seek(SeekFrom::Start(first)).await.map_err(|error| broken(&path, &error))?;
        Ok(Opened { facts, first, end: Some(end), body: chunks(file, end - first, path) })
    }

    /// Whether there is anything of this name.
    pub(super) async fn has(&self, key: &str) -> Result<bool, Failed> {
        let path = self.path(key)?;
        fs::try_exists(&path).await.map_err(|error| local(&path, &error))
    }

    /// Whether a file holds what the source names by its CRC-64.
    pub(super) async fn is_copy(&self, key: &str, source: &Facts) -> Result<bool, Failed> {
        let path = self.path(key)?;
        match fs::metadata(&path).await {
            Ok(meta) if key.ends_with('/') => return Ok(meta.is_dir()),
            Ok(meta) if meta.is_file() && Some(meta.len()) == source.size() => {}
            _ => return Ok(false),
        }
        let Some(named) = source.crc64 else { return Ok(false) };
        crc64(&path).await.map(|found| found == named).map_err(|error| local(&path, &error))
    }

    /// The CRC-64 of a file; a directory has none.
    pub(super) async fn crc64(&self, key: &str) -> Result<Option<u64>, Stop> {
        if key.ends_with('/') {
            return Ok(None);
        }
        let path = self.path(key)?;
        crc64(&path).await.map(Some).map_err(|error| broken(&path, &error))
    }

    /// Writes a pinned object to its file: under another name until it is whole and right.
    pub(super) async fn write(&self, key: &str, pinned: &Pinned, opened: Option<Opened>) -> Result<(), Stop> {
        let path = self.path(key)?;
        if key.ends_with('/') {
            return Ok(fs::create_dir_all(&path).await.map_err(|error| local(&path, &error))?);
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).await.map_err(|error| local(parent, &error))?;
        }
        let part = unfinished(&path);
        let written = async {
            fill(&part, pinned, opened).await?;
            fs::rename(&part, &path).await.map_err(|error| Stop::from(local(&path, &error)))
        };
        let written = written.await;
        if written.is_err() {
            // It may never have been made.
            let _ = fs::remove_file(&part).await;
        }
        written
    }
}

/// The name of a file while it is written, beside the final one so that it can be renamed.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", fastrand::u32(..)))
}

async fn fill(part: &Path, pinned: &Pinned, opened: Option<Opened>) -> Result<(), Stop> {
    let failed = |error: io::Error| Stop::from(local(part, &error));
    let mut file = File::create_new(part).await.map_err(failed)?;
    if let Some(size) = pinned.facts.size() {
        let tally = Tally::new(Wanted::Crc);
        let mut reader = Reader::new(pinned, 0..size, Whole::Skip, &tally).begin_with(opened);
        while let Some(chunk) = reader.next().await? {
            file.write_all(&chunk).await.map_err(failed)?;
        }
    } else {
        // A first part may have come, of nobody knows how much.
        let mut body = match opened.filter(|opened| opened.end.is_none()) {
            Some(opened) => opened.body,
            None => pinned.source.open(&pinned.key, &Want::Whole, Some(&pinned.facts)).await?.body,
        };
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(Stop::Restart)?;
            file.write_all(&chunk).await.map_err(failed)?;
            pinned.flow.passed(chunk.len()).await;
        }
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    let file = file.into_std().await;
    if let Some(time) = pinned.facts.identity.last_modified {
        // Only so that listings show it; nothing is decided by it.
        let _ = file.set_modified(time.into());
    }
    Ok(())
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

async fn crc64(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path).await?;
    let (mut crc64, mut chunk) = (Crc64::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(crc64.value()),
            read => crc64.update(&chunk[..read]),
        }
    }
}

fn broken(path: &Path, error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Stop::Gone,
        _ => local(path, error).into(),
    }
}

fn local(path: &Path, error: &io::Error) -> Failed {
    let class = match error.kind() {
        io::ErrorKind::PermissionDenied => FailureClass::Auth,
        io::ErrorKind::StorageFull | io::ErrorKind::Interrupted => FailureClass::Transient,
        _ => FailureClass::Permanent,
    };
    Failed::new(class, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_would_leave_the_directory_or_meet_another_key_are_refused() {
        let directory = Directory::new("/data");
        assert_eq!(directory.path("a/b c/é").unwrap(), Path::new("/data/a/b c/é"));
        assert_eq!(directory.path("a/").unwrap(), Path::new("/data/a"));
        for key in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/./b", "a/.", "..", "a\0b"] {
            assert!(directory.path(key).is_err(), "{key:?}");
        }
    }
}
