//! `consume` while nothing can be settled, with credentials that end, and with a wrong clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use cloud_twin::{Account, Fault, FaultId, FaultResponse, Service, Twin};
use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply, SqsRequest};
use e2e::web::{WebReply, WebServer};
use e2e::{Cloud, OmsBridge, Settings, Shelf};
use serde_json::json;

/// Neither OMS nor the log bucket takes anything, without tries that a test would wait for.
///
/// Gives the fault that meets a look at the log bucket.
fn nothing_is_taken(cloud: &Cloud) -> FaultId {
    let refused = FaultResponse::error(400, "OMS.0064", "as the test says");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, refused));
    let denied = FaultResponse::error(403, "AccessDenied", "as the test says");
    let denied = Fault::respond(Service::Oss, denied).method("PUT");
    let looks = cloud.twin.faults().inject(denied.clone().key_contains("doctor_probe/consume"));
    cloud.twin.faults().inject(denied);
    looks
}

/// The entries of all requests that hide messages, but those that extend the visibility of what is worked on.
fn hidden(sqs: &Sqs) -> Vec<u64> {
    let requests = sqs.requests("ChangeMessageVisibilityBatch");
    let entries = requests.iter().flat_map(|request| request.body["Entries"].as_array().unwrap());
    entries.map(|entry| entry["VisibilityTimeout"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn while_nothing_can_be_settled_no_message_is_received() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", number) => {
            let ids: Vec<_> = (0..10).map(|index| format!("m-{number}-{index}")).collect();
            let messages: Vec<_> = ids.iter().map(|id| (&**id, &**id, &**id)).collect();
            SqsReply::Done(Sqs::messages(&messages))
        }
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let looks = nothing_is_taken(&cloud);
    let mut worker = Process::spawn(
        &["consume", "--concurrency", "10"].map(str::to_owned),
        &cloud.settings().and(sqs.settings()),
    );
    worker.line(|line| line.contains("neither the engine nor the log bucket").then_some(())).await;
    cloud.until(|twin| twin.faults().hits(looks) >= 1).await;
    assert_eq!(sqs.requests("ReceiveMessage").len(), 1);
    assert_eq!(sqs.requests("DeleteMessageBatch").len(), 0);
    let hidden = hidden(&sqs);
    assert!(hidden.len() == 10 && hidden.iter().all(|seconds| (35..=50).contains(seconds)), "{hidden:?}");
    // OMS stays away: what fails there is in the journal then.
    cloud.twin.faults().clear_all();
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::error(400, "OMS.0064", "no")));
    sqs.asked("DeleteMessageBatch", 2).await;
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
    assert!(cloud.recorded(Shelf::Failed).len() >= 10);
}

#[tokio::test]
async fn a_message_that_comes_back_is_hidden_longer_each_time() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", 0) => {
            let mut messages = Sqs::messages(&[("1", "1", "a"), ("3", "3", "b"), ("9", "9", "c")]);
            for message in messages["Messages"].as_array_mut().unwrap() {
                message["Attributes"]["ApproximateReceiveCount"] = message["MessageId"].clone();
            }
            SqsReply::Done(messages)
        }
        ("ReceiveMessage", _) => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    nothing_is_taken(&cloud);
    let finished = OmsBridge::new(["consume", "--drain", "--json"])
        .settings(cloud.settings().and(sqs.settings()))
        .run()
        .await;
    assert_eq!((finished.code, &finished.json()["released"]), (Some(3), &json!(3)), "{finished:?}");
    let mut hidden = hidden(&sqs);
    hidden.sort_unstable();
    let [first, third, ninth] = hidden[..] else { panic!("{hidden:?}") };
    // Each time with the 20 seconds of a poll that may still be waiting.
    assert!((35..=50).contains(&first), "{hidden:?}");
    assert!((260..=500).contains(&third), "{hidden:?}");
    assert!((1820..=3620).contains(&ninth), "{hidden:?}");
}

/// A service that gives numbered credentials, each for an hour from `now` on.
async fn role(ahead: TimeDelta) -> (WebServer, Arc<AtomicUsize>) {
    let given = Arc::<AtomicUsize>::default();
    let number = Arc::clone(&given);
    let server = WebServer::start(move |_| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let end = Utc::now() + ahead + TimeDelta::hours(1);
        let credentials = json!({
            "AccessKeyId": format!("AKID{number}"), "SecretAccessKey": "made-up-secret", "Token": "made-up-token",
            "Expiration": end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        });
        WebReply::whole(&Bytes::from(credentials.to_string()))
    })
    .await;
    (server, given)
}

fn of_role(role: &WebServer) -> Settings {
    Settings::default().set("AWS_CONTAINER_CREDENTIALS_FULL_URI", role.url("/role"))
}

fn without_keys(settings: Settings) -> Settings {
    settings.unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY")
}

#[tokio::test]
async fn credentials_of_the_log_bucket_that_end_are_renewed() {
    let account = Account::temporary("STS.role", "secret-of-the-role", "token-of-the-role");
    let cloud = Cloud::with(Twin::builder().oss_accounts([account.clone()])).await;
    let of_account = json!({
        "Code": "Success", "AccessKeyId": account.access_key, "AccessKeySecret": account.secret_key,
        "SecurityToken": account.security_token,
    });
    let role = WebServer::start(move |_| {
        let mut given = of_account.clone();
        given["Expiration"] = json!((Utc::now() + TimeDelta::seconds(3)).to_rfc3339());
        WebReply::whole(&Bytes::from(given.to_string()))
    })
    .await;
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", 0) => SqsReply::Done(Sqs::messages(&[("0", "0", "early")])),
        // Half of their life is over by then.
        ("ReceiveMessage", 1) => {
            SqsReply::After(Duration::from_secs(2), Sqs::messages(&[("1", "1", "late")]))
        }
        ("ReceiveMessage", _) => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let settings = cloud.settings().without_credentials().and(sqs.settings());
    let finished = OmsBridge::new(["consume", "--drain", "--concurrency", "1"])
        .settings(settings.set("ALIBABA_CLOUD_CREDENTIALS_URI", role.url("/")))
        .run()
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut recorded = cloud.recorded(Shelf::Success);
    recorded.sort_unstable();
    assert_eq!(recorded, ["early", "late"]);
    assert_eq!(role.requests().len(), 2);
    assert!(!finished.stderr.contains("WARN"), "{finished:?}");
}

/// Refuses all but one access key.
fn only(key: &'static str) -> impl Fn(&SqsRequest) -> SqsReply + Send + Sync {
    move |request| match &*request.action {
        _ if request.access_key != key => {
            SqsReply::Failed(403, "com.amazon.coral.service#ExpiredTokenException")
        }
        "ReceiveMessage" => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    }
}

#[tokio::test]
async fn credentials_that_the_queue_does_not_know_any_more_are_renewed() {
    let (role, given) = role(TimeDelta::zero()).await;
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(only("AKID1")).await);
    let settings = cloud.settings().and(without_keys(sqs.settings())).and(of_role(&role));
    let finished = OmsBridge::new(["consume", "--drain"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(given.load(Ordering::Relaxed), 2);
    assert!(!finished.stderr.contains("made-up"), "{finished:?}");
}

#[tokio::test]
async fn a_profile_file_that_was_brought_up_to_date_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let profile = |key: &str| {
        format!(
            "[default]\naws_access_key_id = {key}\naws_secret_access_key = made-up-secret\naws_session_token = t\n"
        )
    };
    std::fs::write(&file, profile("AKID0")).unwrap();
    let (path, after) = (file.clone(), profile("AKID1"));
    let inner = only("AKID1");
    let sqs = Sqs::start(move |request| {
        // Its owner is in time, this worker was not told.
        if request.access_key == "AKID0" {
            let new = path.with_extension("new");
            std::fs::write(&new, &after).unwrap();
            std::fs::rename(&new, &path).unwrap();
        }
        inner(request)
    })
    .await;
    let cloud = Cloud::start().await;
    let settings = cloud
        .settings()
        .and(without_keys(sqs.settings()))
        .set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .set("AWS_EC2_METADATA_DISABLED", "true");
    let finished =
        OmsBridge::new(["consume", "--drain", "--concurrency", "1"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stderr.contains("AKID"), "{finished:?}");
}

#[tokio::test]
async fn credentials_that_nothing_replaces_end_the_worker_with_the_reason() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(only("another")).await);
    let finished = OmsBridge::new(["consume"]).settings(cloud.settings().and(sqs.settings())).run().await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert_eq!(finished.stderr.matches("ExpiredTokenException").count(), 1, "{finished:?}");
}

#[tokio::test]
async fn a_wrong_clock_ends_no_worker_and_uses_up_no_credentials() {
    for hours in [-30, 30] {
        let ahead = TimeDelta::hours(hours);
        let (role, given) = role(ahead).await;
        let (cloud, sqs) = (Cloud::start().await, Sqs::start(only("AKID0")).await);
        sqs.set_clock_ahead(ahead);
        let settings = cloud.settings().and(without_keys(sqs.settings())).and(of_role(&role));
        let mut worker = Process::spawn(&["consume".to_owned()], &settings);
        sqs.asked("ReceiveMessage", 30).await;
        // Somebody mends the clock.
        sqs.set_clock_ahead(TimeDelta::zero());
        sqs.asked("ReceiveMessage", 60).await;
        worker.signal("TERM").await;
        assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
        assert_eq!(given.load(Ordering::Relaxed), 1, "{}", worker.stderr());
    }
}

/// Settings of a queue at another address than that of `sqs`.
fn at(sqs: &Sqs, origin: &str) -> Settings {
    let queue = format!("{origin}/123456789012/uploads");
    sqs.settings().set("QUEUE_URL", queue).set("AWS_ENDPOINT_URL", origin)
}

#[tokio::test]
async fn where_no_queue_answers_a_drain_ends_and_names_the_setting() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(only("unused")).await);
    let other = WebServer::start(|_| WebReply::refused(400, &Bytes::from_static(b"<html>no queue"))).await;
    for (origin, code) in [("http://127.0.0.1:1".to_owned(), 5), (other.url(""), 2)] {
        let settings = cloud.settings().and(at(&sqs, origin.trim_end_matches('/')));
        let finished = OmsBridge::new(["consume", "--drain", "--json"]).settings(settings).run().await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let error = &finished.json()["error"];
        assert_eq!(error["setting"], "QUEUE_URL", "{finished:?}");
        assert!(error["remedy"].as_str().unwrap().contains("QUEUE_URL"), "{finished:?}");
    }
}

#[tokio::test]
async fn a_worker_whose_queue_is_out_of_reach_names_the_setting_and_goes_on() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(only("unused")).await);
    let settings = cloud.settings().and(at(&sqs, "http://127.0.0.1:1"));
    let mut worker = Process::spawn(&["consume".to_owned()], &settings);
    worker
        .line(|line| (line.contains("gives no messages") && line.contains("QUEUE_URL")).then_some(()))
        .await;
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
}
