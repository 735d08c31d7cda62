//! `reconcile --fix` and `--delete-extra`: what they change, and what they must not.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished, Shelf};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{put_both, succeeded};

/// A comparison with a journal, and a sync task.
pub(crate) fn repair(cloud: &Cloud, options: &[&str]) -> Copy {
    between(cloud, "", "", options)
}

pub(crate) fn between(cloud: &Cloud, from: &str, to: &str, options: &[&str]) -> Copy {
    let places = (format!("oss://{SOURCE}/{from}"), format!("obs://{MIRROR}/{to}"));
    Copy::new(&cloud.twin, places.0, places.1)
        .comparing()
        .set("LOG_BUCKET", LOGS)
        .set("SYNC_URL", cloud.twin.sync_url(&cloud.task))
        .with(options.iter().copied())
}

/// Runs it with `--json`.
pub(crate) async fn result(code: i32, run: Copy) -> (Value, Finished) {
    let finished = run.with(["--json"]).run().await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    (finished.json(), finished)
}

/// One key that is the same, and three that are not.
pub(crate) async fn unequal() -> Cloud {
    let cloud = Cloud::start().await;
    put_both(&cloud, "same", "same", "same");
    put_both(&cloud, "missing", "m", "");
    put_both(&cloud, "shorter", "long", "lo");
    put_both(&cloud, "2024/other é+", "abcd", "ab");
    cloud
}

fn mirrored(cloud: &Cloud, key: &str) -> Option<Vec<u8>> {
    cloud.twin.obs().get(MIRROR, key).map(|object| object.body.to_vec())
}

pub(crate) fn deletes(cloud: &Cloud) -> u64 {
    let stats = cloud.twin.stats();
    stats.requests(Service::Obs, "DeleteObject") + stats.requests(Service::Obs, "DeleteMultipleObjects")
}

#[tokio::test]
async fn what_is_missing_or_different_is_copied_and_recorded_and_the_sides_are_equal_then() {
    let cloud = unequal().await;
    // Of one size, and newer at the destination.
    put_both(&cloud, "2024/other é+", "abcd", "abce");
    let (result, _) = result(0, repair(&cloud, &["--fix", "copy"])).await;
    assert_eq!(
        (&result["identical"], &result["equal"], &result["missing"]),
        (&json!(true), &json!(4), &json!(0))
    );
    let fixed = json!({"keys": 3, "accepted": 3, "failed": 0, "unrecorded": 0, "not_begun": 0});
    assert_eq!(result["fixed"], fixed);
    assert_eq!(mirrored(&cloud, "2024/other é+").unwrap(), b"abcd");
    assert_eq!(cloud.recorded(Shelf::Success), ["2024/other é+", "missing", "shorter"]);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "PutObject"), 3);
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn oms_is_sent_what_is_missing_or_different_and_nothing_else() {
    let cloud = unequal().await;
    let (result, _) = result(0, repair(&cloud, &["--fix", "oms"])).await;
    assert_eq!((&result["identical"], &result["fixed"]["accepted"]), (&json!(true), &json!(3)));
    let accepted: Vec<_> = cloud.twin.accepted().into_iter().collect();
    let once = |key: &str| (key.to_owned(), 1);
    assert_eq!(accepted, [once("2024/other é+"), once("missing"), once("shorter")]);
    assert_eq!(cloud.recorded(Shelf::Success), ["2024/other é+", "missing", "shorter"]);
}

#[tokio::test]
async fn what_oms_accepts_and_does_not_copy_is_still_a_difference() {
    let cloud = unequal().await;
    cloud.twin.faults().inject(Fault::fail_copy("missing", "TRF.0152"));
    let (result, _) = result(3, repair(&cloud, &["--fix", "oms", "--fix-wait", "1"])).await;
    assert_eq!((&result["missing"], &result["different"]), (&json!(1), &json!(0)));
    assert_eq!(result["fixed"]["accepted"], 3);
}

#[tokio::test]
async fn what_cannot_be_sent_is_recorded_and_not_waited_for() {
    let cloud = unequal().await;
    cloud.twin.faults().inject(Fault::poison_key("missing"));
    // The time of the wait would be longer than that of the test.
    let (result, _) = result(3, repair(&cloud, &["--fix", "oms", "--fix-wait", "86400"])).await;
    assert_eq!((&result["missing"], &result["different"]), (&json!(1), &json!(0)));
    assert_eq!((&result["fixed"]["accepted"], &result["fixed"]["failed"]), (&json!(2), &json!(1)));
    assert!(cloud.record(Shelf::Failed, "missing").is_some());
}

#[tokio::test]
async fn keys_that_are_accepted_and_not_recorded_are_counted_in_the_result() {
    let cloud = unequal().await;
    let run = repair(&cloud, &["--fix", "copy"]).set("LOG_BUCKET", "nosuchlog");
    let finished = run.run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("3 keys accepted without a record in the log bucket"), "{finished:?}");
}

#[tokio::test]
async fn an_interrupted_run_does_not_advise_the_checkpoint_that_it_refuses() {
    let cloud = unequal().await;
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("GET").path_contains("max-keys=");
    let held = cloud.twin.faults().inject(held);
    let directory = TempDir::new().unwrap();
    let process = repair(&cloud, &["--fix", "copy"]).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    process.signal("INT").await;
    let finished = e2e::copy::finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert!(finished.stderr.contains("the same command begins again"), "{finished:?}");
    assert!(!finished.stderr.contains("--checkpoint"), "{finished:?}");
}

#[tokio::test]
async fn by_itself_it_is_done_as_events_are_and_by_copies_where_oms_cannot() {
    let cloud = unequal().await;
    result(0, repair(&cloud, &["--fix", "auto"]).set("FORWARD_MODE", "oms")).await;
    assert_eq!(cloud.twin.accepted().len(), 3);
    // Another key at the destination is nothing that OMS can make.
    let cloud = unequal().await;
    let elsewhere = between(&cloud, "2024/", "backup/2024/", &["--fix", "auto"]).set("FORWARD_MODE", "oms");
    result(0, elsewhere).await;
    assert_eq!(mirrored(&cloud, "backup/2024/other é+").unwrap(), b"abcd");
    assert_eq!((cloud.twin.accepted().len(), mirrored(&cloud, "missing")), (0, None));
    let finished = between(&cloud, "2024/", "backup/2024/", &["--fix", "oms"]).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
}

#[tokio::test]
async fn what_cannot_be_fixed_as_asked_is_refused_before_anything_is_done() {
    let cloud = unequal().await;
    cloud.twin.create_obs_bucket("another");
    let other = cloud.twin.create_sync_task(SOURCE, "another");
    for (run, text) in [
        (repair(&cloud, &["--fix", "oms"]).set("SYNC_URL", cloud.twin.sync_url(&other)), "SYNC_URL"),
        (repair(&cloud, &["--fix", "copy"]).set("LOG_BUCKET", ""), "LOG_BUCKET"),
        (repair(&cloud, &["--fix", "copy"]).set("LOG_FORMAT", "yaml"), "LOG_FORMAT"),
        (between(&cloud, "2024/", "2025/", &["--fix", "copy"]), "--fix"),
        // A folder whose name only ends alike is another one.
        (between(&cloud, "2024/", "of2024/", &["--fix", "copy"]), "--fix"),
        (repair(&cloud, &["--fix", "auto"]).set("FORWARD_MODE", "omz"), "FORWARD_MODE"),
        (repair(&cloud, &["--fix", "copy", "--checkpoint", "x"]), "--checkpoint"),
        (repair(&cloud, &["--delete-extra"]), "--max-delete"),
        (repair(&cloud, &["--delete-extra", "--max-delete", "0"]), "--max-delete"),
        (repair(&cloud, &["--dry-run"]), "--fix"),
    ] {
        let finished = run.run().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
    assert_eq!((cloud.twin.accepted().len(), cloud.twin.obs().len(MIRROR)), (0, 3));
}

#[tokio::test]
async fn what_only_the_destination_has_is_deleted_once_the_source_was_asked() {
    let cloud = unequal().await;
    put_both(&cloud, "extra/1", "", "x");
    put_both(&cloud, "extra/2", "", "y");
    let options = ["--fix", "copy", "--delete-extra", "--max-delete", "2"];
    let (result, finished) = result(0, repair(&cloud, &options)).await;
    assert_eq!((&result["identical"], &result["deleted"]), (&json!(true), &json!(2)));
    assert!(finished.stderr.contains("deleted extra/1") && finished.stderr.contains("deleted extra/2"));
    assert_eq!(cloud.twin.obs().keys(MIRROR), cloud.twin.oss().keys(SOURCE));
    let asked = cloud.twin.stats().requests(Service::Oss, "HeadObject");
    assert!(asked >= 2, "{asked}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_would_be_done() {
    let cloud = unequal().await;
    put_both(&cloud, "extra", "", "x");
    let before = cloud.twin.obs().keys(MIRROR);
    let options = ["--fix", "oms", "--delete-extra", "--max-delete", "1", "--dry-run"];
    let (result, finished) = result(3, repair(&cloud, &options)).await;
    assert_eq!((&result["would_fix"], &result["would_delete"]), (&json!(3), &json!(1)));
    assert!(finished.stderr.contains("would_delete extra\n"), "{finished:?}");
    assert_eq!((cloud.twin.obs().keys(MIRROR), deletes(&cloud), cloud.oms_requests()), (before, 0, 0));
    assert_eq!(cloud.twin.oss().len(LOGS), 0);
}

/// Runs with `--delete-extra` that must delete nothing.
pub(crate) async fn deletes_nothing(cloud: &Cloud, code: i32, run: Copy, text: &str) {
    let before = cloud.twin.obs().keys(MIRROR);
    let finished = run.with(["--delete-extra"]).run().await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    assert_eq!((deletes(cloud), cloud.twin.obs().keys(MIRROR)), (0, before), "{finished:?}");
}

#[tokio::test]
async fn nothing_is_deleted_where_more_is_extra_than_may_be() {
    let cloud = unequal().await;
    put_both(&cloud, "extra/1", "", "x");
    put_both(&cloud, "extra/2", "", "y");
    let run = repair(&cloud, &["--max-delete", "1"]);
    deletes_nothing(&cloud, 3, run, "2 keys are extra, and --max-delete is 1").await;
}

#[tokio::test]
async fn nothing_is_deleted_for_an_empty_source_unless_that_is_confirmed() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "extra", "", "x");
    deletes_nothing(
        &cloud,
        3,
        repair(&cloud, &["--max-delete", "9"]),
        "SRC has nothing to compare, and DST has",
    )
    .await;
    let options = ["--delete-extra", "--max-delete", "9", "--allow-empty-source"];
    assert_eq!(result(0, repair(&cloud, &options)).await.0["deleted"], 1);
}

#[tokio::test]
async fn nothing_is_deleted_after_a_listing_that_failed() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "!extra", "", "x");
    for number in 0..1500 {
        put_both(&cloud, &format!("{number:04}"), "x", "x");
    }
    // The first page is there, and shows the extra key.
    let broken = FaultResponse::error(403, "AccessDenied", "no");
    let fault = Fault::respond(Service::Oss, broken).path_contains("list-type=2").after(1);
    cloud.twin.faults().inject(fault);
    deletes_nothing(&cloud, 2, repair(&cloud, &["--max-delete", "9"]), "not everything could be listed")
        .await;
}

#[tokio::test]
async fn what_either_side_wrote_since_it_was_listed_is_not_deleted() {
    for (service, text, why) in [
        (Service::Oss, "at the source", "SRC has it"),
        (Service::Obs, "another one", "DST has another object"),
    ] {
        let cloud = unequal().await;
        put_both(&cloud, "extra", "", "x");
        let body = text.to_owned();
        let written =
            Fault::new(service, FaultAction::ReplaceFirst { body }).method("HEAD").key_contains("extra");
        cloud.twin.faults().inject(written);
        let run = repair(&cloud, &["--max-delete", "9"]);
        let finished = run.with(["--delete-extra"]).run().await;
        assert_eq!((finished.code, deletes(&cloud)), (Some(3), 0), "{finished:?}");
        assert!(finished.stderr.contains(why), "{finished:?}");
        let result = finished.stdout.contains("not deleted: 1 key");
        assert!(result, "{finished:?}");
        assert!(cloud.twin.obs().get(MIRROR, "extra").is_some());
    }
}

#[tokio::test]
async fn what_the_source_does_not_answer_for_is_not_deleted() {
    let cloud = unequal().await;
    put_both(&cloud, "extra", "", "x");
    let refused = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    cloud.twin.faults().inject(refused.method("HEAD").key_contains("extra"));
    deletes_nothing(&cloud, 3, repair(&cloud, &["--max-delete", "9"]), "not deleted: extra").await;
}

#[tokio::test]
async fn the_folders_of_oms_and_of_the_records_are_never_deleted_from() {
    let cloud = unequal().await;
    for key in ["oms/task/t/failed.txt", "oms_source_record/x"] {
        put_both(&cloud, key, "", "x");
    }
    let run = repair(&cloud, &["--fix", "copy", "--delete-extra", "--max-delete", "9"]);
    assert_eq!(result(0, run).await.0["deleted"], 0);
    // Named, they are compared, and kept all the same.
    put_both(&cloud, "oms/there", "x", "x");
    let named = between(&cloud, "oms/", "oms/", &["--max-delete", "9"]);
    let finished = named.with(["--delete-extra"]).run().await;
    assert_eq!((finished.code, deletes(&cloud)), (Some(3), 0), "{finished:?}");
}
