//! Why a comparison ends early.

use object_copy::transfer::{Side as End, TransferError};

use crate::checkpoint::CheckpointError;
use crate::report::ReportError;

/// Why a comparison ended early. Nothing may be concluded from keys that it did not get to.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A side cannot be listed.
    #[error("{1}")]
    Listing(End, #[source] TransferError),
    /// Objects cannot be looked at, for a reason that is not that of one object.
    #[error("{0}")]
    Object(#[source] TransferError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The checkpoint cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// By the user.
    #[error("interrupted")]
    Interrupted,
    /// A defect of this program.
    #[error("a task of the comparison failed: {0}")]
    Internal(String),
}
