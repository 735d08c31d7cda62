//! Product, floor, `rclone` and `juicefs`: built and configured.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench::build;
use bench::juicefs::{Juicefs, Place};
use bench::process::{self, Usage};
use oss_lite::Dialect;

use crate::Result;
use crate::cloud::Cloud;
use crate::requests::Requests;
use crate::scene::Load;

/// Streams of the product unless told otherwise.
pub(crate) const CONCURRENCY: usize = 16;

/// What the product does by itself, in `rclone`'s words.
const SAME: &[&str] = &[
    "--transfers=16",
    "--checkers=16",
    "--s3-upload-concurrency=16",
    "--s3-chunk-size=16M",
    "--s3-upload-cutoff=16M",
];

/// Everything that copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The requests over bare sockets.
    Floor,
    /// The requests by the product's HTTP client.
    ClientFloor,
    /// `oms-bridge copy` as it comes.
    Product,
    /// `oms-bridge copy`, large objects with one request.
    OneStream,
    /// `rclone` with the product's settings.
    Rclone,
    /// `rclone` as it comes.
    RcloneDefault,
    /// `juicefs sync` with the product's streams.
    Juicefs,
    /// `juicefs sync` as it comes.
    JuicefsDefault,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor: sockets",
            Self::ClientFloor => "floor: HTTP client",
            Self::Product => "oms-bridge copy",
            Self::OneStream => "oms-bridge copy --part-size 5G",
            Self::Rclone => "rclone, same settings",
            Self::RcloneDefault => "rclone",
            Self::Juicefs => "juicefs sync, 16 threads",
            Self::JuicefsDefault => "juicefs sync",
        }
    }

    pub(crate) fn is_product(self) -> bool {
        matches!(self, Self::Product | Self::OneStream)
    }
}

/// The programs.
pub(crate) struct Programs {
    product: PathBuf,
    floor: PathBuf,
    client_floor: PathBuf,
    pub(crate) cloud: PathBuf,
    pub(crate) juicefs: Option<Juicefs>,
}

/// From where to where.
pub(crate) struct Route<'c> {
    pub(crate) from: Dialect,
    pub(crate) source: &'c Cloud,
    pub(crate) destination: &'c Cloud,
}

impl Programs {
    pub(crate) fn build() -> Result<Self> {
        let [product, cloud] = build(["oms-bridge", "cloud-twin"])?;
        Ok(Self {
            product,
            floor: env!("CARGO_BIN_EXE_copy_floor").into(),
            client_floor: env!("CARGO_BIN_EXE_copy_client_floor").into(),
            cloud,
            juicefs: None,
        })
    }

    /// Those in `folder`, built before: to compare versions.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let folder = folder.canonicalize()?;
        let [product, floor, client_floor, cloud] =
            ["oms-bridge", "copy_floor", "copy_client_floor", "cloud-twin"].map(|name| folder.join(name));
        Ok(Self { product, floor, client_floor, cloud, juicefs: None })
    }

    /// The product, or a peer.
    pub(crate) fn run(&self, side: Side, load: Load, route: &Route<'_>, folder: &Path) -> Result<Usage> {
        match side {
            Side::Rclone => rclone(load, SAME, route, folder),
            Side::RcloneDefault => rclone(load, &[], route, folder),
            Side::Juicefs => self.juicefs(load, &["--threads=16"], route),
            Side::JuicefsDefault => self.juicefs(load, &[], route),
            Side::OneStream => self.product(load, &["--part-size=5G"], route, folder),
            Side::Product => self.product(load, &[], route, folder),
            Side::Floor | Side::ClientFloor => Err("a floor needs requests".into()),
        }
    }

    fn product(&self, load: Load, arguments: &[&str], route: &Route<'_>, folder: &Path) -> Result<Usage> {
        let (source, destination) =
            (route.source.service(route.from)?, route.destination.service(Dialect::Obs)?);
        let (key, scheme) = (load.prefix(), if route.from == Dialect::Oss { "oss" } else { "obs" });
        let mut command = Command::new(&self.product);
        command.arg("copy").args((load == Load::Small).then_some("-r")).args(arguments);
        command.args([
            format!("{scheme}://{}/{key}", source.bucket),
            format!("obs://{}/{key}", destination.bucket),
        ]);
        command.current_dir(folder).env_clear().envs([
            ("SOURCE_ENDPOINT", &source.url),
            ("DEST_ENDPOINT", &destination.url),
            ("HW_AK", &destination.access_key),
            ("HW_SK", &destination.secret_key),
        ]);
        if route.from == Dialect::Oss {
            command.envs([
                ("OSS_REGION", &source.region),
                ("OSS_ACCESS_KEY_ID", &source.access_key),
                ("OSS_ACCESS_KEY_SECRET", &source.secret_key),
            ]);
        }
        process::run(&mut command)
    }

    fn juicefs(&self, load: Load, arguments: &[&str], route: &Route<'_>) -> Result<Usage> {
        let program = self.juicefs.as_ref().ok_or("juicefs is not installed")?;
        let ends = [route.source.service(route.from)?, route.destination.service(Dialect::Obs)?];
        let [from, to] = ends.each_ref().map(|service| Place {
            is_oss: service.dialect == Dialect::Oss,
            bucket: service.bucket,
            prefix: load.folder(),
            access_key: &service.access_key,
            secret_key: &service.secret_key,
        });
        process::run(&mut program.sync(arguments, from, to))
    }

    /// A floor, sending these requests.
    pub(crate) fn floor(
        &self,
        side: Side,
        load: Load,
        requests: &Requests,
        route: &Route<'_>,
        folder: &Path,
    ) -> Result<Usage> {
        let file = folder.join("requests");
        fs::write(&file, &requests.text)?;
        let connections = if load == Load::Small { CONCURRENCY } else { 1 };
        let (source, destination) =
            (route.source.service(route.from)?, route.destination.service(Dialect::Obs)?);
        let mut command =
            Command::new(if side == Side::ClientFloor { &self.client_floor } else { &self.floor });
        command.args([source.address(), destination.address()]);
        command.args([connections.to_string(), requests.listings.to_string()]).arg(file).env_clear();
        process::run_when_ready(&mut command)
    }
}

fn rclone(load: Load, arguments: &[&str], route: &Route<'_>, folder: &Path) -> Result<Usage> {
    let file = folder.join("rclone.conf");
    let ends = [route.source.service(route.from)?, route.destination.service(Dialect::Obs)?];
    let remotes = ["source", "destination"].iter().zip(&ends).map(|(name, service)| {
        format!(
            "[{name}]\ntype = s3\nprovider = Other\nv2_auth = true\nforce_path_style = true\n\
             endpoint = {}\naccess_key_id = {}\nsecret_access_key = {}\n",
            service.url, service.access_key, service.secret_key
        )
    });
    fs::write(&file, remotes.collect::<String>())?;
    let (verb, key) = (if load == Load::Small { "copy" } else { "copyto" }, load.prefix());
    let mut command = Command::new("rclone");
    command.arg("--config").arg(file).args(arguments);
    command.args([
        verb,
        &format!("source:{}/{key}", ends[0].bucket),
        &format!("destination:{}/{key}", ends[1].bucket),
    ]);
    command.env_clear().env("HOME", folder).envs(env::var_os("PATH").map(|path| ("PATH", path)));
    process::run(&mut command)
}

/// The first line of what `rclone` says of itself, if it is installed.
pub(crate) fn rclone_version() -> Option<String> {
    let output = Command::new("rclone").arg("version").stdin(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}
