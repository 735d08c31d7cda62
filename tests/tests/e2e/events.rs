//! What of an event is forwarded, and in how many requests.

use chrono::TimeDelta;
use e2e::cloud::{LOGS, SOURCE};
use e2e::{Answer, Cloud, Function, Shelf, event};

fn sent_keys(cloud: &Cloud) -> Vec<String> {
    cloud.twin.oms_batches().into_iter().flat_map(|batch| batch.keys).collect()
}

#[tokio::test]
async fn ninety_five_keys_go_in_ten_requests() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let keys = event::keys("k", 95);
    assert_eq!(function.invoke(event::put(&keys)).await, Answer::True);
    let mut sizes: Vec<usize> = cloud.twin.oms_batches().iter().map(|batch| batch.keys.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
    let accepted = cloud.twin.accepted();
    assert!(keys.iter().all(|key| accepted[key] == 1) && accepted.len() == 95);
    assert_eq!(cloud.recorded(Shelf::Success).len(), 95);
}

#[tokio::test]
async fn the_batch_size_is_a_setting() {
    let cloud = Cloud::with(cloud_twin::Twin::builder().oms_max_keys(100)).await;
    let function = Function::on(&cloud).set("OMS_BATCH", "40").start().await;
    assert_eq!(function.invoke(event::put(event::keys("k", 95))).await, Answer::True);
    assert_eq!(cloud.oms_requests(), 3);
}

#[tokio::test]
async fn an_own_ceiling_spaces_requests() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("OMS_BATCH", "1").set("OMS_MAX_RPS", "10").start().await;
    assert_eq!(function.invoke(event::put(event::keys("k", 6))).await, Answer::True);
    let times: Vec<_> = cloud.twin.oms_batches().iter().map(|batch| batch.time).collect();
    // Five intervals of 100 ms, of which the way of the first request may take some.
    let span = times.iter().max().unwrap().signed_duration_since(times.iter().min().unwrap());
    assert!(span > TimeDelta::milliseconds(250), "{span}");
}

#[tokio::test]
async fn a_key_that_stands_twice_is_sent_once() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a", "b", "a", "c", "b", "a"])).await, Answer::True);
    let mut sent = sent_keys(&cloud);
    sent.sort_unstable();
    assert_eq!(sent, ["a", "b", "c"]);
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn elements_that_leave_no_object_behind_are_skipped() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("RUST_LOG", "oms_bridge=debug,fc_adapter=info").start().await;
    let skipped = [
        "ObjectRemoved:DeleteObject",
        "ObjectRemoved:DeleteObjects",
        "ObjectRemoved:AbortMultipartUpload",
        "ObjectReplication:ObjectRemoved",
        "ObjectCreated:InitiateMultipartUpload",
        "ObjectCreated:UploadPart",
        "ObjectCreated:UploadPartCopy",
        "ObjectDownloaded:GetObject",
    ];
    let elements = skipped.iter().map(|name| event::element(SOURCE, name, name));
    let created = event::element(SOURCE, "ObjectCreated:PutObject", "created");
    assert_eq!(function.invoke(event::of(elements.chain([created]))).await, Answer::True);
    assert_eq!(sent_keys(&cloud), ["created"]);
    assert_eq!(cloud.recorded(Shelf::Success), ["created"]);
    for name in skipped {
        function.logged(&format!("\"key\":\"{name}\"")).await;
    }
}

#[tokio::test]
async fn include_and_exclude_choose_keys() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud)
        .set("INCLUDE", "photos/*, *.csv")
        .set("EXCLUDE", "*.tmp,photos/{x,y}/*")
        .start()
        .await;
    let keys =
        ["photos/a.jpg", "photos/deep/b.jpg", "data.csv", "photos/c.tmp", "photos/x/d.jpg", "other.jpg"];
    assert_eq!(function.invoke(event::put(keys)).await, Answer::True);
    let mut sent = sent_keys(&cloud);
    sent.sort_unstable();
    assert_eq!(sent, ["data.csv", "photos/a.jpg", "photos/deep/b.jpg"]);
    assert_eq!(cloud.recorded(Shelf::Success).len(), 3);
}

#[tokio::test]
async fn keys_are_decoded_once_where_told_so_and_never_else() {
    let cloud = Cloud::start().await;
    let percent = Function::on(&cloud).set("KEY_ENCODING", "percent").start().await;
    assert_eq!(percent.invoke(event::put(["a%2Fb%20c+d%E6%B5%8B", "100%2525"])).await, Answer::True);
    assert_eq!(sent_keys(&cloud), ["a/b c+d测", "100%25"]);
    assert_eq!(cloud.recorded(Shelf::Success), ["100%25", "a/b c+d测"]);
    let message = percent.invoke(event::put(["fine", "%FF"])).await.failure();
    assert!(message.contains("events[1].oss.object.key: not UTF-8"), "{message}");

    let raw = Function::on(&cloud).start().await;
    assert_eq!(raw.invoke(event::put(["a%2Fb+c"])).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("a%2Fb+c"), 1);
}

#[tokio::test]
async fn events_of_the_log_bucket_are_refused_and_nothing_is_sent() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let own = event::element(LOGS, "ObjectCreated:PutObject", "oms_source_record/t/success_object/a");
    let other = event::element(SOURCE, "ObjectCreated:PutObject", "a");
    let Answer::Failure { kind, message } = function.invoke(event::of([other, own])).await else { panic!() };
    assert_eq!(kind, "LoopDetected");
    for part in ["loop guard", "oms_source_record/t/success_object/a", "\"logs\"", "LOG_BUCKET"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(cloud.oms_requests(), 0);
    assert_eq!(cloud.twin.oss().keys(LOGS), Vec::<String>::new());
}
