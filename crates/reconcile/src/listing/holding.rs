//! How many objects a place holds, known without listing it.

use std::pin::Pin;

use object_copy::transfer::TransferError;
use serde::Serialize;

/// How many objects a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Objects.
    pub objects: u64,
    /// How well that is known.
    pub precision: Precision,
    /// Their bytes, where they are known.
    pub bytes: Option<u64>,
    /// By what that is known.
    pub known_by: KnownBy,
}

/// How well the number of objects of a place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// They were counted.
    Exact,
    /// There may be fewer, since earlier versions may be among them, and more, since some came later.
    About,
    /// There may be far fewer: others are among them.
    AtMost,
}

/// By what it is known how many objects a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// The statistics of the service, about the whole bucket. They may be hours old, and may have earlier
    /// versions in them.
    Statistics,
    /// The rows of an inventory, by its manifest.
    Manifest,
    /// The rows of an inventory that was read.
    Rows,
    /// The files were counted.
    Files,
    /// The user said so.
    Given,
}

/// What a side holds, or why that is not known.
pub type HoldingFuture = Pin<Box<dyn Future<Output = Result<Option<Holding>, TransferError>> + Send>>;
