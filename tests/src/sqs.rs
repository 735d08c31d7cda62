//! A queue of Amazon SQS that behaves as a test says.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html>

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<SqsRequest>>,
    changed: Notify,
}

impl Seen {
    fn requests(&self) -> MutexGuard<'_, Vec<SqsRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Starts one on a free port of the loopback interface. `behaviour` answers everything but questions for attributes, which
    /// tell of a redrive policy.
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
    let Some((action, body)) = read(&mut stream).await else { return };
    let request = {
        let mut requests = seen.requests();
        let number = requests.iter().filter(|request| request.action == action).count();
        let request = SqsRequest { action, number, body };
        requests.push(request.clone());
        request
    };
    seen.changed.notify_waiters();
    let reply = if request.action == "GetQueueAttributes" {
        SqsReply::Done(json!({"Attributes": {"ApproximateNumberOfMessages": "1", "RedrivePolicy": "{}"}}))
    } else {
        behaviour(&request)
    };
    let (status, body) = match reply {
        SqsReply::Done(body) => (200, body),
        SqsReply::Failed(status, code) => (status, json!({"__type": code, "message": "as the test says"})),
        SqsReply::Once(told, body) => {
            told.acquire().await.unwrap().forget();
            (200, body)
        }
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Test\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // A client that is gone does not want the answer.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// The action and the parameters of a request.
async fn read(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let (mut action, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().to_ascii_lowercase().split_once(':') {
            None if line.trim_end().is_empty() => break,
            Some(("x-amz-target", _)) => action = line.trim_end().rsplit('.').next()?.to_owned(),
            Some(("content-length", value)) => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some((action, serde_json::from_slice(&body).ok()?))
}
