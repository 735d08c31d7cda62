//! Errors of the transport: no connection, silence, no time left.

use std::time::Duration;

use super::{Error, ErrorKind, Retry};

/// What the HTTP client says of a request or a body that failed.
pub(crate) fn transport(error: reqwest::Error) -> Error {
    // Without the URL, which may hold a secret.
    let (message, error) = describe_transport(error);
    Error::new(ErrorKind::Transport, message).with_source(error).with_retry(Retry::Backoff)
}

/// What failed on the network, for a message: host and port, which is what there is to check, and the
/// innermost cause. Nothing else of the URL is shown, since its query may hold secrets, and the error that is
/// returned has none.
pub fn describe_transport(error: reqwest::Error) -> (String, reqwest::Error) {
    let server = error.url().and_then(server_in).unwrap_or_else(|| "the server".to_owned());
    let error = error.without_url();
    let cause = root_cause(&error);
    let message = if error.is_connect() {
        format!("cannot connect to {server}: {cause}")
    } else {
        format!("the connection to {server} failed: {cause}")
    };
    (message, error)
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

/// The innermost cause, which says what happened: the layers above it only say "error sending request".
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |&cause| cause.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::test_support::http;

    #[tokio::test]
    async fn a_description_has_host_and_port_and_no_more_of_the_url() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://u:hush@{address}/hush?token=hush");
        let error = http().get(url).send().await.unwrap_err();
        let (told, _) = describe_transport(error);
        assert!(told.starts_with(&format!("cannot connect to {address}: ")), "{told}");
        assert!(!told.contains("hush"), "{told}");
    }
}
