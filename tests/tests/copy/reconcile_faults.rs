//! Listings that fail or contradict themselves, and objects that change meanwhile: an error, and never a wrong
//! conclusion.

use std::fs;

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use tempfile::TempDir;

use crate::support::{comparison, ends_with, put_both};

/// A page of a listing as both services write it.
fn page(keys: &[&str], rest: &str) -> FaultResponse {
    let entry = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-05T10:00:00.000Z</LastModified><ETag>\"x-1\"</ETag><Size>1</Size></Contents>"
        )
    };
    let entries: String = keys.iter().map(entry).collect();
    let body =
        format!("<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name>{rest}{entries}</ListBucketResult>");
    FaultResponse::error(200, "", "").header("content-type", "application/xml").body(body)
}

const LAST: &str = "<IsTruncated>false</IsTruncated>";

fn more(marker: &str) -> String {
    format!(
        "<IsTruncated>true</IsTruncated><NextMarker>{marker}</NextMarker><NextContinuationToken>{marker}</NextContinuationToken>"
    )
}

/// Listings of `service` are answered with these pages, one after the other.
fn list(cloud: &Cloud, service: Service, pages: Vec<FaultResponse>) {
    let last = pages.len() - 1;
    for (number, page) in pages.into_iter().enumerate() {
        let fault = Fault::respond(service, page).method("GET").path_contains("max-keys=");
        cloud.twin.faults().inject(if number < last { fault.times(1) } else { fault });
    }
}

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    for key in ["a", "b", "c"] {
        put_both(&cloud, key, key, key);
    }
    cloud
}

#[tokio::test]
async fn a_page_that_contradicts_itself_or_the_one_before_ends_the_run() {
    for (what, code, pages, told) in [
        ("twice", 5, vec![page(&["a", "b"], &more("b")), page(&["b", "c"], LAST)], "\"b\" comes twice"),
        (
            "again",
            5,
            vec![page(&["a", "b"], &more("b")), page(&["a", "b"], LAST)],
            "\"a\" comes behind \"b\"",
        ),
        (
            "disordered",
            5,
            vec![page(&["a", "c", "b"], LAST)],
            "\"b\" comes behind \"c\", which is not the byte order",
        ),
        ("UTF-16", 5, vec![page(&["\u{1f600}", "\u{ff5e}"], LAST)], "not the byte order of keys"),
        ("no marker", 2, vec![page(&[], "<IsTruncated>true</IsTruncated>")], "more pages, but not where"),
        ("not said", 2, vec![page(&["a"], "")], "does not say whether there are more pages"),
        ("standing", 2, vec![page(&["a"], &more("a")), page(&["b"], &more("a"))], "does not advance"),
    ] {
        for service in [Service::Oss, Service::Obs] {
            let cloud = cloud().await;
            list(&cloud, service, pages.clone());
            let directory = TempDir::new().unwrap();
            let run = comparison(&cloud).with(["--report", "report", "--json"]);
            let finished = run.run_in(directory.path()).await;
            assert_eq!(finished.code, Some(code), "{what}: {finished:?}");
            assert!(finished.stderr.contains("not everything could be listed"), "{what}: {finished:?}");
            assert!(finished.stderr.contains(told), "{what}: {finished:?}");
            let result = finished.json();
            assert_eq!((&result["identical"], &result["extra"]), (&false.into(), &0.into()), "{what}");
        }
    }
}

#[tokio::test]
async fn a_key_outside_of_the_folder_ends_the_run() {
    let cloud = cloud().await;
    list(&cloud, Service::Oss, vec![page(&["x/a", "y/b"], LAST)]);
    let (from, to) = (format!("oss://{SOURCE}/x"), format!("obs://{MIRROR}/x"));
    let finished = ends_with(5, e2e::Copy::new(&cloud.twin, from, to).comparing()).await;
    assert!(finished.stderr.contains("\"y/b\" does not begin with \"x/\""), "{finished:?}");
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_and_then_ends_the_run() {
    let cloud = cloud().await;
    for action in [
        FaultAction::Respond(FaultResponse::oss_unavailable()),
        FaultAction::ResetMidResponse,
        FaultAction::TruncateResponse,
    ] {
        let fault = Fault::new(Service::Obs, action.clone()).path_contains("max-keys=").times(1);
        let fault = cloud.twin.faults().inject(fault);
        ends_with(0, comparison(&cloud)).await;
        assert_eq!(cloud.twin.faults().hits(fault), 1, "{action:?}");
    }
    let down = Fault::respond(Service::Obs, FaultResponse::oss_unavailable()).path_contains("max-keys=");
    cloud.twin.faults().inject(down);
    let finished = ends_with(5, comparison(&cloud)).await;
    assert!(finished.stderr.contains("not everything could be listed"), "{finished:?}");
    assert!(finished.stdout.starts_with("0 keys"), "{finished:?}");
}

#[tokio::test]
async fn a_side_that_denies_ends_the_run_with_its_own_code() {
    let denied = || FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1");
    for (path, method, check) in [("max-keys=", "GET", "listing"), ("/a", "HEAD", "full")] {
        let cloud = cloud().await;
        for number in 0..25 {
            let key = format!("a{number}");
            put_both(&cloud, &key, "a", "a");
            cloud.twin.obs().modify(MIRROR, &key, |object| object.etag = "x-2".into());
        }
        let fault = Fault::respond(Service::Obs, denied()).method(method).path_contains(path);
        cloud.twin.faults().inject(fault);
        let finished = ends_with(2, comparison(&cloud).with(["--check", check])).await;
        assert!(finished.stderr.contains("a right is missing"), "{check}: {finished:?}");
    }
    let cloud = cloud().await;
    let finished = ends_with(4, comparison(&cloud).set("HW_SK", "wrong")).await;
    assert!(finished.stderr.contains("HW_AK"), "{finished:?}");
}

#[tokio::test]
async fn one_object_that_cannot_be_looked_at_is_named_and_not_judged() {
    let cloud = cloud().await;
    cloud.twin.obs().modify(MIRROR, "b", |object| object.etag = "x-2".into());
    let bad = FaultResponse::error(400, "InvalidArgument", "not this one").header("x-obs-request-id", "1");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, bad).method("HEAD").key_contains("b"));
    let directory = TempDir::new().unwrap();
    let run = comparison(&cloud).with(["--check", "full", "--report", "report", "--json"]);
    let finished = run.run_in(directory.path()).await;
    assert_eq!((finished.code, &finished.json()["failed"]), (Some(3), &1.into()), "{finished:?}");
    assert_eq!(fs::read_to_string(directory.path().join("report")).unwrap(), "= a\n! b\n= c\n");
}

#[tokio::test]
async fn a_refusal_of_some_objects_is_not_that_of_all() {
    let denied = || FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1");
    let cloud = cloud().await;
    // One alone, and many of which others can be looked at.
    for (refused, check, method) in [(1, "full", "HEAD"), (1, "content", "GET"), (30, "full", "HEAD")] {
        for number in 0..refused {
            put_both(&cloud, &format!("b/{number}"), "b", "b");
        }
        for key in (0..refused).map(|number| format!("b/{number}")).chain(["a".to_owned()]) {
            cloud.twin.obs().modify(MIRROR, &key, |object| object.etag = "x-2".into());
        }
        let fault = Fault::respond(Service::Obs, denied()).method(method).path_contains("/b/");
        let fault = cloud.twin.faults().inject(fault);
        let run = comparison(&cloud).with(["--check", check, "--concurrency", "2", "--json"]);
        let result = ends_with(3, run).await.json();
        assert_eq!((&result["failed"], &result["equal"]), (&refused.into(), &3.into()), "{check}: {result}");
        cloud.twin.faults().clear(fault);
    }
}

#[tokio::test]
async fn what_changed_after_the_comparison_began_is_looked_at_once_more() {
    let cloud = cloud().await;
    // The listing of the mirror is of a moment before these copies arrived.
    list(&cloud, Service::Obs, vec![page(&["gone"], LAST)]);
    let soon = |object: &mut cloud_twin::StoredObject| object.last_modified += TimeDelta::hours(2);
    for key in ["a", "b", "c"] {
        cloud.twin.oss().modify(SOURCE, key, soon);
    }
    put_both(&cloud, "d", "deleted since", "");
    cloud.twin.oss().modify(SOURCE, "d", soon);
    let fault = Fault::new(Service::Oss, FaultAction::RemoveFirst).method("HEAD").key_contains("d").times(1);
    cloud.twin.faults().inject(fault);
    let result = ends_with(3, comparison(&cloud).with(["--json"])).await.json();
    assert_eq!(
        (&result["equal"], &result["missing"], &result["vanished"]),
        (&3.into(), &0.into(), &1.into())
    );
    // What has not changed is what the listings say.
    assert_eq!(result["extra"], 1, "{result}");
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_read_is_read_again() {
    let cloud = cloud().await;
    cloud.twin.obs().put(MIRROR, "a", "n");
    let replaced = Fault::new(Service::Oss, FaultAction::ReplaceFirst { body: "n".to_owned() });
    cloud.twin.faults().inject(replaced.method("HEAD").key_contains("a").times(1));
    // Read as they were they differ; the source is looked at, and is as the mirror by then.
    let result = ends_with(0, comparison(&cloud).with(["--check", "content", "--json"])).await.json();
    assert_eq!(result["equal"], 3);
}
