//! The file of SQLite, which goes on being written after somebody deleted it.

use std::path::{Path, PathBuf};

use super::error::{CatalogueError, CatalogueErrorKind};
use super::url::{DatabaseUrl, Place};

/// The file as it was when it was opened.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    path: PathBuf,
    identity: Identity,
}

type Identity = (u64, u64);

impl Watched {
    /// Nothing to watch unless it is a file.
    pub(super) async fn new(url: &DatabaseUrl) -> Result<Option<Self>, CatalogueError> {
        let Place::Sqlite(path) = &url.place else { return Ok(None) };
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

/// Makes the file if there is none. Whatever keeps it from being made is told in the words of the system: SQLite says the same of
/// everything.
pub(super) async fn make(url: &DatabaseUrl) -> Result<(), CatalogueError> {
    let Place::Sqlite(path) = &url.place else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && let Err(error) = tokio::fs::metadata(folder).await
    {
        return Err(unusable(format!("there is no folder {}: {error}", folder.display())));
    }
    let made = tokio::fs::OpenOptions::new().read(true).append(true).create(true).open(path).await;
    made.map(drop).map_err(|error| unusable(format!("cannot write to {}: {error}", path.display())))
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
