//! Copies that outlast the time of one invocation: the next one goes on where it stopped, and nothing stays behind.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use cloud_twin::{Content, Fault, FaultAction, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE, http_client};
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Shelf, event};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, PutOptions};
use serde_json::{Value, json};

const KEY: &str = "films/a.mp4";
const PART: u64 = 16 << 20;
const TIMEOUT: u64 = 10;

/// Three parts, each of which begins with other words.
fn film(title: &str) -> Content {
    let part = |number: u32| {
        let words = format!("part {number} of {title}");
        let rest = PART - words.len() as u64;
        Content::join([&Content::from(words), &Content::zeros(rest)])
    };
    Content::join([&part(1), &part(2), &Content::from(format!("the end of {title}"))])
}

/// A cloud whose clock stands still, with a film in the source bucket.
async fn cloud() -> (Cloud, ManualClock) {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    cloud.twin.oss().put(SOURCE, KEY, film("first"));
    clock.advance(TimeDelta::seconds(5));
    (cloud, clock)
}

async fn copying(cloud: &Cloud) -> Function {
    Function::with(cloud.copy_settings()).timeout(TIMEOUT).start().await
}

async fn replay(cloud: &Cloud) -> Finished {
    OmsBridge::new(["replay", "--json"]).settings(cloud.copy_settings()).run().await
}

/// The second part does not get on.
fn stuck() -> Fault {
    Fault::new(Service::Obs, FaultAction::Delay { millis: 600_000 })
        .method("PUT")
        .path_contains("partNumber=2")
}

/// An invocation whose time is up before the second part is there.
async fn cut_short(cloud: &Cloud, function: &Function) {
    let stuck = cloud.twin.faults().inject(stuck());
    let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT), function.invoke(event::put([KEY]))).await;
    assert_eq!(answer.expect("answered before the platform gives up"), Answer::False);
    cloud.twin.faults().clear(stuck);
}

/// Parts that arrived so far, in all uploads.
fn parts_sent(cloud: &Cloud) -> u64 {
    cloud.done(Service::Obs, "UploadPart")
}

fn assert_arrived(cloud: &Cloud, content: &Content) {
    assert!(cloud.mirrored(KEY).expect("a copy").body == *content, "the content is another");
    assert_eq!(cloud.twin.obs().uploads(MIRROR), [], "nothing is left open");
}

fn assert_healed(cloud: &Cloud) {
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.copy_records().get(Shelf::Success, KEY).unwrap()["engine"], "copy");
}

fn failure(cloud: &Cloud) -> Value {
    cloud.copy_records().get(Shelf::Failed, KEY).expect("a failed record")
}

fn mirror(cloud: &Cloud) -> Bucket {
    let account = cloud.twin.huawei_account();
    let config = ClientConfig::new(cloud.twin.obs_url().parse().unwrap(), Dialect::Obs);
    let credentials = Arc::new(Credentials::new(&*account.access_key, &*account.secret_key));
    Client::new(http_client(), config).unwrap().bucket(&MIRROR.parse().unwrap(), credentials)
}

/// Leaves an upload open, and a record that says so, as an invocation does that was cut short. Gives the upload's id.
async fn left_open(cloud: &Cloud) -> String {
    let id = mirror(cloud).initiate_multipart_upload(KEY, PutOptions::default()).await.unwrap();
    let etag = cloud.twin.oss().get(SOURCE, KEY).unwrap().etag;
    let upload = json!({"bucket": MIRROR, "key": KEY, "id": id, "part_size": PART, "etag": etag});
    let record = json!({
        "v": 1, "key": KEY, "bucket": SOURCE, "event": "ObjectCreated:PutObject", "engine": "copy", "outcome": "failed",
        "class": "transient", "attempts": 1, "upload": upload,
    });
    cloud.copy_records().put(Shelf::Failed, KEY, &record);
    id
}

#[tokio::test]
async fn an_invocation_that_is_cut_short_says_what_it_left_open_and_the_next_goes_on() {
    let (cloud, clock) = cloud().await;
    let function = copying(&cloud).await;
    cut_short(&cloud, &function).await;
    let [(key, id, parts)] = cloud.twin.obs().uploads(MIRROR).try_into().expect("one open upload");
    assert_eq!((&*key, parts), (KEY, 2));
    let mut record = failure(&cloud);
    let as_left = record["upload"].as_object_mut().unwrap().remove("as_left").unwrap();
    let verified: Vec<_> = as_left["verified"].as_array().unwrap().iter().map(|run| &run["first"]).collect();
    assert_eq!(verified, [1, 3]);
    let etag = cloud.twin.oss().get(SOURCE, KEY).unwrap().etag;
    let upload = json!({"bucket": MIRROR, "key": KEY, "id": id, "part_size": PART, "etag": etag, "parts": 2});
    assert_eq!(record["upload"], upload);
    assert_eq!((&record["engine"], &record["class"]), (&json!("copy"), &json!("transient")));
    assert!(record["error"]["message"].as_str().unwrap().contains("2 of 3 parts"), "{record}");
    assert!(cloud.mirrored(KEY).is_none());

    clock.advance(TimeDelta::seconds(5));
    assert_eq!(function.invoke(event::put([KEY])).await, Answer::True);
    assert_arrived(&cloud, &film("first"));
    assert_eq!(parts_sent(&cloud), 3, "what was there is not sent again");

    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_healed(&cloud);
    assert_eq!(parts_sent(&cloud), 3);
}

#[tokio::test]
async fn a_replay_goes_on_where_the_invocation_stopped() {
    let (cloud, _) = cloud().await;
    cut_short(&cloud, &copying(&cloud).await).await;
    let finished = replay(&cloud).await;
    assert_eq!((finished.code, &finished.json()["accepted"]), (Some(0), &json!(1)), "{finished:?}");
    assert_arrived(&cloud, &film("first"));
    assert_healed(&cloud);
    assert_eq!(parts_sent(&cloud), 3, "what was there is not sent again");
}

#[tokio::test]
async fn an_instance_that_is_killed_leaves_an_upload_that_the_platform_s_retry_goes_on_with() {
    let (cloud, _) = cloud().await;
    let function = copying(&cloud).await;
    let stuck = cloud.twin.faults().inject(stuck());
    cloud.twin.notify(SOURCE, &function.url()).unwrap();
    // Written over HTTP this time, so that the bucket raises its event.
    cloud.upload(KEY, film("first").to_vec()).await;
    cloud.until(|twin| twin.obs().uploads(MIRROR).iter().any(|(.., parts)| *parts == 2)).await;
    function.kill().await;
    cloud.until(|twin| !twin.failure_destination().is_empty()).await;
    cloud.twin.faults().clear(stuck);
    let [event] = cloud.twin.failure_destination().try_into().unwrap();
    assert!(cloud.mirrored(KEY).is_none());

    assert_eq!(copying(&cloud).await.invoke(event.payload).await, Answer::True);
    assert_arrived(&cloud, &film("first"));
    assert_eq!(parts_sent(&cloud), 3);
    assert_healed(&cloud);
}

#[tokio::test]
async fn a_source_that_changed_meanwhile_is_copied_anew_and_the_old_parts_go() {
    let (cloud, clock) = cloud().await;
    let function = copying(&cloud).await;
    cut_short(&cloud, &function).await;
    clock.advance(TimeDelta::seconds(5));
    cloud.twin.oss().put(SOURCE, KEY, film("second"));
    clock.advance(TimeDelta::seconds(5));
    assert_eq!(function.invoke(event::put([KEY])).await, Answer::True);
    assert!(cloud.mirrored(KEY).unwrap().body == film("second"));

    clock.advance(TimeDelta::seconds(5));
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_arrived(&cloud, &film("second"));
    assert_healed(&cloud);
}

#[tokio::test]
async fn parts_of_an_older_object_go_with_the_replay_that_finds_a_newer_one() {
    for newer in [film("second"), Content::from("a word")] {
        let (cloud, clock) = cloud().await;
        left_open(&cloud).await;
        clock.advance(TimeDelta::seconds(5));
        cloud.twin.oss().put(SOURCE, KEY, newer.clone());
        let finished = replay(&cloud).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_arrived(&cloud, &newer);
        assert_healed(&cloud);
    }
}

#[tokio::test]
async fn parts_of_an_object_that_is_gone_go_too() {
    let (cloud, _) = cloud().await;
    left_open(&cloud).await;
    cloud.twin.oss().delete(SOURCE, KEY);
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.twin.obs().uploads(MIRROR), []);
    assert_healed(&cloud);
}

#[tokio::test]
async fn parts_of_an_object_that_another_way_brought_go_too() {
    let (cloud, clock) = cloud().await;
    left_open(&cloud).await;
    clock.advance(TimeDelta::seconds(5));
    cloud.twin.obs().put(MIRROR, KEY, film("first"));
    cloud.copy_records().put(Shelf::Success, KEY, &json!({"key": KEY, "engine": "copy"}));
    let finished = replay(&cloud).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_arrived(&cloud, &film("first"));
    assert_healed(&cloud);
    assert_eq!(parts_sent(&cloud), 0);
}

#[tokio::test]
async fn an_outage_does_not_make_the_journal_forget_what_is_open() {
    let (cloud, _) = cloud().await;
    let id = left_open(&cloud).await;
    let down = Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "away"));
    cloud.twin.faults().inject(down);
    assert_eq!(replay(&cloud).await.code, Some(3));
    let record = failure(&cloud);
    assert_eq!((&record["attempts"], &record["upload"]["id"]), (&json!(2), &json!(id)), "{record}");
    cloud.twin.faults().clear_all();
    assert_eq!(replay(&cloud).await.code, Some(0));
    assert_arrived(&cloud, &film("first"));
}

#[tokio::test]
async fn an_upload_that_somebody_removed_is_begun_anew() {
    let (cloud, _) = cloud().await;
    let id = left_open(&cloud).await;
    mirror(&cloud).abort_multipart_upload(KEY, &id).await.unwrap();
    assert_eq!(replay(&cloud).await.code, Some(0));
    assert_arrived(&cloud, &film("first"));
    assert_healed(&cloud);
}

#[tokio::test]
async fn a_copy_that_was_begun_is_finished_even_where_oms_could_begin_one() {
    let (cloud, _) = cloud().await;
    left_open(&cloud).await;
    let record = failure(&cloud);
    cloud.records().put(Shelf::Failed, KEY, &record);
    let run = OmsBridge::new(["replay", "--json"]).settings(cloud.oms_then_copy_settings());
    let finished = run.run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_arrived(&cloud, &film("first"));
    assert_eq!(
        (cloud.oms_requests(), &cloud.record(Shelf::Success, KEY).unwrap()["engine"]),
        (0, &json!("copy"))
    );
}

#[tokio::test]
async fn ticks_of_a_timer_go_on_piece_by_piece() {
    let (cloud, _) = cloud().await;
    let record =
        json!({"v": 1, "key": KEY, "bucket": SOURCE, "event": "ObjectCreated:PutObject", "attempts": 1});
    cloud.copy_records().put(Shelf::Failed, KEY, &record);
    let function = copying(&cloud).await;
    let tick = json!({"triggerName": "t", "payload": "{\"action\":\"replay\"}"}).to_string();
    let stuck = cloud.twin.faults().inject(stuck());
    let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT), function.invoke(tick.clone())).await;
    assert_eq!(answer.expect("answered before the platform gives up"), Answer::False);
    let [(_, id, _)] = cloud.twin.obs().uploads(MIRROR).try_into().expect("one open upload");
    // It advanced, so it is not on its way to being set aside.
    assert_eq!((&failure(&cloud)["attempts"], &failure(&cloud)["upload"]["id"]), (&json!(1), &json!(id)));
    cloud.twin.faults().clear(stuck);
    assert_eq!(function.invoke(tick).await, Answer::True);
    assert_arrived(&cloud, &film("first"));
    assert_healed(&cloud);
    assert_eq!(parts_sent(&cloud), 3);
}

#[tokio::test]
async fn an_event_that_two_instances_have_at_once_ends_well_in_both() {
    let (cloud, _) = cloud().await;
    let setup = || Function::with(cloud.copy_settings()).timeout(60).start();
    let (one, other) = tokio::join!(setup(), setup());
    let answers = tokio::join!(one.invoke(event::put([KEY])), other.invoke(event::put([KEY])));
    assert_eq!(answers, (Answer::True, Answer::True));
    assert_arrived(&cloud, &film("first"));
    assert_healed(&cloud);
}
