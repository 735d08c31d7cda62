//! `juicefs sync`, the peer that speaks OSS and OBS natively.
//!
//! It wants the services' own host names, on port 80. So a benchmark that runs it starts itself again in a network
//! of its own, where these names lead to two loopback addresses: nothing of this leaves the machine, and no other program
//! sees it.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::Result;

/// Where OSS has to listen.
pub const OSS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 80);

/// Where OBS has to listen.
pub const OBS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)), 80);

/// Host of OSS, after the bucket. The region is the local cloud's.
const OSS_HOST: &str = "oss-cn-hangzhou.aliyuncs.com";

/// Host of OBS, after the bucket.
const OBS_HOST: &str = "obs.cn-north-4.myhuaweicloud.com";

/// Holds the program for the process that was started again.
const STARTED_AGAIN: &str = "BENCH_JUICEFS";

/// Brings the network up and the names in, then becomes the program.
const SETUP: &str = r#"ip link set lo up && mount --bind "$0" /etc/hosts && exec "$@""#;

/// The program, in a network where it finds the local cloud.
#[derive(Clone, Debug)]
pub struct Juicefs {
    program: PathBuf,
}

/// A bucket, with its keys.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// Whether it is in OSS; otherwise it is in OBS.
    pub is_oss: bool,
    /// Its name.
    pub bucket: &'p str,
    /// What keys begin with; empty, or with a `/` at its end.
    pub prefix: &'p str,
    /// Access key.
    pub access_key: &'p str,
    /// Secret key.
    pub secret_key: &'p str,
}

impl Juicefs {
    /// Starts this process again in a network of its own if `benches/peers` has installed the program. Without it, or where
    /// such networks are not granted, there is none. To be called before anything else runs in the process.
    ///
    /// # Errors
    ///
    /// When the process cannot be started again.
    pub fn find(buckets: &[&str]) -> Result<Option<Self>> {
        if let Some(program) = env::var_os(STARTED_AGAIN) {
            return Ok(Some(Self { program: program.into() }));
        }
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
        let program = target.join("peers/bin/juicefs");
        if !program.is_file() {
            eprintln!("without juicefs sync: benches/peers installs it");
            return Ok(None);
        }
        let granted = |flags: &&[&str]| {
            let tried = Command::new("unshare").args(*flags).arg("true").stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        };
        let plain = ["--mount", "--net"];
        let as_user = ["--map-root-user", "--mount", "--net"];
        let Some(flags) = [&plain[..], &as_user].into_iter().find(granted) else {
            eprintln!("without juicefs sync: a network of its own is not granted");
            return Ok(None);
        };
        let hosts = target.join("peers/hosts");
        fs::write(&hosts, names(buckets))?;
        let mut again = Command::new("unshare");
        again.args(flags).args(["sh", "-c", SETUP]).arg(hosts.canonicalize()?).arg(env::current_exe()?);
        again.args(env::args_os().skip(1)).env(STARTED_AGAIN, program.canonicalize()?);
        // Comes back only if it failed.
        Err(again.exec().into())
    }

    /// A run from one place to the other with these arguments.
    #[must_use]
    pub fn sync(&self, arguments: &[&str], from: Place<'_>, to: Place<'_>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["sync", "--no-https", "--metrics", "127.0.0.1:0"]).args(arguments);
        command.args([from.address(), to.address()]).env_clear().stderr(Stdio::null());
        // It keeps a file of its own there.
        command.envs(env::var_os("HOME").map(|home| (OsString::from("HOME"), home)));
        command
    }
}

impl Place<'_> {
    fn address(self) -> String {
        let Self { is_oss, bucket, prefix, access_key, secret_key } = self;
        let (scheme, host) = if is_oss { ("oss", OSS_HOST) } else { ("obs", OBS_HOST) };
        format!("{scheme}://{access_key}:{secret_key}@{bucket}.{host}/{prefix}")
    }
}

fn names(buckets: &[&str]) -> String {
    let service = |address: SocketAddr, host: &str| {
        let hosts = buckets.iter().map(|bucket| format!("{bucket}.{host}"));
        let hosts: Vec<String> = hosts.chain([host.to_owned()]).collect();
        format!("{} {}\n", address.ip(), hosts.join(" "))
    };
    format!("127.0.0.1 localhost\n{}{}", service(OSS, OSS_HOST), service(OBS, OBS_HOST))
}
