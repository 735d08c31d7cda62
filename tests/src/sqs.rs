//! A queue of Amazon SQS that behaves as a test says.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html>

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::process::{PATIENCE, Settings};

type Behaviour = dyn Fn(&SqsRequest) -> SqsReply + Send + Sync;

/// A running queue. It stops when it is dropped.
#[derive(Debug)]
pub struct Sqs {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct SqsRequest {
    /// `ReceiveMessage`, `DeleteMessageBatch`, …
    pub action: String,
    /// How many of the same action came before.
    pub number: usize,
    /// Its parameters.
    pub body: Value,
    /// Who signed it.
    pub access_key: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum SqsReply {
    /// Success.
    Done(Value),
    /// A failure: status and error type.
    Failed(u16, &'static str),
    /// Success, once the semaphore has a permit.
    Once(Arc<Semaphore>, Value),
    /// Success, as a long poll ends that nothing came for.
    After(Duration, Value),
    /// The connection is closed without an answer.
    Broken,
}

/// Signatures of other times are refused, as Amazon refuses them.
const TOLERATED: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<SqsRequest>>,
    changed: Notify,
    /// How far the queue's clock is ahead of the machine's, in seconds.
    ahead: AtomicI64,
}

impl Seen {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.ahead.load(Ordering::Relaxed))
    }

    fn requests(&self) -> MutexGuard<'_, Vec<SqsRequest>> {
        self.requests.lock()
    }
}

impl SqsRequest {
    /// The receipts that a batch names, in order.
    pub fn receipts(&self) -> Vec<String> {
        let entries = self.body["Entries"].as_array().into_iter().flatten();
        entries.map(|entry| entry["ReceiptHandle"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The answer that a batch succeeded.
    pub fn succeeded(&self) -> Value {
        let entries = self.body["Entries"].as_array().into_iter().flatten();
        let done: Vec<_> = entries.map(|entry| json!({"Id": entry["Id"]})).collect();
        json!({"Successful": done, "Failed": []})
    }
}

impl Sqs {
    /// Starts one on a free port of the loopback interface. `behaviour` answers everything but questions for
    /// attributes, which tell of a redrive policy.
    pub async fn start(behaviour: impl Fn(&SqsRequest) -> SqsReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let task = tokio::spawn(serve(listener, Arc::new(behaviour), Arc::clone(&seen)));
        Self { address, seen, task }
    }

    /// Settings with which a worker reads this queue.
    pub fn settings(&self) -> Settings {
        Settings::default()
            .set("QUEUE_URL", format!("http://{}/123456789012/uploads", self.address))
            .set("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .set("AWS_REGION", "eu-west-1")
            .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .set("AWS_SECRET_ACCESS_KEY", "made-up-secret")
            .set("NO_PROXY", "*")
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the queue's clock ahead of the machine's. Signatures are checked against it.
    pub fn set_clock_ahead(&self, ahead: TimeDelta) {
        self.seen.ahead.store(ahead.num_seconds(), Ordering::Relaxed);
    }

    /// All requests of an action so far.
    pub fn requests(&self, action: &str) -> Vec<SqsRequest> {
        self.seen.requests().iter().filter(|request| request.action == action).cloned().collect()
    }

    /// Waits until an action was asked for so many times.
    pub async fn asked(&self, action: &str, times: usize) {
        let asked = async {
            loop {
                let changed = self.seen.changed.notified();
                if self.requests(action).len() >= times {
                    return;
                }
                changed.await;
            }
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{action} was not asked for"));
    }

    /// What a receipt of messages is answered with: id, receipt and the key of an upload of each.
    pub fn messages(messages: &[(&str, &str, &str)]) -> Value {
        let message = |(id, receipt, key): &(&str, &str, &str)| {
            let object = json!({"bucket": {"name": "uploads"}, "object": {"key": key, "size": 1}});
            let record = json!({"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": object});
            let body = json!({"Records": [record]}).to_string();
            json!({"MessageId": id, "ReceiptHandle": receipt, "Body": body, "Attributes": {"ApproximateReceiveCount": "1"}})
        };
        json!({"Messages": messages.iter().map(message).collect::<Vec<_>>()})
    }
}

impl Drop for Sqs {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, behaviour: Arc<Behaviour>, seen: Arc<Seen>) {
    // Dropped with the task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&behaviour), Arc::clone(&seen)));
    }
}

async fn answer(mut stream: TcpStream, behaviour: Arc<Behaviour>, seen: Arc<Seen>) {
    let Some((headers, body)) = read(&mut stream).await else { return };
    let header = |name| headers.get(name).map(String::as_str).unwrap_or_default();
    let action = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
    let access_key = header("authorization").split(['=', '/']).nth(1).unwrap_or_default().to_owned();
    let signed = NaiveDateTime::parse_from_str(header("x-amz-date"), "%Y%m%dT%H%M%SZ").unwrap().and_utc();
    let request = {
        let mut requests = seen.requests();
        let number = requests.iter().filter(|request| request.action == action).count();
        let request = SqsRequest { action, number, body, access_key };
        requests.push(request.clone());
        request
    };
    seen.changed.notify_waiters();
    let reply = if (signed - seen.now()).abs() > TOLERATED {
        SqsReply::Failed(403, "com.amazon.coral.service#InvalidSignatureException")
    } else if request.action == "GetQueueAttributes" {
        SqsReply::Done(json!({"Attributes": {"ApproximateNumberOfMessages": "1", "RedrivePolicy": "{}"}}))
    } else {
        behaviour(&request)
    };
    let (status, body) = match reply {
        SqsReply::Done(body) => (200, body),
        SqsReply::Failed(status, code) => (status, json!({"__type": code, "message": "as the test says"})),
        SqsReply::Broken => return,
        SqsReply::After(pause, body) => {
            tokio::time::sleep(pause).await;
            (200, body)
        }
        SqsReply::Once(told, body) => {
            told.acquire().await.unwrap().forget();
            (200, body)
        }
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Test\r\nconnection: close\r\ndate: {}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
        seen.now().format("%a, %d %b %Y %H:%M:%S GMT"),
        body.len()
    );
    // A client that is gone does not want the answer.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// The headers, by their names in lower case, and the parameters of a request.
async fn read(stream: &mut TcpStream) -> Option<(HashMap<String, String>, Value)> {
    let mut reader = BufReader::new(stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            None if line.trim_end().is_empty() => break,
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            None => {}
        }
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).await.ok()?;
    Some((headers, serde_json::from_slice(&body).ok()?))
}
