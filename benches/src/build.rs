//! The programs that are measured.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// Builds the binaries that bear their packages' names, optimised as what is installed, but not across crates.
/// Together, so that what they share is built once, and every benchmark builds the same.
///
/// # Errors
///
/// When they do not build.
pub fn build<const N: usize>(names: [&str; N]) -> Result<[PathBuf; N]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&root).args(["build", "--profile", "bench", "--locked", "--quiet"]);
    for name in names {
        cargo.args(["--package", name, "--bin", name]);
    }
    // What cargo tells a benchmark about its package would make build scripts run again, in this build and the next.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (variable, _) in env::vars().filter(|(variable, _)| told(variable)) {
        cargo.env_remove(variable);
    }
    if !cargo.status()?.success() {
        return Err(format!("{names:?} do not build").into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let release = target.join("release").canonicalize()?;
    Ok(names.map(|name| release.join(name)))
}
