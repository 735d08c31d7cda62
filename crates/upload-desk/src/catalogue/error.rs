//! Errors of the catalogue.

mod classify;

use std::fmt;
use std::sync::Arc;

use super::url::DatabaseUrl;

pub(super) use self::classify::{is_broken, is_deadlock, is_duplicate_column, kind_of};
use crate::entry::Id;

/// Kind of an error, by what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CatalogueErrorKind {
    /// The database is gone, locked, full or too slow. Whether a write was done is unknown.
    ///
    /// User action: try again later; look at the database if it stays.
    Unavailable,
    /// A row, or the file, is not what any version of this program writes.
    ///
    /// User action: find out who else writes there, and correct or restore it.
    Corrupt,
    /// The database cannot be used with these settings: no such folder, no permission, wrong password, wrong
    /// schema.
    ///
    /// User action: correct what the message names.
    Misconfigured,
    /// The database refuses this row: a text is too long, or the id exists already.
    ///
    /// User action: correct the value; trying again never helps.
    Refused,
}

/// The error of the catalogue. Its message is one lower-case line that names the database without its
/// password.
#[derive(Clone, Debug)]
pub struct CatalogueError {
    kind: CatalogueErrorKind,
    message: String,
    source: Option<Arc<sqlx::Error>>,
}

impl CatalogueError {
    pub(super) fn new(kind: CatalogueErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error of the database, or of the connection to it.
    pub(super) fn of(doing: &str, source: sqlx::Error) -> Self {
        let message = match &source {
            sqlx::Error::Database(said) => format!("{doing}: {said}"),
            other => format!("{doing}: {other}"),
        };
        Self { kind: kind_of(&source), message, source: Some(Arc::new(source)) }
    }

    /// A row that was changed by others before each try to write it.
    pub(crate) fn contended(id: &Id) -> Self {
        Self::new(CatalogueErrorKind::Unavailable, format!("the row {id} is changed too often by others"))
    }

    /// Adds the database to the message.
    pub(super) fn at(mut self, url: &DatabaseUrl) -> Self {
        self.message = format!("{url}: {}", self.message);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> CatalogueErrorKind {
        self.kind
    }
}

/// The database did not respond in time.
pub(super) fn unanswered(doing: &str) -> CatalogueError {
    CatalogueError::new(
        CatalogueErrorKind::Unavailable,
        format!("cannot {doing}: the database does not respond"),
    )
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CatalogueError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().and_then(std::error::Error::source)
    }
}
