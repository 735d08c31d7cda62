//! Just enough HTTP/1.1 over blocking sockets: messages with a `Content-Length`, or without a body.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// A connection, at either end of it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What was received; the message last read lies at its start.
    buffer: Vec<u8>,
    /// Length of the message last read.
    read: usize,
}

impl Connection {
    /// # Errors
    ///
    /// When it is closed already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024), read: 0 })
    }

    /// Sends `request` and reads the reply.
    ///
    /// # Errors
    ///
    /// When the other side closes the connection, or its reply is no HTTP.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.write(request)?;
        self.read()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends all of it.
    ///
    /// # Errors
    ///
    /// When the other side closes the connection.
    pub fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message)
    }

    /// The next message, head and body; `None` when the other side has closed the connection.
    ///
    /// # Errors
    ///
    /// When it closes in the middle of one, or what comes is no HTTP.
    pub fn read(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.drain(..self.read);
        self.read = 0;
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(length) = message_length(&self.buffer)?
                && length <= self.buffer.len()
            {
                self.read = length;
                return Ok(Some(&self.buffer[..length]));
            }
            match self.stream.read(&mut chunk)? {
                0 if self.buffer.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                received => self.buffer.extend_from_slice(&chunk[..received]),
            }
        }
    }
}

/// Length of the message that `bytes` start with, once its head is complete.
fn message_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    const NAME: &str = "content-length:";
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
        return Ok(None);
    };
    let head = str::from_utf8(&bytes[..end]).map_err(invalid)?;
    let body = head.lines().find_map(|line| {
        line.get(..NAME.len()).filter(|name| name.eq_ignore_ascii_case(NAME))?;
        Some(line[NAME.len()..].trim().parse::<usize>())
    });
    Ok(Some(end + END.len() + body.transpose().map_err(invalid)?.unwrap_or(0)))
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
