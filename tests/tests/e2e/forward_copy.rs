//! `FORWARD_MODE=copy`: what events lead to at the destination and in the journal.

use cloud_twin::{Fault, FaultAction, ObjectHeaders, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Settings, Shelf, event};
use serde_json::{Value, json};

async fn copying(cloud: &Cloud) -> Function {
    Function::with(cloud.copy_settings()).start().await
}

fn put(cloud: &Cloud, key: &str, body: &str) {
    cloud.twin.oss().put(SOURCE, key, body.to_owned());
}

fn body(cloud: &Cloud, key: &str) -> String {
    let copy = cloud.mirrored(key).unwrap_or_else(|| panic!("{key:?} was not copied"));
    String::from_utf8(copy.body.to_vec()).unwrap()
}

/// The note in the success record of `key`.
fn note(cloud: &Cloud, key: &str) -> Value {
    cloud.copy_records().get(Shelf::Success, key).unwrap()["note"].clone()
}

/// Settings that copy to a bucket of OSS.
fn to_oss(cloud: &Cloud, destination: &str) -> Settings {
    let settings = cloud.copy_settings().unset("HW_AK").unset("HW_SK");
    settings.set("DEST", destination).set("DEST_ENDPOINT", cloud.twin.oss_url())
}

#[tokio::test]
async fn an_upload_arrives_without_oms() {
    let cloud = Cloud::start().await;
    let function = copying(&cloud).await;
    cloud.twin.notify(SOURCE, &function.url()).unwrap();
    cloud.upload("photos/a.jpg", "pixels").await;
    cloud.until(Twin::is_idle).await;
    assert_eq!(body(&cloud, "photos/a.jpg"), "pixels");
    assert_eq!((cloud.oms_requests(), cloud.connections(Service::Oms)), (0, 0));
    assert!(cloud.twin.failure_destination().is_empty());

    let record = cloud.copy_records().get(Shelf::Success, "photos/a.jpg").unwrap();
    let expected = json!({
        "v": 1, "key": "photos/a.jpg", "bucket": SOURCE, "event": "ObjectCreated:PutObject", "size": 6, "engine": "copy",
        "outcome": "accepted", "note": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name} of {record}");
    }
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn content_headers_and_metadata_go_along() {
    let cloud = Cloud::start().await;
    let headers = ObjectHeaders::default().content_type("image/webp").user("author", "zoe");
    let headers = headers.standard("cache-control", "max-age=60").standard("content-language", "de");
    cloud.twin.oss().put_with(SOURCE, "k", "pixels", headers);
    assert_eq!(copying(&cloud).await.invoke(event::put(["k"])).await, Answer::True);
    let copy = cloud.mirrored("k").unwrap().headers;
    assert_eq!(
        (copy.content_type.unwrap(), &copy.user["author"]),
        ("image/webp".parse().unwrap(), &"zoe".parse().unwrap())
    );
    for (name, value) in [("cache-control", "max-age=60"), ("content-language", "de")] {
        assert!(copy.standard.iter().any(|(found, is)| found == name && is == value), "{:?}", copy.standard);
    }
}

#[tokio::test]
async fn all_objects_of_an_event_are_copied() {
    let cloud = Cloud::start().await;
    let keys = event::keys("k", 60);
    for key in &keys {
        put(&cloud, key, key);
    }
    put(&cloud, "empty", "");
    let event = event::put(keys.iter().map(String::as_str).chain(["empty"]));
    assert_eq!(copying(&cloud).await.invoke(event).await, Answer::True);
    assert!(keys.iter().all(|key| body(&cloud, key) == *key));
    assert_eq!((body(&cloud, "empty").as_str(), cloud.copy_records().keys(Shelf::Success).len()), ("", 61));
}

#[tokio::test]
async fn copies_lie_in_the_folder_that_the_destination_names() {
    let cloud = Cloud::start().await;
    put(&cloud, "a/k", "x");
    for (destination, copy) in [("obs://mirror/backup", "backup/a/k"), ("obs://mirror/other/", "other/a/k")] {
        let function = Function::with(cloud.copy_settings().set("DEST", destination)).start().await;
        assert_eq!(function.invoke(event::put(["a/k"])).await, Answer::True);
        assert_eq!(body(&cloud, copy), "x");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["backup/a/k", "other/a/k"]);
    assert_eq!(cloud.copy_records().keys(Shelf::Success), ["a/k"], "records have the key of the source");
}

#[tokio::test]
async fn the_destination_may_have_credentials_of_its_own() {
    let cloud = Cloud::start().await;
    put(&cloud, "k", "x");
    let huawei = cloud.twin.huawei_account();
    let settings = cloud.copy_settings().unset("HW_AK").unset("HW_SK");
    let settings = settings.set("DEST_AK", &huawei.access_key).set("DEST_SK", &huawei.secret_key);
    assert_eq!(Function::with(settings).start().await.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(body(&cloud, "k"), "x");
}

#[tokio::test]
async fn within_oss_the_service_copies_by_itself() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("second");
    let headers = ObjectHeaders::default().content_type("image/webp").user("author", "zoe");
    cloud.twin.oss().put_with(SOURCE, "k", "pixels", headers);
    let function = Function::with(to_oss(&cloud, "oss://second/p")).start().await;
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    let copy = cloud.twin.oss().get("second", "p/k").unwrap();
    assert_eq!((&copy.body, &copy.headers.user["author"]), (&"pixels".into(), &"zoe".parse().unwrap()));
    assert_eq!(copy.headers.content_type.unwrap(), "image/webp");
    assert_eq!((cloud.done(Service::Oss, "CopyObject"), cloud.done(Service::Oss, "GetObject")), (1, 0));
}

#[tokio::test]
async fn between_two_accounts_of_oss_the_bytes_are_streamed() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("second");
    put(&cloud, "k", "x");
    let other = cloud.twin.oss_account();
    let settings =
        to_oss(&cloud, "oss://second").set("DEST_AK", &other.access_key).set("DEST_SK", &other.secret_key);
    assert_eq!(Function::with(settings).start().await.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(cloud.twin.oss().get("second", "k").unwrap().body, "x");
    assert_eq!((cloud.done(Service::Oss, "CopyObject"), cloud.done(Service::Oss, "GetObject")), (0, 1));
}

#[tokio::test]
async fn a_destination_within_the_source_bucket_is_refused_and_the_events_of_copies_lead_to_none() {
    let cloud = Cloud::start().await;
    let function = Function::with(to_oss(&cloud, "oss://source/copies")).start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    let message = function.invoke(event::put(["a", "copies/b"])).await.failure();
    assert!(message.contains("destination guard"), "{message}");
    let copies = event::put(["copies/a", "copies/b"]);
    assert_eq!(function.invoke(copies).await, Answer::True);
    assert_eq!(cloud.twin.oss().keys(SOURCE), ["a"]);
    assert_eq!(cloud.copy_records().keys(Shelf::Success), [""; 0]);
}

#[tokio::test]
async fn events_of_the_log_bucket_are_refused_here_too() {
    let cloud = Cloud::start().await;
    let event = event::of([event::element("logs", "ObjectCreated:PutObject", "k")]);
    let message = copying(&cloud).await.invoke(event).await.failure();
    assert!(message.contains("loop guard"), "{message}");
    assert_eq!(cloud.connections(Service::Obs), 0);
}

#[tokio::test]
async fn every_key_arrives_under_its_own_name() {
    const KEYS: [&str; 14] = [
        "a//b",
        "dir/",
        "up/../x",
        "./c",
        "x/..",
        "測 a+b%20c",
        "\u{1}",
        " ends ",
        "q?#&=",
        "<&>\"'",
        "%2e%2e/x",
        "*",
        "🦀",
        "a\nb",
    ];
    let cloud = Cloud::start().await;
    let long = "l".repeat(1000);
    let keys: Vec<&str> = KEYS.into_iter().chain([&*long]).collect();
    for key in &keys {
        put(&cloud, key, &format!("content of {key}"));
    }
    assert_eq!(copying(&cloud).await.invoke(event::put(keys.iter().copied())).await, Answer::True);
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(cloud.twin.obs().keys(MIRROR), sorted);
    assert!(keys.iter().all(|key| body(&cloud, key) == format!("content of {key}")));
    for key in KEYS {
        assert_eq!(cloud.copy_records().get(Shelf::Success, key).unwrap()["key"], key);
    }
}

#[tokio::test]
async fn a_key_that_cannot_travel_is_a_permanent_failure_of_its_own() {
    let cloud = Cloud::start().await;
    let long = "l".repeat(1023);
    for key in ["fine", &long] {
        put(&cloud, key, "x");
    }
    let function = Function::with(cloud.copy_settings().set("DEST", "obs://mirror/folder")).start().await;
    assert_eq!(function.invoke(event::put(["fine", "..", &long])).await, Answer::False);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["folder/fine"]);
    let record = cloud.copy_records().get(Shelf::Failed, "..").unwrap();
    assert_eq!((&record["engine"], &record["class"]), (&"copy".into(), &"permanent".into()), "{record}");
    assert!(record["error"]["message"].as_str().unwrap().contains("no URL can carry"), "{record}");
    assert!(!function.log().contains("panicked"));
}

#[tokio::test]
async fn an_event_that_comes_twice_transfers_once() {
    let cloud = Cloud::start().await;
    put(&cloud, "k", "x");
    let function = copying(&cloud).await;
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(note(&cloud, "k"), Value::Null);
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(cloud.done(Service::Obs, "PutObject"), 1);
    assert_eq!(note(&cloud, "k"), "up to date");
    assert_eq!(function.invoke(event::put(["k", "k"])).await, Answer::True);
    assert_eq!(cloud.done(Service::Obs, "PutObject"), 1);

    put(&cloud, "k", "y");
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!((body(&cloud, "k").as_str(), cloud.done(Service::Obs, "PutObject")), ("y", 2));
}

#[tokio::test]
async fn changed_metadata_alone_is_carried_over() {
    let cloud = Cloud::start().await;
    let author = |name| ObjectHeaders::default().user("author", name);
    let function = copying(&cloud).await;
    for name in ["zoe", "max"] {
        cloud.twin.oss().put_with(SOURCE, "k", "x", author(name));
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
        assert_eq!(cloud.mirrored("k").unwrap().headers.user["author"], name);
    }
}

#[tokio::test]
async fn the_object_as_it_is_now_is_copied_whatever_the_event_says() {
    let cloud = Cloud::start().await;
    put(&cloud, "k", "first");
    let event = event::put(["k"]);
    put(&cloud, "k", "newest, and longer");
    assert_eq!(copying(&cloud).await.invoke(event).await, Answer::True);
    assert_eq!(body(&cloud, "k"), "newest, and longer");
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_copied_is_copied_again() {
    let cloud = Cloud::start().await;
    put(&cloud, "k", "first");
    let change = FaultAction::ReplaceFirst { body: "newest".to_owned() };
    cloud.twin.faults().inject(Fault::new(Service::Oss, change).method("HEAD").key_contains("k").times(1));
    assert_eq!(copying(&cloud).await.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!((body(&cloud, "k").as_str(), cloud.done(Service::Obs, "PutObject")), ("newest", 2));
}

#[tokio::test]
async fn a_key_that_is_gone_leaves_nothing_to_copy() {
    let cloud = Cloud::start().await;
    cloud.twin.obs().put(MIRROR, "gone", "an older copy");
    assert_eq!(copying(&cloud).await.invoke(event::put(["gone", "never"])).await, Answer::True);
    for key in ["gone", "never"] {
        assert_eq!(note(&cloud, key), "the source is gone, nothing to copy");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["gone"], "and nothing is removed");
}

#[tokio::test]
async fn keys_that_are_filtered_out_are_not_looked_at() {
    let cloud = Cloud::start().await;
    put(&cloud, "a.tmp", "x");
    let function = Function::with(cloud.copy_settings().set("EXCLUDE", "*.tmp")).start().await;
    assert_eq!(function.invoke(event::put(["a.tmp"])).await, Answer::True);
    assert_eq!((cloud.connections(Service::Oss), cloud.connections(Service::Obs)), (0, 0));
}

#[tokio::test]
async fn connections_serve_one_copy_after_the_other() {
    let cloud = Cloud::start().await;
    let function = copying(&cloud).await;
    assert_eq!(function.initialize().await.status, 200);
    for key in event::keys("k", 40) {
        put(&cloud, &key, &key);
        assert_eq!(function.invoke(event::put([key])).await, Answer::True);
    }
    let connections = (cloud.connections(Service::Oss), cloud.connections(Service::Obs));
    assert!(connections.0 <= 3 && connections.1 <= 3, "{connections:?}");
    assert_eq!(cloud.done(Service::Obs, "PutObject"), 40);

    for key in event::keys("k", 40) {
        assert_eq!(function.invoke(event::put([key])).await, Answer::True, "there already");
    }
    let connections = (cloud.connections(Service::Oss), cloud.connections(Service::Obs));
    assert!(connections.0 <= 6 && connections.1 <= 6, "{connections:?}");
}
