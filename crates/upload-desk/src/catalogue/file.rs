//! The file of SQLite: for its owner alone, and watched, since it goes on being written after somebody
//! deleted it.
//!
//! It names every file of every user and the URLs that they gave, which may be signed. So it is made for its
//! owner alone, and so are the files that SQLite keeps beside it, which take over its mode. From one that
//! everybody may open, as earlier versions made it, that right alone is taken: what a group may do is as
//! somebody wants it.

use std::path::{Path, PathBuf};

use super::error::{CatalogueError, CatalogueErrorKind};
use super::url::{Database, DatabaseUrl};

/// The file as it was when it was opened.
#[derive(Clone, Debug)]
pub(super) struct WatchedFile {
    path: PathBuf,
    identity: Identity,
}

type Identity = (u64, u64);

impl WatchedFile {
    /// Nothing to watch unless it is a file.
    pub(super) async fn new(url: &DatabaseUrl) -> Result<Option<Self>, CatalogueError> {
        let Database::Sqlite(path) = &url.database else { return Ok(None) };
        match identity(path).await {
            Ok(identity) => Ok(Some(Self { path: path.clone(), identity })),
            Err(error) => {
                let message = format!("cannot look at {}: {error}", path.display());
                Err(CatalogueError::new(CatalogueErrorKind::Unavailable, message))
            }
        }
    }

    /// Fails if what is written now would be lost.
    pub(super) async fn check(&self) -> Result<(), CatalogueError> {
        let why = match identity(&self.path).await {
            Ok(identity) if identity == self.identity => return Ok(()),
            Ok(_) => "was replaced by another one: restart to use that".to_owned(),
            Err(error) => format!("is gone ({error}): put it back and restart"),
        };
        let message = format!("the database file {} {why}", self.path.display());
        Err(CatalogueError::new(CatalogueErrorKind::Unavailable, message))
    }
}

/// Makes the file if there is none. Whatever keeps it from being made is told in the words of the system:
/// SQLite says the same of everything.
pub(super) async fn make(url: &DatabaseUrl) -> Result<(), CatalogueError> {
    let Database::Sqlite(path) = &url.database else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && let Err(error) = tokio::fs::metadata(folder).await
    {
        return Err(unusable(format!("there is no folder {}: {error}", folder.display())));
    }
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    options.mode(OWNER_ONLY);
    let cannot = |error| unusable(format!("cannot write to {}: {error}", path.display()));
    drop(options.open(path).await.map_err(cannot)?);
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        close_to_others(Path::new(&name)).await;
    }
    Ok(())
}

/// Nobody but its owner reads or writes it.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// What everybody may do.
#[cfg(unix)]
const EVERYBODY: u32 = 0o007;

/// Takes away what everybody may do with a file, if there is such a file and they may do anything.
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
            tracing::info!(path = %path.display(), "was open to everybody, and is for its owner and group alone now");
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "is open to everybody, and cannot be closed to them");
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
