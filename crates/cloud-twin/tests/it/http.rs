//! A client that puts exactly the given bytes on the wire.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    #[track_caller]
    pub(crate) fn is_refusal(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.element("Code").as_deref()), (status, Some(code)), "{}", self.text());
    }

    /// The text of the first XML element of that name.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        elements(&self.text(), name).into_iter().next()
    }
}

pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    /// No body and no header about it.
    #[default]
    None,
    Sized(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

/// One request on a connection of its own.
pub(crate) async fn exchange(
    base_url: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &Body,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(base_url.trim_start_matches("http://")).await?;
    stream.write_all(&request(base_url, method, target, headers, body)).await?;
    let mut received = Vec::new();
    let outcome = stream.read_to_end(&mut received).await;
    let whole = parse(&received);
    whole.map_or_else(|| Err(outcome.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())), Ok)
}

fn request(base_url: &str, method: &str, target: &str, headers: &[(String, String)], body: &Body) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| name == "host") {
        head.extend(["host: ", base_url.trim_start_matches("http://"), "\r\n"]);
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let mut bytes = head.into_bytes();
    match body {
        Body::None => bytes.extend(b"\r\n"),
        Body::Sized(data) => {
            bytes.extend(format!("content-length: {}\r\n\r\n", data.len()).bytes());
            bytes.extend(data);
        }
        Body::Chunked(pieces) => {
            bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
            for piece in pieces {
                bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
                bytes.extend(piece);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        }
    }
    bytes
}

/// `None` for an answer that is not whole.
fn parse(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let answer = Answer { status, headers, body: received[end + 4..].to_vec() };
    let announced = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let is_whole = answer.body.is_empty() || announced.is_none_or(|length| length == answer.body.len());
    is_whole.then_some(answer)
}
