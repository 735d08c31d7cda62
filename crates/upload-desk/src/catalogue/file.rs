//! The SQLite file: its permissions, and a check whether it was deleted, after which writes would be lost.
//!
//! It contains the file names of all users and the URLs that they gave, which may be signed. So only its
//! owner may access it, and the files that SQLite creates beside it inherit its mode. An existing file that
//! everybody may access, as earlier versions created it, loses only that permission: those of its group are
//! left as they were set.

use std::path::{Path, PathBuf};

use super::error::{CatalogueError, CatalogueErrorKind};
use super::url::{Database, DatabaseUrl};

/// The identity of the file when it was opened.
#[derive(Clone, Debug)]
pub(super) struct WatchedFile {
    path: PathBuf,
    identity: Identity,
}

type Identity = (u64, u64);

impl WatchedFile {
    /// `None` for a database that is no file.
    pub(super) async fn new(url: &DatabaseUrl) -> Result<Option<Self>, CatalogueError> {
        let Database::Sqlite(path) = &url.database else { return Ok(None) };
        match identity(path).await {
            Ok(identity) => Ok(Some(Self { path: path.clone(), identity })),
            Err(error) => {
                let message = format!("cannot look at {:?}: {error}", path.display());
                Err(CatalogueError::new(CatalogueErrorKind::Unavailable, message))
            }
        }
    }

    /// Fails if the file was deleted or replaced, so that writes would be lost.
    pub(super) async fn check(&self) -> Result<(), CatalogueError> {
        let why = match identity(&self.path).await {
            Ok(identity) if identity == self.identity => return Ok(()),
            Ok(_) => "was replaced by another one: restart to use that".to_owned(),
            Err(error) => format!("is gone ({error}): put it back and restart"),
        };
        let message = format!("the database file {:?} {why}", self.path.display());
        Err(CatalogueError::new(CatalogueErrorKind::Unavailable, message))
    }
}

/// Whether there is no file yet, in a folder that exists.
pub(super) async fn is_to_be_made(url: &DatabaseUrl) -> Result<bool, CatalogueError> {
    let Database::Sqlite(path) = &url.database else { return Ok(false) };
    check_folder(path).await?;
    Ok(tokio::fs::metadata(path).await.is_err())
}

async fn check_folder(path: &Path) -> Result<(), CatalogueError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && let Err(error) = tokio::fs::metadata(folder).await
    {
        return Err(unusable(format!("there is no folder {:?}: {error}", folder.display())));
    }
    Ok(())
}

/// Creates the file if there is none, to report the system's error: SQLite reports the same one for every
/// cause.
pub(super) async fn make(url: &DatabaseUrl) -> Result<(), CatalogueError> {
    let Database::Sqlite(path) = &url.database else { return Ok(()) };
    check_folder(path).await?;
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    options.mode(OWNER_ONLY);
    let cannot = |error| unusable(format!("cannot write to {:?}: {error}", path.display()));
    drop(options.open(path).await.map_err(cannot)?);
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        close_to_others(Path::new(&name)).await;
    }
    Ok(())
}

/// Read and write for the owner only.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// Permissions of everybody.
#[cfg(unix)]
const EVERYBODY: u32 = 0o007;

/// Removes the permissions of everybody from a file, if it exists and has any.
#[cfg(unix)]
async fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(found) = tokio::fs::metadata(path).await else { return };
    let mode = found.permissions().mode() & 0o7777;
    if mode & EVERYBODY == 0 {
        return;
    }
    let closed = std::fs::Permissions::from_mode(mode & !EVERYBODY);
    match tokio::fs::set_permissions(path, closed).await {
        Ok(()) => {
            tracing::info!(path = %path.display(), "was accessible to everybody; now only to its owner and group");
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "is accessible to everybody, and its permissions cannot be changed");
        }
    }
}

fn unusable(message: String) -> CatalogueError {
    CatalogueError::new(CatalogueErrorKind::Misconfigured, message)
}

#[cfg(unix)]
async fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    tokio::fs::metadata(path).await.map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
async fn identity(path: &Path) -> std::io::Result<Identity> {
    tokio::fs::metadata(path).await.map(|_| (0, 0))
}
