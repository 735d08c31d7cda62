//! The function, started and killed as an instance of Function Compute.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bench::{Result, process};
use cloud_twin::Account;
use http_client::Proxies;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::scale::Action;

/// Seconds that an invocation may take, as in `s.yaml`.
const TIMEOUT: &str = "120";

/// Further tries of a failed invocation.
const RETRIES: u32 = 8;

/// One instance at a time.
pub(crate) struct Function {
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
    account: Account,
    address: SocketAddr,
    http: reqwest::Client,
    running: Mutex<Option<Instance>>,
    results: watch::Sender<Results>,
    usage: Mutex<Usage>,
    invocations: AtomicU64,
}

struct Instance {
    child: Child,
    /// Reads its log to the end.
    reader: JoinHandle<()>,
}

/// The last line of the log in which a run of each action says what it came to, and how many there were.
type Results = [(u64, Value); 3];

/// What all instances took together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_s: f64,
    pub(crate) peak_rss_mib: f64,
    pub(crate) instances: u64,
}

/// What an invocation came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// What the function said; `None` if it failed in every try.
    pub(crate) good: Option<bool>,
    /// The line of the log with what the run came to.
    pub(crate) result: Value,
}

impl Function {
    pub(crate) async fn start(
        program: &Path,
        settings: Vec<(&'static str, String)>,
        account: Account,
    ) -> Result<Self> {
        let function = Self {
            program: program.to_owned(),
            settings,
            account,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)),
            http: http_client::build(Proxies::None)?,
            running: Mutex::default(),
            results: watch::Sender::default(),
            usage: Mutex::default(),
            invocations: AtomicU64::default(),
        };
        function.start_instance().await?;
        Ok(function)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn start_instance(&self) -> Result<()> {
        let mut child = Command::new(&self.program)
            .args(["serve", "--listen", &self.address.to_string(), "--timeout", TIMEOUT])
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .envs([("FC_FUNCTION_NAME", "oms-bridge"), ("FC_ACCOUNT_ID", "1000000000000001")])
            .envs([("LOG_FORMAT", "json"), ("RUST_LOG", "info")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("no log")?);
        let (listening, mut listens) = oneshot::channel();
        let mut listening = Some(listening);
        let results = self.results.clone();
        let reader = thread::spawn(move || {
            for line in log.lines().map_while(std::io::Result::ok) {
                let value: Value = serde_json::from_str(&line).unwrap_or_default();
                if value["message"] == "listening" {
                    // It is waited for.
                    let _ = listening.take().map(|listening| listening.send(()));
                }
                if let Some(action) = Action::ALL.into_iter().find(|action| value["message"] == action.done())
                {
                    results.send_modify(|results| {
                        let (count, result) = &mut results[action as usize];
                        (*count, *result) = (*count + 1, value);
                    });
                }
            }
        });
        *self.running.lock() = Some(Instance { child, reader });
        (&mut listens).await.map_err(|_| "the function ended before it listened")?;
        self.usage.lock().instances += 1;
        Ok(())
    }

    /// Ends the instance with a SIGKILL, whatever it does, and starts the next one.
    pub(crate) async fn kill(&self) -> Result<()> {
        self.end()?;
        self.start_instance().await
    }

    /// Ends the instance; returns what all of them took.
    pub(crate) fn end(&self) -> Result<Usage> {
        if let Some(mut instance) = self.running.lock().take() {
            let mut usage = self.usage.lock();
            usage.cpu_s += process::cpu(instance.child.id())?;
            let peak = process::high_water(instance.child.id()).unwrap_or_default() as f64 / 1024.0;
            usage.peak_rss_mib = usage.peak_rss_mib.max(peak);
            instance.child.kill()?;
            instance.child.wait()?;
            instance.reader.join().map_err(|_| "its log could not be read")?;
        }
        Ok(*self.usage.lock())
    }

    /// Invokes it as a timer does: an invocation that fails, or whose instance dies, is tried again.
    pub(crate) async fn timer(&self, action: Action) -> Result<Answer> {
        let payload = json!({"action": action.name()}).to_string();
        let event =
            json!({"triggerTime": "2026-01-01T00:00:00Z", "triggerName": action.name(), "payload": payload});
        let id = format!("timer-{}", self.invocations.fetch_add(1, Ordering::Relaxed));
        for attempt in 0..=RETRIES {
            let before = self.results.borrow()[action as usize].0;
            match self.invoke(&id, event.to_string()).await {
                Some(good) => {
                    return Ok(Answer { good: Some(good), result: self.result(action, before).await? });
                }
                None => sleep(Duration::from_millis(50) * 2_u32.pow(attempt)).await,
            }
        }
        Ok(Answer::default())
    }

    async fn invoke(&self, id: &str, event: String) -> Option<bool> {
        let mut request = self.http.post(format!("{}/invoke", self.url())).body(event);
        for (name, value) in [
            ("content-type", "application/octet-stream"),
            ("x-fc-request-id", id),
            ("x-fc-control-path", "/invoke"),
            ("x-fc-access-key-id", &self.account.access_key),
            ("x-fc-access-key-secret", &self.account.secret_key),
            ("x-fc-security-token", self.account.security_token.as_deref().unwrap_or_default()),
        ] {
            request = request.header(name, value);
        }
        let response = request.send().await.ok()?;
        let succeeded = response.headers().get("x-fc-status").is_some_and(|status| status == "200");
        let body = response.text().await.ok()?;
        succeeded.then_some(body == "true")
    }

    /// What the run says in the log that it came to; it did so before it answered.
    async fn result(&self, action: Action, before: u64) -> Result<Value> {
        let mut results = self.results.subscribe();
        let written = results.wait_for(|results| results[action as usize].0 > before).await?;
        Ok(written[action as usize].1.clone())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about a failure.
        let _ = self.end();
    }
}

/// A port outside of the range from which the system picks by itself, so that it is still free after a kill.
fn free_port() -> Result<u16> {
    let first = u16::try_from(std::process::id() % 10_000)?;
    let mut ports = (first..10_000).chain(0..first).map(|offset| 20_000 + offset);
    let free = ports.find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    free.ok_or_else(|| "no free port".into())
}
