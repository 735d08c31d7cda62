//! `reconcile --fix oms-task`: lists of objects, and migration tasks that are followed to their end.
//!
//! What a run that dies leaves, and who may work, is in `reconcile_task_leases`.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultAction, FaultId, FaultResponse, ManualClock, MigrationStatus, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use serde_json::{Value, json};

use crate::support::put_both;

pub(crate) const FOLDER: &str = "oms_source_record/object_lists/";

/// An address of OMS at another machine, without TLS.
const PLAIN: &str = "http://oms.invalid/v2/p/sync-tasks/t/events";

pub(crate) fn fixing(cloud: &Cloud) -> Copy {
    fixing_between(cloud, &format!("oss://{SOURCE}"), &format!("obs://{MIRROR}"))
}

pub(crate) fn fixing_between(cloud: &Cloud, from: &str, to: &str) -> Copy {
    Copy::new(&cloud.twin, from, to)
        .comparing()
        .set("LOG_BUCKET", LOGS)
        .set("SYNC_URL", cloud.twin.sync_url(&cloud.task))
        .with(["--fix", "oms-task"])
}

pub(crate) async fn ends_with(code: i32, run: Copy) -> Finished {
    let finished = run.run().await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    finished
}

pub(crate) async fn result(code: i32, run: Copy) -> (Value, Finished) {
    let finished = ends_with(code, run.with(["--json"])).await;
    (finished.json(), finished)
}

/// One key that is the same, one that is missing and one that differs, and a clock that a test moves.
pub(crate) async fn unequal() -> (Cloud, ManualClock) {
    let clock = ManualClock::new(Utc::now());
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    put_both(&cloud, "same", "same", "same");
    put_both(&cloud, "missing", "m", "");
    // Of one size, and newer at the destination: a sync task would leave it alone.
    put_both(&cloud, "dir/other é+%", "abcd", "abce");
    clock.advance(TimeDelta::milliseconds(1));
    (cloud, clock)
}

/// Lists that are left in the destination bucket.
pub(crate) fn left(cloud: &Cloud) -> Vec<String> {
    let keys = cloud.twin.obs().keys(MIRROR).into_iter();
    keys.filter(|key| key.starts_with(FOLDER)).collect()
}

pub(crate) fn creations(cloud: &Cloud) -> u64 {
    cloud.twin.stats().requests(Service::Oms, "CreateTask")
}

/// A fault in requests for the state of tasks.
pub(crate) fn looks(cloud: &Cloud, action: FaultAction) -> FaultId {
    cloud.twin.faults().inject(Fault::new(Service::Oms, action).method("GET").path_contains("/tasks/1"))
}

/// An answer of OMS about the state of a task.
pub(crate) fn state(body: &Value) -> FaultAction {
    FaultAction::Respond(FaultResponse::error(200, "", "").body(body.to_string()))
}

fn refusal(status: u16, code: &str) -> FaultAction {
    let body = json!({"error_code": code, "error_msg": "The task does not exist."});
    FaultAction::Respond(FaultResponse::error(status, code, "").body(body.to_string()))
}

#[tokio::test]
async fn one_task_copies_what_is_missing_or_different_and_leaves_nothing_behind() {
    let (cloud, _) = unequal().await;
    let (result, finished) = result(0, fixing(&cloud)).await;
    assert_eq!((&result["identical"], &result["equal"]), (&json!(true), &json!(3)));
    let tasks = json!({"tasks": 1, "objects": 2, "succeeded": 2, "failed": 0, "skipped": 0});
    assert_eq!((&result["tasks"], creations(&cloud)), (&tasks, 1));
    assert_eq!(cloud.twin.obs().get(MIRROR, "dir/other é+%").unwrap().body, "abcd");
    assert_eq!((left(&cloud), cloud.oms_requests()), (Vec::<String>::new(), 0));
    let runs = cloud.twin.oss().keys(LOGS);
    assert!(runs.len() == 1 && runs[0].starts_with("oms_source_record/object_list_run/"), "{runs:?}");
    for secret in [&cloud.twin.oss_account().secret_key, &cloud.twin.huawei_account().secret_key] {
        assert!(!finished.stderr.contains(secret) && !finished.stdout.contains(secret), "{finished:?}");
    }
    // Nothing is in the way of the next run, which finds nothing to do.
    ends_with(0, fixing(&cloud)).await;
    assert_eq!(creations(&cloud), 1);
}

#[tokio::test]
async fn what_oms_could_not_copy_is_named_and_stays_a_difference() {
    let (cloud, _) = unequal().await;
    cloud.twin.faults().inject(Fault::fail_copy("other", "TRF.0152"));
    let (result, finished) = result(3, fixing(&cloud)).await;
    assert_eq!((&result["different"], &result["missing"]), (&json!(1), &json!(0)));
    assert_eq!((&result["tasks"]["succeeded"], &result["tasks"]["failed"]), (&json!(1), &json!(1)));
    assert!(finished.stderr.contains("OMS could not copy dir/other é+%: TRF.0152"), "{finished:?}");
}

#[tokio::test]
async fn a_key_that_is_gone_or_has_arrived_since_it_was_listed_is_on_no_list() {
    let (cloud, _) = unequal().await;
    for key in ["gone", "arrived"] {
        put_both(&cloud, key, "12", "");
    }
    let gone = Fault::new(Service::Oss, FaultAction::RemoveFirst).method("HEAD").key_contains("gone");
    cloud.twin.faults().inject(gone);
    let body = "12".to_owned();
    let arrived = Fault::new(Service::Obs, FaultAction::ReplaceFirst { body }).method("HEAD");
    cloud.twin.faults().inject(arrived.key_contains("arrived").times(1));
    let (result, _) = result(0, fixing(&cloud)).await;
    let tasks = json!({"tasks": 1, "objects": 2, "succeeded": 2, "failed": 0, "skipped": 0});
    assert_eq!((&result["tasks"], &result["equal"]), (&tasks, &json!(4)));
}

#[tokio::test]
async fn a_key_that_cannot_be_asked_for_stays_a_difference_and_the_others_are_copied() {
    let (cloud, _) = unequal().await;
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    let refused = Fault::respond(Service::Oss, refused).method("HEAD").key_contains("missing");
    cloud.twin.faults().inject(refused);
    let (result, finished) = result(3, fixing(&cloud)).await;
    assert_eq!((&result["missing"], &result["tasks"]["succeeded"]), (&json!(1), &json!(1)));
    assert!(finished.stderr.contains("missing"), "{finished:?}");
}

#[tokio::test]
async fn keys_in_front_of_a_list_that_are_gone_before_its_task_are_taken_off_it() {
    let (cloud, _) = unequal().await;
    put_both(&cloud, "a", "a", "");
    // Asked for once more as it goes on the list, and not there just before the task.
    for key in ["/a", "dir"] {
        let gone = Fault::new(Service::Oss, FaultAction::RemoveFirst).method("HEAD").path_contains(key);
        cloud.twin.faults().inject(gone.after(1));
    }
    let (result, finished) = result(3, fixing(&cloud)).await;
    let tasks = json!({"tasks": 1, "objects": 1, "succeeded": 1, "failed": 0, "skipped": 0});
    assert_eq!((&result["tasks"], left(&cloud)), (&tasks, Vec::<String>::new()), "{finished:?}");
    assert!(cloud.twin.obs().get(MIRROR, "missing").is_some());
}

#[tokio::test]
async fn a_list_whose_keys_are_all_gone_has_no_task() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "same", "same", "same");
    put_both(&cloud, "gone", "x", "");
    let gone = Fault::new(Service::Oss, FaultAction::RemoveFirst).method("HEAD").key_contains("gone");
    cloud.twin.faults().inject(gone.after(1));
    ends_with(0, fixing(&cloud)).await;
    assert!(cloud.twin.oss().get(SOURCE, "gone").is_none());
    assert_eq!((creations(&cloud), left(&cloud)), (0, Vec::<String>::new()));
}

#[tokio::test]
async fn a_task_that_fails_as_a_whole_ends_the_run_and_the_next_one_begins_anew() {
    let (cloud, _) = unequal().await;
    let held = Fault::new(Service::Oms, FaultAction::Hold).method("POST").path_contains("/tasks");
    let held = cloud.twin.faults().inject(held);
    let directory = tempfile::TempDir::new().unwrap();
    let process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    for list in left(&cloud) {
        cloud.twin.obs().delete(MIRROR, &list);
    }
    cloud.twin.faults().clear(held);
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("HW_AK: task ") && finished.stderr.contains("TRF.0013"), "{finished:?}");
    assert_eq!(cloud.twin.migration_tasks()[0].status, MigrationStatus::Failed);
    assert_eq!(left(&cloud), Vec::<String>::new());
    ends_with(0, fixing(&cloud)).await;
    assert_eq!(creations(&cloud), 2);
}

#[tokio::test]
async fn keys_that_oms_was_given_and_refuses_are_named_by_their_setting() {
    for (code, exit, setting) in [
        ("TRF.0057", 4, "DEST_AK: "),
        ("TRF.0151", 4, "ALIBABA_CLOUD_ACCESS_KEY_ID: "),
        ("TRF.0051", 2, "DEST_AK: "),
        ("TRF.0155", 2, "SRC: "),
        ("TRF.0012", 2, "SRC: "),
        ("TRF.9999", 2, "--fix: "),
    ] {
        let (cloud, _) = unequal().await;
        let huawei = cloud.twin.huawei_account().clone();
        let reason = json!({"error_code": code, "error_msg": "no"});
        looks(&cloud, state(&json!({"id": 1, "name": "t-1", "status": 4, "error_reason": reason})));
        let run = fixing(&cloud).set("DEST_AK", &huawei.access_key).set("DEST_SK", &huawei.secret_key);
        let finished = ends_with(exit, run).await;
        assert!(finished.stderr.contains(&format!("{setting}task t-1 failed: {code} no")), "{finished:?}");
        assert_eq!(left(&cloud), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_task_that_failed_as_a_whole_after_some_objects_did_is_named_with_its_reason() {
    let (cloud, _) = unequal().await;
    let reason = json!({"error_code": "TRF.0057", "error_msg": "no"});
    let numbers = json!({"id": 1, "name": "t-1", "status": 4, "total_num": 1000, "successful_num": 10,
        "failed_num": 3, "error_reason": reason});
    looks(&cloud, state(&numbers));
    let finished = ends_with(4, fixing(&cloud)).await;
    assert!(finished.stderr.contains("HW_AK: task t-1 failed: TRF.0057 no"), "{finished:?}");
    assert_eq!(left(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_that_was_stopped_is_named_and_followed_once_it_goes_on() {
    let (cloud, _) = unequal().await;
    let stopped = looks(&cloud, state(&json!({"id": 1, "name": "t-1", "status": 3})));
    for _ in 0..2 {
        let finished = ends_with(2, fixing(&cloud)).await;
        assert!(finished.stderr.contains("task t-1 was stopped"), "{finished:?}");
        assert!(finished.stderr.contains("start it in the console of OMS, or remove it"), "{finished:?}");
    }
    cloud.twin.faults().clear(stopped);
    ends_with(0, fixing(&cloud)).await;
    assert_eq!(creations(&cloud), 1);
}

#[tokio::test]
async fn a_task_in_a_state_that_is_not_documented_is_not_followed_for_ever() {
    let (cloud, clock) = unequal().await;
    let unknown = looks(&cloud, state(&json!({"id": 1, "name": "t-1", "status": 9})));
    let directory = tempfile::TempDir::new().unwrap();
    let process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(unknown) > 1).await;
    clock.advance(TimeDelta::minutes(11));
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("OMS reports state 9 of task t-1"), "{finished:?}");
    assert_eq!(left(&cloud).len(), 1, "it may be under way");
    cloud.twin.faults().clear(unknown);
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn while_a_task_runs_there_is_no_remaining_time_of_the_comparison() {
    let (cloud, _) = unequal().await;
    let running = json!({"id": 1, "name": "t-1", "status": 2, "total_num": 2});
    looks(&cloud, state(&running));
    let directory = tempfile::TempDir::new().unwrap();
    let process = fixing(&cloud).with(["--stats", "20ms"]).start_in(directory.path());
    process.lines("OMS has handled 0 of 2 objects", 5).await;
    process.signal("INT").await;
    let finished = e2e::copy::finish(process).await;
    let mut lines = finished.stderr.lines().filter(|line| line.contains("OMS has handled"));
    let last = lines.next_back().unwrap();
    assert!(!last.contains("ETA"), "{last}");
}

#[tokio::test]
async fn a_task_that_oms_denies_and_does_not_list_is_gone_and_does_not_stand_in_the_way() {
    let (cloud, clock) = unequal().await;
    let denied = looks(&cloud, refusal(400, "OMS.0053"));
    let listed = Fault::new(Service::Oms, state(&json!({"tasks": [], "count": 0}))).method("GET");
    cloud.twin.faults().inject(listed.path_contains("limit="));
    let directory = tempfile::TempDir::new().unwrap();
    let process = fixing(&cloud).start_in(directory.path());
    // Just after it was created that is not believed.
    cloud.until(|twin| twin.faults().hits(denied) > 1).await;
    assert_eq!(left(&cloud).len(), 1);
    clock.advance(TimeDelta::minutes(11));
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("not there any more"), "{finished:?}");
    assert!(left(&cloud).is_empty());
}

#[tokio::test]
async fn a_task_that_oms_denies_and_still_lists_is_followed() {
    let (cloud, _) = unequal().await;
    looks(&cloud, refusal(404, "OMS.0054"));
    let (result, _) = result(0, fixing(&cloud)).await;
    assert_eq!((&result["tasks"]["succeeded"], creations(&cloud)), (&json!(2), 1));
}

#[tokio::test]
async fn another_404_is_no_sign_that_a_task_is_gone() {
    for code in ["APIGW.0101", "OMS.0066"] {
        let (cloud, _) = unequal().await;
        let refused = looks(&cloud, refusal(404, code));
        let finished = ends_with(2, fixing(&cloud)).await;
        assert!(finished.stderr.contains(code), "{finished:?}");
        assert_eq!(left(&cloud).len(), 1, "the list of a task that may be under way");
        cloud.twin.faults().clear(refused);
        let finished = ends_with(0, fixing(&cloud)).await;
        assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
        assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
    }
}

#[tokio::test]
async fn a_listing_that_fails_starts_no_task_and_leaves_no_list() {
    let cloud = Cloud::start().await;
    for number in 0..1500 {
        put_both(&cloud, &format!("{number:04}"), "x", "");
    }
    let broken = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, broken).path_contains("list-type=2").after(1));
    ends_with(2, fixing(&cloud)).await;
    assert_eq!((creations(&cloud), left(&cloud), cloud.twin.obs().uploads(MIRROR).len()), (0, vec![], 0));
}

#[tokio::test]
async fn a_long_list_is_written_in_parts() {
    let cloud = Cloud::start().await;
    for number in 0..2800 {
        put_both(&cloud, &format!("{number:04}{}", "测".repeat(339)), "x", "");
    }
    let (result, _) = result(0, fixing(&cloud)).await;
    assert_eq!((&result["tasks"]["succeeded"], creations(&cloud)), (&json!(2800), 1));
    assert!(cloud.twin.stats().requests(Service::Obs, "UploadPart") >= 2);
    assert_eq!(left(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_says_how_many_keys_and_tasks_and_does_nothing() {
    let (cloud, _) = unequal().await;
    let (result, _) = result(3, fixing(&cloud).with(["--dry-run"])).await;
    assert_eq!((&result["would_fix"], &result["would_start_tasks"]), (&json!(2), &json!(1)));
    let finished = ends_with(3, fixing(&cloud).with(["--dry-run"])).await;
    assert!(finished.stdout.contains("would be fixed: 2 keys, by 1 task of OMS"), "{finished:?}");
    assert_eq!((left(&cloud), creations(&cloud), cloud.twin.oss().len(LOGS)), (vec![], 0, 0));
}

#[tokio::test]
async fn what_is_extra_is_deleted_once_the_task_has_copied() {
    let (cloud, _) = unequal().await;
    put_both(&cloud, "extra", "", "x");
    let (result, _) = result(0, fixing(&cloud).with(["--delete-extra", "--max-delete", "1"])).await;
    assert_eq!((&result["deleted"], &result["tasks"]["succeeded"]), (&json!(1), &json!(2)));
    assert_eq!(cloud.twin.obs().get(MIRROR, "extra").map(drop), None);
}

#[tokio::test]
async fn settings_and_sides_that_do_not_fit_are_refused_before_anything_is_done() {
    let (cloud, _) = unequal().await;
    let elsewhere = Copy::new(&cloud.twin, format!("oss://{SOURCE}/a"), format!("obs://{MIRROR}/b"));
    let elsewhere = elsewhere.comparing().set("SYNC_URL", cloud.twin.sync_url(&cloud.task));
    for (run, text) in [
        (elsewhere.set("LOG_BUCKET", LOGS).with(["--fix", "oms-task"]), "--fix: "),
        (fixing(&cloud).set("LOG_BUCKET", ""), "LOG_BUCKET"),
        (fixing(&cloud).set("SYNC_URL", ""), "SYNC_URL"),
        (fixing(&cloud).set("HW_SK", ""), "HW_SK"),
        (fixing(&cloud).set("SYNC_URL", PLAIN), "SYNC_URL: the request for a task has the secret keys"),
    ] {
        let finished = ends_with(2, run).await;
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
        assert!(finished.stderr.matches(text).count() <= 2, "said once, and what to do: {finished:?}");
    }
    assert_eq!((creations(&cloud), left(&cloud), cloud.twin.oss().len(LOGS)), (0, vec![], 0));
}
