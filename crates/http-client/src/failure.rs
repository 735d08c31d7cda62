//! Why a service could not be reached, by the types in the chain of causes, never by their text.

use std::error::Error;
use std::io;

use crate::resolver::NotResolved;

/// Kind of a transport error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// The host name does not resolve.
    Resolve,
    /// No connection to the host.
    Connect,
    /// TLS failed: no session, or an untrusted certificate.
    Tls,
    /// Anything else: a timeout, a response that breaks off.
    Other,
}

impl TransportKind {
    /// The kind of `error`, by its chain of sources.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut connects = false;
        for cause in causes(error) {
            if cause.is::<NotResolved>() {
                return Self::Resolve;
            }
            if is_tls(cause) {
                return Self::Tls;
            }
            connects |= cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect);
        }
        if connects { Self::Connect } else { Self::Other }
    }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // `source` of an I/O error skips the wrapped error, which may be an I/O error again.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| is_tls(wrapped))
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::{Proxies, build};

    async fn kind(url: &str) -> (TransportKind, String) {
        let error = build(Proxies::None).unwrap().get(url).send().await.unwrap_err();
        (TransportKind::of(&error), causes(&error).last().unwrap().to_string())
    }

    #[tokio::test]
    async fn an_unknown_host_and_a_closed_port_are_distinguished() {
        // Labels have 63 bytes at most, so no name server is asked.
        let name = format!("http://{}.invalid/", "a".repeat(64));
        assert_eq!(kind(&name).await.0, TransportKind::Resolve);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (closed, cause) = kind(&format!("http://{address}/")).await;
        assert_eq!(closed, TransportKind::Connect);
        assert!(cause.contains("refused") && !cause.contains("sending request"), "{cause}");
    }

    #[tokio::test]
    async fn a_tls_error_and_a_connection_error_are_distinguished() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Its hello is read first: unread bytes would reset the connection before the answer is seen.
            let hello = stream.read(&mut [0; 16 * 1024]).unwrap();
            assert!(hello > 0);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        assert_eq!(kind(&format!("https://{address}/")).await.0, TransportKind::Tls);
        server.join().unwrap();
    }
}
