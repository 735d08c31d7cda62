//! What is copied, and how that ends.

use crate::outcome::OpenUpload;

/// What to copy.
#[derive(Clone, Debug)]
pub struct Item {
    /// The object at the source: a key; of a web source, the URL.
    pub key: String,
    /// The key at the destination.
    pub to: String,
    /// Size in bytes, if known from a listing or an event.
    pub size: Option<u64>,
    /// What is known about the destination.
    pub hint: DestinationHint,
    /// An upload that an earlier run left open.
    pub open: Option<OpenUpload>,
}

/// What a listing says about the destination of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationHint {
    /// No object of this key and size is there.
    NoCopy,
    /// One of the same size is there, or one of a symlink whose size is unknown: it may be the copy.
    SameSize,
    /// Nothing is known.
    Unknown,
}

/// The outcome of copying an object, or of removing its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyOutcome {
    /// It was copied, and the copy was verified.
    Copied {
        /// Its size.
        bytes: u64,
    },
    /// It was at the destination already.
    UpToDate,
    /// Its copy was removed, since it is gone from the source.
    Removed,
    /// It is gone from the source; the object at the destination is the copy of another one, and was kept.
    NotItsCopy,
    /// It is gone from the source; its copy was kept for now, since the limit of removals is reached.
    Deferred,
    /// It is gone from the source, and there is no copy to remove.
    SourceGone,
    /// It is a symlink, or was reached by one, that is skipped.
    SymlinkSkipped,
}

impl Item {
    /// An item without hints.
    pub fn new(key: impl Into<String>, to: impl Into<String>) -> Self {
        Self { key: key.into(), to: to.into(), size: None, hint: DestinationHint::Unknown, open: None }
    }
}
