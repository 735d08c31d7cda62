//! Whether there is a runtime API at all.
//!
//! With one invocation at a time the runtime ends as soon as it cannot ask for the next event. With several it asks again at once,
//! without a pause and for ever, with a line in the log each time (`lambda_runtime` 1.5). So a connection is held on which nothing
//! is said: while it stands, the API does. When it ends a new one is opened, and where that fails, or ends at once again and
//! again, there is no API.

use std::fmt;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::RuntimeApi;

/// A connection that ends sooner is taken for refused. Servers close idle ones later.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Connections in a row that end at once, for no API.
const REFUSALS: usize = 3;

/// The look at the API.
#[derive(Debug)]
pub(super) struct Reach(Option<String>);

/// There is none.
#[derive(Debug)]
pub(super) struct Lost {
    authority: String,
    why: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the runtime API at {} cannot be reached: {}", self.authority, self.why)
    }
}

impl std::error::Error for Lost {}

impl Reach {
    /// The look at `api`, where the runtime itself would not notice.
    pub(super) fn of(api: &RuntimeApi) -> Self {
        Self(api.is_asked_for_several().then(|| api.authority()))
    }

    /// Resolves when there is no API, where that is looked at.
    pub(super) async fn lost(self) -> Lost {
        let Some(authority) = self.0 else { return std::future::pending().await };
        let why = until_lost(&authority).await;
        Lost { authority, why }
    }
}

async fn until_lost(authority: &str) -> String {
    let mut refused = 0;
    loop {
        let mut connection = match TcpStream::connect(authority).await {
            Ok(connection) => connection,
            Err(error) => return error.to_string(),
        };
        let opened = Instant::now();
        let mut said = [0; 64];
        // Nothing is asked, so nothing is to be read but the end.
        while connection.read(&mut said).await.is_ok_and(|read| read > 0) {}
        refused = if opened.elapsed() < AT_ONCE { refused + 1 } else { 0 };
        if refused == REFUSALS {
            return "it closes every connection at once".to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_api_that_closes_every_connection_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let served = async {
            loop {
                drop(listener.accept().await);
            }
        };
        let lost = tokio::select! {
            () = served => unreachable!(),
            lost = Reach(Some(authority.clone())).lost() => lost,
        };
        assert_eq!(
            lost.to_string(),
            format!("the runtime API at {authority} cannot be reached: it closes every connection at once")
        );
    }

    #[tokio::test]
    async fn an_api_that_goes_away_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let gone = async {
            let (connection, _) = listener.accept().await.unwrap();
            drop((listener, connection));
        };
        let reach = Reach(Some(authority));
        let ((), lost) = tokio::join!(gone, reach.lost());
        assert!(lost.to_string().contains("cannot be reached"), "{lost}");
    }
}
