//! Clients that connect and then say too little.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::process::{PATIENCE, Settings};

/// Open connections.
#[derive(Debug, Default)]
pub struct Stalled(Vec<TcpStream>);

impl Stalled {
    /// Opens so many connections, sends `said` on each, and nothing more.
    #[must_use]
    pub async fn and(mut self, address: SocketAddr, count: usize, said: &str) -> Self {
        for _ in 0..count {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.write_all(said.as_bytes()).await.unwrap();
            self.0.push(connection);
        }
        self
    }

    /// Says something more on each.
    pub async fn say(&mut self, more: &str) {
        for connection in &mut self.0 {
            connection.write_all(more.as_bytes()).await.unwrap();
        }
    }

    /// Waits until the server has closed every one of them. Returns what it said on each.
    pub async fn closed(self) -> Vec<String> {
        let count = self.0.len();
        let mut reading = JoinSet::new();
        for mut connection in self.0 {
            reading.spawn(async move {
                let mut said = Vec::new();
                // A reset is an end as well.
                let _ = connection.read_to_end(&mut said).await;
                String::from_utf8_lossy(&said).into_owned()
            });
        }
        let mut said = Vec::new();
        while let Some(read) = timeout(PATIENCE, reading.join_next()).await.unwrap_or_else(|_| {
            panic!("{} of {count} connections are still open", count - said.len());
        }) {
            said.push(read.unwrap());
        }
        said
    }

    /// Waits until the server has said something on every one of them, and returns the first line of it.
    pub async fn answered(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for connection in &mut self.0 {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.push(timeout(PATIENCE, connection.read_u8()).await.expect("an answer").unwrap());
            }
            lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        lines
    }
}

/// The settings under which a listener closes them in a second.
pub fn impatient() -> Settings {
    Settings::default()
        .set("LISTEN_HEAD_TIMEOUT", "1")
        .set("LISTEN_BODY_TIMEOUT", "1")
        .set("LISTEN_IDLE_TIMEOUT", "1")
}

/// The first line of the answer to `request`, on a connection of its own.
pub async fn ask(address: SocketAddr, request: &str) -> String {
    Stalled::default().and(address, 1, request).await.answered().await.remove(0)
}
