//! Product, floor, `rclone` and `juicefs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use bench::Result;
use bench::juicefs::{Juicefs, Place};
use bench::process::{self, Usage};

use crate::scene::{From, MIRROR, SOURCE, Scene};

/// Who compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Two bare listings at the same time.
    Floor,
    Product,
    /// Reads every object of both sides.
    ProductContent,
    /// Without any setting.
    Rclone,
    /// With as few requests as it can.
    RcloneFast,
    /// As its users check: it lists, and compares sizes only.
    Juicefs,
    /// With several listings at once.
    JuicefsThreads,
    /// Reads every object of both sides, and would copy what differs.
    JuicefsContent,
}

/// The programs.
pub(crate) struct Programs {
    pub(crate) product: PathBuf,
    pub(crate) juicefs: Option<Juicefs>,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor: two listings",
            Self::Product => "oms-bridge reconcile",
            Self::ProductContent => "oms-bridge, --check content",
            Self::Rclone => "rclone check",
            Self::RcloneFast => "rclone check --fast-list",
            Self::Juicefs => "juicefs sync --dry --check-all",
            Self::JuicefsThreads => "the same, 16 listing threads",
            Self::JuicefsContent => "juicefs sync --check-all -p 16",
        }
    }

    pub(crate) fn is_installed(self, programs: &Programs) -> bool {
        match self {
            Self::Floor | Self::Product | Self::ProductContent => true,
            Self::Rclone | Self::RcloneFast => {
                Command::new("rclone").arg("version").stdout(Stdio::null()).status().is_ok()
            }
            Self::Juicefs | Self::JuicefsThreads | Self::JuicefsContent => programs.juicefs.is_some(),
        }
    }

    pub(crate) fn run(self, scene: &Scene, programs: &Programs) -> Result<Usage> {
        let juicefs = |arguments: &[&str]| match &programs.juicefs {
            Some(program) => juicefs(scene, program, arguments),
            None => Err("juicefs is not installed".into()),
        };
        match self {
            Self::Floor => floor(scene),
            Self::Product => reconcile(scene, &programs.product, &[]),
            Self::ProductContent => reconcile(scene, &programs.product, &["--check", "content"]),
            Self::Rclone => rclone(scene, &[]),
            Self::RcloneFast => rclone(scene, &["--fast-list"]),
            Self::Juicefs => juicefs(&["--dry", "--check-all"]),
            Self::JuicefsThreads => juicefs(&["--dry", "--check-all", "--list-threads=16", "--list-depth=2"]),
            Self::JuicefsContent => juicefs(&["--check-all", "--threads=16"]),
        }
    }
}

fn floor(scene: &Scene) -> Result<Usage> {
    let twin = &scene.twin;
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile_floor"));
    let (oss, huawei) = (twin.oss_account(), twin.huawei_account());
    for (bucket, is_oss) in [(SOURCE, scene.from == From::Oss), (MIRROR, false)] {
        let (name, url, account) =
            if is_oss { ("oss", twin.oss_url(), oss) } else { ("obs", twin.obs_url(), huawei) };
        command.args([name, &url, twin.region(), bucket, &account.access_key, &account.secret_key]);
    }
    process::run(command.env_clear())
}

fn reconcile(scene: &Scene, product: &Path, arguments: &[&str]) -> Result<Usage> {
    let twin = &scene.twin;
    let (oss, huawei) = (twin.oss_account(), twin.huawei_account());
    let (scheme, source) = match scene.from {
        From::Oss => ("oss", twin.oss_url()),
        From::Obs => ("obs", twin.obs_url()),
    };
    let mut command = Command::new(product);
    command.args(["reconcile", &format!("{scheme}://{SOURCE}/"), &format!("obs://{MIRROR}/")]);
    command.args(arguments).arg("--report").arg(scene.file("product.txt")).env_clear().envs([
        ("SOURCE_ENDPOINT", source.as_str()),
        ("DEST_ENDPOINT", &twin.obs_url()),
        ("HW_AK", &huawei.access_key),
        ("HW_SK", &huawei.secret_key),
        ("OSS_REGION", twin.region()),
        ("OSS_ACCESS_KEY_ID", &oss.access_key),
        ("OSS_ACCESS_KEY_SECRET", &oss.secret_key),
    ]);
    // What differs is said.
    command.stderr(Stdio::null());
    process::run_to(&mut command, if scene.differences() == 0 { 0 } else { 3 })
}

/// By the interface of S3, with signature V2: of OSS it knows no other, which the local cloud does not take there.
fn rclone(scene: &Scene, arguments: &[&str]) -> Result<Usage> {
    let account = scene.twin.huawei_account();
    let remote = format!(
        "[cloud]\ntype = s3\nprovider = Other\nv2_auth = true\nforce_path_style = true\n\
         endpoint = {}\naccess_key_id = {}\nsecret_access_key = {}\n",
        scene.twin.obs_url(),
        account.access_key,
        account.secret_key
    );
    let file = scene.file("rclone.conf");
    fs::write(&file, remote)?;
    let mut command = Command::new("rclone");
    command.arg("--config").arg(file).args(["--checkers=16", "--combined"]).arg(scene.file("rclone.txt"));
    command.args(arguments).args(["check", &format!("cloud:{SOURCE}"), &format!("cloud:{MIRROR}")]);
    command.env_clear().env("HOME", scene.file("")).envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command.stderr(Stdio::null());
    process::run_to(&mut command, 1)
}

fn juicefs(scene: &Scene, program: &Juicefs, arguments: &[&str]) -> Result<Usage> {
    let place = |bucket, is_oss| {
        let account = if is_oss { scene.twin.oss_account() } else { scene.twin.huawei_account() };
        let (access_key, secret_key) = (account.access_key.clone(), account.secret_key.clone());
        (bucket, is_oss, access_key, secret_key)
    };
    let ends = [place(SOURCE, scene.from == From::Oss), place(MIRROR, false)];
    let [from, to] = ends.each_ref().map(|(bucket, is_oss, access_key, secret_key)| Place {
        is_oss: *is_oss,
        bucket,
        prefix: "",
        access_key,
        secret_key,
    });
    process::run(&mut program.sync(arguments, from, to))
}
