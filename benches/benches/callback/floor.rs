//! The same changes of rows by the same library with the same durability, and nothing else: no HTTP, no signature, no reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::Result;
use crate::database::{Database, Engine, Waiting};
use crate::load::CONNECTIONS;

/// How they are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commits {
    /// One connection, each row by itself.
    Alone,
    /// As many connections as there are callers, each row by itself. Only a server gains by it.
    Parallel,
    /// One connection, as many rows as there are callers in a transaction.
    Grouped,
}

/// What the product sends for a callback.
const UPDATE: &str = "UPDATE storage SET \
    name = ?, name_search = ?, path = ?, ext = ?, md5 = ?, md5_state = ?, bucket = ?, size = ?, content_type = ?, \
    etag = ?, state = ?, forward = ?, note = ?, source_url = ?, updated_at = ?, expires_at = ?, due_at = ?, \
    checks = ?, revision = revision + 1 \
    WHERE id = ? AND revision = ?";

pub(crate) async fn run(database: &Database, rows: Vec<Waiting>, commits: Commits) -> Result<Duration> {
    match commits {
        Commits::Alone => one_by_one(database, rows.into(), 1).await,
        Commits::Parallel => one_by_one(database, rows.into(), CONNECTIONS).await,
        Commits::Grouped => grouped(database, &rows).await,
    }
}

async fn one_by_one(database: &Database, rows: Arc<[Waiting]>, connections: usize) -> Result<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let ready = try_join_all((0..connections).map(|_| connect(database))).await?;
    let begun = Instant::now();
    let tasks = ready.into_iter().map(|mut connection| {
        let (rows, next) = (Arc::clone(&rows), Arc::clone(&next));
        tokio::spawn(async move {
            while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                store(&mut connection, row).await?;
            }
            Result::Ok(())
        })
    });
    for ended in try_join_all(tasks).await? {
        ended?;
    }
    Ok(begun.elapsed())
}

async fn grouped(database: &Database, rows: &[Waiting]) -> Result<Duration> {
    let mut connection = connect(database).await?;
    let begun = Instant::now();
    for group in rows.chunks(CONNECTIONS) {
        let mut transaction = connection.begin().await?;
        for row in group {
            store(&mut transaction, row).await?;
        }
        transaction.commit().await?;
    }
    Ok(begun.elapsed())
}

async fn connect(database: &Database) -> Result<AnyConnection> {
    let mut connection = AnyConnection::connect(&database.url).await?;
    // As the product: the file is in WAL mode already, and each commit is synchronous.
    connection
        .execute(match database.engine {
            Engine::Sqlite => "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL",
            Engine::MariaDb => "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        })
        .await?;
    Ok(connection)
}

async fn store(connection: &mut AnyConnection, row: &Waiting) -> Result<()> {
    let done = sqlx::query(UPDATE)
        .bind("IMG.jpg")
        .bind("img.jpg")
        .bind(row.key.clone())
        .bind("jpg")
        .bind("900150983cd24fb0d6963f7d28e17f72")
        .bind("confirmed")
        .bind(crate::database::BUCKET)
        .bind(3_i64)
        .bind("image/jpeg")
        .bind("900150983CD24FB0D6963F7D28E17F72")
        .bind("stored")
        .bind("off")
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(1_790_000_000_001_i64)
        .bind(4_102_444_800_000_i64)
        .bind(1_790_000_000_001_i64)
        .bind(0_i64)
        .bind(row.id.clone())
        .bind(0_i64)
        .execute(connection)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err("a row was not changed".into()) }
}
