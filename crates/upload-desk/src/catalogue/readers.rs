//! Connections to read from, kept for the next one.
//!
//! Not the pool of sqlx: that one asks each connection that comes back whether it is alive, which is a round trip for each row read,
//! and takes back those whose answer nobody waited for. Here what is not read to its end is closed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::PATIENCE;
use super::connect::{Engine, REST, Use, Way};
use super::error::{CatalogueError, CatalogueErrorKind, is_broken, unanswered};
use super::statements::Statement;

/// How long a connection that rested may take to say that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

pub(super) struct Readers {
    way: Way,
    /// As many as there may be connections.
    permits: Semaphore,
    /// Those that nobody uses, with the time since when.
    idle: Mutex<Vec<(AnyConnection, Instant)>>,
}

/// Why nothing was read.
enum Failure {
    /// The connection broke; a new one may do.
    Broken(CatalogueError),
    Final(CatalogueError),
}

impl Readers {
    /// Connections are made as they are needed.
    pub(super) fn new(way: Way) -> Self {
        let most = match way.engine {
            Engine::Sqlite => 4,
            Engine::MySql => 8,
        };
        Self { way, permits: Semaphore::new(most), idle: Mutex::default() }
    }

    /// All rows, within [`PATIENCE`].
    pub(super) async fn rows(
        &self,
        statement: impl Fn() -> Statement,
    ) -> Result<Vec<AnyRow>, CatalogueError> {
        let read = async {
            let mut outcome = self.attempt(statement()).await;
            if matches!(outcome, Err(Failure::Broken(_))) {
                self.forget();
                outcome = self.attempt(statement()).await;
            }
            outcome.map_err(|(Failure::Broken(error) | Failure::Final(error))| error)
        };
        timeout_at(Instant::now() + PATIENCE, read).await.unwrap_or_else(|_| Err(unanswered("read")))
    }

    async fn attempt(&self, statement: Statement) -> Result<Vec<AnyRow>, Failure> {
        let failed = |error| {
            let broken = is_broken(&error);
            let error = CatalogueError::of("cannot read", error);
            if broken { Failure::Broken(error) } else { Failure::Final(error) }
        };
        let Ok(_permit) = self.permits.acquire().await else {
            let message = "cannot read: it is closed";
            return Err(Failure::Final(CatalogueError::new(CatalogueErrorKind::Unavailable, message)));
        };
        let mut connection = match self.rested().await {
            Some(connection) => connection,
            None => self.way.connect(Use::Reading).await.map_err(failed)?,
        };
        let outcome = statement.fetch_all(&mut connection).await.map_err(failed);
        if !matches!(outcome, Err(Failure::Broken(_))) && !self.permits.is_closed() {
            self.with_idle(|idle| idle.push((connection, Instant::now())));
        }
        outcome
    }

    /// A connection from before that is alive.
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

    /// Where one is dead, so are the others.
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
        then(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
