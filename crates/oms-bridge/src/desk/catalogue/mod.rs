//! The catalogue: every object of the desk as a row of a database, SQLite or MySQL.
//!
//! | module | concern |
//! |---|---|
//! | `url`, `connect` | where the database is; connections, each set up for its use |
//! | `schema` | the tables; the folder `migrations` has them |
//! | `statements` | SQL, the same for both databases; rows to entries |
//! | `writer` | the one task that writes: what arrives while a transaction commits shares the next one |
//! | `file` | notices that the file of SQLite was deleted or replaced |
//! | `error` | what went wrong, and what can be done about it |
//!
//! A write is answered once it is durable. Where that is not known (the connection broke while it was committed, or [`PATIENCE`] was
//! over) it fails as [`CatalogueErrorKind::Unavailable`]. It may be repeated all the same: `put` names the revision that it
//! changes, so the second one is a conflict if the first was done.

mod connect;
mod error;
mod file;
mod schema;
mod statements;
#[cfg(test)]
mod tests;
mod url;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyRow;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::error::{CatalogueError, CatalogueErrorKind};
pub use self::url::DatabaseUrl;

use self::connect::{Missing, Use, Way};
use self::error::is_broken;
use self::file::Watched;
use self::statements::Statement;
use self::writer::{Change, Message, Writer};
use super::entry::{Entry, Id, Md5, Millis};

/// Longest time that a call takes, whatever the database does.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Longest time to open the catalogue: others may be changing its tables.
const OPENING: Duration = Duration::from_secs(30);

/// The catalogue. Cheap to clone; all clones share connections.
#[derive(Clone)]
pub struct Catalogue(Arc<Inner>);

struct Inner {
    shown: DatabaseUrl,
    file: Option<Watched>,
    readers: AnyPool,
    writer: mpsc::Sender<Message>,
}

/// Whether a row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Done,
    /// Somebody else changed it since it was read, or there is no such row.
    Conflict,
}

/// Which of a user's objects are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Only those older than this one.
    pub before: Option<Id>,
    /// Only those with this in their name, in capitals or not.
    pub name: Option<String>,
    /// How many at most.
    pub limit: u32,
}

impl Catalogue {
    /// Opens the catalogue, and makes or updates its tables. A file of SQLite is made if there is none; a database of MySQL is not.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or used, or its tables are of a newer version.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, CatalogueError> {
        match timeout(OPENING, Self::opened(url)).await {
            Ok(opened) => opened,
            Err(_) => {
                Err(CatalogueError::new(CatalogueErrorKind::Unavailable, format!("{url} does not answer")))
            }
        }
    }

    async fn opened(url: &DatabaseUrl) -> Result<Self, CatalogueError> {
        if let Some(why) = file::what_is_wrong(url) {
            return Err(CatalogueError::new(
                CatalogueErrorKind::Misconfigured,
                format!("cannot open {url}: {why}"),
            ));
        }
        let cannot = |error| CatalogueError::of(&format!("cannot open {url}"), error);
        let mut connection =
            Way::new(url, Missing::Create).map_err(cannot)?.connect(Use::Writing).await.map_err(cannot)?;
        let way = Way::new(url, Missing::Fail).map_err(cannot)?;
        schema::update(&mut connection, way.engine).await?;
        let file = Watched::new(url).await?;
        let readers = way.readers();
        let writer = Writer::start(way, file.clone(), connection);
        Ok(Self(Arc::new(Inner { shown: url.clone(), file, readers, writer })))
    }

    /// Writes what was begun, and closes the connections. Whatever is asked afterwards is unavailable.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.0.writer.send(Message::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
        let _ = timeout(PATIENCE, self.0.readers.close()).await;
    }

    /// Whether the catalogue can be read.
    ///
    /// # Errors
    ///
    /// When it cannot, or when its file was deleted.
    pub async fn ping(&self) -> Result<(), CatalogueError> {
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
    pub async fn add(&self, entry: &Entry) -> Result<(), CatalogueError> {
        self.write(Change::Add(Box::new(entry.clone())), entry).await.map(drop)
    }

    /// The row of that id.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn find(&self, id: &Id) -> Result<Option<Entry>, CatalogueError> {
        self.entry(|| statements::find(id)).await
    }

    /// Writes every field but id, creator and time of creation, if the row still has the revision of `entry`; it then has the next
    /// one.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn put(&self, entry: &Entry) -> Result<Put, CatalogueError> {
        let met = self.write(Change::Put(Box::new(entry.clone())), entry).await?;
        Ok(if met == 0 { Put::Conflict } else { Put::Done })
    }

    /// The newest stored object of that user with this confirmed MD5 and size.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn same(&self, creator: &str, md5: Md5, size: u64) -> Result<Option<Entry>, CatalogueError> {
        self.entry(|| statements::same(creator, md5, size)).await
    }

    /// A user's stored objects, newest first.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn list(&self, creator: &str, listing: &Listing) -> Result<Vec<Entry>, CatalogueError> {
        let rows = self.rows(|| statements::list(creator, listing)).await?;
        rows.iter().map(statements::entry).collect()
    }

    /// What the worker must see to by now, longest due first.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn due(&self, now: Millis, limit: u32) -> Result<Vec<Entry>, CatalogueError> {
        let rows = self.rows(|| statements::due(now, limit)).await?;
        rows.iter().map(statements::entry).collect()
    }

    /// When the worker must see to something next, which may be past.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn next_due(&self) -> Result<Option<Millis>, CatalogueError> {
        let rows = self.rows(statements::next_due).await?;
        rows.first().map_or(Ok(None), statements::moment)
    }

    async fn entry(&self, statement: impl Fn() -> Statement) -> Result<Option<Entry>, CatalogueError> {
        self.rows(statement).await?.first().map(statements::entry).transpose()
    }

    async fn rows(&self, statement: impl Fn() -> Statement) -> Result<Vec<AnyRow>, CatalogueError> {
        let end = Instant::now() + PATIENCE;
        let mut again = true;
        loop {
            let mut connection =
                self.0.readers.acquire().await.map_err(|error| CatalogueError::of("cannot read", error))?;
            let error = match timeout_at(end, statement().fetch_all(&mut *connection)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => error,
                Err(_) => {
                    drop(connection.detach());
                    return Err(unanswered("read"));
                }
            };
            if !is_broken(&error) {
                return Err(CatalogueError::of("cannot read", error));
            }
            drop(connection.detach());
            if !std::mem::take(&mut again) {
                return Err(CatalogueError::of("cannot read", error));
            }
        }
    }

    async fn write(&self, change: Change, entry: &Entry) -> Result<u64, CatalogueError> {
        if i64::try_from(entry.size).is_err() {
            let message = format!("a size of {} bytes does not fit the catalogue", entry.size);
            return Err(CatalogueError::new(CatalogueErrorKind::Refused, message));
        }
        let written = async {
            let (reply, verdict) = oneshot::channel();
            self.0.writer.send(Message::Write(change, reply)).await.ok()?;
            verdict.await.ok()
        };
        match timeout(PATIENCE, written).await {
            Ok(Some(verdict)) => verdict,
            Ok(None) => Err(CatalogueError::new(
                CatalogueErrorKind::Unavailable,
                "cannot write: the catalogue is closed",
            )),
            Err(_) => Err(unanswered("write")),
        }
    }
}

fn unanswered(doing: &str) -> CatalogueError {
    CatalogueError::new(
        CatalogueErrorKind::Unavailable,
        format!("cannot {doing}: the database does not answer"),
    )
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogue").field(&self.0.shown).finish()
    }
}
