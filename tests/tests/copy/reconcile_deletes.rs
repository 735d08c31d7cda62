//! `reconcile --delete-extra` where sides lie, refuse, change or die: nothing that the source has is deleted, and
//! nothing is said to be equal that is not.

use std::fs;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::reconcile_repair::{between, deletes, deletes_nothing, repair, result, unequal};
use crate::support::put_both;

const MOST: [&str; 3] = ["--delete-extra", "--max-delete", "9"];

/// Keys that are the same, and these at the destination alone.
async fn extra(keys: &[&str]) -> Cloud {
    let cloud = Cloud::start().await;
    put_both(&cloud, "same", "same", "same");
    for key in keys {
        put_both(&cloud, key, "", "x");
    }
    cloud
}

fn head(service: Service, response: FaultResponse) -> Fault {
    Fault::respond(service, response).method("HEAD").key_contains("extra")
}

#[tokio::test]
async fn what_a_listing_of_the_source_leaves_out_is_not_deleted() {
    let body = "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>a</Key>\
        <LastModified>2026-01-05T10:00:00.000Z</LastModified><ETag>\"0CC175B9C0F1B6A831C399E269772661\"</ETag><Size>1</Size>\
        </Contents></ListBucketResult>";
    let page = FaultResponse::error(200, "", "").header("content-type", "application/xml").body(body);
    // Neither a 404 without the service's code nor one with another code is its word.
    let heads = [None, Some(""), Some("NotTheServices")];
    for (code, kept) in heads.into_iter().zip(["SRC has it by now", "SRC has it by now", "not deleted: b: "])
    {
        let cloud = Cloud::start().await;
        for key in ["a", "b"] {
            put_both(&cloud, key, key, key);
        }
        let fault =
            Fault::respond(Service::Oss, page.clone()).method("GET").path_contains("max-keys=").times(1);
        cloud.twin.faults().inject(fault);
        if let Some(code) = code {
            let fault = Fault::respond(Service::Oss, FaultResponse::error(404, code, ""));
            cloud.twin.faults().inject(fault.method("HEAD"));
        }
        let (result, finished) = result(0, repair(&cloud, &MOST)).await;
        assert_eq!(
            (&result["deleted"], &result["not_deleted"]),
            (&0.into(), &1.into()),
            "{code:?} {finished:?}"
        );
        assert_eq!((deletes(&cloud), cloud.twin.obs().len(MIRROR)), (0, 2), "{code:?}");
        assert!(finished.stderr.contains(kept), "{code:?} {finished:?}");
    }
}

#[tokio::test]
async fn a_source_that_only_seems_to_say_that_a_key_is_not_there_is_not_believed() {
    let forbidden = FaultResponse::error(403, "AccessDenied", "no");
    let gone = FaultResponse::error(404, "NoSuchBucket", "The specified bucket does not exist.");
    let unavailable = FaultResponse::error(503, "ServiceUnavailable", "later");
    for fault in [
        // No service says so: a proxy, a captive portal.
        Fault::new(Service::Oss, FaultAction::RespondAsProxy(FaultResponse::error(404, "", "")))
            .key_contains("extra"),
        Fault::respond(Service::Oss, gone).key_contains("extra"),
        head(Service::Oss, forbidden.clone()),
        head(Service::Oss, unavailable),
        // At the destination it does not show whether the object is still the one that was listed.
        head(Service::Obs, forbidden),
    ] {
        let cloud = extra(&["extra"]).await;
        let what = format!("{fault:?}");
        cloud.twin.faults().inject(fault);
        let run = repair(&cloud, &MOST);
        let finished = run.run().await;
        assert_eq!((finished.code, deletes(&cloud)), (Some(3), 0), "{what}: {finished:?}");
        assert!(finished.stderr.contains("not deleted: extra: "), "{what}: {finished:?}");
        assert!(cloud.twin.obs().get(MIRROR, "extra").is_some(), "{what}");
    }
}

#[tokio::test]
async fn a_destination_that_refuses_deletions_is_not_asked_for_each_key() {
    let keys: Vec<String> = (0..60).map(|number| format!("extra/{number:02}")).collect();
    let cloud = extra(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).method("DELETE"));
    let options = ["--delete-extra", "--max-delete", "60", "--concurrency", "2"];
    let (result, finished) = result(3, repair(&cloud, &options)).await;
    assert_eq!((&result["deleted"], &result["not_deleted"]), (&0.into(), &60.into()));
    assert_eq!((&result["extra"], cloud.twin.obs().len(MIRROR)), (&60.into(), 61));
    assert!(deletes(&cloud) <= 5, "{}", deletes(&cloud));
    assert!(finished.stderr.contains("AccessDenied"), "{finished:?}");
}

#[tokio::test]
async fn a_deletion_whose_response_is_lost_is_found_by_the_comparison_after_it() {
    let cloud = extra(&["extra"]).await;
    let lost = FaultAction::RespondAfterWork(FaultResponse::error(403, "AccessDenied", "no"));
    cloud.twin.faults().inject(Fault::new(Service::Obs, lost).method("DELETE"));
    let (result, _) = result(0, repair(&cloud, &MOST)).await;
    assert_eq!((&result["identical"], &result["deleted"]), (&true.into(), &0.into()));
    assert_eq!((&result["not_deleted"], &result["found"]["extra"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn nothing_is_deleted_after_a_key_that_could_not_be_looked_at() {
    let cloud = extra(&["extra"]).await;
    // Uploaded in parts, as far as the listing shows: that takes a HEAD.
    put_both(&cloud, "same", "other", "soher");
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, refused).method("HEAD").key_contains("same"));
    let run = repair(&cloud, &["--max-delete", "9", "--check", "full"]);
    deletes_nothing(&cloud, 3, run, "1 key could not be looked at").await;
}

#[tokio::test]
async fn what_was_not_compared_is_not_extra() {
    let cloud = extra(&["keep/extra", "old/extra"]).await;
    let run = repair(&cloud, &MOST);
    let (left_out, _) = result(0, run.with(["--include", "same*"])).await;
    assert_eq!(left_out["deleted"], 0);
    let (left_out, _) = result(0, repair(&cloud, &MOST).with(["--exclude", "*extra"])).await;
    assert_eq!(left_out["deleted"], 0);
    // Everything is older than that, so nothing is compared.
    let (left_out, _) = result(3, repair(&cloud, &MOST).with(["--since", "2999-01-01"])).await;
    assert_eq!((&left_out["deleted"], deletes(&cloud)), (&0.into(), 0));
    // Of the source nothing matches: that may be a slip.
    let run = repair(&cloud, &["--max-delete", "9", "--include", "keep/*"]);
    deletes_nothing(&cloud, 3, run, "SRC has nothing to compare, and DST has").await;
}

#[tokio::test]
async fn keys_of_the_destination_alone_do_not_make_the_source_seem_to_have_something() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "q/1", "q", "");
    for (key, at) in [("x/old", "2026-01-05T10:00:00Z"), ("x/new", "2026-03-05T10:00:00Z")] {
        put_both(&cloud, key, "", "x");
        cloud.twin.obs().modify(MIRROR, key, |object| object.last_modified = at.parse().unwrap());
    }
    let since = ["--max-delete", "9", "--include", "x/*", "--since", "2026-02-01"];
    deletes_nothing(&cloud, 3, repair(&cloud, &since), "SRC has nothing to compare, and DST has").await;
    // A key that the source has, and that is older as well, is something.
    put_both(&cloud, "x/both", "b", "b");
    for (side, bucket) in [(cloud.twin.oss(), SOURCE), (cloud.twin.obs(), MIRROR)] {
        side.modify(bucket, "x/both", |object| {
            object.last_modified = "2026-01-05T10:00:00Z".parse().unwrap();
        });
    }
    let (result, _) = result(3, repair(&cloud, &since).with(["--delete-extra"])).await;
    assert_eq!((&result["deleted"], cloud.twin.obs().get(MIRROR, "x/new").is_none()), (&1.into(), true));
}

#[tokio::test]
async fn an_object_with_a_new_name_is_not_deleted_before_it_is_there_under_it() {
    let options = ["--delete-extra", "--max-delete", "5", "--fix-wait", "1"];
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    for (how, fault) in [
        ("copy", Fault::respond(Service::Obs, refused).method("PUT").key_contains("new")),
        // Accepted, and never copied.
        ("oms", Fault::fail_copy("new", "TRF.0152")),
    ] {
        let cloud = extra(&["old"]).await;
        put_both(&cloud, "new", "x", "");
        put_both(&cloud, "also", "y", "");
        let fault = cloud.twin.faults().inject(fault);
        let run = || repair(&cloud, &options).with(["--fix", how]);
        let (open, finished) = result(3, run()).await;
        assert_eq!((&open["missing"], &open["extra"]), (&1.into(), &1.into()), "{how} {finished:?}");
        assert!(
            finished.stderr.contains("nothing is deleted: 1 key could not be made equal"),
            "{how} {finished:?}"
        );
        assert_eq!((deletes(&cloud), cloud.twin.obs().get(MIRROR, "old").is_some()), (0, true), "{how}");
        cloud.twin.faults().clear(fault);
        let (equal, finished) = result(0, run()).await;
        assert_eq!((&equal["deleted"], deletes(&cloud)), (&1.into(), 1), "{how} {finished:?}");
        assert_eq!(cloud.twin.obs().keys(MIRROR), ["also", "new", "same"], "{how}");
    }
}

#[tokio::test]
async fn two_sides_are_not_empty_where_a_key_could_not_be_looked_at() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    std::os::unix::fs::symlink("nowhere", directory.path().join("link")).unwrap();
    let run = Copy::new(&cloud.twin, directory.path().to_str().unwrap(), format!("obs://{MIRROR}"));
    let (result, finished) = result(3, run.comparing().with(MOST).with(["--allow-empty-source"])).await;
    assert_eq!((&result["identical"], &result["failed"]), (&false.into(), &1.into()), "{finished:?}");
}

#[tokio::test]
async fn the_object_of_the_folder_itself_is_no_difference_to_a_whole_bucket() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "same", "same");
    for (key, body) in [("b/", ""), ("b/extra", "x"), ("b/same", "same")] {
        cloud.twin.obs().put(MIRROR, key, body);
    }
    let (result, finished) = result(0, between(&cloud, "", "b/", &MOST)).await;
    assert_eq!((&result["deleted"], &result["left_out"]), (&1.into(), &1.into()), "{finished:?}");
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["b/", "b/same"]);
}

#[tokio::test]
async fn a_bucket_that_is_read_as_one_of_s3_is_not_emptied_as_its_own_destination() {
    let cloud = extra(&["extra"]).await;
    let run = |endpoint: &str, name: &str| {
        let run = Copy::new(&cloud.twin, format!("s3://{name}/"), format!("obs://{MIRROR}/")).comparing();
        let settings =
            [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let run = settings.into_iter().fold(run, |run, (name, value)| run.set(name, value));
        run.set("SOURCE_ENDPOINT", endpoint).with(MOST)
    };
    for (run, text) in [
        (run(&cloud.twin.obs_url(), MIRROR), "may be one bucket"),
        (run("https://s3.oss-cn-hangzhou.aliyuncs.com", "other"), "name SRC as oss:// or obs://"),
    ] {
        let finished = run.run().await;
        assert_eq!((finished.code, deletes(&cloud)), (Some(2), 0), "{finished:?}");
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
}

#[tokio::test]
async fn sides_that_overlap_or_are_lists_are_refused() {
    let cloud = unequal().await;
    put_both(&cloud, "backup/extra", "x", "x");
    let mut runs = vec![];
    for (from, to) in [("", "backup/"), ("backup/", "")] {
        let run = Copy::new(&cloud.twin, format!("oss://{SOURCE}/{from}"), format!("oss://{SOURCE}/{to}"));
        let run = run.comparing().set("LOG_BUCKET", LOGS);
        runs.push((run.with(MOST), "overlap"));
    }
    let directory = TempDir::new().unwrap();
    let to_folder = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), directory.path().to_str().unwrap());
    runs.push((to_folder.comparing().with(MOST), "only deleted in buckets"));
    let inventory = format!("inventory:oss://{LOGS}/photos/daily/");
    let from_inventory = Copy::new(&cloud.twin, inventory, format!("obs://{MIRROR}"));
    runs.push((from_inventory.comparing().with(["--fix", "copy"]), "an inventory does not show"));
    for (run, text) in runs {
        let finished = run.run().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
    assert_eq!((cloud.twin.oss().len(SOURCE), deletes(&cloud)), (5, 0));
}

#[tokio::test]
async fn a_run_that_was_killed_between_deletions_is_done_again() {
    let cloud = extra(&["extra/1", "extra/2", "extra/3"]).await;
    let hung = Fault::new(Service::Obs, FaultAction::Hang).method("DELETE").after(1);
    let hung = cloud.twin.faults().inject(hung);
    let directory = TempDir::new().unwrap();
    let mut process = repair(&cloud, &MOST).with(["--concurrency", "2"]).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(hung) > 0).await;
    process.line(|line| line.contains("deleted extra/").then_some(())).await;
    process.signal("KILL").await;
    process.wait().await;
    cloud.twin.faults().clear(hung);
    assert_eq!(cloud.twin.obs().len(MIRROR), 3);
    let (result, _) = result(0, repair(&cloud, &MOST)).await;
    assert_eq!((&result["deleted"], cloud.twin.obs().keys(MIRROR)), (&2.into(), vec!["same".to_owned()]));
}

#[tokio::test]
async fn two_runs_at_once_delete_what_one_may() {
    let cloud = extra(&["extra/1", "extra/2"]).await;
    put_both(&cloud, "missing", "m", "");
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("DELETE");
    let held = cloud.twin.faults().inject(held);
    let directories = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let options = ["--fix", "copy", "--delete-extra", "--max-delete", "2", "--json"];
    let processes =
        directories.each_ref().map(|directory| repair(&cloud, &options).start_in(directory.path()));
    cloud.until(|twin| twin.faults().hits(held) == 4).await;
    cloud.twin.faults().clear(held);
    for process in processes {
        let finished = e2e::copy::finish(process).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["missing", "same"]);
}

#[tokio::test]
async fn what_comes_to_the_source_right_after_it_was_asked_is_a_difference() {
    let cloud = extra(&["extra"]).await;
    // The copy that this upload will lead to is not there yet, and the old object goes.
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("DELETE");
    let held = cloud.twin.faults().inject(held);
    let directory = TempDir::new().unwrap();
    let process = repair(&cloud, &MOST).with(["--json"]).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) == 1).await;
    cloud.twin.oss().put(SOURCE, "extra", "uploaded");
    cloud.twin.faults().clear(held);
    let finished = e2e::copy::finish(process).await;
    assert_eq!((finished.code, &finished.json()["missing"]), (Some(3), &1.into()), "{finished:?}");
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_is_said_to_keep_them() {
    let cloud = extra(&["extra"]).await;
    let versions = FaultResponse::error(200, "", "").header("content-type", "application/xml").body(
        "<?xml version=\"1.0\"?><VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    );
    cloud.twin.faults().inject(Fault::respond(Service::Obs, versions).path_contains("versioning"));
    let (_, finished) = result(0, repair(&cloud, &MOST)).await;
    assert!(finished.stderr.contains("stays there as an earlier version"), "{finished:?}");
}

#[tokio::test]
async fn what_is_behind_a_link_of_a_local_source_is_not_deleted() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let (source, elsewhere) = (directory.path().join("source"), directory.path().join("elsewhere"));
    for folder in [&source, &elsewhere] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("a"), "a").unwrap();
    }
    std::os::unix::fs::symlink(&elsewhere, source.join("link")).unwrap();
    for key in ["a", "link/a", "extra"] {
        cloud.twin.obs().put(MIRROR, key, "a");
    }
    let run = Copy::new(&cloud.twin, source.to_str().unwrap(), format!("obs://{MIRROR}")).comparing();
    // A link that leads elsewhere is not followed, so what is behind it is not known.
    deletes_nothing(&cloud, 3, run.with(["--max-delete", "9"]), "1 key could not be looked at").await;
}

#[tokio::test]
async fn keys_of_one_name_in_two_normal_forms_are_two_keys() {
    let cloud = extra(&["e\u{301}"]).await;
    put_both(&cloud, "\u{e9}", "x", "x");
    let (result, _) = result(0, between(&cloud, "", "", &MOST)).await;
    assert_eq!(
        (&result["deleted"], cloud.twin.obs().keys(MIRROR)),
        (&1.into(), vec!["same".into(), "\u{e9}".into()])
    );
}
