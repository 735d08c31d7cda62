//! A database of one test.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use super::super::{Catalogue, DatabaseUrl, Entry, Id};
use super::proxy::Proxy;

pub(crate) struct World {
    /// How the catalogue gets there.
    pub(super) url: DatabaseUrl,
    /// How the test does.
    direct: String,
    place: TestDatabase,
}

enum TestDatabase {
    Sqlite(TempDir),
    MySql { server: String, database: String, proxy: Proxy },
}

/// Until it is over, nothing is written; the catalogue waits.
pub(super) enum Frozen<'a> {
    /// Another program is in a transaction that writes.
    Held(AnyConnection),
    /// The server does not react.
    Silent(&'a Proxy),
    /// Connections of before lead nowhere; new ones are good.
    Stranded,
}

impl World {
    pub(crate) async fn new(test: &str) -> Self {
        install_default_drivers();
        match std::env::var("DESK_TEST_MYSQL") {
            Ok(server) => Self::mysql(&server, test).await,
            Err(_) => Self::sqlite(),
        }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let direct = format!("sqlite://{}", folder.path().join("desk.db").display());
        Self { url: DatabaseUrl::parse(&direct).unwrap(), direct, place: TestDatabase::Sqlite(folder) }
    }

    async fn mysql(server: &str, test: &str) -> Self {
        let mut url = Url::parse(server).unwrap();
        let proxy = Proxy::start(url.host_str().unwrap(), url.port().unwrap_or(3306)).await;
        let database = format!("desk_{test}");
        run(server, &format!("DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")).await;
        url.set_path(&database);
        let direct = url.to_string();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(proxy.port())).unwrap();
        let place = TestDatabase::MySql { server: server.to_owned(), database, proxy };
        Self { url: DatabaseUrl::parse(url.as_str()).unwrap(), direct, place }
    }

    pub(crate) async fn open(&self) -> Catalogue {
        Catalogue::open(&self.url).await.unwrap()
    }

    /// Leaves nothing behind. After a failure there is something to look at.
    pub(crate) async fn end(self) {
        if let TestDatabase::MySql { server, database, .. } = &self.place {
            run(server, &format!("DROP DATABASE {database}")).await;
        }
    }

    /// Does something to the tables behind the back of the catalogue.
    pub(super) async fn sql(&self, statements: &str) {
        run(&self.direct, statements).await;
    }

    pub(super) async fn rows(&self, statement: &str) -> Vec<AnyRow> {
        let mut connection = AnyConnection::connect(&self.direct).await.unwrap();
        sqlx::query(AssertSqlSafe(statement.to_owned())).fetch_all(&mut connection).await.unwrap()
    }

    /// SQLite: another program writes. MySQL: the server hangs.
    pub(super) async fn freeze(&self) -> Frozen<'_> {
        match &self.place {
            TestDatabase::Sqlite(_) => self.busy().await,
            TestDatabase::MySql { proxy, .. } => {
                proxy.freeze();
                Frozen::Silent(proxy)
            }
        }
    }

    /// SQLite: another program writes. MySQL: something on the way to the server forgot the connections.
    pub(super) async fn strand(&self) -> Frozen<'_> {
        match &self.place {
            TestDatabase::Sqlite(_) => self.busy().await,
            TestDatabase::MySql { proxy, .. } => {
                proxy.strand();
                Frozen::Stranded
            }
        }
    }

    /// SQLite stays where it is.
    pub(super) fn move_away(&self, distance: Duration) {
        if let TestDatabase::MySql { proxy, .. } = &self.place {
            proxy.move_away(distance);
        }
    }

    async fn busy(&self) -> Frozen<'_> {
        let mut other = AnyConnection::connect(&self.direct).await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        Frozen::Held(other)
    }

    /// Another program changes these rows and has not decided yet. Says which ones it keeps others from: with
    /// SQLite all.
    pub(super) async fn hold(&self, rows: [Id; 2], all: &[Entry]) -> (AnyConnection, Vec<Id>) {
        let mut other = AnyConnection::connect(&self.direct).await.unwrap();
        let [first, second] = rows;
        let statement =
            format!("BEGIN; UPDATE storage SET note = 'held' WHERE id IN ('{first}', '{second}')");
        other.execute(AssertSqlSafe(statement)).await.unwrap();
        match &self.place {
            TestDatabase::Sqlite(_) => (other, all.iter().map(|entry| entry.id).collect()),
            TestDatabase::MySql { .. } => (other, rows.to_vec()),
        }
    }

    /// SQLite: another program came and went, and took the log with it. MySQL: the server was restarted.
    pub(super) async fn restart(&self) {
        match &self.place {
            TestDatabase::Sqlite(_) => self.sql("PRAGMA wal_checkpoint(TRUNCATE); VACUUM").await,
            TestDatabase::MySql { proxy, .. } => proxy.cut(),
        }
    }

    /// Something else that is not the database.
    pub(super) fn other(&self) -> DatabaseUrl {
        match &self.place {
            TestDatabase::Sqlite(folder) => {
                let path: PathBuf = folder.path().join("notes.txt");
                std::fs::write(&path, "Bread, butter, milk. ".repeat(100)).unwrap();
                DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap()
            }
            TestDatabase::MySql { .. } => DatabaseUrl::parse(&format!("{}_notes", self.direct)).unwrap(),
        }
    }
}

impl Frozen<'_> {
    pub(super) async fn thaw(self) {
        match self {
            Self::Held(mut other) => drop(other.execute("ROLLBACK").await.unwrap()),
            Self::Silent(proxy) => proxy.thaw(),
            Self::Stranded => {}
        }
    }
}

async fn run(url: &str, statements: &str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}
