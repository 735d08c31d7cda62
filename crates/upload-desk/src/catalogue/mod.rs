//! The catalogue: every object of the desk as a row of a database, SQLite or MySQL.
//!
//! | module | concern |
//! |---|---|
//! | `url`, `connect` | the URL of the database; connections |
//! | `schema` | the tables; the folder `migrations` has them |
//! | `statements` | SQL, the same for both databases; rows to entries |
//! | `readers` | connections for reading |
//! | `writer` | the single task that writes; changes that arrive during a commit share the next transaction |
//! | `file` | notices that the file of SQLite was deleted or replaced |
//! | `error` | errors, and what to do about them |
//!
//! A write returns once it is durable. If that is unknown (the connection broke during the commit, or
//! `PATIENCE` ran out) it fails as [`CatalogueErrorKind::Unavailable`]. It may be repeated: `put` names the
//! revision that it changes, so the second one is a conflict if the first succeeded.

mod connect;
mod error;
mod file;
mod readers;
mod schema;
mod statements;
#[cfg(test)]
pub(crate) mod tests;
mod url;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyRow;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use self::error::{CatalogueError, CatalogueErrorKind};
pub use self::url::DatabaseUrl;

use self::connect::{Connector, Purpose};
use self::error::unanswered;
use self::file::WatchedFile;
use self::readers::Readers;
use self::statements::Statement;
use self::writer::{Change, Writer, WriterMessage};
use super::entry::{Entry, Id, Md5, Millis, UploadState};

/// Time limit of every call.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Time limit for opening the catalogue: another desk may be migrating its tables.
const OPENING: Duration = Duration::from_secs(30);

/// The catalogue. Cheap to clone; all clones share connections.
#[derive(Clone)]
pub struct Catalogue(Arc<Inner>);

struct Inner {
    shown: DatabaseUrl,
    file: Option<WatchedFile>,
    readers: Readers,
    writer: mpsc::Sender<WriterMessage>,
}

/// What a look at the database found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogueLook {
    /// It can be connected to.
    There,
    /// It is a file that is not there yet, in a folder that is.
    ToBeMade,
}

/// Whether a row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutOutcome {
    /// It was.
    Written,
    /// It was changed since it was read, or there is no such row.
    Conflict,
}

/// Filter for a user's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListFilter {
    /// Only those older than this one.
    pub(crate) before: Option<Id>,
    /// Only those whose name contains this, ignoring case.
    pub(crate) name: Option<String>,
    /// How many at most.
    pub(crate) limit: u32,
}

impl Catalogue {
    /// Opens the catalogue, and migrates its tables. A missing SQLite file is created; a missing MySQL
    /// database is not.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or used, or its tables are of a newer version.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, CatalogueError> {
        let opened = timeout(OPENING, Self::opened(url)).await.unwrap_or_else(|_| Err(unanswered("open it")));
        opened.map_err(|error| error.at(url))
    }

    /// Looks whether the database can be connected to. Creates and migrates nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be reached or used.
    pub async fn look(url: &DatabaseUrl) -> Result<CatalogueLook, CatalogueError> {
        let looked = async {
            if file::is_to_be_made(url).await? {
                return Ok(CatalogueLook::ToBeMade);
            }
            let cannot = |error| CatalogueError::of("cannot connect", error);
            let connector = Connector::new(url).map_err(cannot)?;
            connector.connect(Purpose::Reading).await.map_err(cannot)?;
            Ok(CatalogueLook::There)
        };
        let looked = timeout(OPENING, looked).await.unwrap_or_else(|_| Err(unanswered("look at it")));
        looked.map_err(|error| error.at(url))
    }

    async fn opened(url: &DatabaseUrl) -> Result<Self, CatalogueError> {
        let cannot = |error| CatalogueError::of("cannot connect", error);
        file::make(url).await?;
        let connector = Connector::new(url).map_err(cannot)?;
        let mut connection = connector.connect(Purpose::Writing).await.map_err(cannot)?;
        schema::update(&mut connection, connector.engine).await?;
        let file = WatchedFile::new(url).await?;
        let readers = Readers::new(connector.clone());
        let writer = Writer::start(connector, file.clone(), connection);
        Ok(Self(Arc::new(Inner { shown: url.clone(), file, readers, writer })))
    }

    /// Finishes pending writes, and closes the connections. Later calls fail as unavailable.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.0.writer.send(WriterMessage::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
        self.0.readers.close().await;
    }

    /// Whether the catalogue can be read.
    ///
    /// # Errors
    ///
    /// When it cannot, or when its file was deleted.
    pub(crate) async fn ping(&self) -> Result<(), CatalogueError> {
        if let Some(file) = &self.0.file {
            file.check().await?;
        }
        self.rows(statements::ping).await.map(drop)
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// Among others when there is a row of that id.
    pub(crate) async fn add(&self, entry: &Entry) -> Result<(), CatalogueError> {
        self.write(Change::Add(Box::new(entry.clone())), entry).await.map(drop)
    }

    /// The row of that id.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn find(&self, id: &Id) -> Result<Option<Entry>, CatalogueError> {
        self.entry(|| statements::find(id)).await
    }

    /// Writes every field but id, creator and time of creation, if the row still has the revision of `entry`;
    /// it then has the next one.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub(crate) async fn put(&self, entry: &Entry) -> Result<PutOutcome, CatalogueError> {
        let met = self.write(Change::Put(Box::new(entry.clone())), entry).await?;
        Ok(if met == 0 { PutOutcome::Conflict } else { PutOutcome::Written })
    }

    /// The newest stored object of that user with this confirmed MD5 and size.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn same(
        &self,
        creator: &str,
        md5: Md5,
        size: u64,
    ) -> Result<Option<Entry>, CatalogueError> {
        self.entry(|| statements::same(creator, md5, size)).await
    }

    /// A user's stored objects, newest first.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn list(
        &self,
        creator: &str,
        listing: &ListFilter,
    ) -> Result<Vec<Entry>, CatalogueError> {
        let rows = self.rows(|| statements::list(creator, listing)).await?;
        rows.iter().map(statements::entry).collect()
    }

    /// Number of rows of a user in a state.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn count_of(&self, creator: &str, state: UploadState) -> Result<u64, CatalogueError> {
        let rows = self.rows(|| statements::count_of(creator, state)).await?;
        rows.first().map_or(Ok(0), statements::count)
    }

    /// A user's uploads in parts that are under way, newest first.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn uploading(&self, creator: &str, limit: u32) -> Result<Vec<Entry>, CatalogueError> {
        let rows = self.rows(|| statements::uploading(creator, limit)).await?;
        rows.iter().map(statements::entry).collect()
    }

    /// The due rows, longest due first.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn due(&self, now: Millis, limit: u32) -> Result<Vec<Entry>, CatalogueError> {
        let rows = self.rows(|| statements::due(now, limit)).await?;
        rows.iter().map(statements::entry).collect()
    }

    /// The next due time, which may be past.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub(crate) async fn next_due(&self) -> Result<Option<Millis>, CatalogueError> {
        let rows = self.rows(statements::next_due).await?;
        rows.first().map_or(Ok(None), statements::moment)
    }

    async fn entry(&self, statement: impl Fn() -> Statement) -> Result<Option<Entry>, CatalogueError> {
        self.rows(statement).await?.first().map(statements::entry).transpose()
    }

    async fn rows(&self, statement: impl Fn() -> Statement) -> Result<Vec<AnyRow>, CatalogueError> {
        self.0.readers.rows(statement).await.map_err(|error| error.at(&self.0.shown))
    }

    async fn write(&self, change: Change, entry: &Entry) -> Result<u64, CatalogueError> {
        let outcome = if i64::try_from(entry.size).is_ok() {
            timeout(PATIENCE, self.sent(change)).await.unwrap_or_else(|_| Err(unanswered("write")))
        } else {
            let message = format!("a size of {} bytes does not fit", entry.size);
            Err(CatalogueError::new(CatalogueErrorKind::Refused, message))
        };
        outcome.map_err(|error| error.at(&self.0.shown))
    }

    async fn sent(&self, change: Change) -> Result<u64, CatalogueError> {
        let (reply, verdict) = oneshot::channel();
        let closed = || CatalogueError::new(CatalogueErrorKind::Unavailable, "cannot write: it is closed");
        self.0.writer.send(WriterMessage::Write(change, reply)).await.map_err(|_| closed())?;
        verdict.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogue").field(&self.0.shown).finish()
    }
}
