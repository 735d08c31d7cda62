//! Errors of the desk's database.

use upload_desk::catalogue::{CatalogueError, CatalogueErrorKind};

use super::FailureKind;

/// The kind of an error of the database.
pub(crate) fn catalogue_kind(error: &CatalogueError) -> FailureKind {
    match error.kind() {
        CatalogueErrorKind::Misconfigured => FailureKind::Configuration,
        CatalogueErrorKind::Unavailable => FailureKind::OutOfReach,
        _ => FailureKind::Internal,
    }
}
