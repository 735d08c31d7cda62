//! Databases for desks: a file of SQLite; where `DESK_TEST_MYSQL` names a server, a database there.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

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

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}
