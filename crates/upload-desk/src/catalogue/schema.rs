//! Creates and migrates the tables.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _, SqlSafeStr as _};
use tokio::time::{Instant, sleep};

use super::connect::DatabaseKind;
use super::error::{CatalogueError, CatalogueErrorKind, is_duplicate_column};

/// Not sqlx's own: the database may be shared with another program that uses it.
const APPLIED: &str = "storage_migrations";

/// How long to wait for another desk that is migrating.
const TURN: Duration = Duration::from_secs(10);

struct SchemaStep {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    mysql: &'static str,
}

/// Never changed once released: databases store their checksums. Those for MySQL have one statement each, and
/// if they were done already they do nothing or fail with "duplicate column".
const STEPS: [SchemaStep; 2] = [
    SchemaStep {
        version: 1,
        name: "storage",
        sqlite: include_str!("migrations/sqlite/0001_storage.sql"),
        mysql: include_str!("migrations/mysql/0001_storage.sql"),
    },
    SchemaStep {
        version: 2,
        name: "multipart",
        sqlite: include_str!("migrations/sqlite/0002_multipart.sql"),
        mysql: include_str!("migrations/mysql/0002_multipart.sql"),
    },
];

/// Migrates the schema. If several desks start at once, one does it.
pub(super) async fn update(
    connection: &mut AnyConnection,
    engine: DatabaseKind,
) -> Result<(), CatalogueError> {
    match engine {
        DatabaseKind::Sqlite => {
            write_ahead(connection).await?;
            let mut turn = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
            run(&mut turn, engine).await?;
            turn.commit().await.map_err(failed)
        }
        DatabaseKind::MySql => {
            take_turn(connection).await?;
            run(connection, engine).await?;
            // Closing the connection releases the lock as well.
            connection
                .execute("DO RELEASE_LOCK(CONCAT('storage ', MD5(DATABASE())))")
                .await
                .map_err(failed)
                .map(drop)
        }
    }
}

async fn run(connection: &mut AnyConnection, engine: DatabaseKind) -> Result<(), CatalogueError> {
    let migrator = migrator(engine);
    // Each round takes one step further.
    for _ in STEPS {
        match migrator.run_direct(None, connection, false).await {
            // Another desk died during the migration. We hold the lock, and the step may be repeated.
            Err(MigrateError::Dirty(_)) => forget_unfinished(connection).await?,
            // The step was done, and only its record is missing.
            Err(MigrateError::ExecuteMigration(error, version)) if is_duplicate_column(&error) => {
                forget_unfinished(connection).await?;
                migrator.run_direct(Some(version), connection, true).await.map_err(refused)?;
            }
            other => return other.map_err(refused),
        }
    }
    migrator.run_direct(None, connection, false).await.map_err(refused)
}

async fn forget_unfinished(connection: &mut AnyConnection) -> Result<(), CatalogueError> {
    let statement = "DELETE FROM storage_migrations WHERE success = FALSE";
    connection.execute(statement).await.map_err(failed).map(drop)
}

fn migrator(engine: DatabaseKind) -> Migrator {
    let steps = STEPS.iter().map(|step| {
        let sql = match engine {
            DatabaseKind::Sqlite => step.sqlite,
            DatabaseKind::MySql => step.mysql,
        };
        Migration::new(step.version, step.name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    // We hold a lock of our own: that of sqlx does not wait on MariaDB, which does not support an infinite
    // timeout.
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(APPLIED);
    migrator
}

/// Readers then see the last commit while the next one is written. The mode is stored in the file.
async fn write_ahead(connection: &mut AnyConnection) -> Result<(), CatalogueError> {
    let end = Instant::now() + TURN;
    let mode: String = loop {
        match sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await {
            Ok(mode) => break mode,
            // Changing the mode ignores the busy timeout.
            Err(error) if is_busy(&error) && Instant::now() < end => sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(failed(error)),
        }
    };
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    let message =
        "this file system does not support a SQLite database with a write-ahead log: use a local one";
    Err(CatalogueError::new(CatalogueErrorKind::Misconfigured, message))
}

fn is_busy(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

async fn take_turn(connection: &mut AnyConnection) -> Result<(), CatalogueError> {
    // Lock names are global to the server, so the database is part of it.
    let row = sqlx::query("SELECT GET_LOCK(CONCAT('storage ', MD5(DATABASE())), ?)")
        .bind(TURN.as_secs().cast_signed())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    match row.try_get::<Option<i64>, _>(0) {
        Ok(Some(1)) => Ok(()),
        Ok(_) => {
            let message = "another desk has been changing the tables for too long";
            Err(CatalogueError::new(CatalogueErrorKind::Unavailable, message))
        }
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: sqlx::Error) -> CatalogueError {
    CatalogueError::of("cannot prepare the tables", error)
}

fn refused(error: MigrateError) -> CatalogueError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        MigrateError::VersionMissing(version) => misconfigured(format!(
            "the tables are of a newer version of this program (migration {version}): update it"
        )),
        MigrateError::VersionMismatch(version) => misconfigured(format!(
            "the tables were made by another program (migration {version} is not ours)"
        )),
        other => misconfigured(format!("cannot prepare the tables: {other}")),
    }
}

fn misconfigured(message: String) -> CatalogueError {
    CatalogueError::new(CatalogueErrorKind::Misconfigured, message)
}
