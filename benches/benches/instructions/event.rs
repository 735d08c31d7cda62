//! The function, one event after another over one connection.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bench::Result;
use bench::function::event::{self, Role};
use bench::function::{Connection, Sink, check};
use bench::instructions::Counter;
use rustix::process::{Pid, Signal, kill_process};

use crate::{of_one, wrapped};

/// Events of the shorter and of the longer run.
const TIMES: [u64; 2] = [200, 700];

/// A program under `valgrind` takes seconds to start.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn count(counter: &Counter, program: &Path) -> Result<f64> {
    let (oms, oss) = (Sink::oms()?, Sink::oss()?);
    let request = event::request(1, &Role::example());
    of_one(TIMES, |times| {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = wrapped(counter, program);
        command
            .arg("serve")
            .envs([
                ("FC_SERVER_PORT", address.port().to_string()),
                ("SYNC_URL", oms.url() + "/v2/84b5266c14ae489fa6549827f032dc62/sync-tasks/b1f5dd1a-0f56-4f0f-9e33-4e9e0ed1c4b7/events"),
                ("OSS_ENDPOINT", oss.url()),
            ])
            .envs([
                ("HW_AK", "EXAMPLEEXAMPLEAK0001"),
                ("HW_SK", "ExampleExampleExampleExampleExampleSK001"),
                ("OSS_REGION", "cn-hangzhou"),
                ("LOG_BUCKET", "holiday-photos-journal"),
                ("FC_FUNCTION_NAME", "oms-bridge"),
                ("FC_ACCOUNT_ID", "1000000000000001"),
                ("RUST_LOG", "info"),
                // One thread, as on a small function.
                ("TOKIO_WORKER_THREADS", "1"),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut function = Function(command.spawn()?);
        let mut connection = function.connect(address)?;
        for _ in 0..times {
            check(connection.exchange(&request)?)?;
        }
        drop(connection);
        function.end()?;
        counter.collected()
    })
}

/// Killed when dropped.
struct Function(Child);

impl Function {
    fn connect(&mut self, address: SocketAddr) -> Result<Connection> {
        let begin = Instant::now();
        loop {
            match TcpStream::connect(address) {
                Ok(stream) => return Ok(Connection::new(stream)?),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => {
                    if let Some(status) = self.0.try_wait()? {
                        return Err(format!("the function ended: {status}").into());
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    /// As the platform ends it.
    fn end(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the function ended with {status}").into()) }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about either failure.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
