//! Invocations of a running server, and what they cost it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use bench::function::{Connection, check};

use crate::process::Server;

/// What some invocations cost.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) invocations: usize,
    /// CPU time of the server.
    pub(crate) cpu: Duration,
    pub(crate) elapsed: Duration,
}

impl Cost {
    /// CPU time per invocation, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.invocations as f64
    }

    /// Invocations per second.
    pub(crate) fn rate(&self) -> f64 {
        self.invocations as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends each of `requests` over a connection of its own, `times` in a row, all connections at once.
pub(crate) fn invoke(server: &Server, requests: &[Vec<u8>], times: usize) -> io::Result<Cost> {
    let connections = requests.iter().map(|_| server.connect()).collect::<io::Result<Vec<Connection>>>()?;
    let before = server.cpu()?;
    let begin = Instant::now();
    thread::scope(|scope| {
        let clients: Vec<_> = connections
            .into_iter()
            .zip(requests)
            .map(|(mut connection, request)| {
                scope.spawn(move || (0..times).try_for_each(|_| check(connection.exchange(request)?)))
            })
            .collect();
        clients.into_iter().try_for_each(|client| {
            client.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        })
    })?;
    let elapsed = begin.elapsed();
    // What the server does after its last reply counts too.
    thread::sleep(Duration::from_millis(5));
    let cpu = server.cpu()?.saturating_sub(before);
    Ok(Cost { invocations: times * requests.len(), cpu, elapsed })
}
