//! Connections for reading and writing.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::{AnyConnection, ConnectOptions as _, Executor as _};

use super::url::{Database, DatabaseUrl};

/// A connection that was idle for longer is tested before it is used.
pub(super) const REST: Duration = Duration::from_millis(250);

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatabaseKind {
    Sqlite,
    MySql,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Reading,
    Writing,
}

/// Opens connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    options: AnyConnectOptions,
    pub(super) engine: DatabaseKind,
}

impl Connector {
    pub(super) fn new(url: &DatabaseUrl) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let (text, engine) = match &url.database {
            // Escaped completely, so that any path is taken literally. A deleted file is not created again.
            Database::Sqlite(path) => {
                let path = utf8_percent_encode(path.to_str().unwrap_or_default(), NON_ALPHANUMERIC);
                (format!("sqlite:{path}?mode=rw"), DatabaseKind::Sqlite)
            }
            Database::MySql(url) => (url.expose_secret().to_owned(), DatabaseKind::MySql),
        };
        let options = text.parse::<AnyConnectOptions>()?.disable_statement_logging();
        Ok(Self { options, engine })
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        set_up(&mut connection, self.engine, purpose).await?;
        Ok(connection)
    }
}

async fn set_up(
    connection: &mut AnyConnection,
    engine: DatabaseKind,
    purpose: Purpose,
) -> Result<(), sqlx::Error> {
    let statements = match (engine, purpose) {
        (DatabaseKind::Sqlite, Purpose::Writing) => {
            "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864"
        }
        (DatabaseKind::Sqlite, Purpose::Reading) => "PRAGMA busy_timeout = 1000; PRAGMA query_only = ON",
        (DatabaseKind::MySql, _) => {
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin, SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
             SESSION innodb_lock_wait_timeout = 1; \
             SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        }
    };
    connection.execute(statements).await.map(drop)
}
