//! Whose copy an object at the destination is: a removal takes that of its own object along, and nothing else.

use cloud_twin::{ObjectHeaders, Service, StoredObject};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Copy, Function, OmsBridge, Settings, Shelf, event};

const OTHER: &str = "other";

fn settings(cloud: &Cloud) -> Settings {
    cloud.copy_settings().set("PROPAGATE_DELETES", "true")
}

fn created(bucket: &str, key: &str) -> String {
    event::of([event::element(bucket, "ObjectCreated:PutObject", key)])
}

fn removed(bucket: &str, key: &str) -> String {
    event::of([event::element(bucket, "ObjectRemoved:DeleteObject", key)])
}

fn origin(copy: &StoredObject) -> String {
    copy.headers.user["src-origin"].to_str().unwrap().to_owned()
}

fn note(cloud: &Cloud, key: &str) -> String {
    cloud.copy_records().get(Shelf::Success, key).unwrap()["note"].as_str().unwrap_or_default().to_owned()
}

fn failed(cloud: &Cloud, key: &str) -> (String, String) {
    let record = cloud.copy_records().get(Shelf::Failed, key).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&record["class"]), text(&record["error"]["message"]))
}

/// A cloud with a second source bucket.
async fn two_sources() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(OTHER);
    cloud
}

#[tokio::test]
async fn a_copy_says_whose_it_is_whichever_way_it_took() {
    const BIG: u64 = 17 << 20;
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("copies");
    // What an earlier copy was one of does not travel on.
    let upstream = ObjectHeaders::default().user("src-origin", "oss://upstream/x").user("author", "zoe");
    cloud.twin.oss().put_with(SOURCE, "2024/a.jpg", "pixels", upstream);
    cloud.twin.oss().put(SOURCE, "测试", "content");
    cloud.twin.oss().put_zeros(SOURCE, "big", BIG);
    let service_side =
        settings(&cloud).set("DEST", "oss://copies/in").set("DEST_ENDPOINT", cloud.twin.oss_url());
    for settings in [settings(&cloud), service_side] {
        let function = Function::with(settings).start().await;
        assert_eq!(function.invoke(event::put(["2024/a.jpg", "测试", "big"])).await, Answer::True);
    }
    assert!(cloud.done(Service::Oss, "CopyObject") >= 2, "{:?}", cloud.twin.stats());
    let hashed = "oss://source/#6aa8f49cc992dfd75a114269ed26de0ad6d4e7d7a70d9c8afb3d7a57a88a73ed";
    for (key, expected) in
        [("2024/a.jpg", "oss://source/2024/a.jpg"), ("big", "oss://source/big"), ("测试", hashed)]
    {
        let copies = [cloud.mirrored(key), cloud.twin.oss().get("copies", &format!("in/{key}"))];
        for copy in copies {
            assert_eq!(origin(&copy.unwrap()), expected);
        }
    }
    assert_eq!(cloud.mirrored("2024/a.jpg").unwrap().headers.user["author"], "zoe");
}

#[tokio::test]
async fn the_command_copy_says_it_too() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let copied = Copy::new(&cloud.twin, format!("oss://{SOURCE}/k"), format!("obs://{MIRROR}/k")).run().await;
    assert_eq!(copied.code, Some(0), "{copied:?}");
    cloud.twin.oss().delete(SOURCE, "k");
    let function = Function::with(settings(&cloud)).start().await;
    assert_eq!(function.invoke(removed(SOURCE, "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
}

#[tokio::test]
async fn a_removal_in_one_bucket_leaves_the_copy_of_anothers_object() {
    let cloud = two_sources().await;
    cloud.twin.oss().put(OTHER, "k", "of the other");
    let function = Function::with(settings(&cloud)).start().await;
    assert_eq!(function.invoke(created(OTHER, "k")).await, Answer::True);
    assert_eq!(function.invoke(removed(SOURCE, "k")).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "of the other");
    assert!(note(&cloud, "k").contains("is of another object"));

    cloud.twin.oss().delete(OTHER, "k");
    assert_eq!(function.invoke(removed(OTHER, "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
}

#[tokio::test]
async fn of_two_objects_with_the_same_content_the_copy_is_that_of_the_last() {
    let cloud = two_sources().await;
    for bucket in [SOURCE, OTHER] {
        cloud.twin.oss().put(bucket, "k", "the same");
    }
    let function = Function::with(settings(&cloud)).start().await;
    for bucket in [SOURCE, OTHER, OTHER] {
        assert_eq!(function.invoke(created(bucket, "k")).await, Answer::True);
    }
    assert_eq!(cloud.done(Service::Obs, "PutObject"), 2, "the third is up to date");
    cloud.twin.oss().delete(SOURCE, "k");
    assert_eq!(function.invoke(removed(SOURCE, "k")).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "the same");
}

#[tokio::test]
async fn the_same_key_in_another_folder_is_another_object() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a/k", "content");
    let function = Function::with(settings(&cloud)).start().await;
    assert_eq!(function.invoke(created(SOURCE, "a/k")).await, Answer::True);
    let nested = Function::with(settings(&cloud).set("DEST", "obs://mirror/a")).start().await;
    assert_eq!(nested.invoke(removed(SOURCE, "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["a/k"]);
}

#[tokio::test]
async fn what_somebody_else_put_there_is_left_and_told() {
    let cloud = Cloud::start().await;
    cloud.twin.obs().put_with(MIRROR, "k", "mine", ObjectHeaders::default().user("author", "zoe"));
    let settings = settings(&cloud).set("SOURCE_BUCKET", SOURCE);
    let function = Function::with(settings.clone()).start().await;
    assert_eq!(function.invoke(removed(SOURCE, "k")).await, Answer::False);
    let (class, message) = failed(&cloud, "k");
    assert_eq!(class, "permanent");
    assert!(message.contains("\"k\" at the destination does not name its source"), "{message}");
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);

    cloud.twin.obs().delete(MIRROR, "k");
    assert_eq!(OmsBridge::new(["replay"]).settings(settings).run().await.code, Some(0));
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn copies_by_earlier_versions_are_removed_where_they_can_be_of_one_bucket_only() {
    let cloud = Cloud::start().await;
    cloud.twin.obs().put_with(MIRROR, "k", "a copy", ObjectHeaders::default().user("src-etag", "900150983"));
    let function = Function::with(settings(&cloud)).start().await;
    assert_eq!(function.invoke(removed(SOURCE, "k")).await, Answer::False);
    let (class, message) = failed(&cloud, "k");
    assert!(class == "permanent" && message.contains("set SOURCE_BUCKET"), "{message}");
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);

    let settings = settings(&cloud).set("SOURCE_BUCKET", SOURCE);
    assert_eq!(OmsBridge::new(["replay"]).settings(settings).run().await.code, Some(0));
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
}

#[tokio::test]
async fn records_of_another_bucket_remove_nothing_that_says_nothing() {
    let cloud = two_sources().await;
    cloud.twin.obs().put_with(MIRROR, "k", "a copy", ObjectHeaders::default().user("src-etag", "900150983"));
    let record = serde_json::json!({"v": 1, "key": "k", "bucket": OTHER, "event": "ObjectRemoved:DeleteObject", "attempts": 1});
    cloud.copy_records().put(Shelf::Failed, "k", &record);
    let settings = settings(&cloud).set("SOURCE_BUCKET", SOURCE);
    assert_eq!(OmsBridge::new(["replay"]).settings(settings).run().await.code, Some(3));
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
}

#[tokio::test]
async fn copies_by_oms_are_removed_where_they_can_be_of_one_bucket_only() {
    for (source_bucket, answer) in [("", Answer::False), (SOURCE, Answer::True)] {
        let cloud = Cloud::start().await;
        cloud.twin.oss().put(SOURCE, "k", "content");
        let settings = cloud.oms_then_copy_settings().set("PROPAGATE_DELETES", "true");
        let function = Function::with(settings.set("SOURCE_BUCKET", source_bucket)).start().await;
        assert_eq!(function.invoke(created(SOURCE, "k")).await, Answer::True);
        cloud.until(|twin| twin.is_idle() && twin.obs().len(MIRROR) == 1).await;
        cloud.twin.oss().delete(SOURCE, "k");
        let removes = answer == Answer::True;
        assert_eq!(function.invoke(removed(SOURCE, "k")).await, answer);
        assert_eq!(cloud.twin.obs().len(MIRROR), usize::from(!removes));
    }
}
