//! An error of the log bucket that several hold.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use oss_lite::Error;

/// An error of the log bucket, shared by all that ask why a record was not written, or why a replay ended.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<Error>);

impl StoreError {
    pub(crate) fn new(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl Deref for StoreError {
    type Target = Error;

    fn deref(&self) -> &Error {
        &self.0
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// By what they say.
impl PartialEq for StoreError {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.to_string() == other.to_string()
    }
}

impl Eq for StoreError {}
