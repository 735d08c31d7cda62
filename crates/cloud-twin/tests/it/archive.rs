use std::time::Duration;

use chrono::{TimeDelta, Utc};
use cloud_twin::{Clock as _, ManualClock, ObjectHeaders, Twin};
use serde_json::json;

use crate::http::{Body, exchange};
use crate::sign::{Call, call, get, put};

const OBS_REQUEST: &str =
    "<RestoreRequest><Days>2</Days><RestoreJob><Tier>Expedited</Tier></RestoreJob></RestoreRequest>";

fn restore(key: &str) -> Call {
    call("POST", "bucket", key).query("restore", "")
}

async fn twin(clock: &ManualClock) -> Twin {
    let twin =
        Twin::builder().clock(clock.clone()).restore_time(Duration::from_mins(5)).start().await.unwrap();
    twin.oss().put_with("bucket", "k", "content", ObjectHeaders::default().storage_class("Archive"));
    twin.obs().put_with("bucket", "k", "content", ObjectHeaders::default().storage_class("COLD"));
    for objects in [twin.oss(), twin.obs()] {
        objects.put("bucket", "warm", "content");
    }
    twin
}

#[tokio::test]
async fn an_archived_object_is_read_once_it_is_restored_and_until_that_ends() {
    let clock = ManualClock::new(Utc::now());
    let twin = twin(&clock).await;
    let at = |call: Call| call.at(clock.now());
    let restoring = "ongoing-request=\"true\"";
    at(get("bucket", "k")).oss(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    at(get("bucket", "k")).obs(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    assert_eq!(at(restore("k")).oss(&twin).await.unwrap().status, 202);
    assert_eq!(at(restore("k").body(OBS_REQUEST)).obs(&twin).await.unwrap().status, 202);
    // It takes its time.
    at(get("bucket", "k")).oss(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    at(get("bucket", "k")).obs(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    at(restore("k")).oss(&twin).await.unwrap().is_refusal(409, "RestoreAlreadyInProgress");
    at(restore("k").body(OBS_REQUEST)).obs(&twin).await.unwrap().is_refusal(409, "RestoreAlreadyInProgress");
    let head = at(call("HEAD", "bucket", "k")).oss(&twin).await.unwrap();
    assert_eq!(head.header("x-oss-restore"), Some(restoring));
    let head = at(call("HEAD", "bucket", "k")).obs(&twin).await.unwrap();
    assert_eq!(head.header("x-obs-restore"), Some(restoring));

    clock.advance(TimeDelta::minutes(5));
    assert_eq!(at(get("bucket", "k")).oss(&twin).await.unwrap().text(), "content");
    let read = at(get("bucket", "k")).obs(&twin).await.unwrap();
    assert_eq!(read.text(), "content");
    assert!(read.header("x-obs-restore").unwrap().starts_with("ongoing-request=\"false\", expiry-date=\""));
    // Asked for again, it lasts longer; at OBS never shorter.
    assert_eq!(at(restore("k")).oss(&twin).await.unwrap().status, 200);
    assert_eq!(at(restore("k").body(OBS_REQUEST)).obs(&twin).await.unwrap().status, 200);
    let shorter = restore("k").body("<RestoreRequest><Days>1</Days></RestoreRequest>");
    at(shorter).obs(&twin).await.unwrap().is_refusal(409, "ObjectHasAlreadyRestored");

    clock.advance(TimeDelta::hours(25));
    let head = at(call("HEAD", "bucket", "k")).oss(&twin).await.unwrap();
    assert_eq!(head.header("x-oss-restore"), None);
    at(get("bucket", "k")).oss(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    assert_eq!(at(get("bucket", "k")).obs(&twin).await.unwrap().status, 200, "two days there");
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_in_the_words_of_the_service() {
    let clock = ManualClock::new(Utc::now());
    let twin = twin(&clock).await;
    restore("warm").oss(&twin).await.unwrap().is_refusal(400, "OperationNotSupported");
    restore("warm").body(OBS_REQUEST).obs(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
    restore("none").oss(&twin).await.unwrap().is_refusal(404, "NoSuchKey");
    restore("k").obs(&twin).await.unwrap().is_refusal(400, "MalformedXML");
    for (document, code) in [
        ("<RestoreRequest><Days>31</Days></RestoreRequest>", "InvalidArgument"),
        ("<RestoreRequest></RestoreRequest>", "InvalidArgument"),
        (
            "<RestoreRequest><Days>1</Days><RestoreJob><Tier>Bulk</Tier></RestoreJob></RestoreRequest>",
            "MalformedXML",
        ),
        ("<Restore><Days>1</Days></Restore>", "MalformedXML"),
    ] {
        restore("k").body(document).obs(&twin).await.unwrap().is_refusal(400, code);
    }
}

#[tokio::test]
async fn a_restore_can_be_ended_from_outside() {
    let clock = ManualClock::new(Utc::now());
    let twin = twin(&clock).await;
    assert_eq!(restore("k").oss(&twin).await.unwrap().status, 202);
    let ended = exchange(&twin.admin_url(), "POST", "/restores/finish", &[], &Body::None).await.unwrap();
    assert_eq!(ended.json(), json!({}));
    assert_eq!(get("bucket", "k").oss(&twin).await.unwrap().text(), "content");
}

#[tokio::test]
async fn by_the_names_of_s3_obs_knows_its_own_classes() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    for (name, class) in [("GLACIER", "COLD"), ("STANDARD_IA", "WARM"), ("DEEP_ARCHIVE", "DEEP_ARCHIVE")] {
        let written = put("bucket", "k", "x").header("x-amz-storage-class", name);
        assert_eq!(written.aws_v2(&twin).await.unwrap().status, 200);
        let head = async |call: Call, aws: bool| {
            let answer = if aws { call.aws_v2(&twin).await } else { call.obs(&twin).await }.unwrap();
            let header = if aws { "x-amz-storage-class" } else { "x-obs-storage-class" };
            answer.header(header).map(str::to_owned)
        };
        assert_eq!(head(call("HEAD", "bucket", "k"), false).await.as_deref(), Some(class));
        assert_eq!(head(call("HEAD", "bucket", "k"), true).await.as_deref(), Some(name));
        let listed = get("bucket", "").aws_v2(&twin).await.unwrap();
        assert_eq!(listed.element("StorageClass").as_deref(), Some(name));
        let listed = get("bucket", "").obs(&twin).await.unwrap();
        assert_eq!(listed.element("StorageClass").as_deref(), Some(class));
    }
    assert_eq!(
        put("bucket", "k", "x").header("x-amz-storage-class", "GLACIER").aws_v2(&twin).await.unwrap().status,
        200
    );
    get("bucket", "k").aws_v2(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
}
