//! `oms-bridge` as AWS Lambda runs it: no arguments, and events from a stand-in of the runtime API.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod api;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::time::timeout;

use self::api::{Post, RuntimeApi};
use crate::cloud::Cloud;
use crate::command::Finished;
use crate::process::{PATIENCE, Process, Settings};

/// What Lambda gives a function unless told otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A running function. It is killed when it is dropped.
#[derive(Debug)]
pub struct Lambda {
    process: Process,
    api: RuntimeApi,
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq)]
pub enum LambdaAnswer {
    /// The invocation succeeded, with this result.
    Response(Value),
    /// The invocation failed: Lambda keeps the event.
    Error {
        /// `errorType`
        kind: String,
        /// `errorMessage`
        message: String,
    },
}

impl LambdaAnswer {
    fn of(post: &Post) -> Self {
        let body: Value = serde_json::from_str(&post.body).unwrap_or_else(|_| panic!("no JSON: {post:?}"));
        if post.target.ends_with("/response") {
            return Self::Response(body);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{post:?}")).to_owned();
        Self::Error { kind: text("errorType"), message: text("errorMessage") }
    }

    /// The messages that go back to the queue, by a partial batch response of exactly the documented form.
    pub fn failed_messages(self) -> Vec<String> {
        let Self::Response(Value::Object(mut response)) = self else { panic!("no batch response: {self:?}") };
        let Some(Value::Array(items)) = response.remove("batchItemFailures") else { panic!("{response:?}") };
        assert!(response.is_empty(), "{response:?}");
        let id = |item: &Value| match item.as_object().map(|item| (item.len(), item.get("itemIdentifier"))) {
            Some((1, Some(Value::String(id)))) => id.clone(),
            _ => panic!("no item failure: {item}"),
        };
        items.iter().map(id).collect()
    }
}

impl Lambda {
    /// Starts a function with the settings of `cloud` and waits until it asks for its first event.
    pub async fn on(cloud: &Cloud) -> Self {
        Self::with(cloud.settings()).await
    }

    /// As [`Lambda::on`], with the given settings.
    pub async fn with(settings: Settings) -> Self {
        Self::of(RuntimeApi::start().await, settings).await
    }

    /// As [`Lambda::with`], where the runtime API closes a connection on which nothing is said for so long.
    pub async fn of_impatient_api(patience: Duration, settings: Settings) -> Self {
        Self::of(RuntimeApi::patient_for(patience).await, settings).await
    }

    async fn of(api: RuntimeApi, settings: Settings) -> Self {
        let process = Process::spawn(&[], &environment(&api).and(settings));
        let lambda = Self { process, api };
        tokio::select! {
            () = lambda.api.asked(1) => lambda,
            () = lambda.process.ended() => panic!("ended before it asked for an event:\n{}", lambda.log()),
        }
    }

    /// Starts a function that does not come to its first event. Returns how it ended, and what it reported as
    /// the reason.
    pub async fn failing_to_start(settings: Settings) -> (Finished, Option<Value>) {
        let api = RuntimeApi::start().await;
        let mut process = Process::spawn(&[], &environment(&api).and(settings));
        let status = process.wait().await;
        let reported = api.posts().into_iter().find(|post| post.target.ends_with("/runtime/init/error"));
        let finished = Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() };
        assert_eq!(api.asks(), 0, "{finished:?}");
        (finished, reported.map(|post| serde_json::from_str(&post.body).expect("JSON")))
    }

    /// Starts a function where nobody is at the address of the runtime API, and waits for its end.
    pub async fn without_api(address: &str, settings: Settings) -> Finished {
        let api = RuntimeApi::start().await;
        let settings = environment(&api).and(settings).set("AWS_LAMBDA_RUNTIME_API", address);
        let mut process = Process::spawn(&[], &settings);
        let status = timeout(PATIENCE, process.wait()).await;
        let Ok(status) = status else { panic!("it does not end: {} bytes logged", process.stderr().len()) };
        Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
    }

    /// Ends the runtime API, and waits for the end of the function.
    pub async fn lose_api(self) -> Finished {
        let Self { mut process, api } = self;
        drop(api);
        let status = timeout(PATIENCE, process.wait()).await;
        let Ok(status) = status else { panic!("it does not end: {} bytes logged", process.stderr().len()) };
        Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
    }

    /// Waits until the runtime API has closed that many connections on which nothing was said.
    pub async fn hung_up_on(&self, times: usize) {
        tokio::select! {
            () = self.api.hung_up(times) => {}
            () = self.process.ended() => panic!("ended:\n{}", self.log()),
        }
    }

    /// Hands over an event and waits for its answer.
    pub async fn invoke(&self, event: impl Into<String>) -> LambdaAnswer {
        self.invoke_within(TIMEOUT, event).await
    }

    /// As [`Lambda::invoke`], with the time that the function has.
    pub async fn invoke_within(&self, timeout: Duration, event: impl Into<String>) -> LambdaAnswer {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + timeout;
        self.invoke_until(deadline, event).await
    }

    /// As [`Lambda::invoke`], with this deadline, counted from 1970 on.
    pub async fn invoke_until(&self, deadline: Duration, event: impl Into<String>) -> LambdaAnswer {
        let id = self.api.hand_over(event.into(), deadline);
        let (response, error) = (answer(&id, "response"), answer(&id, "error"));
        tokio::select! {
            post = self.api.posted(|post| [&response, &error].contains(&&post.target)) => LambdaAnswer::of(&post),
            () = self.process.ended() => panic!("ended before it answered:\n{}", self.log()),
        }
    }

    /// How often it asked for an event.
    pub fn asks(&self) -> usize {
        self.api.asks()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// Sends `SIGTERM`.
    pub async fn terminate(&self) {
        self.process.signal("TERM").await;
    }

    /// Waits until its log has a line that contains `text`.
    pub async fn logged(&self, text: &str) {
        self.process.line(|line| line.contains(text).then_some(())).await;
    }

    /// Waits for its end and returns its exit code.
    pub async fn wait(&mut self) -> Option<i32> {
        self.process.wait().await.code()
    }
}

fn answer(id: &str, kind: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/{kind}")
}

/// What Lambda sets for every function, as far as it matters; its credentials are those of AWS, and good for
/// nothing here.
fn environment(api: &RuntimeApi) -> Settings {
    Settings::default()
        .set("AWS_LAMBDA_RUNTIME_API", api.authority())
        .set("AWS_LAMBDA_FUNCTION_NAME", "oms-bridge")
        .set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .set("AWS_REGION", "eu-central-1")
        .set("AWS_ACCESS_KEY_ID", "hush-aws-id")
        .set("AWS_SECRET_ACCESS_KEY", "hush-aws-secret")
        .set("AWS_SESSION_TOKEN", "hush-aws-token")
        .set("LAMBDA_TASK_ROOT", "/var/task")
        .set("_HANDLER", "bootstrap")
}
