//! Errors of the transport: no connection, silence, no time left.

use std::time::Duration;

use super::{Error, ErrorKind, Retry};

/// What the HTTP client says of a request or a body that failed.
pub(crate) fn transport(error: reqwest::Error) -> Error {
    let server = error.url().and_then(server_in).unwrap_or_else(|| "the service".to_owned());
    let error = error.without_url();
    let message = if error.is_connect() {
        format!("cannot connect to {server}")
    } else {
        format!("the connection to {server} failed")
    };
    Error::new(ErrorKind::Transport, format!("{message}: {}", innermost(&error)))
        .with_source(error)
        .with_retry(Retry::Backoff)
}

/// Host and port, which is what there is to check. The rest of a URL is in the context, or may hold a secret.
pub(super) fn server_in(url: &reqwest::Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
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
