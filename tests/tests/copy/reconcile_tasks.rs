//! `reconcile --fix oms-task`: lists of objects, and migration tasks that are followed to their end.

use cloud_twin::{Fault, FaultAction, FaultResponse, MigrationStatus, ObjectHeaders, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::put_both;

const FOLDER: &str = "oms_source_record/object_lists/";

fn fixing(cloud: &Cloud) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("obs://{MIRROR}"))
        .comparing()
        .set("SYNC_URL", cloud.twin.sync_url(&cloud.task))
        .with(["--fix", "oms-task", "--json"])
}

async fn result(code: i32, run: Copy) -> (Value, Finished) {
    let finished = run.run().await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    (finished.json(), finished)
}

async fn unequal() -> Cloud {
    let cloud = Cloud::start().await;
    put_both(&cloud, "same", "same", "same");
    put_both(&cloud, "missing", "m", "");
    // Of one size, and newer at the destination: a sync task would leave it alone.
    put_both(&cloud, "dir/other é+%", "abcd", "abce");
    cloud
}

/// Lists and positions that are left in the destination bucket.
fn left(cloud: &Cloud) -> Vec<String> {
    let keys = cloud.twin.obs().keys(MIRROR).into_iter();
    keys.filter(|key| key.starts_with(FOLDER)).collect()
}

fn creations(cloud: &Cloud) -> u64 {
    cloud.twin.stats().requests(Service::Oms, "CreateTask")
}

#[tokio::test]
async fn one_task_copies_what_is_missing_or_different_and_leaves_nothing_behind() {
    let cloud = unequal().await;
    let (result, finished) = result(0, fixing(&cloud)).await;
    assert_eq!((&result["identical"], &result["equal"]), (&json!(true), &json!(3)));
    let tasks = json!({"tasks": 1, "objects": 2, "succeeded": 2, "failed": 0, "skipped": 0});
    assert_eq!((&result["tasks"], creations(&cloud)), (&tasks, 1));
    assert_eq!(cloud.twin.obs().get(MIRROR, "dir/other é+%").unwrap().body, "abcd");
    assert_eq!((left(&cloud), cloud.oms_requests()), (Vec::<String>::new(), 0));
    for secret in [&cloud.twin.oss_account().secret_key, &cloud.twin.huawei_account().secret_key] {
        assert!(!finished.stderr.contains(secret) && !finished.stdout.contains(secret), "{finished:?}");
    }
}

#[tokio::test]
async fn what_oms_could_not_copy_is_named_and_stays_a_difference() {
    let cloud = unequal().await;
    cloud.twin.faults().inject(Fault::fail_copy("other", "TRF.0152"));
    let (result, finished) = result(3, fixing(&cloud)).await;
    assert_eq!((&result["different"], &result["missing"]), (&json!(1), &json!(0)));
    assert_eq!((&result["tasks"]["succeeded"], &result["tasks"]["failed"]), (&json!(1), &json!(1)));
    assert!(finished.stderr.contains("OMS could not copy dir/other é+%: TRF.0152"), "{finished:?}");
}

#[tokio::test]
async fn a_run_after_one_that_was_killed_goes_on_with_the_same_task() {
    let cloud = unequal().await;
    let hung = Fault::new(Service::Oms, FaultAction::Hang).method("GET").path_contains("/tasks/1");
    let hung = cloud.twin.faults().inject(hung);
    let directory = TempDir::new().unwrap();
    let mut process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(hung) > 0).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(hung);
    assert_eq!(left(&cloud).len(), 2, "the list and the position: {:?}", left(&cloud));
    let (result, finished) = result(0, fixing(&cloud)).await;
    assert_eq!((creations(&cloud), &result["tasks"]["tasks"]), (1, &json!(1)), "{finished:?}");
    assert!(finished.stderr.contains("an earlier run began a task of OMS"), "{finished:?}");
    assert_eq!(left(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_whose_creation_was_not_answered_is_found_and_not_created_twice() {
    let cloud = unequal().await;
    let lost = FaultAction::RespondAfterWork(FaultResponse::oms_unavailable());
    cloud
        .twin
        .faults()
        .inject(Fault::new(Service::Oms, lost).method("POST").path_contains("/tasks").times(1));
    let (result, finished) = result(0, fixing(&cloud)).await;
    assert_eq!(cloud.twin.migration_tasks().len(), 1, "{finished:?}");
    assert_eq!((creations(&cloud), &result["tasks"]["succeeded"]), (1, &json!(2)));
}

#[tokio::test]
async fn a_task_that_fails_as_a_whole_ends_the_run_and_the_next_one_begins_anew() {
    let cloud = unequal().await;
    let held = Fault::new(Service::Oms, FaultAction::Hold).method("POST").path_contains("/tasks");
    let held = cloud.twin.faults().inject(held);
    let directory = TempDir::new().unwrap();
    let process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    for list in left(&cloud).iter().filter(|key| key.contains(".txt")) {
        cloud.twin.obs().delete(MIRROR, list);
    }
    cloud.twin.faults().clear(held);
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("TRF.0013"), "{finished:?}");
    assert_eq!(cloud.twin.migration_tasks()[0].status, MigrationStatus::Failed);
    assert_eq!(left(&cloud), Vec::<String>::new());
    result(0, fixing(&cloud)).await;
    assert_eq!(creations(&cloud), 2);
}

#[tokio::test]
async fn several_lists_have_a_task_each_one_after_the_other() {
    let cloud = unequal().await;
    // As a run leaves it that was killed before its first task.
    let lists = ["missing\n", "dir%2Fother%20%C3%A9%2B%25\n"];
    let names: Vec<String> = (1..=2).map(|number| format!("{FOLDER}a-{number}.txt")).collect();
    for (name, text) in names.iter().zip(lists) {
        let headers = ObjectHeaders::default().content_type("text/plain");
        cloud.twin.obs().put_with(MIRROR, name, text, headers);
    }
    let hung = Fault::new(Service::Oms, FaultAction::Hang).method("POST").path_contains("/tasks");
    let hung = cloud.twin.faults().inject(hung);
    let directory = TempDir::new().unwrap();
    let mut process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(hung) > 0).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(hung);
    let position = left(&cloud).into_iter().find(|key| key.contains(".json")).unwrap();
    let left_over = json!({"v": 1, "lists": names, "done": 0});
    cloud.twin.obs().put(MIRROR, &position, left_over.to_string());
    let (result, _) = result(0, fixing(&cloud)).await;
    assert_eq!((&result["tasks"]["tasks"], &result["tasks"]["objects"]), (&json!(2), &json!(1 + 1)));
    let tasks: Vec<String> = cloud.twin.migration_tasks().into_iter().map(|task| task.list.1).collect();
    assert_eq!(tasks, names);
}

#[tokio::test]
async fn a_position_that_names_other_objects_is_not_followed() {
    let cloud = unequal().await;
    let hung = Fault::new(Service::Oms, FaultAction::Hang).method("POST").path_contains("/tasks");
    let hung = cloud.twin.faults().inject(hung);
    let directory = TempDir::new().unwrap();
    let mut process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(hung) > 0).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(hung);
    let position = left(&cloud).into_iter().find(|key| key.contains(".json")).unwrap();
    let foreign = json!({"v": 1, "lists": ["same"], "done": 0, "task": 77});
    cloud.twin.obs().put(MIRROR, &position, foreign.to_string());
    result(0, fixing(&cloud)).await;
    assert!(cloud.twin.obs().get(MIRROR, "same").is_some());
}

#[tokio::test]
async fn a_task_that_was_removed_does_not_stand_in_the_way() {
    let cloud = unequal().await;
    let hung = Fault::new(Service::Oms, FaultAction::Hang).method("GET").path_contains("/tasks/1");
    let hung = cloud.twin.faults().inject(hung);
    let directory = TempDir::new().unwrap();
    let mut process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(hung) > 0).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(hung);
    let gone = FaultResponse::error(404, "OMS.0053", "The task does not exist.")
        .body("{\"error_code\":\"OMS.0053\",\"error_msg\":\"The task does not exist.\"}");
    let gone = Fault::respond(Service::Oms, gone).method("GET").path_contains("/tasks/1").times(1);
    cloud.twin.faults().inject(gone);
    let (_, finished) = result(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("not there any more"), "{finished:?}");
    assert_eq!(left(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn a_listing_that_fails_starts_no_task_and_leaves_no_list() {
    let cloud = Cloud::start().await;
    for number in 0..1500 {
        put_both(&cloud, &format!("{number:04}"), "x", "");
    }
    let broken = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, broken).path_contains("list-type=2").after(1));
    let finished = fixing(&cloud).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
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
async fn a_dry_run_writes_no_list_and_another_folder_is_refused() {
    let cloud = unequal().await;
    let (result, _) = result(3, fixing(&cloud).with(["--dry-run"])).await;
    assert_eq!((&result["would_fix"], left(&cloud), creations(&cloud)), (&json!(2), vec![], 0));
    let elsewhere = Copy::new(&cloud.twin, format!("oss://{SOURCE}/a"), format!("obs://{MIRROR}/b"));
    let elsewhere = elsewhere.comparing().set("SYNC_URL", cloud.twin.sync_url(&cloud.task));
    let finished = elsewhere.with(["--fix", "oms-task"]).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
}
