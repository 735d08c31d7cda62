//! Between the catalogue and its server, so that the server can seem to hang or to restart.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whether bytes flow, and how often all connections were cut or left to lead nowhere.
#[derive(Clone, Copy, Default)]
struct Flow {
    frozen: bool,
    cuts: u32,
    strandings: u32,
    /// How long bytes are on their way, in either direction.
    distance: Duration,
}

impl Flow {
    /// Whether bytes flow on a connection that was opened then.
    fn open(self, then: Self) -> bool {
        !self.frozen && self.strandings == then.strandings
    }
}

pub(super) struct Proxy {
    port: u16,
    flow: watch::Sender<Flow>,
}

impl Proxy {
    pub(super) async fn start(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (sender, flow) = watch::channel(Flow::default());
        let server = format!("{host}:{port}");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pump(from_client, to_server, flow.clone()));
                tokio::spawn(pump(from_server, to_client, flow.clone()));
            }
        });
        Self { port: own, flow: sender }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn freeze(&self) {
        self.flow.send_modify(|flow| flow.frozen = true);
    }

    pub(super) fn thaw(&self) {
        self.flow.send_modify(|flow| flow.frozen = false);
    }

    /// Connections that are open now lead nowhere, and are not closed either.
    pub(super) fn strand(&self) {
        self.flow.send_modify(|flow| flow.strandings += 1);
    }

    pub(super) fn move_away(&self, distance: Duration) {
        self.flow.send_modify(|flow| flow.distance = distance);
    }

    pub(super) fn cut(&self) {
        self.flow.send_modify(|flow| flow.cuts += 1);
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut flow: watch::Receiver<Flow>) {
    let then = *flow.borrow_and_update();
    let mut cut = flow.clone();
    let copied = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let distance = flow.borrow().distance;
            tokio::time::sleep(distance).await;
            if flow.wait_for(|flow| flow.open(then)).await.is_err()
                || to.write_all(&buffer[..length]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        // What is sent after the cut does not come through.
        biased;
        _ = cut.wait_for(|flow| flow.cuts > then.cuts) => {}
        () = copied => {}
    }
}
