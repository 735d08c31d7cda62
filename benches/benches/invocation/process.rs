//! A server under measurement: started, watched through `/proc`, killed.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bench::function::{Connection, check};

use crate::cpu;

/// A server that does not answer by then is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

/// How long a start took.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// From just before the process is made to the first connection that is taken.
    pub(crate) listening: Duration,
    /// From there to the end of the first reply.
    pub(crate) answered: Duration,
    /// CPU time of the process, from `exec` to idle after the first reply.
    pub(crate) cpu: Duration,
}

impl Server {
    /// Starts `program` with no environment but `variables` and a port of its own, and invokes it once with `request`.
    ///
    /// Output is thrown away: to the server that is a write like any other.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
        request: &[u8],
    ) -> io::Result<(Self, Start)> {
        let address = free_address()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .env("FC_SERVER_PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // The child inherits the CPU of the thread that makes it.
        cpu::pin(cpu::MEASURED)?;
        let begin = Instant::now();
        let child = command.spawn();
        cpu::pin(cpu::LOAD)?;
        let mut server = Self { child: child?, address };
        let mut connection = server.await_connection(begin)?;
        let listening = begin.elapsed();
        check(connection.exchange(request)?)?;
        let answered = begin.elapsed();
        thread::sleep(Duration::from_millis(5));
        let cpu = server.cpu()?;
        Ok((server, Start { listening, answered, cpu }))
    }

    fn await_connection(&mut self, begin: Instant) -> io::Result<Connection> {
        loop {
            match self.connect() {
                Ok(connection) => return Ok(connection),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error),
                Err(_) => {
                    if let Some(status) = self.child.try_wait()? {
                        return Err(io::Error::other(format!("the server ended: {status}")));
                    }
                    thread::yield_now();
                }
            }
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> io::Result<Connection> {
        Connection::new(TcpStream::connect(self.address)?)
    }

    /// CPU time used so far, user and system, over all threads. Exact while they wait.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
            let used = statistics.split(' ').next().and_then(|used| used.parse::<u64>().ok());
            nanoseconds += used.ok_or(io::ErrorKind::InvalidData)?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory it ever held, in bytes.
    pub(crate) fn peak_memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        let kibibytes = peak.and_then(|peak| peak.parse::<u64>().ok()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about either failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
