//! A function that is invoked: what Function Compute sends to it, and the services behind it.
//!
//! | module | concern |
//! |---|---|
//! | `event` | invocations |
//! | `sink` | OMS and OSS, which accept everything |
//! | `wire` | just enough HTTP/1.1 |

pub mod event;
mod sink;
mod wire;

use std::io;

pub use self::sink::{Sink, Traffic};
pub use self::wire::Connection;

/// Every reply must be a success: a server that refuses is fast.
///
/// # Errors
///
/// When it is none.
pub fn check(reply: &[u8]) -> io::Result<()> {
    if reply.starts_with(b"HTTP/1.1 200 ") && reply.ends_with(b"\r\n\r\ntrue") {
        return Ok(());
    }
    Err(io::Error::other(format!("unexpected reply: {}", String::from_utf8_lossy(reply))))
}
