//! A child process: environment, captured output, signals.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cloud_twin::Account;
use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::binary;

/// Longest time anything is waited for, so that a failing test ends. What is waited for takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A port outside the range from which the system picks ports by itself, so that nobody takes it in the
/// meantime.
pub fn free_port() -> u16 {
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    let mut ports = (first..10_000).chain(0..first).map(|offset| 20_000 + offset);
    ports.find(|&port| std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()).unwrap()
}

/// The environment of a child: these variables and no others.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Adds the variables of `other`, which win.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Replaces the credentials for OSS by those of `account`, as Function Compute puts them in the
    /// environment.
    #[must_use]
    pub fn credentials(self, account: &Account) -> Self {
        let settings = self
            .without_credentials()
            .set("ALIBABA_CLOUD_ACCESS_KEY_ID", &account.access_key)
            .set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &account.secret_key);
        match &account.security_token {
            Some(token) => settings.set("ALIBABA_CLOUD_SECURITY_TOKEN", token),
            None => settings,
        }
    }

    /// Removes the credentials for OSS.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        ["ID", "SECRET"]
            .iter()
            .fold(self, |settings, part| settings.unset(&format!("ALIBABA_CLOUD_ACCESS_KEY_{part}")))
            .unset("ALIBABA_CLOUD_SECURITY_TOKEN")
    }
}

/// Lines that a process wrote.
#[derive(Debug, Default)]
struct Output {
    written: Mutex<Written>,
    changed: Arc<Notify>,
}

#[derive(Clone, Debug, Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Output {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock()
    }

    async fn line<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.text(|text| text.lines().find_map(&wanted)).await
    }

    async fn text<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Registered before the text is read, so that no line in between is missed.
            changed.as_mut().enable();
            let Written { text, ended } = self.written().clone();
            if let Some(found) = wanted(&text) {
                return found;
            }
            assert!(!ended, "the process ended:\n{text}");
            assert!(timeout(PATIENCE, changed).await.is_ok(), "no such line:\n{text}");
        }
    }

    async fn end(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.written().ended {
                return;
            }
            changed.await;
        }
    }

    fn collect(self: &Arc<Self>, pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let output = Arc::clone(self);
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                output.written().text.push_str(&String::from_utf8_lossy(&line));
                output.changed.notify_waiters();
                line.clear();
            }
            output.written().ended = true;
            output.changed.notify_waiters();
        })
    }
}

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    readers: [JoinHandle<()>; 2],
}

impl Process {
    /// Runs `oms-bridge` with these arguments and this environment.
    pub fn spawn(arguments: &[String], settings: &Settings) -> Self {
        Self::spawn_in(arguments, settings, None)
    }

    /// As [`Process::spawn`], in a directory if one is given.
    pub fn spawn_in(arguments: &[String], settings: &Settings, directory: Option<&Path>) -> Self {
        Self::spawn_program(&binary(), arguments, settings, directory)
    }

    /// As [`Process::spawn`]. `heard` is notified of each line on standard error, that of other processes
    /// too.
    #[cfg(feature = "desk")]
    pub(crate) fn spawn_heard(arguments: &[String], settings: &Settings, heard: Arc<Notify>) -> Self {
        Self::spawn_with(&binary(), arguments, settings, None, heard)
    }

    /// Runs another program likewise.
    pub fn spawn_program(
        program: &OsStr,
        arguments: &[String],
        settings: &Settings,
        directory: Option<&Path>,
    ) -> Self {
        Self::spawn_with(program, arguments, settings, directory, Arc::default())
    }

    fn spawn_with(
        program: &OsStr,
        arguments: &[String],
        settings: &Settings,
        directory: Option<&Path>,
        heard: Arc<Notify>,
    ) -> Self {
        let mut command = Command::new(program);
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        command.args(arguments).env_clear().envs(&settings.0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let stdout = Arc::<Output>::default();
        let stderr = Arc::new(Output { changed: heard, ..Output::default() });
        let readers =
            [stdout.collect(child.stdout.take().unwrap()), stderr.collect(child.stderr.take().unwrap())];
        Self { child, stdout, stderr, readers }
    }

    /// The writing end of its standard input; only once.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("taken once")
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.written().text.clone()
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.written().text.clone()
    }

    /// Returns the first line on standard error for which `wanted` gives something; fails if the process ends
    /// before.
    pub async fn line<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.stderr.line(wanted).await
    }

    /// Returns once standard error has so many lines that contain `text`; fails if the process ends before.
    pub async fn lines(&self, text: &str, count: usize) {
        let wanted = |line: &&str| line.contains(text);
        self.stderr.text(|all| (all.lines().filter(wanted).count() >= count).then_some(())).await;
    }

    /// As [`Process::line`], on standard output.
    pub async fn stdout_line<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.stdout.line(wanted).await
    }

    /// Returns when it has closed its standard error, as it does at its end.
    pub async fn ended(&self) {
        self.stderr.end().await;
    }

    /// The most memory that it has had since the last call of [`Process::forget_peak_memory`], in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Lets the peak begin at what it has now.
    pub fn forget_peak_memory(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id().unwrap()), "5").unwrap();
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal by name, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("the process runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end and for the last of its output.
    pub async fn wait(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        let status = self.child.wait().await.unwrap();
        for reader in &mut self.readers {
            reader.await.unwrap();
        }
        status
    }
}
