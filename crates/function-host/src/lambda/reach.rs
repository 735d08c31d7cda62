//! Whether the runtime API can be reached.
//!
//! With one invocation at a time the runtime ends as soon as it cannot request the next event. With several
//! it retries forever, without a pause and with a log line each time (`lambda_runtime` 1.5). So the API is
//! connected to before the runtime is started, and an idle connection is kept open from then on: as long as
//! it is open, the API is up. When it is closed a new one is opened.
//!
//! The API may close idle connections at any time, which proves nothing, and a failed connection may succeed
//! a moment later. So the API counts as lost only after [`LOOKS`] failed connections in a row, with pauses,
//! and without an event in between.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::environment::RuntimeApi;

/// Failed connections in a row after which the API counts as lost.
const LOOKS: usize = 3;

/// Pause between two connections.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Watches the API.
#[derive(Debug)]
pub(super) struct Reach {
    authority: Option<String>,
    pause: Duration,
}

/// The API cannot be reached.
#[derive(Debug, Error)]
#[error("the runtime API at {authority} cannot be reached: {why}")]
pub(super) struct Lost {
    authority: String,
    #[source]
    why: io::Error,
}

impl Reach {
    /// Watches `api`, unless the runtime itself would notice its loss.
    pub(super) fn of(api: &RuntimeApi, pause: Duration) -> Self {
        Self { authority: api.is_asked_for_several().then(|| api.authority()), pause }
    }

    /// Connects to the API, if it is watched.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub(super) async fn found(&self) -> Result<(), Lost> {
        match &self.authority {
            Some(authority) => self.connect(authority, || 0).await.map(drop),
            None => Ok(()),
        }
    }

    /// Resolves when the API is lost, if it is watched. `taken` is the number of events received so far.
    pub(super) async fn lost(self, taken: impl Fn() -> usize) -> Lost {
        let Some(authority) = &self.authority else { return std::future::pending().await };
        loop {
            let looked = Instant::now();
            let mut connection = match self.connect(authority, &taken).await {
                Ok(connection) => connection,
                Err(lost) => return lost,
            };
            let mut said = [0; 64];
            // Nothing was requested, so there is nothing to read but the end.
            while connection.read(&mut said).await.is_ok_and(|read| read > 0) {}
            sleep_until(looked + self.pause).await;
        }
    }

    async fn connect(&self, authority: &str, taken: impl Fn() -> usize) -> Result<TcpStream, Lost> {
        let (mut failures, mut seen) = (0, taken());
        loop {
            let looked = Instant::now();
            match TcpStream::connect(authority).await {
                Ok(connection) => return Ok(connection),
                Err(error) if is_about_this_process(&error) => {}
                Err(why) => {
                    let now = taken();
                    failures = if now == seen { failures + 1 } else { 1 };
                    seen = now;
                    if failures == LOOKS {
                        return Err(Lost { authority: authority.to_owned(), why });
                    }
                }
            }
            sleep_until(looked + self.pause).await;
        }
    }
}

/// Whether this process has run out of file descriptors or ports, which says nothing about the API.
fn is_about_this_process(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    error.kind() == io::ErrorKind::AddrNotAvailable || matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::net::TcpListener;

    use super::*;

    async fn listening() -> (TcpListener, Reach) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = Some(listener.local_addr().unwrap().to_string());
        (listener, Reach { authority, pause: Duration::ZERO })
    }

    #[tokio::test]
    async fn an_api_that_closes_every_connection_is_not_lost() {
        let (listener, reach) = listening().await;
        let served = async {
            for _ in 0..LOOKS * 10 {
                drop(listener.accept().await);
            }
        };
        tokio::select! {
            biased;
            () = served => {}
            lost = reach.lost(|| 0) => panic!("{lost}"),
        }
    }

    #[tokio::test]
    async fn an_api_that_goes_away_is_noticed() {
        let (listener, reach) = listening().await;
        let authority = listener.local_addr().unwrap().to_string();
        reach.found().await.unwrap();
        let gone = async {
            // The first connection is that of `found`.
            drop(listener.accept().await);
            let (connection, _) = listener.accept().await.unwrap();
            drop((listener, connection));
        };
        let ((), lost) = tokio::join!(gone, reach.lost(|| 0));
        let told = lost.to_string();
        assert!(told.starts_with(&format!("the runtime API at {authority} cannot be reached: ")), "{told}");
    }

    #[tokio::test]
    async fn the_api_is_not_lost_while_events_arrive() {
        let (listener, reach) = listening().await;
        drop(listener);
        assert!(reach.found().await.is_err());
        let (looks, last) = (Cell::new(0), LOOKS * 10);
        // Counted once at the start, and with each connection.
        let taken = || {
            looks.set(looks.get() + 1);
            looks.get().min(last)
        };
        reach.lost(taken).await;
        assert_eq!(looks.get(), last + LOOKS - 1);
    }

    #[tokio::test]
    async fn an_api_that_is_back_after_a_moment_is_not_lost() {
        let (listener, reach) = listening().await;
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (looks, back) = (Cell::new(0), Cell::new(None));
        // It is back between the second connection and the third.
        let taken = || {
            looks.set(looks.get() + 1);
            if looks.get() == LOOKS {
                let listener = std::net::TcpListener::bind(address).unwrap();
                back.set(Some(listener));
            }
            0
        };
        let authority = address.to_string();
        reach.connect(&authority, taken).await.unwrap();
        assert_eq!(looks.get(), LOOKS);
    }

    #[test]
    fn a_lack_of_file_descriptors_does_not_mean_the_api_is_lost() {
        assert!(is_about_this_process(&io::Error::from_raw_os_error(24)));
        assert!(!is_about_this_process(&io::ErrorKind::ConnectionRefused.into()));
    }
}
