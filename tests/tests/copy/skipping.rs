//! What is there already is left alone; what is another object by now is copied again.

use chrono::{TimeDelta, Utc};
use cloud_twin::{ObjectHeaders, ObjectKind, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};

use crate::support::{all_to_mirror, assert_mirrored, counts, to_mirror};

const COPIED: [u64; 4] = [1, 0, 0, 0];
const UP_TO_DATE: [u64; 4] = [0, 1, 0, 0];

/// Makes the object one of a multipart upload, of which only its `ETag` is known.
fn make_multipart(cloud: &Cloud, key: &str, etag: &str) {
    let changed = cloud.twin.oss().modify(SOURCE, key, |object| {
        object.etag = etag.to_owned();
        object.crc64 = None;
        object.kind = ObjectKind::Multipart;
    });
    assert!(changed);
}

#[tokio::test]
async fn equal_crcs_prove_the_same_object() {
    let cloud = Cloud::start().await;
    // Of one made by appends the ETag proves nothing.
    cloud.twin.oss().put_appendable(SOURCE, "a", "content");
    cloud.twin.obs().put(MIRROR, "a", "content");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, UP_TO_DATE);
    cloud.twin.oss().put_appendable(SOURCE, "a", "CONTENT");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    assert_mirrored(&cloud, "a", "CONTENT");
}

#[tokio::test]
async fn crcs_that_differ_count_more_than_etags_that_agree() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    cloud.twin.obs().put(MIRROR, "a", "CONTENT");
    let etag = cloud.twin.oss().get(SOURCE, "a").unwrap().etag;
    cloud.twin.obs().modify(MIRROR, "a", |copy| copy.etag = etag);
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    assert_mirrored(&cloud, "a", "CONTENT".to_lowercase());
}

#[tokio::test]
async fn equal_md5s_prove_the_same_object_where_one_side_shows_no_crc() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_without_crc(SOURCE, "a", "content");
    cloud.twin.obs().put(MIRROR, "a", "content");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    cloud.twin.oss().put_without_crc(SOURCE, "a", "CONTENT");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    assert_mirrored(&cloud, "a", "CONTENT");
}

#[tokio::test]
async fn the_etag_that_a_copy_carries_proves_it_where_there_is_neither() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    make_multipart(&cloud, "a", "0123456789ABCDEF0123456789ABCDEF-2");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, UP_TO_DATE);
    make_multipart(&cloud, "a", "FFFF456789ABCDEF0123456789ABCDEF-2");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, COPIED);
}

#[tokio::test]
async fn etags_of_multipart_uploads_are_never_compared() {
    let cloud = Cloud::start().await;
    let etag = "0123456789abcdef0123456789abcdef-2";
    cloud.twin.oss().put(SOURCE, "a", "content");
    make_multipart(&cloud, "a", etag);
    cloud.twin.obs().put(MIRROR, "a", "CONTENT");
    cloud.twin.obs().modify(MIRROR, "a", |copy| copy.etag = etag.to_owned());
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, COPIED);
    assert_mirrored(&cloud, "a", "content");
}

#[tokio::test]
async fn a_changed_object_is_copied_again_whatever_its_size() {
    let cloud = Cloud::start().await;
    for (number, body) in ["one", "two", "three"].into_iter().enumerate() {
        cloud.twin.oss().put(SOURCE, "a", body);
        let run = if number == 0 { to_mirror(&cloud, "a") } else { all_to_mirror(&cloud) };
        assert_eq!(counts(0, run).await, COPIED);
        assert_mirrored(&cloud, "a", body);
    }
}

#[tokio::test]
async fn force_copies_what_is_there() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    cloud.twin.obs().put(MIRROR, "a", "content");
    assert_eq!(counts(0, to_mirror(&cloud, "a").with(["--force"])).await, COPIED);
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--force"])).await, COPIED);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "PutObject"), 2);
}

#[tokio::test]
async fn new_metadata_is_carried_over_to_a_copy_of_our_own() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_with(SOURCE, "a", "content", ObjectHeaders::default().user("author", "alice"));
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, COPIED);
    cloud.twin.oss().modify(SOURCE, "a", |object| {
        object.headers = ObjectHeaders::default().user("author", "bob");
        object.last_modified = Utc::now() + TimeDelta::seconds(5);
    });
    for run in [all_to_mirror(&cloud), to_mirror(&cloud, "a")] {
        assert_eq!(counts(0, run.with(["--dry-run"])).await, COPIED);
    }
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, COPIED);
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert_eq!(copy.headers.user["author"], "bob");
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
}

#[tokio::test]
async fn an_equal_object_that_somebody_else_put_there_is_left_alone() {
    let cloud = Cloud::start().await;
    cloud.twin.obs().put_with(MIRROR, "a", "content", ObjectHeaders::default().user("author", "carol"));
    cloud.twin.oss().put_with(SOURCE, "a", "content", ObjectHeaders::default().user("author", "alice"));
    cloud.twin.oss().modify(SOURCE, "a", |object| object.last_modified = Utc::now() + TimeDelta::seconds(5));
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, UP_TO_DATE);
    assert_eq!(counts(0, to_mirror(&cloud, "a")).await, UP_TO_DATE);
    assert_eq!(cloud.twin.obs().get(MIRROR, "a").unwrap().headers.user["author"], "carol");
}

#[tokio::test]
async fn where_listings_prove_it_nothing_else_is_asked() {
    let cloud = Cloud::start().await;
    for key in ["a", "b", "c"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [3, 0, 0, 0]);
    let before = cloud.twin.stats();
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [0, 3, 0, 0]);
    let after = cloud.twin.stats();
    for (service, operation) in [
        (Service::Oss, "GetObject"),
        (Service::Oss, "HeadObject"),
        (Service::Obs, "HeadObject"),
        (Service::Obs, "PutObject"),
    ] {
        assert_eq!(after.requests(service, operation), before.requests(service, operation), "{operation}");
    }
}
