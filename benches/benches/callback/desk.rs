//! The product as a process.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cloud_twin::Twin;

use crate::Result;
use crate::bucket::Bucket;
use crate::database::{BUCKET, Database};

/// Ticks of `/proc/PID/stat`: the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// It is killed when it is dropped.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Desk {
    /// Starts it and waits until it listens, with its tables made.
    pub(crate) fn start(program: &Path, database: &Database, bucket: &Bucket, twin: &Twin) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let key = database.folder().join("callback.pem");
        fs::write(&key, twin.callback_public_key_pem())?;
        let process = Command::new(program)
            .args(["desk", "--listen", &address.to_string()])
            .env_clear()
            .envs([
                ("DESK_BUCKET", BUCKET),
                ("DESK_TOKENS", "eric:eric-token-0123456789"),
                ("DESK_FORWARD", "false"),
                ("DESK_DATABASE", &database.url),
                ("DESK_CALLBACK_URL", "http://desk/callback"),
                ("DESK_CALLBACK_KEY", key.to_str().unwrap_or_default()),
                ("OSS_ENDPOINT", &format!("http://{}", bucket.address)),
                ("OSS_REGION", "cn-hangzhou"),
                ("OSS_ACCESS_KEY_ID", "LTAIexample0bench0001"),
                ("OSS_ACCESS_KEY_SECRET", "ExampleExampleExampleExampleExampleSK001"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(database.folder().join("log"))?)
            .spawn()?;
        let mut desk = Self { address, process };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if desk.process.try_wait()?.is_some() || begun.elapsed() > Duration::from_secs(20) {
                let log = fs::read_to_string(database.folder().join("log")).unwrap_or_default();
                return Err(format!("the desk does not listen: {log}").into());
            }
            sleep(Duration::from_millis(10));
        }
        Ok(desk)
    }

    /// Seconds of CPU that it used so far, user and system.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name in parentheses may hold anything; `utime` and `stime` are the 12th and 13th after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() / TICKS_PER_SECOND)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about either failure.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds it, optimised as what is installed, but not across crates.
pub(crate) fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&root).args(["build", "--profile", "bench", "--locked", "--quiet"]);
    cargo.args(["--package", "oms-bridge", "--bin", "oms-bridge", "--features", "desk"]);
    // What cargo tells a benchmark about its package would make build scripts run anew, in this build and in the next.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (variable, _) in env::vars().filter(|(variable, _)| told(variable)) {
        cargo.env_remove(variable);
    }
    if !cargo.status()?.success() {
        return Err("oms-bridge does not build".into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release").join("oms-bridge").canonicalize()?)
}
