//! `send`: keys from arguments and standard input, the result, exit codes, sending again.

use cloud_twin::{Fault, FaultResponse, Service, SyncTaskStatus, Twin};
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Shelf, event};
use serde_json::json;

async fn send(cloud: &Cloud, arguments: &[&str], input: &[u8]) -> Finished {
    let run = OmsBridge::new(["send", "--json"].iter().chain(arguments).copied());
    run.settings(cloud.settings()).input(input).run().await
}

/// The numbers of keys in the result: all, accepted, failed, skipped, unrecorded.
fn counts(finished: &Finished) -> [u64; 5] {
    let result = finished.json();
    ["keys", "accepted", "failed", "skipped", "unrecorded"].map(|name| result[name].as_u64().unwrap())
}

#[tokio::test]
async fn the_result_is_one_object_with_these_members() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["a", "b c", "测/x"], b"").await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut result = finished.json();
    assert!(result["elapsed_s"].take().as_f64().unwrap() >= 0.0);
    let expected = json!({
        "keys": 3, "accepted": 3, "failed": 0, "skipped": 0, "unrecorded": 0, "requests": 1, "elapsed_s": null,
    });
    assert_eq!(result, expected);
    assert_eq!(cloud.recorded(Shelf::Success), ["a", "b c", "测/x"]);
    assert_eq!(cloud.record(Shelf::Success, "a").unwrap()["event"], json!(null));
}

#[tokio::test]
async fn without_json_the_result_is_a_sentence() {
    let cloud = Cloud::start().await;
    let finished = OmsBridge::new(["send", "a"]).settings(cloud.settings()).run().await;
    assert_eq!(finished.code, Some(0));
    assert!(
        finished.stdout.starts_with("1 key: 1 accepted, 0 failed, 0 skipped, in 1 request and"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn lines_of_standard_input_are_keys() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["-"], "a\nb c\r\n\n 测 \nlast".as_bytes()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Success), [" 测 ", "a", "b c", "last"]);
}

#[tokio::test]
async fn nul_separated_keys_may_hold_anything_else() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["-0", "-"], b"line\nfeed\0return\r\0plain\0").await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Success), ["line\nfeed", "plain", "return\r"]);
}

#[tokio::test]
async fn long_input_goes_in_full_batches() {
    let cloud = Cloud::start().await;
    let input = event::keys("k", 2500).join("\n");
    let finished = send(&cloud, &["-"], input.as_bytes()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [2500, 2500, 0, 0, 0]));
    assert_eq!(finished.json()["requests"], 250);
    assert_eq!(cloud.twin.accepted().len(), 2500);
}

#[tokio::test]
async fn keys_that_are_filtered_out_or_stand_twice_are_skipped() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["--exclude", "*.tmp", "a", "b.tmp", "a"], b"").await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [3, 1, 0, 2, 0]));
    assert_eq!(cloud.twin.accepted_count("a"), 1);
}

#[tokio::test]
async fn failed_keys_end_in_the_journal_and_with_three() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let finished = send(&cloud, &["good", "bad"], b"").await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [2, 1, 1, 0, 0]), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["bad"]);

    let told = OmsBridge::new(["send", "bad"]).settings(cloud.settings()).run().await;
    let place = format!("oss://logs/{}", cloud.record_name(Shelf::Failed, ""));
    assert!(told.stdout.contains(&place), "{told:?}");
}

#[tokio::test]
async fn what_is_no_key_is_told_and_counts_as_failed() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["-"], b"good\n\xff\xfe\nfine\n").await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [3, 2, 1, 0, 1]), "{finished:?}");
    assert!(finished.stderr.contains("UTF-8"), "{}", finished.stderr);
}

#[tokio::test]
async fn refused_credentials_end_with_four() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("HW_SK", "wrong");
    let finished = OmsBridge::new(["send", "--json", "a", "b"]).settings(settings).run().await;
    assert_eq!((finished.code, counts(&finished)), (Some(4), [2, 0, 2, 0, 0]), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["a", "b"]);
    assert!(cloud.twin.stats().bad_signatures[&Service::Oms] <= 2);
}

#[tokio::test]
async fn bad_settings_end_with_two_and_no_result() {
    let cloud = Cloud::start().await;
    let finished = send(&cloud, &["--oms-batch", "0", "a"], b"").await;
    let printed = finished.json();
    assert_eq!((finished.code, &printed["error"]["exit"]), (Some(2), &json!(2)), "{finished:?}");
    assert_eq!(printed.as_object().unwrap().len(), 1, "{printed}");
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn failures_that_cannot_be_recorded_are_counted_and_told() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("PUT"));
    let finished = send(&cloud, &["bad"], b"").await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [1, 0, 1, 0, 1]), "{finished:?}");
    assert!(finished.stderr.contains("AccessDenied"), "{}", finished.stderr);
}

#[tokio::test]
async fn after_an_outage_the_failed_keys_are_sent_again() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let keys = event::keys("k", 25);
    for key in &keys {
        cloud.twin.oss().put("source", key, format!("content of {key}"));
    }
    assert!(cloud.twin.set_sync_task_status(&cloud.task, SyncTaskStatus::Stopped));
    assert_eq!(function.invoke(event::put(&keys)).await, Answer::False);
    let mut failed = cloud.recorded(Shelf::Failed);
    assert_eq!(failed.len(), 25);

    assert!(cloud.twin.set_sync_task_status(&cloud.task, SyncTaskStatus::Synchronizing));
    let finished = send(&cloud, &["-"], failed.join("\n").as_bytes()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [25, 25, 0, 0, 0]), "{finished:?}");
    cloud.until(Twin::is_idle).await;
    let mut copied = cloud.twin.obs().keys("mirror");
    copied.sort_unstable();
    failed.sort_unstable();
    assert_eq!(copied, failed);
    assert_eq!(cloud.recorded(Shelf::Success).len(), 25);
}
