//! A function that answers as told and remembers its invocations.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Invocation {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub(crate) struct Function {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Invocation>>>,
    task: JoinHandle<()>,
}

impl Drop for Function {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Function {
    /// `answers` are header blocks with the status line, one per invocation; afterwards it succeeds.
    pub(crate) async fn start(answers: impl IntoIterator<Item = &'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let mut answers: VecDeque<_> = answers.into_iter().collect();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let invocation = read(&mut stream).await;
                record.lock().push(invocation);
                let answer = answers.pop_front().unwrap_or("200 OK\r\nx-fc-status: 200");
                let reply =
                    format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 4\r\n\r\nword");
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        Self { url, seen, task }
    }

    pub(crate) fn invocations(&self) -> Vec<Invocation> {
        self.seen.lock().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Invocation {
    let mut received = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        received.extend(&piece[..count]);
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let invocation = Invocation { head: head.to_owned(), body: body.to_owned() };
            let length: usize =
                invocation.header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return invocation;
            }
        }
    }
}
