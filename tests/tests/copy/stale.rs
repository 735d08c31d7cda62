//! Uploads that nobody finished.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;
use e2e::{Cloud, Copy};
use serde_json::json;

use crate::support::{PART, SMALL_PARTS, all_to_mirror, ends_with};

/// Leaves an upload of `key` open.
async fn leave_open(cloud: &Cloud, key: &str) {
    cloud.twin.oss().put(SOURCE, key, bytes(1, 3 * PART).to_vec());
    let expired = FaultResponse::error(403, "SecurityTokenExpired", "expired");
    let fault = Fault::respond(Service::Obs, expired).path_contains("partNumber=2");
    let fault = cloud.twin.faults().inject(fault);
    // A run that lists first, since OBS tells a clock that is wrong only with a body.
    ends_with(4, all_to_mirror(cloud).with(SMALL_PARTS).with(["--include", key])).await;
    cloud.twin.faults().clear(fault);
}

fn open(cloud: &Cloud) -> Vec<String> {
    cloud.twin.obs().uploads(MIRROR).into_iter().map(|(key, ..)| key).collect()
}

fn clean(cloud: &Cloud, below: &str) -> Copy {
    // Only one place is named; the harness names two.
    Copy::new(&cloud.twin, format!("obs://{MIRROR}/{below}"), format!("obs://{MIRROR}/{below}"))
        .with(["--abort-stale"])
}

#[tokio::test]
async fn uploads_below_the_place_are_removed_once_they_are_old_enough() {
    let clock = ManualClock::new(Utc::now() - TimeDelta::days(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    leave_open(&cloud, "x/old").await;
    leave_open(&cloud, "y/old").await;
    clock.set(Utc::now());
    leave_open(&cloud, "x/new").await;
    assert_eq!(open(&cloud), ["x/new", "x/old", "y/old"]);

    let finished = ends_with(0, clean(&cloud, "x/").with(["--dry-run"])).await;
    assert!(
        finished.stdout.trim_end().ends_with("x/old") && finished.stdout.lines().count() == 1,
        "{finished:?}"
    );
    assert!(finished.stderr.contains("2 uploads open, 1 would be removed"), "{finished:?}");
    assert_eq!(open(&cloud).len(), 3);

    let result = ends_with(0, clean(&cloud, "x/").with(["--json"])).await.json();
    assert_eq!(result, serde_json::json!({"open": 2, "aborted": 1}));
    assert_eq!(open(&cloud), ["x/new", "y/old"]);

    let finished = ends_with(0, clean(&cloud, "").with(["--older-than", "0s"])).await;
    assert!(finished.stderr.contains("2 uploads open, 2 removed"), "{finished:?}");
    assert_eq!(open(&cloud), [""; 0]);
}

#[tokio::test]
async fn one_place_is_enough() {
    let cloud = Cloud::start().await;
    leave_open(&cloud, "a").await;
    let huawei = cloud.twin.huawei_account();
    let settings = e2e::Settings::default()
        .set("DEST_ENDPOINT", cloud.twin.obs_url())
        .set("HW_AK", &huawei.access_key)
        .set("HW_SK", &huawei.secret_key);
    let place = format!("obs://{MIRROR}");
    let arguments = ["copy", "--abort-stale", &place, "--older-than", "0s"];
    let finished = e2e::OmsBridge::new(arguments).settings(settings).run().await;
    assert_eq!((finished.code, open(&cloud).len()), (Some(0), 0), "{finished:?}");
}

#[tokio::test]
async fn mistakes_remove_nothing() {
    let cloud = Cloud::start().await;
    leave_open(&cloud, "a").await;
    for arguments in [&["--older-than", "yesterday"][..], &["-r"], &["--force"]] {
        ends_with(2, clean(&cloud, "").with(arguments.iter().copied())).await;
    }
    ends_with(2, Copy::new(&cloud.twin, "/tmp", "/tmp").with(["--abort-stale"])).await;
    ends_with(4, clean(&cloud, "").with(["--older-than", "0s"]).set("HW_SK", "wrong")).await;
    assert_eq!(open(&cloud), ["a"]);
}

#[tokio::test]
async fn a_dry_run_that_fails_behind_the_first_page_is_one_object_all_the_same() {
    const PAGE: &str = "<ListMultipartUploadsResult><Bucket>mirror</Bucket><IsTruncated>true</IsTruncated>\
        <NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>\
        <Upload><Key>a</Key><UploadId>u</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>\
        </ListMultipartUploadsResult>";
    let cloud = Cloud::start().await;
    let page = FaultResponse::error(200, "", "").body(PAGE);
    let refused = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, page).path_contains("uploads").times(1));
    cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).path_contains("key-marker=a"));
    let finished = ends_with(2, clean(&cloud, "").with(["--dry-run", "--json"])).await;
    let printed = finished.json();
    assert_eq!((&printed["keys"], &printed["error"]["exit"]), (&json!(["a"]), &json!(2)), "{finished:?}");
}
