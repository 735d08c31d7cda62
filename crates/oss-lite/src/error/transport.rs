//! Errors of the transport: no connection, silence, no time left.

use std::time::Duration;

use super::{Error, ErrorKind, Retry};

/// What the HTTP client says of a request or a body that failed.
pub(crate) fn transport(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let message = if error.is_connect() { "cannot connect" } else { "the connection failed" };
    Error::new(ErrorKind::Transport, format!("{message}: {}", innermost(&error)))
        .with_source(error)
        .with_retry(Retry::Backoff)
}

/// Nothing was answered in time.
pub(crate) fn silent(waited: Duration) -> Error {
    Error::new(ErrorKind::Transport, format!("no answer within {} ms", waited.as_millis()))
        .with_retry(Retry::Backoff)
}

/// The time that the caller granted is over.
pub(crate) fn deadline_passed() -> Error {
    Error::new(ErrorKind::DeadlineExceeded, "the deadline passed")
}

/// The innermost cause: the layers above it only say "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
