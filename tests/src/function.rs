//! `oms-bridge serve` as a child process, run and invoked the way Function Compute does.

use std::net::SocketAddr;
use std::process::ExitStatus;

use bytes::Bytes;
use cloud_twin::Account;
use reqwest::{Method, Request};
use serde_json::Value;

use crate::cloud::{Cloud, http_client};
use crate::process::{Process, Settings};

const LOOPBACK: &str = "127.0.0.1:0";

/// A running function. It is killed when it is dropped.
#[derive(Debug)]
pub struct Function {
    process: Process,
    address: SocketAddr,
    http: reqwest::Client,
}

/// A function about to be started.
#[derive(Clone, Debug)]
pub struct FunctionSetup {
    settings: Settings,
    /// What the platform puts into the environment.
    platform: Settings,
    arguments: Vec<String>,
}

impl FunctionSetup {
    /// Sets a variable of its environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings = self.settings.set(name, value);
        self
    }

    /// Changes its environment.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs it on somebody's own machine instead of Function Compute.
    #[must_use]
    pub fn off_the_platform(self) -> Self {
        self.on_another_platform(Settings::default())
    }

    /// Runs it where the environment holds these variables instead of those of Function Compute.
    #[must_use]
    pub fn on_another_platform(mut self, variables: Settings) -> Self {
        self.platform = variables;
        self
    }

    /// Takes the address from the environment, as on the platform, instead of a free port of the loopback
    /// interface.
    #[must_use]
    pub fn listening_where_the_platform_says(mut self) -> Self {
        self.arguments.retain(|argument| !["--listen", LOOPBACK].contains(&&**argument));
        self
    }

    /// Seconds that an invocation may take.
    #[must_use]
    pub fn timeout(self, seconds: u64) -> Self {
        self.argument("--timeout").argument(seconds.to_string())
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> Function {
        let process = Process::spawn(&self.arguments, &self.settings.and(self.platform));
        let address = process.line(listening).await;
        Function { process, address, http: http_client() }
    }
}

/// The variables by which Function Compute tells that it runs a process.
pub fn function_compute() -> Settings {
    Settings::default().set("FC_FUNCTION_NAME", "oms-bridge").set("FC_ACCOUNT_ID", "1000000000000001")
}

/// The address in the log line that says so, in either form.
pub(crate) fn listening(line: &str) -> Option<SocketAddr> {
    match serde_json::from_str::<Value>(line) {
        Ok(line) if line["message"] == "listening" => line["address"].as_str()?.parse().ok(),
        Ok(_) => None,
        Err(_) => line.split_once("listening address=")?.1.trim().parse().ok(),
    }
}

/// What is sent to a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Invocation {
    /// An event.
    pub fn event(body: impl Into<Bytes>) -> Self {
        let invocation = Self::request(Method::POST, "/invoke", body.into());
        invocation.header("x-fc-control-path", "/invoke").header("content-type", "application/octet-stream")
    }

    /// Any other request.
    pub fn request(method: Method, path: &'static str, body: Bytes) -> Self {
        let headers = vec![("x-fc-request-id", "c3f1f1d6-0000-4000-8000-000000000001".to_owned())];
        Self { method, path, headers, body }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers with which Function Compute hands over the credentials of the function's role.
    #[must_use]
    pub fn credentials(self, account: &Account) -> Self {
        let with_pair = self
            .header("x-fc-access-key-id", &account.access_key)
            .header("x-fc-access-key-secret", &account.secret_key);
        match &account.security_token {
            Some(token) => with_pair.header("x-fc-security-token", token),
            None => with_pair,
        }
    }
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `x-fc-status`, by which the platform goes.
    pub fc_status: Option<String>,
    /// Body.
    pub body: String,
}

/// What a [`Reply`] to an event means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Every key was accepted, or there was nothing to do.
    True,
    /// Some key failed and is recorded.
    False,
    /// The invocation failed: the platform keeps the event.
    Failure {
        /// `errorType`
        kind: String,
        /// `errorMessage`
        message: String,
    },
}

impl Reply {
    /// The meaning; fails for a reply of no documented form.
    pub fn answer(&self) -> Answer {
        match (self.status, self.fc_status.as_deref(), &*self.body) {
            (200, Some("200"), "true") => Answer::True,
            (200, Some("200"), "false") => Answer::False,
            (404, Some("404"), body) => {
                let error: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
                assert_eq!(error.as_object().map(serde_json::Map::len), Some(2), "{self:?}");
                let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned();
                Answer::Failure { kind: text("errorType"), message: text("errorMessage") }
            }
            _ => panic!("no documented reply: {self:?}"),
        }
    }
}

impl Answer {
    /// The message of a failed invocation; fails for any other answer.
    pub fn failure(self) -> String {
        match self {
            Self::Failure { message, .. } => message,
            other => panic!("not a failure: {other:?}"),
        }
    }
}

impl Function {
    /// A function with the settings of `cloud`.
    pub fn on(cloud: &Cloud) -> FunctionSetup {
        Self::with(cloud.settings())
    }

    /// A function with the given settings.
    pub fn with(settings: Settings) -> FunctionSetup {
        let arguments = ["serve", "--listen", LOOPBACK].map(str::to_owned).into();
        let platform = function_compute();
        FunctionSetup { settings: settings.set("LOG_FORMAT", "json"), platform, arguments }
    }

    /// Sends an event and reads what the answer means.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> Answer {
        self.send(Invocation::event(event)).await.answer()
    }

    /// Sends a request.
    pub async fn send(&self, invocation: Invocation) -> Reply {
        let url = format!("http://{}{}", self.address, invocation.path).parse().unwrap();
        let mut request = Request::new(invocation.method, url);
        for (name, value) in invocation.headers {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        *request.body_mut() = Some(invocation.body.into());
        let response =
            self.http.execute(request).await.unwrap_or_else(|error| panic!("{error:?}\n{}", self.log()));
        let status = response.status().as_u16();
        let fc_status = response.headers().get("x-fc-status").map(|value| value.to_str().unwrap().to_owned());
        Reply { status, fc_status, body: response.text().await.unwrap() }
    }

    /// `POST /initialize`.
    pub async fn initialize(&self) -> Reply {
        let initialize = Invocation::request(Method::POST, "/initialize", Bytes::new());
        self.send(initialize.header("x-fc-control-path", "/initialize")).await
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.process.stdout()
    }

    /// Sends `SIGTERM`.
    pub async fn terminate(&self) {
        self.process.signal("TERM").await;
    }

    /// Ends it as an instance that the platform takes away: at once, whatever it does.
    pub async fn kill(mut self) {
        self.process.signal("KILL").await;
        self.process.wait().await;
    }

    /// Waits until its log has a line that contains `text`.
    pub async fn logged(&self, text: &str) {
        self.process.line(|line| line.contains(text).then_some(())).await;
    }

    /// Waits until its log has so many lines that contain `text`.
    pub async fn logged_times(&self, text: &str, count: usize) {
        self.process.lines(text, count).await;
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> ExitStatus {
        self.process.wait().await
    }
}
