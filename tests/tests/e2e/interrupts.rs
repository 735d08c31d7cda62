//! Commands that are told to stop: the first signal says what is finished, the second ends the process at once.
//! `copy` has its own tests.

use std::net::SocketAddr;

use cloud_twin::{Content, Fault, FaultAction, FaultId, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Keys of the first request, which is answered: until then nothing proves the access key, and the others wait.
const FIRST: usize = 10;

/// Keys in the requests to OMS that are made at once: 16 requests of 10.
const AT_ONCE: usize = 160;

/// Keys that are begun.
const BEGUN: usize = FIRST + AT_ONCE;

const PART: u64 = 16 << 20;

fn hold(cloud: &Cloud) -> FaultId {
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold).method("POST").after(1))
}

/// Starts a command, and interrupts it once all requests to OMS are under way. Returns when it has said what it
/// finishes.
async fn interrupted(cloud: &Cloud, held: FaultId, arguments: &[String]) -> Process {
    let settings = cloud.settings().set("RUST_LOG", "bridge_core::progress=debug");
    let process = Process::spawn(arguments, &settings);
    cloud.until(|twin| twin.faults().hits(held) == 16).await;
    process.signal("INT").await;
    process.line(|line| line.contains("finishing 160 keys; Ctrl-C again ends now").then_some(())).await;
    process
}

async fn end(process: &mut Process) -> Value {
    assert_eq!(process.wait().await.code(), Some(130), "{}", process.stderr());
    serde_json::from_str(&process.stdout()).unwrap_or_else(|error| panic!("{error}: {}", process.stderr()))
}

fn keys() -> Vec<String> {
    (0..500).map(|number| format!("k{number:05}")).collect()
}

fn send() -> Vec<String> {
    ["send", "--json"].map(str::to_owned).into_iter().chain(keys()).collect()
}

fn replay() -> Vec<String> {
    ["replay", "--json"].map(str::to_owned).into()
}

fn mark_all(cloud: &Cloud) {
    for key in keys() {
        cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, &key), "");
    }
}

#[tokio::test]
async fn send_finishes_its_requests_and_says_where_to_go_on() {
    let cloud = Cloud::start().await;
    let held = hold(&cloud);
    let mut process = interrupted(&cloud, held, &send()).await;
    cloud.twin.faults().clear(held);
    let result = end(&mut process).await;
    assert_eq!((result["accepted"].as_u64(), result["failed"].as_u64()), (Some(BEGUN as u64), Some(0)));
    assert_eq!(result["not_begun"], 500 - BEGUN);
    let stderr = process.stderr();
    assert!(stderr.contains("330 keys not begun"), "{stderr}");
    assert!(stderr.contains("send the keys from k00170 on"), "{stderr}");
    // What was not begun is recorded nowhere: neither as failed nor as sent.
    assert_eq!((cloud.recorded(Shelf::Success).len(), cloud.recorded(Shelf::Failed).len()), (BEGUN, 0));
    assert_eq!(cloud.oms_requests(), 17);
}

#[tokio::test]
async fn send_says_that_the_rest_of_its_input_was_not_read() {
    let cloud = Cloud::start().await;
    let mut process = Process::spawn(&["send", "--json", "-"].map(str::to_owned), &cloud.settings());
    let mut stdin = process.stdin();
    // The signals are taken over before the first key is read.
    stdin.write_all(format!("{}\n", "key\n".repeat(1000)).as_bytes()).await.unwrap();
    cloud.until(|twin| !twin.accepted().is_empty()).await;
    process.signal("INT").await;
    process.line(|line| line.starts_with("interrupted").then_some(())).await;
    let result = end(&mut process).await;
    assert_eq!(result["keys"], 1000, "{result}");
    assert!(process.stderr().contains("the rest of stdin was not read"), "{}", process.stderr());
    drop(stdin);
}

#[tokio::test]
async fn send_ends_at_once_at_the_second_signal_and_records_nothing() {
    let cloud = Cloud::start().await;
    let held = hold(&cloud);
    let mut process = interrupted(&cloud, held, &send()).await;
    // A key counts as accepted once its record is written, which the second signal would not wait for.
    process.lines(" accepted key=", FIRST).await;
    process.signal("INT").await;
    let result = end(&mut process).await;
    assert_eq!(
        (result["accepted"].as_u64(), result["not_begun"].as_u64()),
        (Some(FIRST as u64), Some(330)),
        "{result}"
    );
    let stderr = process.stderr();
    assert!(stderr.contains("160 keys sent without waiting for the result, and not recorded"), "{stderr}");
    assert!(stderr.contains("send the keys from k00010 on"), "{stderr}");
    assert_eq!((cloud.recorded(Shelf::Success).len(), cloud.recorded(Shelf::Failed).len()), (FIRST, 0));
}

#[tokio::test]
async fn replay_finishes_its_requests_and_says_what_was_not_begun() {
    let cloud = Cloud::start().await;
    mark_all(&cloud);
    let held = hold(&cloud);
    let mut process = interrupted(&cloud, held, &replay()).await;
    cloud.twin.faults().clear(held);
    let result = end(&mut process).await;
    assert_eq!((result["accepted"].as_u64(), result["failed"].as_u64()), (Some(BEGUN as u64), Some(0)));
    assert_eq!(result["not_begun"], 500 - BEGUN, "{result}");
    let stderr = process.stderr();
    assert!(stderr.contains("the rest waits for the next replay"), "{stderr}");
    let left = (cloud.recorded(Shelf::Success).len(), cloud.recorded(Shelf::Failed).len());
    assert_eq!(left, (BEGUN, 500 - BEGUN));
    let next = OmsBridge::new(replay()).settings(cloud.settings()).run().await;
    assert_eq!((next.code, next.json()["accepted"].as_u64()), (Some(0), Some(330)), "{next:?}");
}

#[tokio::test]
async fn replay_ends_at_once_at_the_second_signal_and_keeps_every_record() {
    let cloud = Cloud::start().await;
    mark_all(&cloud);
    let held = hold(&cloud);
    let mut process = interrupted(&cloud, held, &["replay".to_owned()]).await;
    // The second signal would not wait for records.
    cloud.until(|_| cloud.recorded(Shelf::Success).len() == FIRST).await;
    process.signal("TERM").await;
    assert_eq!(process.wait().await.code(), Some(130), "{}", process.stderr());
    let stdout = process.stdout();
    assert!(stdout.contains("160 keys sent without waiting for the result"), "{stdout}");
    assert!(stdout.contains("330 keys listed and not begun"), "{stdout}");
    assert_eq!((cloud.recorded(Shelf::Success).len(), cloud.recorded(Shelf::Failed).len()), (FIRST, 500));
}

/// A failed record of an object of four parts, of which the third is held back.
fn large(cloud: &Cloud) -> FaultId {
    cloud.twin.oss().put(SOURCE, "film", Content::zeros(4 * PART));
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("PUT").path_contains("partNumber=3");
    cloud.twin.faults().inject(held)
}

fn parts(cloud: &Cloud) -> u64 {
    cloud.done(Service::Obs, "UploadPart")
}

#[tokio::test]
async fn a_replay_that_copies_ends_at_a_part_and_the_next_goes_on_with_it() {
    let cloud = Cloud::start().await;
    let held = large(&cloud);
    let settings = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
    cloud.twin.oss().put(LOGS, &cloud.copy_records().name(Shelf::Failed, "film"), "");
    let arguments = ["replay", "--concurrency", "1", "--json"].map(str::to_owned);
    let mut process = Process::spawn(&arguments, &settings);
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    process.signal("INT").await;
    process.line(|line| line.contains("finishing 1 key; Ctrl-C again ends now").then_some(())).await;
    cloud.twin.faults().clear(held);
    let result = end(&mut process).await;
    assert_eq!((result["unfinished"].as_u64(), result["failed"].as_u64()), (Some(1), Some(0)), "{result}");
    assert_eq!(parts(&cloud), 3);
    let next = OmsBridge::new(arguments).settings(settings).run().await;
    assert_eq!((next.code, next.json()["accepted"].as_u64()), (Some(0), Some(1)), "{next:?}");
    assert_eq!((parts(&cloud), cloud.twin.obs().uploads(MIRROR)), (4, Vec::new()));
}

#[tokio::test]
async fn a_function_that_copies_ends_at_a_part_and_the_record_has_the_upload() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "film", Content::zeros(20 * PART));
    // As many parts as are sent at once.
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("PUT").path_contains("partNumber");
    let held = cloud.twin.faults().inject(held);
    let mut function = Function::with(cloud.copy_settings()).timeout(600).start().await;
    let signalled = async {
        cloud.until(|twin| twin.faults().hits(held) == 16).await;
        function.terminate().await;
        function.logged("stopping: finishing 1 invocation; a second signal ends this process now").await;
        cloud.twin.faults().clear(held);
    };
    let (answer, ()) = tokio::join!(function.invoke(event::put(["film"])), signalled);
    assert_eq!(answer, Answer::False);
    assert_eq!(function.wait().await.code(), Some(0));
    assert_eq!(parts(&cloud), 16);
    let replay = OmsBridge::new(["replay", "--json"]).settings(cloud.copy_settings()).run().await;
    assert_eq!((replay.code, replay.json()["accepted"].as_u64()), (Some(0), Some(1)), "{replay:?}");
    assert_eq!(parts(&cloud), 20);
}

#[tokio::test]
async fn a_function_ends_at_once_at_the_second_signal() {
    let cloud = Cloud::start().await;
    let held = cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold).method("POST"));
    let mut function = Function::on(&cloud).argument("--json").start().await;
    let body = event::put(["a"]);
    tokio::select! {
        answer = function.invoke(body) => panic!("{answer:?}"),
        () = async {
            cloud.until(|twin| twin.faults().hits(held) > 0).await;
            function.terminate().await;
            function.logged("a second signal ends this process now").await;
        } => {}
    }
    function.terminate().await;
    assert_eq!(function.wait().await.code(), Some(130), "{}", function.log());
    assert_eq!(serde_json::from_str::<Value>(&function.stdout()).unwrap()["invocations"], 0);
}

#[tokio::test]
async fn a_worker_ends_at_once_at_the_second_signal_with_its_summary() {
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", 0) => SqsReply::Done(Sqs::messages(&[("m", "r", "stuck")])),
        ("ReceiveMessage", _) => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let cloud = Cloud::start().await;
    let held = cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold).method("POST"));
    let arguments = ["consume", "--wait", "1", "--json"].map(str::to_owned);
    let mut worker = Process::spawn(&arguments, &cloud.settings().and(sqs.settings()));
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    worker.signal("INT").await;
    worker.line(|line| line.contains("a second signal ends this process now").then_some(())).await;
    worker.signal("INT").await;
    let result = end(&mut worker).await;
    assert_eq!((result["received"].as_u64(), result["deleted"].as_u64()), (Some(1), Some(0)), "{result}");
    assert_eq!(sqs.requests("DeleteMessageBatch").len(), 0);
}

/// Holds a connection in the middle of a request. Returns when the server waits for the body.
async fn half_a_request(address: SocketAddr, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /uploads HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked_for = [0; 12];
    stream.read_exact(&mut asked_for).await.unwrap();
    assert_eq!(asked_for, *b"HTTP/1.1 100");
    stream
}

#[tokio::test]
async fn the_local_cloud_says_that_it_stops_and_ends_at_once_at_the_second_signal() {
    let arguments = ["dev", "--port", "0", "--json"].map(str::to_owned);
    let mut dev = Process::spawn(&arguments, &Settings::default());
    let told: Value = dev.stdout_line(|line| serde_json::from_str(line).ok()).await;
    let text = |path| told.pointer(path).and_then(Value::as_str).unwrap();
    let address = text("/desk/url").trim_start_matches("http://").parse().unwrap();
    let open = half_a_request(address, text("/desk/token")).await;
    dev.signal("INT").await;
    dev.line(|line| line.contains("stopping: finishing requests in progress; Ctrl-C again").then_some(()))
        .await;
    dev.signal("INT").await;
    assert_eq!(dev.wait().await.code(), Some(130), "{}", dev.stderr());
    drop(open);
}

#[tokio::test]
async fn the_demo_ends_when_it_is_interrupted() {
    let mut demo = Process::spawn(&["demo".to_owned()], &Settings::default());
    demo.stdout_line(|line| line.contains("1. Upload").then_some(())).await;
    demo.signal("INT").await;
    assert_eq!(demo.wait().await.code(), Some(130), "{}", demo.stderr());
    assert!(demo.stderr().contains("interrupted: the local cloud is removed"), "{}", demo.stderr());
}

/// Keys that `confirm` looks at at once.
const LOOKS: u64 = 32;

#[tokio::test]
async fn confirm_finishes_what_it_looks_at_and_ends_at_once_at_the_second_signal() {
    let cloud = Cloud::start().await;
    for key in keys() {
        let record = json!({"v": 1, "key": key, "size": 7, "engine": "oms", "outcome": "accepted"});
        cloud.records().put(Shelf::Success, &key, &record);
    }
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
    let settings = settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let begin = async || {
        // The first one is answered: until then nothing proves the access key, and the others wait.
        let hold = Fault::new(Service::Obs, FaultAction::Hold).method("HEAD").after(1);
        let held = cloud.twin.faults().inject(hold);
        let process = Process::spawn(&["confirm", "--json"].map(str::to_owned), &settings);
        cloud.until(|twin| twin.faults().hits(held) == LOOKS).await;
        process.signal("INT").await;
        process.line(|line| line.contains("finishing what is under way; Ctrl-C again").then_some(())).await;
        (process, held)
    };
    let (mut process, held) = begin().await;
    cloud.twin.faults().clear(held);
    let result = end(&mut process).await;
    assert_eq!((&result["looked_at"], &result["complete"]), (&json!(LOOKS + 1), &json!(false)), "{result}");
    let (mut process, held) = begin().await;
    process.signal("INT").await;
    let result = end(&mut process).await;
    assert_eq!((&result["looked_at"], &result["complete"]), (&json!(1), &json!(false)), "{result}");
    cloud.twin.faults().clear(held);
}

/// Nothing is under way that would have to be finished.
#[tokio::test]
async fn report_ends_at_once_and_leaves_no_page() {
    let cloud = Cloud::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let page = folder.path().join("a.html");
    let held = cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang).method("GET"));
    let arguments = ["report", "--html", page.to_str().unwrap()].map(str::to_owned);
    let mut process = Process::spawn(&arguments, &cloud.settings());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    process.signal("INT").await;
    assert_eq!(process.wait().await.code(), Some(130), "{}", process.stderr());
    assert_eq!(process.stderr(), "interrupted: nothing was written\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
