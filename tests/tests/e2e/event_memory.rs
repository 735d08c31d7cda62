//! What hostile events cost in memory: at most four times their size, so that none that is taken ends the smallest instance.
//!
//! What was measured is in `target/tmp/event_memory/` afterwards; with `-- --nocapture` it is printed as well.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use e2e::cloud::SOURCE;
use e2e::process::Process;
use e2e::{Cloud, Function, Invocation, Lambda, OmsBridge, event};
use serde_json::{Value, json};

use crate::ingest;

const MEBIBYTE: usize = 1 << 20;

/// As it was reported.
const REPORTED: usize = 6 * MEBIBYTE / 10;

/// The largest that the smallest instance takes.
const LARGEST: usize = 8 * MEBIBYTE;

/// The smallest instance.
const INSTANCE: u64 = 128 << 20;

/// How Function Compute tells its memory.
const MEMORY_SIZE: &str = "FC_FUNCTION_MEMORY_SIZE";

/// What a process takes beside the event: buffers of its connection, pieces that are read at once, what its allocator rounds up.
const BESIDE: u64 = 1 << 20;

/// `unit` so often that all of it is about `size` bytes, between `before` and `after`.
fn repeated(before: &str, unit: &str, after: &str, size: usize) -> String {
    let times = (size - before.len() - after.len()) / unit.len();
    let mut text = String::with_capacity(size);
    text.push_str(before);
    text.extend(std::iter::repeat_n(unit, times));
    // What is repeated ends with a comma, which the last of it has not.
    if text.ends_with(',') {
        text.pop();
    }
    text.push_str(after);
    text
}

/// An event in a text in an event, as often as that is taken.
fn nested(mut event: String) -> String {
    for _ in 0..4 {
        event = json!({ "Message": event }).to_string();
    }
    event
}

fn in_base64(mut event: String) -> String {
    for _ in 0..4 {
        event = BASE64_STANDARD.encode(event);
    }
    event
}

/// Hostile events of about this size, by name.
fn hostile(size: usize) -> Vec<(&'static str, String)> {
    let element = format!(
        r#"{{"eventName":"ObjectRemoved:DeleteObject","oss":{{"bucket":{{"name":"{SOURCE}"}},"object":{{"key":"k"}}}}}},"#
    );
    // As many as an event of this size may have, so that all are taken.
    let length = size.div_ceil((1300 + size / 260).min(10_000)) + 1;
    let bare = element.replace("\"k\"", &format!("\"{}\"", "k".repeat(length + 1 - element.len())));
    let s3 = r#"{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}},"#;
    let usual = s3.replace("\"k\"", &format!("\"{}\"", "k".repeat(200)));
    let message = r#"{"eventSource":"aws:sqs","messageId":"m","body":"{\"events\":[{}]}"},"#;
    let sns = r#"{"EventSource":"aws:sns","Sns":{"Message":"{\"events\":[]}"}},"#;
    let members = (0..size / 16).map(|n| format!("\"m{n:09}\":0,")).collect::<Vec<_>>().concat();
    vec![
        ("S3: empty records", repeated("{\"Records\":[", "{},", "]}", size)),
        ("S3: shortest records", repeated("{\"Records\":[", s3, "]}", size)),
        ("S3: as long as those of the service", repeated("{\"Records\":[", &usual, "]}", size)),
        (
            "S3: a long key",
            repeated(&s3.replace("\"k\"}}},", "\""), "\\u0061", "\"}}}", size).replacen(
                '{',
                "{\"Records\":[{",
                1,
            ) + "]}",
        ),
        ("OSS: empty elements", repeated("{\"events\":[", "{},", "]}", size)),
        ("OSS: numbers", repeated("{\"events\":[", "0,", "]}", size)),
        ("OSS: shortest elements", repeated("{\"events\":[", &element, "]}", size)),
        ("OSS: a text in the place of the array", repeated("{\"events\":\"", "\\u0001", "\"}", size)),
        ("OSS: a text in the place of an object", repeated("{\"oss\":\"", "\\u200b", "\"}", size)),
        ("EventBridge: an array", repeated("[", "{\"data\":{}},", "]", size)),
        (
            "EventBridge: elements",
            repeated("[", &format!("{{\"data\":{}}},", element.trim_end_matches(',')), "]", size),
        ),
        ("EventBridge: no shorter than many may be", repeated("[", &bare, "]", size)),
        (
            "Amazon EventBridge",
            repeated(
                r#"{"source":"aws.s3","detail-type":"Object Created","detail":{"x":["#,
                "[],",
                "]}}",
                size,
            ),
        ),
        ("SQS: messages", repeated("{\"Records\":[", message, "]}", size)),
        (
            "SQS: one long message",
            json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m",
            "body": repeated("{\"events\":[", "{},", "]}", size * 3 / 4)}]})
            .to_string(),
        ),
        ("SNS: records", repeated("{\"Records\":[", sns, "]}", size)),
        ("SNS: around SNS", nested(repeated("\n", "\n", "{}", size / 16))),
        ("SNS: around one plain text", nested(repeated("", "a", "", size))),
        ("MNS: an array of envelopes", repeated("[", "{\"Message\":\"[]\"},", "]", size)),
        ("MNS: base64 of base64", in_base64(repeated("{\"events\":[", "{},", "]}", size / 4))),
        (
            "COS: a time that is a list",
            repeated(r#"{"Records":[{"cos":{},"event":{"eventTime":["#, "0,", "]}}]}", size),
        ),
        ("timer: a long payload", repeated(r#"{"triggerName":"t","payload":""#, "\\u0061", "\"}", size)),
        ("no form: members", format!("{{{members}\"z\":0}}")),
        ("no form: brackets", repeated("[", "[],", "]", size)),
        ("no form: a text", repeated("\"", "a", "\"", size)),
    ]
}

fn in_mebibytes(bytes: u64) -> String {
    format!("{}.{:02}", bytes >> 20, ((bytes & 0xF_FFFF) * 100) >> 20)
}

/// What `send` made the process take at its most, beyond what it had, and whether that is too much.
async fn cost(process: &Process, name: &str, size: usize, send: impl Future<Output = ()>) -> String {
    process.forget_peak_memory();
    let before = process.peak_memory();
    send.await;
    let peak = process.peak_memory();
    let (size, cost) = (size as u64, peak.saturating_sub(before));
    let limit = 4 * size + BESIDE;
    let verdict = if cost <= limit && peak < INSTANCE { "" } else { "   TOO MUCH" };
    let line = format!(
        "{name:42} {:>6} MiB  +{:>6} MiB  = {}.{} times, {:>6} MiB in all{verdict}",
        in_mebibytes(size),
        in_mebibytes(cost),
        cost / size,
        cost * 10 / size % 10,
        in_mebibytes(peak)
    );
    println!("{line}");
    line
}

/// Keeps what was measured, for people, and holds it against the limit.
fn all_within(measured: &str, lines: &[String]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("event_memory");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(measured), lines.join("\n") + "\n").unwrap();
    let too_much: Vec<_> = lines.iter().filter(|line| line.ends_with("TOO MUCH")).collect();
    assert!(too_much.is_empty(), "{too_much:#?}");
}

#[tokio::test]
async fn an_event_costs_no_more_than_four_times_its_size() {
    let cloud = Cloud::start().await;
    let mut lines = Vec::new();
    for size in [REPORTED, MEBIBYTE, LARGEST] {
        for (name, body) in hostile(size - 4096) {
            assert!(body.len() <= LARGEST, "{name}: {}", body.len());
            // One each: what an allocator keeps of the last would count for nothing in the next.
            let function = Function::on(&cloud).set(MEMORY_SIZE, "128").start().await;
            function.invoke(event::put(["warm"])).await;
            let (length, body) = (body.len(), Bytes::from(body));
            let sent = async {
                let reply = function.send(Invocation::event(body)).await;
                assert!([200, 404].contains(&reply.status), "{name}: {reply:?}");
                assert!(reply.body.len() < 3000, "{name}: an answer of {} bytes", reply.body.len());
                assert!(!reply.body.contains("EventTooLarge"), "{name}");
            };
            lines.push(cost(function.process(), name, length, sent).await);
            assert!(function.log().len() < 20_000, "{name}: {} bytes of log", function.log().len());
        }
    }
    all_within("events", &lines);
}

#[tokio::test]
async fn an_event_over_the_limit_is_not_kept() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set(MEMORY_SIZE, "128").start().await;
    function.invoke(event::put(["warm"])).await;
    let body = Bytes::from(vec![b' '; LARGEST + 1]);
    let sent = async {
        let failed = function.send(Invocation::event(body)).await.answer().failure();
        let remedy = "lower the trigger's Batch Push Messages, or give the instance more memory";
        assert_eq!(failed, format!("the event exceeds the limit of {LARGEST} bytes: {remedy}"));
    };
    let line = cost(function.process(), "over the limit", MEBIBYTE, sent).await;
    all_within("over-the-limit", &[line]);
}

#[tokio::test]
async fn many_large_events_at_once_do_not_end_the_smallest_instance() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set(MEMORY_SIZE, "128").start().await;
    function.invoke(event::put(["warm"])).await;
    let body = Bytes::from(repeated("[", "{\"Message\":\"[]\"},", "]", LARGEST));
    let once = || async {
        let failed = function.send(Invocation::event(body.clone())).await.answer().failure();
        assert!(failed.contains("more than 10000 elements"), "{failed}");
    };
    let sent = async {
        tokio::join!(once(), once(), once(), once(), once(), once(), once(), once());
    };
    let line = cost(function.process(), "eight of the largest at once", 8 * LARGEST, Box::pin(sent)).await;
    all_within("at-once", &[line]);
}

#[tokio::test]
async fn requests_for_objects_cost_no_more_either() {
    let cloud = Cloud::start().await;
    let mut lines = Vec::new();
    for (name, body) in [
        ("POST /objects: empty objects", repeated("[", "{},", "]", MEBIBYTE)),
        ("POST /objects: shortest objects", repeated("[", r#"{"domain":"","key":""},"#, "]", MEBIBYTE)),
        ("POST /objects: a long name", repeated("{\"", "\\u200b", "\":0}", MEBIBYTE)),
        (
            "POST /objects: a long key",
            repeated(r#"{"domain":"127.0.0.1","key":""#, "\\u0061", "\"}", MEBIBYTE),
        ),
    ] {
        let function = Function::with(ingest::private(&cloud)).off_the_platform().start().await;
        let ask = |body: Bytes| {
            let asked = Invocation::request(reqwest::Method::POST, "/objects", body);
            function.send(asked.header("authorization", format!("Bearer {}", ingest::TOKEN)))
        };
        assert_eq!(ask(Bytes::from_static(b"[]")).await.status, 400);
        let length = body.len();
        let sent = async {
            let reply = ask(Bytes::from(body)).await;
            assert!([400, 403].contains(&reply.status), "{name}: {reply:?}");
            assert!(reply.body.len() < 4000, "{name}: an answer of {} bytes", reply.body.len());
        };
        lines.push(cost(function.process(), name, length, sent).await);
    }
    all_within("objects", &lines);
}

#[tokio::test]
async fn ten_thousand_elements_are_taken_and_no_more() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let removed = event::element(SOURCE, "ObjectRemoved:DeleteObject", &"k".repeat(256));
    assert_eq!(function.invoke(event::of(vec![removed.clone(); 10_000])).await, e2e::Answer::True);
    let failed = function.invoke(event::of(vec![removed; 10_001])).await.failure();
    assert!(
        failed.starts_with("malformed event: events: more than 10000 elements in an event of"),
        "{failed}"
    );
    // Short ones are fewer: what is made of one takes more than itself.
    let short = |count| {
        format!(
            "{{\"events\":[{}]}}",
            vec!["{\"eventName\":\"ObjectRemoved:x\",\"oss\":{\"object\":{\"key\":\"k\"}}}"; count].join(",")
        )
    };
    assert_eq!(function.invoke(short(1600)).await, e2e::Answer::True);
    let failed = function.invoke(short(3000)).await.failure();
    assert!(failed.contains("elements in an event of this size"), "{failed}");
    // It is no limit of the other commands, which read keys as they come.
    let keys = (0..10_001).map(|n| format!("{n}\n")).collect::<Vec<_>>().concat();
    let settings = cloud.settings().set("INCLUDE", "none");
    let finished = OmsBridge::new(["send", "-", "--json"]).settings(settings).input(keys).run().await;
    assert_eq!((finished.code, &finished.json()["skipped"]), (Some(0), &json!(10_001)), "{finished:?}");
}

/// A message of a queue as an event stream hands it over, with all that the documentation shows of it.
fn queued(body: &str) -> Value {
    json!({
        "id": "c2g71017-6f65-fhcf-a814-a396fc8d0000", "source": "MNS-Function-mnstrigger", "specversion": "1.0",
        "type": "mns:Queue:SendMessage", "datacontenttype": "application/json; charset=utf-8",
        "subject": "acs:mns:cn-hangzhou:164901546557:queues/zeus", "time": "2021-04-08T06:28:17.093Z",
        "aliyunaccountid": "1649015465570000", "aliyunpublishtime": "2021-10-15T07:06:34.028Z",
        "aliyuneventbusname": "MNS-Function-mnstrigger", "aliyunregionid": "cn-chengdu", "aliyunpublishaddr": "42.0.0.1",
        "data": {"requestId": "606EA3074344430D4C810000", "messageId": "C6DB60D1574661357FA2272774450000", "messageBody": body}
    })
}

#[tokio::test]
async fn the_largest_batch_of_an_event_stream_is_taken_where_there_is_memory_for_it() {
    let cloud = Cloud::start().await;
    let mut element = event::element(SOURCE, "ObjectRemoved:DeleteObject", &"k".repeat(64));
    element["requestParameters"] = json!({"sourceIPAddress": "192.0.2.1"});
    element["responseElements"] = json!({"requestId": "5FFE4E9A54D9E43634A30000"});
    element["userIdentity"] = json!({"principalId": "1649015465570000"});
    let native = event::of([element]);
    for body in [native.clone(), BASE64_STANDARD.encode(native)] {
        let batch = Bytes::from(Value::from(vec![queued(&body); 10_000]).to_string());
        assert!(batch.len() > LARGEST, "{}", batch.len());
        for setup in [Function::on(&cloud), Function::on(&cloud).set(MEMORY_SIZE, "512")] {
            let function = setup.start().await;
            assert_eq!(function.send(Invocation::event(batch.clone())).await.answer(), e2e::Answer::True);
        }
        let small = Function::on(&cloud).set(MEMORY_SIZE, "128").start().await;
        let failed = small.send(Invocation::event(batch)).await.answer().failure();
        assert!(
            failed.ends_with("lower the trigger's Batch Push Messages, or give the instance more memory"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn one_message_with_too_many_elements_fails_alone() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    let many = format!("[{}]", vec!["{}"; 3000].join(","));
    let good = || event::put(["k"]);
    let batch = [("many", many), ("a", good()), ("b", good())];
    let records: Vec<_> = batch
        .iter()
        .map(|(id, body)| json!({"eventSource": "aws:sqs", "messageId": id, "body": body}))
        .collect();
    let answer = lambda.invoke(json!({ "Records": records }).to_string()).await;
    assert_eq!(answer.failed_messages(), ["many"]);
}
