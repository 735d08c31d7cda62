//! What is measured: the product as it is deployed, and the floor, built the same way.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::function::Sink;
use bench::function::event::{self, Role};

use crate::process::{Server, Start};

const LOG_BUCKET: &str = "holiday-photos-journal";
const SYNC_PATH: &str =
    "/v2/84b5266c14ae489fa6549827f032dc62/sync-tasks/b1f5dd1a-0f56-4f0f-9e33-4e9e0ed1c4b7/events";

/// A program and how to start it.
pub(crate) struct Subject {
    pub(crate) program: PathBuf,
    arguments: &'static [&'static str],
    variables: Vec<(&'static str, String)>,
}

/// Where the product sends.
pub(crate) struct Services {
    pub(crate) sync_url: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) oss_endpoint: String,
    pub(crate) log_bucket: String,
}

impl Services {
    pub(crate) fn sinks(oms: &Sink, oss: &Sink) -> Self {
        Self {
            sync_url: oms.url() + SYNC_PATH,
            access_key: "EXAMPLEEXAMPLEAK0001".to_owned(),
            secret_key: "ExampleExampleExampleExampleExampleSK001".to_owned(),
            oss_endpoint: oss.url(),
            log_bucket: LOG_BUCKET.to_owned(),
        }
    }
}

impl Subject {
    pub(crate) fn product(program: &Path, services: Services) -> Self {
        Self {
            program: program.to_owned(),
            arguments: &["serve"],
            variables: vec![
                ("SYNC_URL", services.sync_url),
                ("HW_AK", services.access_key),
                ("HW_SK", services.secret_key),
                ("OSS_ENDPOINT", services.oss_endpoint),
                ("OSS_REGION", "cn-hangzhou".to_owned()),
                ("LOG_BUCKET", services.log_bucket),
                // Both, or it takes itself for a server of its own: on loopback, for those with a token.
                ("FC_FUNCTION_NAME", "oms-bridge".to_owned()),
                ("FC_ACCOUNT_ID", "1000000000000001".to_owned()),
                ("RUST_LOG", "info".to_owned()),
            ],
        }
    }

    /// The floor, sending what the product sent to the sinks.
    pub(crate) fn floor(program: &Path, oms: &Sink, oss: &Sink) -> io::Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            arguments: &[],
            variables: vec![("FLOOR_OMS", canned(oms)?), ("FLOOR_OSS", canned(oss)?)],
        })
    }

    /// Starts it and invokes it once.
    pub(crate) fn start(&self, request: &[u8]) -> io::Result<(Server, Start)> {
        Server::start(&self.program, self.arguments, &self.variables, request)
    }
}

fn canned(sink: &Sink) -> io::Result<String> {
    let request = sink.first_request().ok_or_else(|| io::Error::other("the product sent no request"))?;
    let path = request.split(' ').nth(1).unwrap_or_default();
    Ok(format!("{}{path}\n{request}", sink.url()))
}

/// Role of the invocations and settings that the local cloud takes.
pub(crate) fn local_cloud(twin: &cloud_twin::Twin) -> (Role, Services) {
    let account = twin.function_account();
    let role = Role {
        id: account.access_key.clone(),
        secret: account.secret_key.clone(),
        token: account.security_token.clone().unwrap_or_default(),
    };
    let task = twin.create_sync_task(event::BUCKET, "holiday-photos-copy");
    let services = Services {
        sync_url: twin.sync_url(&task),
        access_key: twin.huawei_account().access_key.clone(),
        secret_key: twin.huawei_account().secret_key.clone(),
        oss_endpoint: twin.oss_url(),
        log_bucket: LOG_BUCKET.to_owned(),
    };
    (role, services)
}

/// The two programs.
pub(crate) struct Programs {
    pub(crate) product: PathBuf,
    pub(crate) floor: PathBuf,
}

impl Programs {
    /// `bootstrap` and `floor` in `folder`, built before: to compare profiles and flags.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { product: folder.join("bootstrap"), floor: folder.join("floor") }
    }

    /// Builds both: the product by the script that deployments use, the floor with the same profile and flags.
    pub(crate) fn build() -> io::Result<Self> {
        const TRIPLE: &str = "x86_64-unknown-linux-gnu";
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let out = target.join("bench");
        run(Command::new(root.join("deploy/build.sh")).arg(&out))?;
        let flags = env::var("RUSTFLAGS").unwrap_or_default() + " -C target-feature=+crt-static";
        run(Command::new("cargo")
            .args(["build", "--locked", "--profile", "dist", "--package", "bench", "--bin", "floor"])
            // Not built again, but selected: so what both depend on has the same features, and is built once.
            .args(["--package", "oms-bridge", "--no-default-features"])
            .args(["--target", TRIPLE])
            .env("RUSTFLAGS", flags)
            .current_dir(&root))?;
        fs::copy(target.join(TRIPLE).join("dist").join("floor"), out.join("floor"))?;
        Ok(Self::in_folder(&out))
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    // What cargo tells a benchmark about its package would make build scripts run anew, in this build and in the next.
    for (name, _) in
        env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}
