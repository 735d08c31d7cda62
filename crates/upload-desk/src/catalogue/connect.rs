//! Connections, each set up for what it is for.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::{AnyConnection, ConnectOptions as _, Executor as _};

use super::url::{DatabaseUrl, Place};

/// What lay idle for longer is tried before it is used.
pub(super) const REST: Duration = Duration::from_millis(250);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    MySql,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Reading,
    Writing,
}

/// The way to a database.
#[derive(Clone)]
pub(super) struct Way {
    options: AnyConnectOptions,
    pub(super) engine: Engine,
}

impl Way {
    pub(super) fn new(url: &DatabaseUrl) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let (text, engine) = match &url.place {
            // Escaped as a whole: whatever the path is made of, it is read as a path. A file that is gone is not made again.
            Place::Sqlite(path) => {
                let path = utf8_percent_encode(path.to_str().unwrap_or_default(), NON_ALPHANUMERIC);
                (format!("sqlite:{path}?mode=rw"), Engine::Sqlite)
            }
            Place::MySql(url) => (url.expose_secret().to_owned(), Engine::MySql),
        };
        let options = text.parse::<AnyConnectOptions>()?.disable_statement_logging();
        Ok(Self { options, engine })
    }

    pub(super) async fn connect(&self, purpose: Use) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        set_up(&mut connection, self.engine, purpose).await?;
        Ok(connection)
    }
}

async fn set_up(connection: &mut AnyConnection, engine: Engine, purpose: Use) -> Result<(), sqlx::Error> {
    let statements = match (engine, purpose) {
        (Engine::Sqlite, Use::Writing) => {
            "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864"
        }
        (Engine::Sqlite, Use::Reading) => "PRAGMA busy_timeout = 1000; PRAGMA query_only = ON",
        (Engine::MySql, _) => {
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin, SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
             SESSION innodb_lock_wait_timeout = 1; \
             SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        }
    };
    connection.execute(statements).await.map(drop)
}
