//! Databases for desks: a file of SQLite; where `DESK_TEST_MYSQL` names a server, a database there.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::mysql::MySqlConnection;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// The variable that names a server where databases may be made: `mysql://user:password@host:port`.
const SERVER: &str = "DESK_TEST_MYSQL";

/// An empty database of its own.
#[derive(Clone, Debug)]
pub struct Database {
    url: String,
    server: Option<String>,
    name: String,
}

impl Database {
    /// Makes one; a file of it lies in `folder`.
    pub async fn make(folder: &Path) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("desk_{}_{number}", std::process::id());
        let Some(server) = env::var(SERVER).ok().filter(|url| !url.is_empty()) else {
            let path = folder.join("desk.db");
            return Self { url: format!("sqlite://{}", path.display()), server: None, name };
        };
        let server = server.trim_end_matches('/').to_owned();
        let mut connection =
            MySqlConnection::connect(&server).await.expect("the server of databases answers");
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        connection.execute(AssertSqlSafe(create)).await.expect("a database can be made");
        Self { url: format!("{server}/{name}"), server: Some(server), name }
    }

    /// As `DESK_DATABASE` wants it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a file of SQLite.
    pub fn is_file(&self) -> bool {
        self.server.is_none()
    }

    /// Runs a statement in it, as another program would.
    pub async fn execute(&self, sql: impl Into<String>) {
        let mut connection = self.connect().await;
        connection.execute(AssertSqlSafe(sql.into())).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The first column of the first row of what is asked for, as text.
    pub async fn ask(&self, sql: impl Into<String>) -> String {
        let mut connection = self.connect().await;
        let row = connection.fetch_one(AssertSqlSafe(sql.into())).await.unwrap();
        connection.close().await.unwrap();
        row.get(0)
    }

    /// Makes the time come in which the desk sees to a row.
    pub async fn make_due(&self, id: &str) {
        self.execute(format!("UPDATE storage SET due_at = 1 WHERE id = '{id}'")).await;
    }

    /// Makes the end of an upload's policy come, and the time after it in which what was begun may end.
    pub async fn expire(&self, id: &str) {
        self.execute(format!("UPDATE storage SET expires_at = 1, due_at = 1 WHERE id = '{id}'")).await;
    }

    /// Ends every connection of others to a database of a server.
    pub async fn disconnect_all(&self) {
        let mut connection = self.connect().await;
        let others = format!(
            "SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE db = '{}' AND id <> CONNECTION_ID()",
            self.name
        );
        for row in connection.fetch_all(AssertSqlSafe(others)).await.unwrap() {
            // It may have gone by itself.
            let _ = connection.execute(AssertSqlSafe(format!("KILL {}", row.get::<String, _>(0)))).await;
        }
        connection.close().await.unwrap();
    }

    /// Keeps everybody else from writing.
    pub async fn lock(&self) -> Lock {
        let mut connection = self.connect().await;
        let lock = if self.is_file() { "BEGIN IMMEDIATE" } else { "LOCK TABLES storage WRITE" };
        connection.execute(lock).await.unwrap();
        Lock(connection)
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.expect("the database answers")
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Keeps everybody else from writing, until it is released.
#[derive(Debug)]
pub struct Lock(AnyConnection);

impl Lock {
    /// Lets others write.
    pub async fn release(mut self) {
        let unlock =
            if self.0.backend_name().eq_ignore_ascii_case("sqlite") { "ROLLBACK" } else { "UNLOCK TABLES" };
        self.0.execute(unlock).await.unwrap();
        self.0.close().await.unwrap();
    }
}
