//! The error of this crate.

use std::{error, fmt};

/// Why the adapter could not start, or stopped early.
///
/// Failures of single invocations never surface here: they are answered to Function Compute as failed
/// invocations. Nothing reported here gets better by trying again without a change.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// What kind of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting in the environment cannot be used.
    ///
    /// User action: correct the variable that the message names.
    Configuration,
    /// The address cannot be listened on.
    ///
    /// User action: stop the other listener or choose another port; it must equal `customRuntimeConfig.port`.
    Listen,
    /// The handlers of `SIGTERM` and `SIGINT` cannot be installed.
    ///
    /// User action: call from a tokio runtime built with `enable_all`.
    Signal,
    /// A second signal arrived while invocations were still being finished.
    ///
    /// User action: none if the second signal was meant; the unfinished invocations count as failed.
    Interrupted,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(self, source: impl error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// What kind of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}
