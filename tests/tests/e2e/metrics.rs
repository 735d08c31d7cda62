//! What Prometheus reads: `GET /metrics` of `serve`, `consume` and `dev`, and the files of `--metrics`.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{SOURCE, http_client};
use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Cloud, Finished, Function, Invocation, OmsBridge, Reply, Settings, Shelf, event};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

const TOKEN: &str = "serve-token-0123456789";

/// Values by name and labels, without the prefix. Each metric must have help and a type, once.
pub(crate) fn values(text: &str) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        if line.starts_with('#') {
            let name = line.split(' ').nth(2).unwrap();
            for kind in ["HELP", "TYPE"] {
                assert_eq!(text.matches(&format!("# {kind} {name} ")).count(), 1, "{name}");
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = name.strip_prefix("oms_bridge_").unwrap_or_else(|| panic!("{line}"));
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(values.insert(name.to_owned(), value), None, "{name}");
    }
    values
}

#[track_caller]
fn assert_values(values: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(values.get(*name), Some(value), "{name} in {values:#?}");
    }
}

async fn ask(function: &Function, token: Option<&str>) -> Reply {
    let request = Invocation::request(Method::GET, "/metrics", Bytes::new());
    let bearer = |token| request.clone().header("authorization", format!("Bearer {token}"));
    function.send(token.map_or_else(|| request.clone(), bearer)).await
}

#[tokio::test]
async fn serve_says_what_became_of_keys_to_those_with_the_token() {
    let cloud = Cloud::start().await;
    let setup = Function::with(cloud.settings()).off_the_platform().set("SERVE_TOKEN", TOKEN);
    let function = setup.set("EXCLUDE", "tmp/*").start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    for key in ["a", "bad", "tmp/b"] {
        let invocation = Invocation::event(event::put([key]));
        function.send(invocation.header("authorization", format!("Bearer {TOKEN}"))).await;
    }
    let malformed = Invocation::event("{").header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(function.send(malformed).await.status, 404);
    assert_eq!((ask(&function, None).await.status, ask(&function, Some("other")).await.status), (401, 401));
    let values = values(&ask(&function, Some(TOKEN)).await.body);
    assert_values(
        &values,
        &[
            ("invocations_total", 4.0),
            ("invocations_failed_total", 1.0),
            ("keys_accepted_total", 1.0),
            ("keys_failed_total", 1.0),
            ("keys_unrecorded_total", 0.0),
            ("changes_skipped_total", 1.0),
            ("journal_records_total", 2.0),
            ("journal_errors_total", 0.0),
            ("breakers_open", 0.0),
            ("event_to_accepted_seconds_count", 1.0),
        ],
    );
    // The event says when it happened: years ago.
    assert_values(&values, &[("event_to_accepted_seconds_bucket{le=\"86400\"}", 0.0)]);
    let post = Invocation::request(Method::POST, "/metrics", Bytes::new());
    let post = post.header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(function.send(post).await.status, 404);
}

#[tokio::test]
async fn no_http_trigger_shows_them() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let through_trigger = Invocation::request(Method::GET, "/metrics", Bytes::new());
    let reply = function.send(through_trigger.header("x-fc-control-path", "/http-invoke")).await;
    assert_eq!(reply.status, 404, "{reply:?}");
    assert!(reply.body.contains("HttpTriggerUnsupported"), "{reply:?}");
    assert!(ask(&function, None).await.body.contains("oms_bridge_invocations_total 0"));
}

#[tokio::test]
async fn an_open_breaker_and_a_journal_that_refuses_are_seen() {
    let cloud = Cloud::start().await;
    let setup = Function::with(cloud.settings().set("HW_SK", "not-the-secret")).off_the_platform();
    let function = setup.set("SERVE_TOKEN", TOKEN).start().await;
    let invoke = async |key: &str| {
        let invocation = Invocation::event(event::put([key]));
        function.send(invocation.header("authorization", format!("Bearer {TOKEN}"))).await.status
    };
    // Two refusals shut it.
    for key in ["a", "b", "c"] {
        assert_eq!(invoke(key).await, 200);
    }
    let read = values(&ask(&function, Some(TOKEN)).await.body);
    assert_values(
        &read,
        &[("breakers_open", 1.0), ("journal_records_total", 3.0), ("keys_failed_total", 3.0)],
    );
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("PUT"));
    assert_eq!(invoke("d").await, 404);
    let read = values(&ask(&function, Some(TOKEN)).await.body);
    let expected = [
        ("journal_records_total", 3.0),
        ("journal_errors_total", 1.0),
        ("keys_unrecorded_total", 1.0),
        ("invocations_failed_total", 1.0),
    ];
    assert_values(&read, &expected);
}

#[tokio::test]
async fn a_worker_says_whether_its_queue_and_its_pipeline_are_well() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(|_| SqsReply::Done(json!({}))).await);
    let arguments = ["consume", "--listen", "127.0.0.1:0"].map(str::to_owned);
    let settings = cloud.settings().set("LOG_FORMAT", "json").and(sqs.settings());
    let worker = Process::spawn(&arguments, &settings);
    let address = worker.line(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["message"] == "/healthz and /metrics").then(|| line["address"].as_str().map(str::to_owned))?
    });
    let answer = http_client().get(format!("http://{}/metrics", address.await)).send().await.unwrap();
    let read = values(&answer.text().await.unwrap());
    let expected = [
        ("queue_healthy", 1.0),
        ("messages_in_flight", 0.0),
        ("breakers_open", 0.0),
        ("journal_errors_total", 0.0),
        ("event_to_accepted_seconds_count", 0.0),
    ];
    assert_values(&read, &expected);
}

#[tokio::test]
async fn dev_has_the_metrics_of_its_function() {
    let dev = Process::spawn(&["dev", "--port", "0", "--json"].map(str::to_owned), &Settings::default());
    let addresses: Value = dev.stdout_line(|line| serde_json::from_str(line).ok()).await;
    let function = addresses["function_url"].as_str().unwrap();
    let answer = http_client().get(format!("{function}/metrics")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_values(&values(&answer.text().await.unwrap()), &[("invocations_total", 0.0)]);
}

/// Runs a command with `--metrics` in a new folder. Returns what it wrote, if it did.
async fn run(command: &[&str], settings: Settings) -> (Finished, Option<BTreeMap<String, f64>>) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("nightly.prom");
    let arguments = command.iter().copied().chain(["--metrics", file.to_str().unwrap()]);
    let finished = OmsBridge::new(arguments).settings(settings).run().await;
    let text = std::fs::read_to_string(&file).ok();
    let beside = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(beside, usize::from(text.is_some()), "something is left beside the file");
    (finished, text.as_deref().map(values))
}

#[tokio::test]
async fn a_run_that_failed_in_part_leaves_its_numbers_in_a_file() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let (finished, read) = run(&["send", "a", "bad", "c"], cloud.settings()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let read = read.unwrap();
    let of = r#"{command="send",run="nightly"}"#;
    for (name, value) in [("run_exit_code", 3.0), ("run_progress", 3.0), ("run_progress_goal", 3.0)] {
        assert_values(&read, &[(&format!("{name}{of}"), value)]);
    }
    for (outcome, keys) in [("accepted", 2.0), ("failed", 1.0), ("skipped", 0.0)] {
        let name = format!("run_keys{{command=\"send\",run=\"nightly\",outcome=\"{outcome}\"}}");
        assert_values(&read, &[(&name, keys)]);
    }
    let time = |name: &str| read[&format!("{name}{of}")];
    let (began, ended) = (time("run_started_timestamp_seconds"), time("run_finished_timestamp_seconds"));
    assert!(began > 1.7e9 && ended >= began, "{read:?}");
    assert!((ended - began - time("run_duration_seconds")).abs() < 0.01, "{read:?}");

    cloud.twin.faults().clear_all();
    let (finished, read) = run(&["replay"], cloud.settings()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let accepted = r#"run_keys{command="replay",run="nightly",outcome="accepted"}"#;
    assert_values(&read.unwrap(), &[(accepted, 1.0)]);
}

#[tokio::test]
async fn copies_count_objects_and_bytes() {
    let cloud = Cloud::start().await;
    for key in ["a", "b"] {
        cloud.twin.oss().put(SOURCE, key, "0123456789");
    }
    let folder = TempDir::new().unwrap();
    let from = format!("oss://{SOURCE}/");
    let (finished, read) =
        run(&["copy", "-r", &from, folder.path().to_str().unwrap()], cloud.copy_settings()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let expected = [
        (r#"run_keys{command="copy",run="nightly",outcome="copied"}"#, 2.0),
        (r#"run_bytes{command="copy",run="nightly"}"#, 20.0),
        (r#"run_exit_code{command="copy",run="nightly"}"#, 0.0),
    ];
    assert_values(&read.unwrap(), &expected);
}

#[tokio::test]
async fn status_writes_what_the_journal_holds() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    OmsBridge::new(["send", "bad"]).settings(cloud.settings()).run().await;
    cloud.twin.oss().put(
        e2e::cloud::LOGS,
        &cloud.record_name(Shelf::Failed, "dead").replace("failed_object", "dead_object"),
        "",
    );
    let (finished, read) = run(&["status"], cloud.settings()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let task = &cloud.task.sync_task_id;
    let read = read.unwrap();
    for (name, value) in [("keys_waiting", 1.0), ("keys_dead", 1.0)] {
        assert_values(&read, &[(&format!("{name}{{task=\"{task}\"}}"), value)]);
    }
    let permanent = format!("keys_waiting_by_class{{task=\"{task}\",class=\"permanent\"}}");
    assert_values(&read, &[(&permanent, 1.0)]);
    assert!(read.contains_key(&format!("oldest_waiting_seconds{{task=\"{task}\"}}")), "{read:?}");
}

#[tokio::test]
async fn a_comparison_writes_what_it_found_and_what_it_changed() {
    let cloud = Cloud::start().await;
    for (key, ours, theirs) in [("same", "s", "s"), ("missing", "m", ""), ("extra", "", "x")] {
        for (store, bucket, body) in
            [(cloud.twin.oss(), SOURCE, ours), (cloud.twin.obs(), e2e::cloud::MIRROR, theirs)]
        {
            if !body.is_empty() {
                store.put(bucket, key, body);
            }
        }
    }
    let sides = ["reconcile", &format!("oss://{SOURCE}/"), &format!("obs://{}/", e2e::cloud::MIRROR)];
    let settings = || cloud.copy_settings().set("LOG_BUCKET", e2e::cloud::LOGS);
    let of = |outcome: &str| format!(r#"run_keys{{command="reconcile",run="nightly",outcome="{outcome}"}}"#);
    let (finished, read) = run(&sides, settings()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let read = read.unwrap();
    for (outcome, keys) in [("equal", 1.0), ("missing", 1.0), ("extra", 1.0), ("deleted", 0.0)] {
        assert_values(&read, &[(&of(outcome), keys)]);
    }
    let all = [&sides[..], &["--fix", "copy", "--delete-extra", "--max-delete", "1"]].concat();
    let (finished, read) = run(&all, settings()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let read = read.unwrap();
    for (outcome, keys) in [("equal", 2.0), ("missing", 0.0), ("fixed", 1.0), ("deleted", 1.0)] {
        assert_values(&read, &[(&of(outcome), keys)]);
    }
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, refused).path_contains("max-keys="));
    let (finished, read) = run(&sides, settings()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(!read.unwrap().contains_key(&of("missing")), "nothing is concluded");
}

#[tokio::test]
async fn confirm_writes_what_became_of_the_keys() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "a");
    // Accepted, and never there.
    cloud.twin.faults().inject(Fault::fail_copy("a", "TRF.0152"));
    let destination = format!("obs://{}", e2e::cloud::MIRROR);
    let settings = || cloud.settings().set("DEST", &destination).set("DEST_ENDPOINT", cloud.twin.obs_url());
    OmsBridge::new(["send", "a"]).settings(settings()).run().await;
    let (finished, read) = run(&["confirm"], settings()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let read = read.unwrap();
    for (outcome, keys) in [("pending", 1.0), ("confirmed", 0.0)] {
        let name = format!(r#"run_keys{{command="confirm",run="nightly",outcome="{outcome}"}}"#);
        assert_values(&read, &[(&name, keys)]);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said_before_anything_is_done() {
    let cloud = Cloud::start().await;
    let missing = Path::new("/no/such/folder/a.prom").to_str().unwrap();
    let run = OmsBridge::new(["send", "a", "--json", "--metrics", missing]).settings(cloud.settings());
    let finished = run.run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.json()["error"]["setting"], "--metrics", "{finished:?}");
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn a_run_whose_settings_are_wrong_says_so_in_the_file() {
    let (finished, read) = run(&["send", "a"], Settings::default()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_values(&read.unwrap(), &[(r#"run_exit_code{command="send",run="nightly"}"#, 2.0)]);
}
