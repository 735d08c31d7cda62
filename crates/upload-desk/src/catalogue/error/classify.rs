//! From what databases say to what can be done about it.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use super::CatalogueErrorKind as Kind;

/// What can be done about it.
pub(in super::super) fn kind_of(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(error) => mysql(error.number(), error.code()),
            None => sqlite(&**error),
        },
        sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) | sqlx::Error::Migrate(_) => Kind::Misconfigured,
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Kind::Refused,
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::AnyDriverError(_) => Kind::Corrupt,
        _ => Kind::Unavailable,
    }
}

/// Whether a connection is of no use after that.
pub(in super::super) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        // Shut down; killed; no longer the one that may be written to, which another one is by now.
        sqlx::Error::Database(_) => matches!(number(error), Some(1053 | 1927 | 1290 | 1792 | 1836)),
        _ => false,
    }
}

/// Whether the database undid a whole transaction because it stood in the way of another one.
pub(in super::super) fn is_deadlock(error: &sqlx::Error) -> bool {
    number(error) == Some(1213)
}

/// Whether a table has the column already.
pub(in super::super) fn is_duplicate_column(error: &sqlx::Error) -> bool {
    // SQLite has no code for it.
    let is_sqlite = |error: &dyn DatabaseError| error.message().starts_with("duplicate column name");
    number(error) == Some(1060) || error.as_database_error().is_some_and(is_sqlite)
}

fn number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// By [result code](https://www.sqlite.org/rescode.html).
fn sqlite(error: &dyn DatabaseError) -> Kind {
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or(1);
    match code & 0xff {
        // CORRUPT
        11 => Kind::Corrupt,
        // TOOBIG, CONSTRAINT, MISMATCH, RANGE
        18 | 19 | 20 | 25 => Kind::Refused,
        // ERROR, PERM, READONLY, AUTH, NOTADB
        1 | 3 | 8 | 23 | 26 => Kind::Misconfigured,
        // BUSY, LOCKED, NOMEM, IOERR, FULL, CANTOPEN, PROTOCOL and the like
        _ => Kind::Unavailable,
    }
}

/// By SQLSTATE where that says enough, else by
/// [number](https://mariadb.com/kb/en/mariadb-error-code-reference/).
fn mysql(number: u16, state: Option<&str>) -> Kind {
    match number {
        // Too many connections, or too much of something else, for this user.
        1203 | 1226 => return Kind::Unavailable,
        // This host is not allowed; such accounts cannot log in here.
        1130 | 1524 => return Kind::Misconfigured,
        // Text in another character set.
        1366 => return Kind::Refused,
        _ => {}
    }
    match state.and_then(|state| state.get(..2)) {
        Some("22" | "23") => Kind::Refused,
        Some("28" | "42" | "3D") => Kind::Misconfigured,
        _ => Kind::Unavailable,
    }
}
