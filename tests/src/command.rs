//! Any command of the binary, run to its end.

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::process::{Process, Settings};

/// A run of the binary.
#[derive(Clone, Debug)]
pub struct OmsBridge {
    arguments: Vec<String>,
    settings: Settings,
    input: Vec<u8>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl OmsBridge {
    /// A run with these arguments, an empty environment and nothing on standard input.
    pub fn new<A: Into<String>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { arguments, settings: Settings::default(), input: Vec::new() }
    }

    /// Sets the environment.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end.
    pub async fn run(self) -> Finished {
        let mut process = Process::spawn(&self.arguments, &self.settings);
        let mut stdin = process.stdin();
        // A command that does not read may be gone by now.
        let _ = stdin.write_all(&self.input).await;
        drop(stdin);
        let status = process.wait().await;
        Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
    }
}

impl Finished {
    /// Standard output as the one JSON object that `--json` promises.
    pub fn json(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert!(value.is_object(), "{self:?}");
        value
    }
}
