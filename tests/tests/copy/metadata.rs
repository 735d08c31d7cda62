//! Metadata that changes by itself, while nothing of the content does.

use chrono::{TimeDelta, Utc};
use cloud_twin::{ObjectHeaders, Service, StoredObject, Twin};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::{bytes, finish};
use tempfile::TempDir;

use crate::support::{
    PART, all_to_mirror, assert_mirrored, counts, ends_with, in_parts, succeeded, to_mirror,
};

const COPIED: [u64; 4] = [1, 0, 0, 0];
const UP_TO_DATE: [u64; 4] = [0, 1, 0, 0];

/// Changes the headers of the source as a rule of its bucket does: nothing else tells of it.
fn set_headers(cloud: &Cloud, key: &str, headers: ObjectHeaders) {
    assert!(cloud.twin.oss().modify(SOURCE, key, |object| object.headers = headers));
}

fn copy(cloud: &Cloud, key: &str) -> StoredObject {
    cloud.twin.obs().get(MIRROR, key).expect("a copy")
}

fn expires(object: &StoredObject) -> Option<&str> {
    let expires = object.headers.standard.iter().find(|(name, _)| name == "expires");
    expires.and_then(|(_, value)| value.to_str().ok())
}

#[tokio::test]
async fn another_expiry_alone_is_a_change() {
    let cloud = Cloud::start().await;
    let expiring = |date: &str| ObjectHeaders::default().standard("expires", date);
    let (new_year, easter) = ("Fri, 01 Jan 2027 00:00:00 GMT", "Sun, 28 Mar 2027 00:00:00 GMT");
    cloud.twin.oss().put_with(SOURCE, "a", "content", expiring(new_year));
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    for (headers, expected) in [
        (expiring(easter), Some(easter)),
        (ObjectHeaders::default(), None),
        (expiring(new_year), Some(new_year)),
    ] {
        set_headers(&cloud, "a", headers);
        assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED, "{expected:?}");
        assert_eq!(expires(&copy(&cloud, "a")), expected);
        assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    }
    // The same time in other words.
    cloud.twin.obs().modify(MIRROR, "a", |copy| {
        copy.headers.standard =
            ObjectHeaders::default().standard("expires", "Fri, 1 Jan 2027 00:00:00 +0000").standard;
    });
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
}

#[tokio::test]
async fn another_storage_class_alone_is_a_change_in_listings_too() {
    for all in [false, true] {
        let cloud = Cloud::start().await;
        let run = || if all { all_to_mirror(&cloud) } else { to_mirror(&cloud, "a") };
        cloud.twin.oss().put(SOURCE, "a", "content");
        cloud
            .twin
            .oss()
            .modify(SOURCE, "a", |object| object.last_modified = Utc::now() - TimeDelta::hours(1));
        assert_eq!(counts(0, run()).await, COPIED);
        assert_eq!(counts(0, run()).await, UP_TO_DATE);
        // By a rule of the bucket: no time tells of it.
        set_headers(&cloud, "a", ObjectHeaders::default().storage_class("IA"));
        assert_eq!(counts(0, run()).await, COPIED);
        assert_eq!(copy(&cloud, "a").headers.storage_class.as_deref(), Some("WARM"));
        assert_eq!(counts(0, run()).await, UP_TO_DATE);
        // Back again, by somebody who wrote it onto itself.
        cloud.twin.oss().modify(SOURCE, "a", |object| {
            object.headers = ObjectHeaders::default();
            object.last_modified = Utc::now() + TimeDelta::seconds(5);
        });
        assert_eq!(counts(0, run()).await, COPIED);
        assert_eq!(copy(&cloud, "a").headers.storage_class.as_deref(), Some("STANDARD"));
    }
}

#[tokio::test]
async fn a_copy_that_a_rule_of_its_own_bucket_made_colder_is_left_alone() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    cloud.twin.oss().modify(SOURCE, "a", |object| object.last_modified = Utc::now() - TimeDelta::hours(1));
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    cloud.twin.obs().modify(MIRROR, "a", |copy| copy.headers.storage_class = Some("COLD".to_owned()));
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, UP_TO_DATE);
}

#[tokio::test]
async fn an_upload_of_a_killed_run_does_not_bring_back_the_metadata_of_then() {
    const PARTS: usize = 12;
    let cloud = Cloud::start().await;
    let author = |name: &str| ObjectHeaders::default().user("author", name).content_type("text/plain");
    let content = bytes(1, PARTS * PART).to_vec();
    cloud.twin.oss().put_with(SOURCE, "a", content.clone(), author("alice"));
    let parts = |twin: &Twin| twin.obs().uploads(MIRROR).iter().map(|(_, _, parts)| *parts).sum::<usize>();
    let directory = TempDir::new().unwrap();
    let slow = in_parts(&cloud, "a").with(["--bwlimit", "500K", "--concurrency", "2"]);
    let process = slow.start_in(directory.path());
    cloud.until(|twin| parts(twin) >= 4).await;
    process.signal("KILL").await;
    assert_eq!(finish(process).await.code, None);

    set_headers(&cloud, "a", author("bob").storage_class("IA"));
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    let copy = copy(&cloud, "a");
    assert_eq!(copy.headers.user["author"], "bob");
    assert_eq!(copy.headers.storage_class.as_deref(), Some("WARM"));
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "InitiateMultipartUpload"), 2);
    assert_eq!(counts(0, in_parts(&cloud, "a")).await, UP_TO_DATE);
}
