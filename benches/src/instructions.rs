//! Instructions that a program executes, as `valgrind --tool=callgrind` counts them.
//!
//! They hardly depend on what else the machine does, so they can be bounded for every change, which times cannot. `valgrind` shows
//! programs a processor without instructions for SHA: hashing weighs more here than where they are.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Result;

/// More than this share above its bound is a regression.
pub const TOLERANCE: f64 = 0.03;

/// Counts one program at a time.
#[derive(Debug)]
pub struct Counter {
    folder: TempDir,
}

/// Something that is counted, and what it may take.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// What.
    pub name: &'static str,
    /// What it took when this was last set.
    pub instructions: f64,
}

impl Counter {
    /// If `valgrind` is installed.
    ///
    /// # Errors
    ///
    /// When there is no temporary folder.
    pub fn find() -> Result<Option<Self>> {
        let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        Ok(Some(Self { folder: tempfile::tempdir()? }))
    }

    /// What has to be started in place of `program`: a program and its first arguments.
    #[must_use]
    pub fn wrap(&self, program: &Path) -> (PathBuf, Vec<String>) {
        let log = format!("--log-file={}", self.log().display());
        let arguments =
            ["--tool=callgrind", "--callgrind-out-file=/dev/null", &log, &program.display().to_string()];
        ("valgrind".into(), arguments.map(str::to_owned).to_vec())
    }

    /// A command that runs `program` and counts.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let (valgrind, arguments) = self.wrap(Path::new(program.as_ref()));
        let mut command = Command::new(valgrind);
        command.args(arguments);
        command
    }

    /// What the last program took, which has ended.
    ///
    /// # Errors
    ///
    /// When it did not end by itself, or did not start.
    pub fn collected(&self) -> Result<u64> {
        let log = fs::read_to_string(self.log())?;
        let collected = log.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
        collected.ok_or_else(|| format!("valgrind counted nothing: {log}").into())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Bound {
    /// Prints what it took. Whether that is no regression.
    pub fn check(&self, instructions: f64) -> bool {
        let ratio = instructions / self.instructions;
        let verdict = if ratio > 1.0 + TOLERANCE {
            "MORE"
        } else if ratio < 1.0 - TOLERANCE {
            "less: lower the bound"
        } else {
            "as before"
        };
        println!("{:34}{instructions:>12.0} instructions, {ratio:.3} x the bound: {verdict}", self.name);
        ratio <= 1.0 + TOLERANCE
    }
}
