//! The timer `reconcile`: what no event brought to the destination is found and sent, and nothing else is.
//!
//! The clock of the cloud stands; a test moves it.

use std::fs;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, ManualClock, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::web::{WebReply, WebServer};
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::confirm::LATE;
use crate::metrics::values;

/// A cloud whose clock stands an hour before the machine's, and its settings.
pub(crate) async fn cloud() -> (Cloud, ManualClock, Settings) {
    let clock = ManualClock::new(Utc::now() - TimeDelta::hours(1));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
    let settings = settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    (cloud, clock, settings)
}

pub(crate) fn tick_of(payload: &Value) -> String {
    json!({"triggerName": "reconcile", "payload": payload.to_string()}).to_string()
}

pub(crate) fn tick() -> String {
    tick_of(&json!({"action": "reconcile"}))
}

/// Puts objects to the source of which no event ever comes.
pub(crate) fn put_unnoticed(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
}

/// How far comparisons are, as the log bucket has it.
pub(crate) fn state(cloud: &Cloud, task: &str) -> Value {
    let folder = format!("oms_source_record/{task}/reconcile_run/");
    let mut names = cloud.twin.oss().keys(LOGS).into_iter().filter(|name| name.starts_with(&folder));
    let name = names.next_back().expect("a slice has run");
    serde_json::from_slice(&cloud.twin.oss().get(LOGS, &name).unwrap().body).unwrap()
}

/// The last whole round.
pub(crate) fn last(cloud: &Cloud) -> Value {
    state(cloud, &cloud.task.sync_task_id)["last"].clone()
}

/// Counts of a round.
pub(crate) fn counts<const N: usize>(round: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| round[name].as_u64().unwrap_or_else(|| panic!("{name}: {round}")))
}

#[tokio::test]
async fn what_no_event_brought_is_found_sent_and_confirmed() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["a", "a b", "\u{e9}/!x", "there"]);
    cloud.twin.obs().put(MIRROR, "there", "abc");
    let function = Function::with(settings.clone()).start().await;
    // Their events may still come.
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["compared", "equal", "young", "sent"]), [4, 1, 3, 0]);
    assert!(
        cloud.twin.accepted().is_empty(),
        "by the machine's clock they are late, by the log bucket's not"
    );
    clock.advance(LATE);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(
        counts(&round, ["compared", "equal", "missing", "sent", "slices"]),
        [4, 1, 3, 3, 1],
        "{round}"
    );
    assert_eq!(round["source"], format!("oss://{SOURCE}/"));
    assert_eq!(round["destination"], format!("obs://{MIRROR}/"));
    assert!(round["began"].is_string() && round["ended"].is_string(), "{round}");
    assert!(function.log().contains("no event has brought it to the destination"), "{}", function.log());
    cloud.until(Twin::is_idle).await;
    for key in ["a", "a b", "\u{e9}/!x"] {
        assert_eq!(cloud.mirrored(key).unwrap().body, *"abc");
        let record = cloud.record(Shelf::Success, key).unwrap();
        assert_eq!(record["event"], "ObjectCreated:Reconcile");
        assert_eq!((&record["bucket"], &record["size"]), (&json!(SOURCE), &json!(3)));
    }
    assert_eq!(cloud.twin.accepted_count("there"), 0);
    let confirmed = OmsBridge::new(["confirm", "--json"]).settings(settings).run().await.json();
    assert_eq!(confirmed["confirmed"], 3, "{confirmed}");
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["compared", "equal", "missing"]), [4, 4, 0]);
}

#[tokio::test]
async fn a_key_that_others_see_to_is_not_sent_a_second_time() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["dead", "failed", "unnoticed", "watched"]);
    let function = Function::with(settings.clone()).start().await;
    // Accepted, and lost by OMS.
    cloud.twin.faults().inject(Fault::fail_copy("watched", "lost"));
    assert_eq!(function.invoke(event::put(["watched"])).await, Answer::True);
    // Not accepted: the replay has it.
    let refused = cloud.twin.faults().inject(Fault::poison_key("failed"));
    assert_eq!(function.invoke(event::put(["failed"])).await, Answer::False);
    cloud.twin.faults().clear(refused);
    clock.advance(TimeDelta::seconds(1));
    cloud.records().put(Shelf::Dead, "dead", &json!({"v": 1, "key": "dead", "class": "permanent"}));
    clock.advance(LATE);
    let before = cloud.twin.accepted();
    for _ in 0..2 {
        assert_eq!(function.invoke(tick()).await, Answer::True);
        cloud.until(Twin::is_idle).await;
    }
    let round = last(&cloud);
    assert_eq!(
        counts(&round, ["watched", "waiting", "given_up", "missing", "equal"]),
        [1, 1, 1, 0, 1],
        "{round}"
    );
    let mut after = cloud.twin.accepted();
    assert_eq!(after.remove("unnoticed"), Some(1));
    assert_eq!(after, before);
    // Written again, it is another object than the one that was given up.
    clock.advance(TimeDelta::seconds(1));
    put_unnoticed(&cloud, &["dead"]);
    clock.advance(LATE);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("dead"), 1);
    // Confirmed once, and lost at the destination since: nobody watches it any more.
    cloud.until(Twin::is_idle).await;
    OmsBridge::new(["confirm", "--json"]).settings(settings).run().await;
    assert_eq!(cloud.records().stages("unnoticed"), ["am00"]);
    cloud.twin.obs().delete(MIRROR, "unnoticed");
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("unnoticed"), 2);
}

#[tokio::test]
async fn what_listings_leave_open_is_looked_at_before_it_is_sent() {
    let (cloud, clock, settings) = cloud().await;
    let multipart = |service: Service, bucket: &str, key: &str| {
        let objects = if service == Service::Oss { cloud.twin.oss() } else { cloud.twin.obs() };
        objects.modify(bucket, key, |object| {
            object.etag = format!("{service:?}-2");
            object.crc64 = None;
        });
    };
    // The copy came before the object: it is one of an earlier content.
    cloud.twin.obs().put(MIRROR, "old", "abd");
    clock.advance(TimeDelta::seconds(5));
    put_unnoticed(&cloud, &["changed", "encrypted", "old", "parts", "same"]);
    clock.advance(TimeDelta::seconds(5));
    for (key, body) in [("changed", "xyz"), ("encrypted", "abc"), ("parts", "abc"), ("same", "abc")] {
        cloud.twin.obs().put(MIRROR, key, body);
    }
    for key in ["old", "parts"] {
        multipart(Service::Oss, SOURCE, key);
        multipart(Service::Obs, MIRROR, key);
    }
    // In a listing its ETag looks like an MD5, which it is not.
    cloud.twin.obs().modify(MIRROR, "encrypted", |object| {
        (object.etag, object.encryption) = ("0".repeat(32), Some("kms"));
    });
    clock.advance(LATE);
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    let found = counts(&round, ["equal", "undecided", "different", "missing", "sent", "looked_at"]);
    assert_eq!(found, [2, 1, 2, 0, 2, 3], "{round}");
    cloud.until(Twin::is_idle).await;
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["changed", "old"]);
}

#[tokio::test]
async fn only_what_would_raise_an_event_is_compared() {
    let (cloud, clock, settings) = cloud().await;
    let keys = ["in/a.jpg", "in/a.txt", "in/not.jpg", "out/a.jpg", "in/oms/a.jpg"];
    put_unnoticed(&cloud, &keys);
    cloud.twin.oss().put(SOURCE, "oms_source_record/t/success_object/in/a.jpg", "{}");
    // OMS's own, and one that somebody put there.
    cloud.twin.obs().put(MIRROR, "oms/list", "x");
    cloud.twin.obs().put(MIRROR, "in/extra.jpg", "x");
    clock.advance(LATE);
    let function = Function::with(settings.clone().set("EXCLUDE", "*not*")).start().await;
    let payload = json!({"action": "reconcile", "prefix": "in/", "suffix": ".jpg"});
    assert_eq!(function.invoke(tick_of(&payload)).await, Answer::True);
    cloud.until(Twin::is_idle).await;
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["in/a.jpg", "in/oms/a.jpg"]);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["missing", "extra", "filtered"]), [2, 1, 2], "{round}");
    assert_eq!(
        (&round["source"], &round["suffix"]),
        (&json!(format!("oss://{SOURCE}/in/")), &json!(".jpg")),
        "{round}"
    );
    // Another selection is another round.
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["missing", "extra", "filtered", "left_out"]), [2, 1, 1, 2], "{round}");
    assert!(cloud.mirrored("in/extra.jpg").is_some());
}

#[tokio::test]
async fn in_copy_mode_it_is_copied_and_nothing_is_removed() {
    let (cloud, clock, _) = cloud().await;
    put_unnoticed(&cloud, &["a", "b"]);
    cloud.put_copy("folder/b", "b", "abc");
    cloud.put_copy("folder/gone", "gone", "abc");
    clock.advance(LATE);
    let settings = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
    let settings = settings.set("DEST", format!("obs://{MIRROR}/folder")).set("PROPAGATE_DELETES", "true");
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.mirrored("folder/a").unwrap().body, *"abc");
    assert!(cloud.mirrored("folder/gone").is_some(), "what is only at the destination is counted alone");
    let round = state(&cloud, "direct-copy")["last"].clone();
    assert_eq!(counts(&round, ["equal", "missing", "extra", "sent"]), [1, 1, 1, 1], "{round}");
    assert_eq!(cloud.copy_records().get(Shelf::Success, "a").unwrap()["engine"], "copy");
}

#[tokio::test]
async fn a_source_in_amazon_s3_is_listed_there() {
    let site = WebServer::start(|request| {
        let body = Bytes::from("abc");
        if request.target.contains("list-type=2") {
            let object = |key| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-01-05T10:00:00.000Z</LastModified>\
                     <ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size></Contents>"
                )
            };
            let objects = ["lost", "there"].map(object).concat();
            let listing =
                format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>");
            return WebReply::whole(&Bytes::from(listing));
        }
        WebReply::file(request, &body).header("etag", "\"900150983cd24fb0d6963f7d28e17f72\"")
    })
    .await;
    let cloud = Cloud::start().await;
    cloud.twin.obs().put(MIRROR, "there", "abc");
    let settings = cloud.settings().and(site.s3()).set("SOURCE_BUCKET", "s3://photos");
    let settings = settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["compared", "equal", "missing", "sent"]), [2, 1, 1, 1], "{round}");
    assert_eq!(round["source"], "s3://photos/");
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["lost"]);
    let record = cloud.record(Shelf::Success, "lost").unwrap();
    assert_eq!((&record["provider"], &record["bucket"]), (&json!("s3"), &json!("photos")));
}

/// A page of a listing of Amazon S3; with what the next one is asked for, if there is one.
fn s3_page(keys: std::ops::Range<usize>, next: Option<&str>) -> WebReply {
    let objects = keys.map(|key| {
        format!(
            "<Contents><Key>k-{key:04}</Key><LastModified>2026-01-05T10:00:00.000Z</LastModified>\
             <ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size></Contents>"
        )
    });
    let next = next.map_or_else(
        || "<IsTruncated>false</IsTruncated>".to_owned(),
        |next| {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>")
        },
    );
    let objects: String = objects.collect();
    WebReply::whole(&Bytes::from(format!("<ListBucketResult>{next}{objects}</ListBucketResult>")))
}

#[tokio::test]
async fn a_tick_ends_in_time_whatever_amazon_s3_does() {
    let site = WebServer::start(|request| {
        if request.target.contains("continuation-token") {
            return WebReply::hanging();
        }
        if request.target.contains("list-type=2") {
            return s3_page(0..1000, Some("next"));
        }
        WebReply::hanging()
    })
    .await;
    let cloud = Cloud::start().await;
    for key in 0..1001 {
        cloud.twin.obs().put(MIRROR, &format!("k-{key:04}"), "abc");
    }
    let settings = cloud.settings().and(site.s3()).set("SOURCE_BUCKET", "s3://photos");
    let settings = settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let function = Function::with(settings).timeout(3).start().await;
    // The second page is not answered; and the invocation is, before its time is over.
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert!(function.log().contains("the time budget ended"), "{}", function.log());
    let so_far = state(&cloud, &cloud.task.sync_task_id);
    assert_eq!(so_far["after_key"], "k-0999", "{so_far}");
    assert_eq!(counts(&so_far["current"], ["compared", "equal"]), [1000, 1000], "{so_far}");
    // A copy is missing, and Amazon S3 does not say whether the object is still there.
    cloud.twin.obs().delete(MIRROR, "k-0007");
    let selected = json!({"action": "reconcile", "suffix": "7"});
    assert_eq!(function.invoke(tick_of(&selected)).await, Answer::False);
    assert!(cloud.twin.accepted().is_empty());
}

#[tokio::test]
async fn what_rounds_found_is_shown() {
    let (cloud, clock, settings) = cloud().await;
    let status = async |arguments: &[&str]| {
        let command = OmsBridge::new(["status"].iter().chain(arguments).copied());
        let finished = command.settings(settings.clone()).run().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished
    };
    put_unnoticed(&cloud, &["a", "b", "there"]);
    for key in ["there", "extra"] {
        cloud.twin.obs().put(MIRROR, key, "abc");
    }
    // OMS takes only signatures of its time.
    clock.set(Utc::now());
    assert!(status(&["--json"]).await.json()["reconcile"].is_null());
    let function = Function::with(settings.clone()).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let found = status(&["--json"]).await.json()["reconcile"].clone();
    assert_eq!(found["last"], last(&cloud));
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let text = status(&["--metrics", &file("metrics.prom")]).await.stdout;
    for line in [
        "4 keys of both sides compared until ",
        ": 1 key equal",
        "  2 keys missing or different, which no event had brought",
        "  2 keys of these sent",
        "  1 key only at the destination",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let metrics = values(&fs::read_to_string(file("metrics.prom")).unwrap());
    let task = &cloud.task.sync_task_id;
    for (result, keys) in [("equal", 1.0), ("missing", 2.0), ("extra", 1.0), ("watched", 0.0)] {
        let name = format!("reconcile_keys{{task=\"{task}\",result=\"{result}\"}}");
        assert_eq!(metrics.get(&name), Some(&keys), "{name}: {metrics:?}");
    }
    let ended = metrics[&format!("reconcile_ended_timestamp_seconds{{task=\"{task}\"}}")];
    assert!(ended > 1e9, "{ended}");
    let arguments = ["report", "--json", "--html", &file("page.html")];
    let report = OmsBridge::new(arguments).settings(settings.clone()).run().await;
    assert_eq!(report.json()["reconcile"]["last"]["sent"], 2, "{report:?}");
    assert!(fs::read_to_string(file("page.html")).unwrap().contains("missing or different, sent"));
}

#[tokio::test]
async fn without_both_ends_there_is_nothing_to_compare() {
    let (cloud, _, settings) = cloud().await;
    for unset in ["DEST", "SOURCE_BUCKET"] {
        let function = Function::with(settings.clone().unset(unset)).start().await;
        // Templates have the timer in any case: no alarm, but a line of the log.
        assert_eq!(function.invoke(tick()).await, Answer::True);
        let log = function.log();
        let line =
            log.lines().find(|line| line.contains("nothing is compared")).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(unset), "{line}");
    }
    assert!(cloud.twin.oss().keys(LOGS).is_empty());
}

#[tokio::test]
async fn a_rate_is_kept_to_and_one_that_is_none_is_refused() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["a"]);
    clock.advance(LATE);
    let function = Function::with(settings).timeout(2).start().await;
    // The second request would come hours later, and the invocation ends before that.
    for action in ["reconcile", "confirm"] {
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
        let listings = |cloud: &Cloud| cloud.done(Service::Obs, "ListObjects");
        let before = (listings(&cloud), cloud.twin.accepted_count("a"));
        let slow = json!({"action": action, "max_rps": 0.0001});
        function.invoke(tick_of(&slow)).await;
        assert!(listings(&cloud) <= before.0 + 1, "{action}");
        assert_eq!(cloud.twin.accepted_count("a"), before.1, "{action}");
    }
    assert!(function.log().contains("the time budget ended"), "{}", function.log());
    let refused = function.invoke(tick_of(&json!({"action": "reconcile", "max_rps": -1}))).await;
    let message = refused.failure();
    assert!(message.contains("max_rps: -1 is not a number of requests per second"), "{message}");
}
