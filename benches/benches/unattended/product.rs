//! The product: built, and its commands.

use std::path::PathBuf;
use std::process::{Command, Output};

use bench::Result;

/// The binary.
pub(crate) struct Product {
    pub(crate) program: PathBuf,
}

impl Product {
    pub(crate) fn at(program: PathBuf) -> Self {
        Self { program }
    }

    pub(crate) fn build() -> Result<Self> {
        let [program, _] = bench::build(["oms-bridge", "cloud-twin"])?;
        Ok(Self { program })
    }

    /// Runs a command to its end, with these variables and no others.
    pub(crate) async fn command(
        &self,
        arguments: &[&str],
        settings: &[(&'static str, String)],
    ) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(settings.iter().map(|(name, value)| (name, value)));
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }
}
