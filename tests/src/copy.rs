//! `oms-bridge copy`, with what opens both of its ends.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use cloud_twin::Twin;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::command::{Finished, OmsBridge};
use crate::process::{Process, Settings};

/// Longest time a run may take, so that one that hangs fails its test.
const LONGEST: Duration = Duration::from_mins(5);

/// A run of `copy`. It works in a directory of its own.
#[derive(Clone, Debug)]
pub struct Copy {
    arguments: Vec<String>,
    settings: Settings,
    input: Vec<u8>,
}

impl Copy {
    /// A run between two places, both in `twin` if they are buckets.
    pub fn new(twin: &Twin, from: impl AsRef<str>, to: impl AsRef<str>) -> Self {
        Self::between(twin, from, twin, to)
    }

    /// A run from a place in one twin to a place in another, with the first account of each service.
    pub fn between(source: &Twin, from: impl AsRef<str>, destination: &Twin, to: impl AsRef<str>) -> Self {
        let (from, to) = (from.as_ref(), to.as_ref());
        let huawei = destination.huawei_account();
        let mut settings = Settings::default()
            .credentials(source.oss_account())
            .set("OSS_ENDPOINT", source.oss_url())
            .set("OSS_REGION", source.region())
            .set("HW_AK", &huawei.access_key)
            .set("HW_SK", &huawei.secret_key);
        if from.starts_with("obs:") {
            settings = settings.set("SOURCE_ENDPOINT", source.obs_url());
        }
        if to.starts_with("obs:") {
            settings = settings.set("DEST_ENDPOINT", destination.obs_url());
        } else if to.starts_with("oss:") {
            settings = settings.set("DEST_ENDPOINT", destination.oss_url());
        }
        let arguments = ["copy", from, to].map(str::to_owned).into();
        Self { arguments, settings, input: Vec::new() }
    }

    /// The same places for `reconcile`.
    #[must_use]
    pub fn comparing(mut self) -> Self {
        "reconcile".clone_into(&mut self.arguments[0]);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings = self.settings.set(name, value);
        self
    }

    /// Changes the environment.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    /// Sets standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Another command with the same environment.
    pub fn settings_of(&self, command: OmsBridge) -> OmsBridge {
        command.settings(self.settings.clone())
    }

    /// Starts it in `directory`.
    pub fn start_in(&self, directory: &Path) -> Process {
        Process::spawn_in(&self.arguments, &self.settings, Some(directory))
    }

    /// Runs it to its end.
    pub async fn run(self) -> Finished {
        let directory = TempDir::new().unwrap();
        self.run_in(directory.path()).await
    }

    /// Runs it in `directory` to its end.
    pub async fn run_in(self, directory: &Path) -> Finished {
        let mut process = self.start_in(directory);
        let mut stdin = process.stdin();
        // A run that does not read may be over by now.
        let _ = stdin.write_all(&self.input).await;
        drop(stdin);
        finish(process).await
    }
}

/// Waits for the end of a run.
pub async fn finish(mut process: Process) -> Finished {
    let ended = timeout(LONGEST, process.wait()).await;
    let status = ended.unwrap_or_else(|_| panic!("the run does not end:\n{}", process.stderr()));
    Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
}

/// So many bytes that look like any others, and different ones for each seed.
pub fn bytes(seed: u32, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..len).map(|_| next()).collect::<Vec<u8>>().into()
}
