//! `reconcile --fix oms-task`: one run at a time over a pair of sides, and what a run that died left for the
//! next one.

use std::path::Path;

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::process::Process;
use e2e::{Cloud, Copy};
use serde_json::json;
use tempfile::TempDir;

use crate::reconcile_tasks::{creations, ends_with, fixing, fixing_between, left, looks, result, unequal};
use crate::support::put_both;

const RUNS: &str = "object_list_run/";

/// Longer than a lease.
const DEAD: TimeDelta = TimeDelta::minutes(6);

/// A fault in writes of the lease and the position, from the one with this number on: 1 takes the lease, 2
/// names the list, 3 is the last before the task is created, 4 has its id.
fn write(number: u64, action: FaultAction) -> Fault {
    Fault::new(Service::Oss, action).method("PUT").path_contains(RUNS).after(number - 1)
}

fn create(action: FaultAction) -> Fault {
    Fault::new(Service::Oms, action).method("POST").path_contains("/tasks")
}

/// Starts a run, and kills it where it meets the fault.
async fn killed_at(cloud: &Cloud, run: Copy, fault: Fault) {
    let directory = TempDir::new().unwrap();
    let id = cloud.twin.faults().inject(fault);
    let mut process = met(cloud, run, directory.path(), id).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(id);
    cloud.until(Twin::is_idle).await;
}

/// Starts a run, until it meets the fault.
async fn met(cloud: &Cloud, run: Copy, directory: &Path, id: cloud_twin::FaultId) -> Process {
    let process = run.start_in(directory);
    cloud.until(|twin| twin.faults().hits(id) > 0).await;
    process
}

#[tokio::test]
async fn wherever_a_run_is_killed_there_is_one_task() {
    let hang = || FaultAction::Hang;
    for (name, fault, lists, tasks) in [
        ("before the position", write(2, hang()), 1, 0),
        ("before the task is created", write(3, hang()), 1, 0),
        ("before its id is stored", write(4, hang()), 1, 1),
        ("as it is followed", Fault::new(Service::Oms, hang()).path_contains("/tasks/1"), 1, 1),
        // The position says that nothing is open, and the list is still there.
        ("at its end", Fault::new(Service::Obs, hang()).method("DELETE").path_contains("object_lists"), 1, 1),
    ] {
        let (cloud, clock) = unequal().await;
        killed_at(&cloud, fixing(&cloud), fault).await;
        let there = (left(&cloud).len(), cloud.twin.migration_tasks().len());
        assert_eq!(there, (lists, tasks), "{name}: {:?}", left(&cloud));
        let finished = ends_with(2, fixing(&cloud)).await;
        assert!(finished.stderr.contains("another run works on these sides"), "{name}: {finished:?}");
        clock.advance(DEAD);
        let finished = ends_with(0, fixing(&cloud)).await;
        assert_eq!(cloud.twin.migration_tasks().len(), 1, "{name}: {finished:?}");
        assert_eq!(left(&cloud), Vec::<String>::new(), "{name}");
        for key in ["missing", "dir/other é+%"] {
            assert!(cloud.twin.obs().get(MIRROR, key).is_some(), "{name}: {key}");
        }
    }
}

#[tokio::test]
async fn a_task_whose_creation_was_not_answered_is_found_and_not_created_twice() {
    let (cloud, _) = unequal().await;
    let lost = FaultAction::RespondAfterWork(FaultResponse::oms_unavailable());
    cloud.twin.faults().inject(create(lost).times(1));
    let (result, finished) = result(0, fixing(&cloud)).await;
    assert_eq!(cloud.twin.migration_tasks().len(), 1, "{finished:?}");
    assert_eq!((creations(&cloud), &result["tasks"]["succeeded"]), (1, &json!(2)));
}

/// OMS lists no task.
fn empty_list() -> Fault {
    let listed = crate::reconcile_tasks::state(&json!({"tasks": [], "count": 0}));
    Fault::new(Service::Oms, listed).path_contains("limit=")
}

/// Longer than a task may need to appear.
const SETTLED: TimeDelta = TimeDelta::minutes(11);

const UNKNOWN: &str = "it is not known yet whether OMS has created the task";

#[tokio::test]
async fn a_task_that_oms_lists_late_is_not_created_twice() {
    let (cloud, clock) = unequal().await;
    let lost = FaultAction::RespondAfterWork(FaultResponse::oms_unavailable());
    cloud.twin.faults().inject(create(lost).times(1));
    let late = cloud.twin.faults().inject(empty_list());
    let directory = TempDir::new().unwrap();
    let process = fixing(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(late) > 2).await;
    process.signal("INT").await;
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    // Neither is the list dropped by the next run, which does not know more.
    let finished = ends_with(5, fixing(&cloud)).await;
    assert!(finished.stderr.contains(UNKNOWN), "{finished:?}");
    assert!(finished.stderr.contains("run the same command again after 20"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1));
    cloud.twin.faults().clear(late);
    clock.advance(SETTLED);
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn a_list_whose_task_never_appears_is_dropped_when_it_would_have() {
    let (cloud, clock) = unequal().await;
    killed_at(&cloud, fixing(&cloud), create(FaultAction::Hang)).await;
    clock.advance(DEAD);
    let finished = ends_with(5, fixing(&cloud)).await;
    assert!(finished.stderr.contains(UNKNOWN), "{finished:?}");
    assert_eq!(left(&cloud).len(), 1);
    clock.advance(DEAD);
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("OMS has no task for the list"), "{finished:?}");
    assert_eq!((cloud.twin.migration_tasks().len(), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn a_list_of_tasks_that_has_fewer_than_oms_counts_proves_no_absence() {
    let (cloud, clock) = unequal().await;
    killed_at(&cloud, fixing(&cloud), create(FaultAction::Hang)).await;
    clock.advance(SETTLED);
    let short = crate::reconcile_tasks::state(&json!({"tasks": [], "count": 3}));
    let short = cloud.twin.faults().inject(Fault::new(Service::Oms, short).path_contains("limit=").times(1));
    let finished = ends_with(0, fixing(&cloud)).await;
    assert_eq!(cloud.twin.faults().hits(short), 1);
    assert!(finished.stderr.contains("OMS has no task for the list"), "{finished:?}");
    assert!(cloud.twin.stats().requests(Service::Oms, "ListTasks") >= 2, "asked again");
}

#[tokio::test]
async fn a_task_of_another_project_is_not_said_to_be_gone() {
    let (cloud, clock) = unequal().await;
    let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
    killed_at(&cloud, fixing(&cloud), hang).await;
    clock.advance(SETTLED);
    let ours = cloud.twin.sync_url(&cloud.task);
    let (begin, _) = ours.split_once("/sync-tasks/").unwrap();
    let elsewhere = ours.replace("127.0.0.1", "localhost");
    assert_ne!(elsewhere, ours);
    let finished = ends_with(2, fixing(&cloud).set("SYNC_URL", elsewhere)).await;
    let remedy = format!("begins with {begin}/sync-tasks/");
    assert!(finished.stderr.contains("SYNC_URL: ") && finished.stderr.contains(&remedy), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1));
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn a_second_run_is_told_who_works_and_until_when() {
    let (cloud, _) = unequal().await;
    let hold = looks(&cloud, FaultAction::Hold);
    let directory = TempDir::new().unwrap();
    let first = met(&cloud, fixing(&cloud), directory.path(), hold).await;
    let (shown, finished) = result(2, fixing(&cloud)).await;
    let message = shown["error"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("PID {}", first.id().unwrap())), "{message}");
    assert!(message.contains("its lease is over at 20"), "{message}");
    assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1), "{finished:?}");
    // What changes nothing may be done meanwhile.
    ends_with(0, fixing(&cloud).with(["--dry-run"])).await;
    cloud.twin.faults().clear(hold);
    let finished = e2e::copy::finish(first).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[tokio::test]
async fn a_run_that_lost_its_lease_creates_no_task() {
    let (cloud, _) = unequal().await;
    let hold = Fault::new(Service::Obs, FaultAction::Hold).method("HEAD").key_contains("missing");
    let hold = cloud.twin.faults().inject(hold);
    let directory = TempDir::new().unwrap();
    let process = met(&cloud, fixing(&cloud), directory.path(), hold).await;
    let ours = cloud.twin.oss().keys(LOGS).into_iter().find(|key| key.contains(RUNS)).unwrap();
    let theirs = ours.replace("0001", "0002");
    cloud.twin.oss().put(LOGS, &theirs, json!({"v": 1, "holder": "another"}).to_string());
    cloud.twin.faults().clear(hold);
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("another run has taken over these sides"), "{finished:?}");
    assert_eq!(creations(&cloud), 0);
    let there = cloud.twin.oss().get(LOGS, &theirs).unwrap().body;
    assert_eq!(there, json!({"v": 1, "holder": "another"}).to_string());
}

#[tokio::test]
async fn an_interrupt_leaves_the_task_to_oms_and_the_next_run_follows_it() {
    let (cloud, _) = unequal().await;
    let state = json!({"id": 1, "name": "t-1", "status": 2, "total_num": 2});
    let running = looks(&cloud, crate::reconcile_tasks::state(&state));
    let directory = TempDir::new().unwrap();
    let process = met(&cloud, fixing(&cloud), directory.path(), running).await;
    process.lines("task t-1 of OMS copies", 1).await;
    process.signal("INT").await;
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    let text = "task t-1 goes on at OMS, and the same command follows it";
    assert!(finished.stderr.contains(text), "{finished:?}");
    cloud.twin.faults().clear(running);
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
    assert_eq!(creations(&cloud), 1);
}

#[tokio::test]
async fn an_interrupt_before_a_task_leaves_no_list_and_the_next_run_need_not_wait() {
    let (cloud, _) = unequal().await;
    let hang = Fault::new(Service::Obs, FaultAction::Hang).method("HEAD").key_contains("missing");
    let hang = cloud.twin.faults().inject(hang);
    let directory = TempDir::new().unwrap();
    let process = met(&cloud, fixing(&cloud), directory.path(), hang).await;
    process.signal("INT").await;
    let finished = e2e::copy::finish(process).await;
    cloud.twin.faults().clear(hang);
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert!(finished.stderr.contains("the same command begins again"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (0, Vec::<String>::new()));
    ends_with(0, fixing(&cloud)).await;
    assert_eq!(creations(&cloud), 1);
}

#[tokio::test]
async fn a_task_of_other_options_is_not_followed() {
    let (cloud, clock) = unequal().await;
    let running = json!({"id": 1, "name": "t-1", "status": 2});
    let only = ["--include", "missing"];
    let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
    killed_at(&cloud, fixing(&cloud).with(only), hang).await;
    clock.advance(DEAD);
    let running = looks(&cloud, crate::reconcile_tasks::state(&running));
    for other in [&[][..], &["--include", "dir*"], &["--check", "full", "--include", "missing"]] {
        let finished = ends_with(2, fixing(&cloud).with(other.iter().copied())).await;
        let text = "a run with other options began task t-1, which is not over";
        assert!(finished.stderr.contains(text), "{finished:?}");
        assert!(finished.stderr.contains("--check listing --include missing --fix oms-task"), "{finished:?}");
        assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1));
    }
    cloud.twin.faults().clear(running);
    // Once it is over nothing stands in the way of other options.
    let finished = ends_with(0, fixing(&cloud)).await;
    assert!(finished.stderr.contains("of an earlier run with other options is over"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (2, Vec::<String>::new()));
}

#[tokio::test]
async fn a_task_that_the_log_bucket_does_not_know_of_stands_in_the_way_until_it_is_over() {
    let (cloud, _) = unequal().await;
    let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
    killed_at(&cloud, fixing(&cloud), hang).await;
    // As for a run with another log bucket.
    for key in cloud.twin.oss().keys(LOGS) {
        cloud.twin.oss().delete(LOGS, &key);
    }
    put_both(&cloud, "later", "l", "");
    let pair = left(&cloud)[0].split('/').nth(2).unwrap().to_owned();
    let task = json!({"id": 1, "name": "t-1", "status": 2, "description": format!("oms-bridge {pair} x-1")});
    let listed = crate::reconcile_tasks::state(&json!({"tasks": [task], "count": 1}));
    let listed = cloud.twin.faults().inject(Fault::new(Service::Oms, listed).path_contains("limit="));
    let finished = ends_with(2, fixing(&cloud)).await;
    assert!(finished.stderr.contains("OMS has task t-1 between these sides"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1), "nobody knows whether its list is read");
    cloud.twin.faults().clear(listed);
    ends_with(0, fixing(&cloud)).await;
    assert_eq!((creations(&cloud), left(&cloud)), (2, Vec::<String>::new()));
}

#[tokio::test]
async fn a_log_bucket_that_does_not_take_the_position_starts_no_task() {
    let (cloud, clock) = unequal().await;
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    let refused = cloud.twin.faults().inject(write(2, FaultAction::Respond(refused)));
    let finished = ends_with(2, fixing(&cloud)).await;
    assert!(finished.stderr.contains("allow oss:PutObject"), "{finished:?}");
    assert_eq!(creations(&cloud), 0);
    cloud.twin.faults().clear(refused);
    clock.advance(DEAD);
    ends_with(0, fixing(&cloud)).await;
    assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn a_position_that_names_other_objects_deletes_none_of_them() {
    let (cloud, _) = unequal().await;
    let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
    killed_at(&cloud, fixing(&cloud), hang).await;
    let run = cloud.twin.oss().keys(LOGS).into_iter().find(|key| key.contains(RUNS)).unwrap();
    let foreign = json!({"v": 1, "holder": "x", "ended": true, "open": {"list": "same", "description": "x"}});
    cloud.twin.oss().put(LOGS, &run, foreign.to_string());
    ends_with(0, fixing(&cloud)).await;
    assert!(cloud.twin.obs().get(MIRROR, "same").is_some());
}

#[tokio::test]
async fn runs_over_a_folder_and_over_what_it_lies_in_exclude_each_other() {
    let (cloud, clock) = unequal().await;
    let within = |folder: &str| {
        fixing_between(&cloud, &format!("oss://{SOURCE}/{folder}"), &format!("obs://{MIRROR}/{folder}"))
    };
    let hold = looks(&cloud, FaultAction::Hold);
    let directory = TempDir::new().unwrap();
    let mut first = met(&cloud, within(""), directory.path(), hold).await;
    let finished = ends_with(2, within("dir/")).await;
    assert!(finished.stderr.contains("another run works on these sides"), "{finished:?}");
    first.signal("KILL").await;
    first.wait().await;
    clock.advance(SETTLED);
    cloud.twin.faults().clear(hold);
    // Whose task it is does not depend on who looks.
    let running = json!({"id": 1, "name": "t-1", "status": 2});
    let running = looks(&cloud, crate::reconcile_tasks::state(&running));
    let finished = ends_with(2, within("dir/")).await;
    assert!(finished.stderr.contains("a run with other options began task t-1"), "{finished:?}");
    assert!(finished.stderr.contains(&format!("oss://{SOURCE}/ obs://{MIRROR}/")), "{finished:?}");
    assert_eq!(creations(&cloud), 1);
    cloud.twin.faults().clear(running);
    ends_with(0, within("dir/")).await;
}

#[tokio::test]
async fn options_of_any_length_are_those_of_the_task_that_is_followed() {
    let (cloud, clock) = unequal().await;
    // Longer than any object of a run that is read.
    let globs: Vec<String> = (0..700).map(|number| format!("{number}{}", "x".repeat(100))).collect();
    let include = |last: &str| format!("{},missing,dir*,{last}", globs.join(","));
    let (ours, others) = (include("ours"), include("others"));
    let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
    killed_at(&cloud, fixing(&cloud).with(["--include", &ours]), hang).await;
    clock.advance(DEAD);
    let running = json!({"id": 1, "name": "t-1", "status": 2});
    let running = looks(&cloud, crate::reconcile_tasks::state(&running));
    let finished = ends_with(2, fixing(&cloud).with(["--include", &others])).await;
    assert!(finished.stderr.contains("give the options it was begun with"), "{finished:?}");
    cloud.twin.faults().clear(running);
    let finished = ends_with(0, fixing(&cloud).with(["--include", &ours])).await;
    assert!(finished.stderr.contains("an earlier run began task"), "{finished:?}");
    assert_eq!((creations(&cloud), left(&cloud)), (1, Vec::<String>::new()));
}

#[tokio::test]
async fn a_position_that_cannot_be_read_is_no_run_that_has_ended() {
    for (body, text) in
        [("{".to_owned(), "not the JSON that is expected"), ("x".repeat(70_000), "70000 bytes")]
    {
        let (cloud, clock) = unequal().await;
        let hang = Fault::new(Service::Oms, FaultAction::Hang).path_contains("/tasks/1");
        killed_at(&cloud, fixing(&cloud), hang).await;
        let position = cloud.twin.oss().keys(LOGS).into_iter().find(|key| key.contains(RUNS)).unwrap();
        let before = cloud.twin.oss().get(LOGS, &position).unwrap().body;
        cloud.twin.oss().put(LOGS, &position, body);
        clock.advance(DEAD);
        let finished = ends_with(2, fixing(&cloud)).await;
        assert!(finished.stderr.contains(text) && finished.stderr.contains(&position), "{finished:?}");
        assert_eq!((creations(&cloud), left(&cloud).len()), (1, 1));
        assert!(finished.stderr.contains("restore it, or remove it"), "{finished:?}");
        cloud.twin.oss().put(LOGS, &position, before);
        clock.advance(DEAD);
        ends_with(0, fixing(&cloud)).await;
        assert_eq!(creations(&cloud), 1);
    }
}
