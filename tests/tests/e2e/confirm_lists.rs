//! `confirm` and OMS's own lists of what it failed to copy: evidence, not truth.

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultResponse, Service, Twin};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use serde_json::json;

use crate::confirm::{LATE, accept, cloud, confirm, lose};

/// A list as OMS writes it, at this moment.
fn list(cloud: &Cloud, lines: &[&str]) {
    let sync_url = cloud.twin.sync_url(&cloud.task);
    let Some(task) = sync_url.rsplit('/').nth(1) else { panic!("{sync_url}") };
    let name = format!("oms/sync_task/{task}/failed_object_lists/sub-1/20261130140000123.failed_list.txt");
    cloud.twin.obs().put(MIRROR, &name, lines.join("\n"));
}

#[tokio::test]
async fn a_key_that_oms_failed_to_copy_is_sent_again_before_it_is_late() {
    let (cloud, clock, settings) = cloud().await;
    for key in ["a b,c/\u{e9}.jpg", "other"] {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
    let lost = ["a b,c", "other"].map(|key| lose(&cloud, key));
    accept(&cloud, &settings, &["a b,c/\u{e9}.jpg", "other"]).await;
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(confirm(&settings).await.1["pending"], 2);
    list(&cloud, &["Forbidden,2026-11-30 22:00:00,a%20b%2Cc%2F%C3%A9.jpg,a b,c/\u{e9}.jpg,403"]);
    for lost in lost {
        cloud.twin.faults().clear(lost);
    }
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["resent"], &result["pending"]), (Some(3), &json!(1), &json!(1)), "{result}");
    assert_eq!(cloud.done(Service::Obs, "ListObjects"), 2, "one listing a run, whatever waits");
    cloud.until(Twin::is_idle).await;
    // The list is still there, and about an earlier try by now.
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["confirmed"], &result["pending"]), (Some(0), &json!(1), &json!(1)), "{result}");
    assert!(cloud.twin.accepted_count("other") == 1 && cloud.mirrored("other").is_none());
}

#[tokio::test]
async fn a_list_that_is_older_than_the_last_try_says_nothing() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    list(&cloud, &["x\t1\tk\tk\t403"]);
    clock.advance(TimeDelta::seconds(10));
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(confirm(&settings).await.1["pending"], 1);
}

#[tokio::test]
async fn what_is_there_is_confirmed_whatever_a_list_says() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(TimeDelta::seconds(10));
    list(&cloud, &["x\t1\tk\tk\t403"]);
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["confirmed"]), (Some(0), &json!(1)), "{result}");
    assert_eq!(cloud.done(Service::Obs, "ListObjects"), 0, "nothing is read for it");
}

/// The list may be about an earlier try than the last one.
#[tokio::test]
async fn no_key_is_given_up_by_a_list() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    for step in ["resent", "copied"] {
        clock.advance(TimeDelta::seconds(10));
        list(&cloud, &["x\t1\tk\tk\t403"]);
        assert_eq!(confirm(&settings).await.1[step], 1, "{step}");
    }
    // The copy is removed by somebody else.
    cloud.twin.obs().delete(MIRROR, "k");
    clock.advance(TimeDelta::seconds(10));
    list(&cloud, &["x\t1\tk\tk\t403"]);
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["pending"], &result["dead"]), (Some(0), &json!(1), &json!(0)), "{result}");
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["dead"], 1);
}

#[tokio::test]
async fn lists_that_cannot_be_read_change_nothing() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(TimeDelta::seconds(10));
    list(&cloud, &["x\t1\tk\tk\t403"]);
    let denied = FaultResponse::error(403, "AccessDenied", "Access Denied");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, denied).method("GET"));
    let (code, result) = confirm(&settings).await;
    assert_eq!(
        (code, &result["pending"], &result["complete"]),
        (Some(0), &json!(1), &json!(true)),
        "{result}"
    );
}
