//! A pool of connections for reading.
//!
//! Not the pool of sqlx: it tests each returned connection, which costs a round trip per query, and it reuses
//! connections whose result was not read. Here a connection whose result was not read to its end is closed.

use std::time::Duration;

use parking_lot::Mutex;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::PATIENCE;
use super::connect::{Connector, DatabaseKind, Purpose, REST};
use super::error::{CatalogueError, CatalogueErrorKind, is_broken, unanswered};
use super::statements::Statement;

/// Time limit for testing an idle connection.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

pub(super) struct Readers {
    connector: Connector,
    /// One for each possible connection.
    permits: Semaphore,
    /// Idle connections, with the time since when.
    idle: Mutex<Vec<(AnyConnection, Instant)>>,
}

/// Why a read failed.
enum ReadFailure {
    /// The connection broke; a new one may work.
    Broken(CatalogueError),
    Final(CatalogueError),
}

impl Readers {
    /// Connections are opened when needed.
    pub(super) fn new(connector: Connector) -> Self {
        let most = match connector.engine {
            DatabaseKind::Sqlite => 4,
            DatabaseKind::MySql => 8,
        };
        Self { connector, permits: Semaphore::new(most), idle: Mutex::default() }
    }

    /// All rows, within [`PATIENCE`].
    pub(super) async fn rows(
        &self,
        statement: impl Fn() -> Statement,
    ) -> Result<Vec<AnyRow>, CatalogueError> {
        let read = async {
            let mut outcome = self.attempt(statement()).await;
            if matches!(outcome, Err(ReadFailure::Broken(_))) {
                self.forget();
                outcome = self.attempt(statement()).await;
            }
            outcome.map_err(|(ReadFailure::Broken(error) | ReadFailure::Final(error))| error)
        };
        timeout_at(Instant::now() + PATIENCE, read).await.unwrap_or_else(|_| Err(unanswered("read")))
    }

    async fn attempt(&self, statement: Statement) -> Result<Vec<AnyRow>, ReadFailure> {
        let failed = |error| {
            let broken = is_broken(&error);
            let error = CatalogueError::of("cannot read", error);
            if broken { ReadFailure::Broken(error) } else { ReadFailure::Final(error) }
        };
        let Ok(_permit) = self.permits.acquire().await else {
            let message = "cannot read: it is closed";
            return Err(ReadFailure::Final(CatalogueError::new(CatalogueErrorKind::Unavailable, message)));
        };
        let mut connection = match self.rested().await {
            Some(connection) => connection,
            None => self.connector.connect(Purpose::Reading).await.map_err(failed)?,
        };
        let outcome = statement.fetch_all(&mut connection).await.map_err(failed);
        if !matches!(outcome, Err(ReadFailure::Broken(_))) && !self.permits.is_closed() {
            self.with_idle(|idle| idle.push((connection, Instant::now())));
        }
        outcome
    }

    /// An idle connection that is alive.
    async fn rested(&self) -> Option<AnyConnection> {
        let (mut connection, since) = self.with_idle(Vec::pop)?;
        if since.elapsed() <= REST
            || timeout(SIGN_OF_LIFE, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
        {
            return Some(connection);
        }
        self.forget();
        None
    }

    /// If one is dead, the others are, too.
    fn forget(&self) {
        self.with_idle(Vec::clear);
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        for (connection, _) in self.with_idle(std::mem::take) {
            let _ = timeout(SIGN_OF_LIFE, connection.close()).await;
        }
    }

    fn with_idle<T>(&self, then: impl FnOnce(&mut Vec<(AnyConnection, Instant)>) -> T) -> T {
        then(&mut self.idle.lock())
    }
}
