//! Copies that take more than one run, whatever source and destination tell of the bytes: what was proved is not sent again, what was not
//! is, and no upload is left open without a record.

use std::time::Duration;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use cloud_twin::{
    Content, Fault, FaultAction, FaultResponse, ManualClock, ObjectHeaders, ObsCrc64, ObsEncryption, Service,
    Twin, TwinConfig,
};
use e2e::cloud::{MIRROR, SOURCE, http_client};
use e2e::{Answer, Cloud, Function, Settings, Shelf, WebReply, WebServer, event};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, PutOptions};
use serde_json::{Value, json};

const KEY: &str = "films/a.mp4";
const PART: u64 = 16 << 20;
const TIMEOUT: u64 = 10;

/// So many parts, each of which begins with other words, and a short one.
fn film(title: &str, parts: u32) -> Content {
    let part = |number: u32| {
        let words = format!("part {number} of {title}");
        let rest = PART - words.len() as u64;
        Content::join([&Content::from(words), &Content::zeros(rest)])
    };
    let parts: Vec<_> = (1..=parts).map(part).chain([Content::from(format!("the end of {title}"))]).collect();
    Content::join(&parts)
}

/// A cloud whose clock stands still.
async fn cloud(config: TwinConfig) -> (Cloud, ManualClock) {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
    (Cloud::with(config.clock(clock.clone())).await, clock)
}

async fn function(settings: Settings) -> Function {
    Function::with(settings).timeout(TIMEOUT).start().await
}

fn tick() -> String {
    json!({"triggerName": "t", "payload": "{\"action\":\"replay\"}"}).to_string()
}

/// An invocation during which requests of `service` for these parts do not get on.
async fn stuck_at(
    cloud: &Cloud,
    function: &Function,
    event: String,
    service: Service,
    parts: &[u32],
) -> Answer {
    let stuck = parts.iter().map(|number| {
        let delay = Fault::new(service, FaultAction::Delay { millis: 600_000 }).method("PUT");
        cloud.twin.faults().inject(delay.path_contains(format!("partNumber={number}&")))
    });
    let stuck: Vec<_> = stuck.collect();
    let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT), function.invoke(event)).await;
    for fault in stuck {
        cloud.twin.faults().clear(fault);
    }
    answer.expect("answered before the platform gives up")
}

fn failure(cloud: &Cloud) -> Value {
    cloud.copy_records().get(Shelf::Failed, KEY).expect("a failed record")
}

fn assert_healed(cloud: &Cloud) {
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.twin.obs().uploads(MIRROR), [], "nothing is left open");
}

fn assert_arrived(cloud: &Cloud, content: &Content) {
    assert!(cloud.mirrored(KEY).expect("a copy").body == *content, "the content is another");
    assert_eq!(cloud.twin.obs().uploads(MIRROR), [], "nothing is left open");
}

fn mirror(cloud: &Cloud) -> Bucket {
    let account = cloud.twin.huawei_account();
    let config = ClientConfig::new(cloud.twin.obs_url().parse().unwrap(), Dialect::Obs);
    let credentials = Credentials::new(&*account.access_key, &*account.secret_key);
    Client::new(http_client(), config).unwrap().bucket(&MIRROR.parse().unwrap(), credentials.into())
}

/// A server of one file by ranges, that names no checksum: a web server, or Amazon S3.
async fn server(content: Bytes, validator: (&'static str, &'static str)) -> WebServer {
    WebServer::start(move |request| {
        WebReply::file(request, &content)
            .header(validator.0, validator.1)
            .header("x-amz-request-id", "4442587FB7D0A2F9")
    })
    .await
}

#[tokio::test]
async fn a_source_without_a_checksum_is_copied_in_as_many_runs_as_it_takes() {
    let etag = ("etag", "\"0f343b0931126a20f133d67c2b018a3b-4\"");
    let time = ("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT");
    for (s3, validator) in [(true, etag), (false, etag), (false, time)] {
        let (cloud, _) = cloud(Twin::builder()).await;
        let content = film("first", 4);
        let site = server(Bytes::from(content.to_vec()), validator).await;
        let (settings, record) = if s3 {
            let settings = cloud
                .copy_settings()
                .set("AWS_REGION", "eu-west-1")
                .set("AWS_ACCESS_KEY_ID", "id")
                .set("AWS_SECRET_ACCESS_KEY", "hush")
                .set("AWS_ENDPOINT_URL_S3", site.url(""));
            (settings, json!({"provider": "s3", "bucket": "photos", "event": "ObjectCreated:Put"}))
        } else {
            (crate::ingest::private(&cloud), json!({"url": site.url("/a")}))
        };
        let mut record = record;
        (record["v"], record["key"], record["attempts"]) = (json!(1), json!(KEY), json!(1));
        cloud.copy_records().put(Shelf::Failed, KEY, &record);
        let function = function(settings).await;
        for (stuck, there) in [(&[2, 3, 4, 5][..], 1), (&[4][..], 4)] {
            let answer = stuck_at(&cloud, &function, tick(), Service::Obs, stuck).await;
            assert_eq!(answer, Answer::False);
            let record = failure(&cloud);
            assert_eq!(
                (&record["upload"]["parts"], &record["attempts"]),
                (&json!(there), &json!(1)),
                "{record}"
            );
        }
        assert_eq!(function.invoke(tick()).await, Answer::True);
        assert_arrived(&cloud, &content);
        assert_healed(&cloud);
        assert_eq!(
            cloud.done(Service::Obs, "UploadPart"),
            5,
            "what was there is not sent again: {validator:?}"
        );
        assert_eq!(cloud.done(Service::Obs, "InitiateMultipartUpload"), 1);
    }
}

#[tokio::test]
async fn a_destination_that_tells_nothing_of_the_bytes_is_trusted_with_what_was_sent() {
    let config = Twin::builder().obs_crc64(ObsCrc64::Absent).obs_encryption(ObsEncryption::Kms);
    let (cloud, clock) = cloud(config).await;
    cloud.twin.oss().put(SOURCE, KEY, film("first", 2));
    clock.advance(TimeDelta::seconds(5));
    let function = function(cloud.copy_settings()).await;
    let event = event::put([KEY]);
    assert_eq!(stuck_at(&cloud, &function, event, Service::Obs, &[2]).await, Answer::False);
    assert_eq!(failure(&cloud)["upload"]["parts"], 2);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_arrived(&cloud, &film("first", 2));
    assert_healed(&cloud);
    assert_eq!(cloud.done(Service::Obs, "UploadPart"), 3);
}

/// An upload with a record that says nothing of its parts, as versions before this one wrote it, and parts of another film in it.
async fn with_parts_of_another(cloud: &Cloud) {
    let bucket = mirror(cloud);
    let etag = cloud.twin.oss().get(SOURCE, KEY).unwrap().etag;
    let options = PutOptions { metadata: vec![("src-etag".into(), etag.clone())], ..PutOptions::default() };
    let id = bucket.initiate_multipart_upload(KEY, options).await.unwrap();
    let other = film("other", 2);
    for number in 1..=3_u32 {
        let first = u64::from(number - 1) * PART;
        let body = Bytes::from(other.slice(first..(first + PART).min(other.len())).to_vec());
        bucket.upload_part(KEY, &id, number, body, None).await.unwrap();
    }
    let upload = json!({"bucket": MIRROR, "key": KEY, "id": id, "part_size": PART, "etag": etag, "parts": 3});
    let record = json!({
        "v": 1, "key": KEY, "bucket": SOURCE, "event": "ObjectCreated:PutObject", "engine": "copy", "outcome": "failed",
        "class": "transient", "attempts": 1, "upload": upload,
    });
    cloud.copy_records().put(Shelf::Failed, KEY, &record);
}

#[tokio::test]
async fn parts_that_nothing_proves_never_become_the_object() {
    for encryption in [ObsEncryption::Off, ObsEncryption::Kms] {
        for crc64 in [ObsCrc64::Present, ObsCrc64::Absent] {
            let (cloud, clock) = cloud(Twin::builder().obs_crc64(crc64).obs_encryption(encryption)).await;
            // Of the same length.
            cloud.twin.oss().put(SOURCE, KEY, film("first", 2));
            clock.advance(TimeDelta::seconds(5));
            with_parts_of_another(&cloud).await;
            let function = function(cloud.copy_settings()).await;
            assert_eq!(function.invoke(tick()).await, Answer::True);
            assert_arrived(&cloud, &film("first", 2));
            assert_healed(&cloud);
            assert_eq!(cloud.done(Service::Obs, "DeleteObject"), 0, "{encryption:?} {crc64:?}");
        }
    }
}

#[tokio::test]
async fn a_resumed_upload_takes_the_metadata_of_now() {
    let (cloud, clock) = cloud(Twin::builder()).await;
    let headers = |author: &str| ObjectHeaders::default().user("author", author).content_type("video/mp4");
    cloud.twin.oss().put_with(SOURCE, KEY, film("first", 2), headers("alice"));
    clock.advance(TimeDelta::seconds(5));
    let function = function(cloud.copy_settings()).await;
    let answer = stuck_at(&cloud, &function, event::put([KEY]), Service::Obs, &[2]).await;
    assert_eq!(answer, Answer::False);
    // No time and no tag tells of it.
    let expiring = headers("bob").standard("expires", "Fri, 01 Jan 2027 00:00:00 GMT").storage_class("IA");
    cloud.twin.oss().modify(SOURCE, KEY, |object| object.headers = expiring);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_arrived(&cloud, &film("first", 2));
    assert_healed(&cloud);
    let copy = cloud.mirrored(KEY).unwrap().headers;
    assert_eq!(
        (&copy.user["author"], copy.storage_class.as_deref()),
        (&"bob".parse().unwrap(), Some("WARM"))
    );
    assert_eq!(copy.standard.len(), 1);
    assert_eq!(cloud.done(Service::Obs, "InitiateMultipartUpload"), 2);
}

#[tokio::test]
async fn a_copy_within_one_service_is_cut_short_and_gone_on_with() {
    const SIZE: u64 = (1 << 30) + (100 << 20);
    const BACKUP: &str = "backup";
    let (cloud, clock) = cloud(Twin::builder()).await;
    cloud.twin.create_oss_bucket(BACKUP);
    cloud.twin.oss().put_zeros(SOURCE, KEY, SIZE);
    clock.advance(TimeDelta::seconds(5));
    let settings = cloud.copy_settings().unset("HW_AK").unset("HW_SK");
    let settings = settings.set("DEST", format!("oss://{BACKUP}")).set("DEST_ENDPOINT", cloud.twin.oss_url());
    let function = function(settings).await;
    let parts = SIZE.div_ceil(256 << 20);
    for _ in 0..2 {
        let answer = stuck_at(&cloud, &function, event::put([KEY]), Service::Oss, &[2]).await;
        assert_eq!(answer, Answer::False);
    }
    let uploads = cloud.twin.oss().uploads(BACKUP);
    let recorded = failure(&cloud)["upload"]["id"].clone();
    assert!(uploads.iter().any(|(_, id, _)| recorded == **id), "{uploads:?} {recorded}");
    assert_eq!(uploads.len(), 1, "not one for each attempt");
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.twin.oss().get(BACKUP, KEY).unwrap().body.len(), SIZE);
    assert_eq!(cloud.twin.oss().uploads(BACKUP), []);
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.done(Service::Oss, "UploadPartCopy"), parts, "what was there is not copied again");
}

/// A site that does not tell how long its file is, and a record that waits for it.
async fn without_length(cloud: &Cloud, content: &Content) -> WebServer {
    let body = Bytes::from(content.to_vec());
    let site = WebServer::start(move |_| WebReply::whole(&body).chunked()).await;
    let record = json!({"v": 1, "key": KEY, "url": site.url("/a"), "attempts": 1});
    cloud.copy_records().put(Shelf::Failed, KEY, &record);
    site
}

#[tokio::test]
async fn what_cannot_be_gone_on_with_leaves_no_upload_and_says_why() {
    let (cloud, _) = cloud(Twin::builder()).await;
    let content = film("first", 2);
    let _site = without_length(&cloud, &content).await;
    let function = function(crate::ingest::private(&cloud)).await;
    assert_eq!(stuck_at(&cloud, &function, tick(), Service::Obs, &[2]).await, Answer::False);
    assert_eq!(cloud.twin.obs().uploads(MIRROR), []);
    let record = failure(&cloud);
    assert_eq!((&record["class"], &record["upload"]), (&json!("permanent"), &Value::Null), "{record}");
    let message = record["error"]["message"].as_str().unwrap();
    for said in ["in one go", "does not report its length", "the copy cannot be resumed"] {
        assert!(message.contains(said), "{message}");
    }
    // Where it fits, it is done.
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_arrived(&cloud, &content);
    assert_healed(&cloud);
}

#[tokio::test]
async fn an_upload_that_cannot_be_removed_either_is_recorded_until_it_is() {
    let (cloud, _) = cloud(Twin::builder()).await;
    let content = film("first", 2);
    let _site = without_length(&cloud, &content).await;
    let function = function(crate::ingest::private(&cloud)).await;
    let busy = FaultResponse::error(503, "ServiceUnavailable", "busy");
    let busy = Fault::respond(Service::Obs, busy).method("DELETE").path_contains("uploadId=");
    let busy = cloud.twin.faults().inject(busy);
    assert_eq!(stuck_at(&cloud, &function, tick(), Service::Obs, &[2]).await, Answer::False);
    let [(_, id, _)] = cloud.twin.obs().uploads(MIRROR).try_into().expect("one open upload");
    assert_eq!(failure(&cloud)["upload"]["id"], id);
    // Nothing new is begun as long as the old one is there.
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let uploads = cloud.twin.obs().uploads(MIRROR);
    assert_eq!(uploads.iter().map(|(_, id, _)| id).collect::<Vec<_>>(), [&id]);
    assert_eq!(failure(&cloud)["upload"]["id"], id);
    cloud.twin.faults().clear(busy);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_arrived(&cloud, &content);
    assert_healed(&cloud);
}
