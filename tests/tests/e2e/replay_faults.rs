//! `replay` when something breaks: nothing is lost, and the next run finishes the work.

use cloud_twin::{Account, Fault, FaultAction, FaultResponse, Service, Twin};
use e2e::process::Process;
use e2e::{Cloud, Finished, OmsBridge, Shelf};

async fn replay(cloud: &Cloud) -> Finished {
    OmsBridge::new(["replay", "--json"]).settings(cloud.settings()).run().await
}

/// Replays until nothing is left, a few times at most.
async fn outlast(cloud: &Cloud) {
    let mut finished = replay(cloud).await;
    for _ in 0..5 {
        if finished.code == Some(0) {
            break;
        }
        finished = replay(cloud).await;
    }
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

fn mark_all(cloud: &Cloud, count: usize) {
    for number in 0..count {
        cloud.twin.oss().put(
            e2e::cloud::LOGS,
            &cloud.record_name(Shelf::Failed, &format!("k{number:05}")),
            "",
        );
    }
}

fn assert_all_done(cloud: &Cloud, count: usize) {
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.recorded(Shelf::Success).len(), count);
    assert_eq!(cloud.twin.accepted().len(), count, "every key was sent");
}

#[tokio::test]
async fn killed_at_any_moment_it_loses_nothing() {
    const KEYS: usize = 1500;
    let cloud = Cloud::start().await;
    mark_all(&cloud, KEYS);
    let arguments = ["replay".to_owned()];
    for round in 0..20_u64 {
        // The moment is counted in requests, not in time: after so many more of any kind.
        let seen: u64 = cloud.twin.stats().requests.iter().map(|count| count.count).sum();
        let until = seen + 1 + round * round * 3 % 157;
        let mut process = Process::spawn(&arguments, &cloud.settings());
        cloud
            .until(|twin: &Twin| {
                twin.stats().requests.iter().map(|count| count.count).sum::<u64>() >= until
                    || twin.oss().keys(e2e::cloud::LOGS).iter().all(|name| !name.contains("/failed_object/"))
            })
            .await;
        process.signal("KILL").await;
        process.wait().await;
        let (failed, success) = (cloud.recorded(Shelf::Failed), cloud.recorded(Shelf::Success));
        for number in 0..KEYS {
            let key = format!("k{number:05}");
            assert!(failed.contains(&key) || success.contains(&key), "round {round} lost {key}");
        }
    }
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_all_done(&cloud, KEYS);
}

#[tokio::test]
async fn an_oms_that_fails_half_the_time_is_outlasted() {
    let cloud = Cloud::with(Twin::builder().seed(7)).await;
    mark_all(&cloud, 300);
    let faults = cloud.twin.faults();
    faults.inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).probability(0.4));
    faults.inject(Fault::new(Service::Oms, FaultAction::ResetBeforeReading).probability(0.1));
    outlast(&cloud).await;
    assert_all_done(&cloud, 300);
}

#[tokio::test]
async fn an_outage_ends_the_run_and_most_records_stay_as_they_are() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 3000);
    cloud
        .twin
        .faults()
        .inject(Fault::respond(Service::Oms, FaultResponse::error(404, "OMS.0054", "no such task")));
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("the last 500 keys all failed"), "{finished:?}");
    assert!(finished.stderr.contains("SYNC_URL: OMS has no such task: 404 OMS.0054"), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 3000);
}

#[tokio::test]
async fn refused_huawei_credentials_end_the_run_after_two_requests() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 2500);
    let settings = cloud.settings().set("HW_SK", "wrong");
    let finished = OmsBridge::new(["replay", "--json"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert!(finished.stderr.contains("check HW_SK: it does not fit the access key in HW_AK"), "{finished:?}");
    assert!(cloud.oms_requests() <= 2, "{:?}", cloud.twin.stats());
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 2500);
}

#[tokio::test]
async fn credentials_that_expire_half_way_end_the_run_and_fresh_ones_finish_it() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 1200);
    let expired =
        FaultResponse::error(403, "SecurityTokenExpired", "The security token you provided has expired.");
    let expiry =
        cloud.twin.faults().inject(Fault::respond(Service::Oss, expired).method("PUT").key_contains("k007"));
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert!(finished.stderr.contains("the log bucket refuses the credentials"), "{finished:?}");
    cloud.twin.faults().clear(expiry);
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_all_done(&cloud, 1200);
}

#[tokio::test]
async fn oss_credentials_refused_from_the_start_are_said_so() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 3);
    let stranger = Account::permanent("LTAIstranger", "wrong");
    let settings = cloud.settings().without_credentials().credentials(&stranger);
    let finished = OmsBridge::new(["replay", "--json"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn a_log_bucket_in_trouble_is_outlasted() {
    let cloud = Cloud::with(Twin::builder().seed(11)).await;
    mark_all(&cloud, 1200);
    let faults = cloud.twin.faults();
    let trouble = Fault::respond(Service::Oss, FaultResponse::oss_unavailable());
    faults.inject(trouble.clone().method("GET").times(2));
    faults.inject(trouble.clone().method("POST").times(2));
    faults.inject(trouble.method("PUT").probability(0.05));
    outlast(&cloud).await;
    assert_all_done(&cloud, 1200);
}

#[tokio::test]
async fn a_removal_that_leaves_some_markers_is_repeated() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 50);
    // The reply of a service that took the request and removed nothing.
    let nothing = FaultResponse::error(200, "", "").body("<DeleteResult></DeleteResult>");
    let lie = cloud.twin.faults().inject(Fault::respond(Service::Oss, nothing).method("POST").times(1));
    let finished = replay(&cloud).await;
    assert_eq!((finished.code, cloud.twin.faults().hits(lie)), (Some(0), 1), "{finished:?}");
    assert_all_done(&cloud, 50);
}

#[tokio::test]
async fn slow_pages_and_a_stated_window_only_take_longer() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 1100);
    let faults = cloud.twin.faults();
    let slow = FaultAction::delay(std::time::Duration::from_millis(200));
    faults.inject(Fault::new(Service::Oss, slow).method("GET").times(4));
    faults.inject(Fault::respond(Service::Oms, FaultResponse::oms_throttled(200, "1 second")).times(1));
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_all_done(&cloud, 1100);
    assert_eq!(cloud.oms_requests(), 111, "110 full batches and the one that was sent too early");
}

#[tokio::test]
async fn a_success_that_cannot_be_recorded_keeps_its_marker() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 20);
    let trouble = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    let trouble = cloud.twin.faults().inject(trouble.method("PUT").key_contains("success_object/k00007"));
    let finished = replay(&cloud).await;
    assert_ne!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["k00007"]);
    cloud.twin.faults().clear(trouble);
    assert_eq!(replay(&cloud).await.code, Some(0));
    assert_all_done(&cloud, 20);
}

#[tokio::test]
async fn a_failure_recorded_meanwhile_is_not_forgotten() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 5);
    let name = cloud.record_name(Shelf::Failed, "k00003");
    // The reply that says "accepted" waits until a later change of the object has failed and been recorded.
    let delay = FaultAction::delay(std::time::Duration::from_millis(300));
    let slow = cloud.twin.faults().inject(Fault::new(Service::Oms, delay));
    let mut process = Process::spawn(&["replay".to_owned()], &cloud.settings());
    cloud.until(|twin| twin.faults().hits(slow) > 0).await;
    cloud.twin.oss().put(
        e2e::cloud::LOGS,
        &name,
        r#"{"v":1,"key":"k00003","attempts":1,"class":"transient"}"#,
    );
    process.wait().await;
    assert_eq!(cloud.recorded(Shelf::Failed), ["k00003"]);
    assert_eq!(replay(&cloud).await.code, Some(0));
    assert_all_done(&cloud, 5);
}

#[tokio::test]
async fn an_interrupt_finishes_what_is_in_flight() {
    let cloud = Cloud::start().await;
    mark_all(&cloud, 5000);
    let delay = FaultAction::delay(std::time::Duration::from_millis(20));
    cloud.twin.faults().inject(Fault::new(Service::Oms, delay));
    let mut process = Process::spawn(&["replay".to_owned(), "--json".to_owned()], &cloud.settings());
    cloud.until(|twin| twin.accepted().len() >= 50).await;
    process.signal("INT").await;
    let status = process.wait().await;
    assert_eq!(status.code(), Some(130), "{}", process.stderr());
    let result: serde_json::Value = serde_json::from_str(&process.stdout()).unwrap();
    let (failed, success) = (cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len());
    assert_eq!((failed + success, result["accepted"].as_u64()), (5000, Some(success as u64)));
    assert!(failed > 0, "it ended early");
}
