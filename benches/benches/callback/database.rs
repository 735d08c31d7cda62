//! Databases, with rows that wait for their callback.

use std::path::Path;

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::Result;

pub(crate) const BUCKET: &str = "holiday-photos";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    MariaDb,
}

/// An empty database of its own.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    server: String,
    /// Where the file is.
    folder: TempDir,
}

/// A row that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) key: String,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::MariaDb => "MariaDB",
        }
    }
}

impl Database {
    /// On a disk, as memory has nothing to wait for. `server` is needed for MariaDB.
    pub(crate) async fn make(engine: Engine, server: Option<&str>) -> Result<Self> {
        install_default_drivers();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), Into::into);
        let folder = tempfile::Builder::new().prefix("callback").tempdir_in(target)?;
        let server = server.unwrap_or_default().to_owned();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("desk.db").display()),
            Engine::MariaDb => {
                run(&server, "DROP DATABASE IF EXISTS desk_bench; CREATE DATABASE desk_bench").await?;
                format!("{server}/desk_bench")
            }
        };
        Ok(Self { engine, url, server, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds rows as they are when uploads are allowed. The desk has made the tables.
    pub(crate) async fn fill(&self, rows: usize) -> Result<Vec<Waiting>> {
        let mut connection = AnyConnection::connect(&self.url).await?;
        let mut transaction = connection.begin().await?;
        let mut waiting = Vec::with_capacity(rows);
        for number in 0..rows {
            let id = format!("019f{:08x}{:020x}", number / 16, fastrand::u64(..));
            let key = format!("uploads/eric/{id}/IMG_{number}.jpg");
            sqlx::query(
                "INSERT INTO storage (id, name, name_search, path, ext, md5_state, creator_id, bucket, size, \
                 content_type, state, forward, created_at, updated_at, expires_at, due_at, checks, revision) \
                 VALUES (?, 'IMG.jpg', 'img.jpg', ?, 'jpg', 'declared', 'eric', ?, 3, 'image/jpeg', 'pending', 'off', \
                 1790000000000, 1790000000000, 4102444800000, 4102444800000, 0, 0)",
            )
            .bind(id.clone())
            .bind(key.clone())
            .bind(BUCKET)
            .execute(&mut *transaction)
            .await?;
            waiting.push(Waiting { id, key });
        }
        transaction.commit().await?;
        connection.close().await?;
        Ok(waiting)
    }

    /// How many rows are left for the worker, and how many are stored.
    pub(crate) async fn left_and_stored(&self) -> Result<(i64, i64)> {
        let mut connection = AnyConnection::connect(&self.url).await?;
        let left =
            sqlx::query_scalar("SELECT COUNT(*) FROM storage WHERE state = 'stored' AND due_at IS NOT NULL")
                .fetch_one(&mut connection)
                .await?;
        let stored = sqlx::query_scalar("SELECT COUNT(*) FROM storage WHERE state = 'stored'")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok((left, stored))
    }

    /// Leaves nothing on the server.
    pub(crate) async fn end(self) -> Result<()> {
        match self.engine {
            Engine::Sqlite => Ok(()),
            Engine::MariaDb => run(&self.server, "DROP DATABASE desk_bench").await,
        }
    }
}

async fn run(url: &str, statements: &str) -> Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    connection.execute(AssertSqlSafe(statements.to_owned())).await?;
    Ok(connection.close().await?)
}
