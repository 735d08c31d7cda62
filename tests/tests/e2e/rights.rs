//! The policies in `deploy/`: each mode does all of its work under its own, and each action in one is needed for some of it.
//!
//! A journey goes through everything that a mode does. Under the whole policy it ends well and nothing is refused; with any action less,
//! the twin refuses a request for that very action, and nothing else.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use cloud_twin::{Account, Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE, http_client};
use e2e::desk::ERIC;
use e2e::rights::{Rights, TARGET, refused, root};
use e2e::{Answer, Cloud, Desk, Finished, Function, OmsBridge, Settings, Shelf, WebReply, WebServer, event};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, PutOptions};
use serde_json::json;

/// More than one part.
const LARGE: u64 = (16 << 20) + 1;

/// Goes through a mode under its policies, and under all but one action of them.
async fn prove<J>(rights: &Rights, journey: impl Fn(Arc<Cloud>) -> J, wanted: impl Fn(&str) -> bool)
where
    J: Future<Output = bool> + Send + 'static,
{
    let cloud = Arc::new(rights.cloud().await);
    let good = journey(Arc::clone(&cloud)).await;
    assert_eq!(cloud.twin.denied(), [], "under the whole policy");
    assert!(good, "under the whole policy: {:?}", cloud.twin.stats().requests);
    for (action, less) in rights.one_less().into_iter().filter(|(action, _)| wanted(action)) {
        let cloud = Arc::new(less.cloud().await);
        // From the first refusal on nobody knows how the journey ends.
        let mut underway = tokio::spawn(journey(Arc::clone(&cloud)));
        tokio::select! {
            () = cloud.twin.wait_until(|twin| !twin.denied().is_empty()) => {}
            _ = &mut underway => {}
        }
        underway.abort();
        assert_eq!(refused(&cloud), [&*action], "nothing needs {action}, or more than that");
    }
}

fn removed(key: &str) -> String {
    event::of([event::element(SOURCE, "ObjectRemoved:DeleteObject", key)])
}

fn tick() -> String {
    tick_of("replay")
}

fn tick_of(action: &str) -> String {
    json!({"triggerName": "t", "payload": json!({"action": action}).to_string()}).to_string()
}

/// A refusal of the next request to a service, for good.
fn refuse_once(cloud: &Cloud, service: Service, method: &str, path: &str) {
    refuse(cloud, service, method, path, 1);
}

fn refuse(cloud: &Cloud, service: Service, method: &str, path: &str, times: u64) {
    let refusal = FaultResponse::error(400, "InvalidArgument", "no");
    cloud
        .twin
        .faults()
        .inject(Fault::respond(service, refusal).method(method).path_contains(path).times(times));
}

#[tokio::test]
async fn the_function_with_oms() {
    // The last one is for what looks at the destination; it has a test of its own.
    let rights =
        Rights::of(&["policy-function.json", "policy-huawei-oms.json", "policy-huawei-obs.json"], false);
    prove(
        &rights,
        |cloud| async move {
            cloud.twin.oss().put(SOURCE, "a.jpg", "a");
            cloud.twin.oss().put(SOURCE, "b.jpg", "b");
            let settings =
                cloud.settings().set("SOURCE_BUCKET", SOURCE).set("DEST", format!("obs://{MIRROR}"));
            let settings = settings.set("DEST_ENDPOINT", cloud.twin.obs_url());
            let function = Function::with(settings).start().await;
            let first = function.invoke(event::put(["a.jpg"])).await;
            refuse_once(&cloud, Service::Oms, "POST", "/events");
            let second = function.invoke(event::put(["b.jpg"])).await;
            // The name of its record does not hold the key: the record has to be read.
            refuse_once(&cloud, Service::Oms, "POST", "/events");
            let long = "l".repeat(1000);
            let third = function.invoke(event::put([&*long])).await;
            let again = function.invoke(tick_of("replay")).await;
            let replayed = cloud.recorded(Shelf::Success) == ["a.jpg", "b.jpg"]
                && cloud.recorded(Shelf::Failed).is_empty()
                && cloud.twin.accepted_count(&long) == 1;
            // Of this one no event came.
            cloud.twin.oss().put(SOURCE, "lost.jpg", "l");
            cloud.twin.oss().modify(SOURCE, "lost.jpg", |object| object.last_modified -= TimeDelta::hours(1));
            let compared = function.invoke(tick_of("reconcile")).await;
            cloud.until(cloud_twin::Twin::is_idle).await;
            let confirmed = function.invoke(tick_of("confirm")).await;
            (first, second, third, again) == (Answer::True, Answer::False, Answer::False, Answer::True)
                && (compared, confirmed) == (Answer::True, Answer::True)
                && replayed
                && cloud.twin.accepted_count("lost.jpg") == 1
        },
        |action| !action.starts_with("obs:"),
    )
    .await;
}

/// A bucket that copies go to, opened by whoever may do everything.
fn destination(cloud: &Cloud, dialect: Dialect) -> Bucket {
    let (url, name, account) = match dialect {
        Dialect::Oss => (cloud.twin.oss_url(), TARGET, cloud.twin.oss_account().clone()),
        Dialect::Obs => (cloud.twin.obs_url(), MIRROR, root()),
    };
    let Account { access_key, secret_key, .. } = account;
    let config = ClientConfig::new(url.parse().unwrap(), dialect).with_region(cloud.twin.region());
    let credentials = Credentials::new(access_key, secret_key);
    Client::new(http_client(), config).unwrap().bucket(&name.parse().unwrap(), credentials.into())
}

/// All that copies in the function do.
async fn copies(cloud: &Cloud, dialect: Dialect, settings: Settings) -> bool {
    let to = destination(cloud, dialect);
    for key in ["large.bin", "left.bin"] {
        cloud.twin.oss().put_zeros(SOURCE, key, LARGE);
    }
    for key in ["a.jpg", "b.jpg"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    // An upload that a run left which was killed, and one that a run recorded, of an older object.
    to.initiate_multipart_upload("large.bin", PutOptions::default()).await.unwrap();
    let id = to.initiate_multipart_upload("left.bin", PutOptions::default()).await.unwrap();
    let upload = json!({"bucket": to.name().as_str(), "key": "left.bin", "id": id, "part_size": 16 << 20,
                        "etag": "of an older one", "parts": 0});
    let record = json!({"v": 1, "key": "left.bin", "bucket": SOURCE, "event": "ObjectCreated:PutObject",
                        "engine": "copy", "outcome": "failed", "class": "transient", "attempts": 1,
                        "error": {"message": "out of time"}, "upload": upload});
    let name = cloud.copy_records().name(Shelf::Failed, "left.bin");
    cloud.twin.oss().put(e2e::cloud::LOGS, &name, record.to_string());

    let function = Function::with(settings.set("PROPAGATE_DELETES", "true")).timeout(60).start().await;
    let service = if dialect == Dialect::Oss { Service::Oss } else { Service::Obs };
    // What the service does not copy by itself is streamed, as between regions.
    if dialect == Dialect::Oss {
        refuse_once(cloud, service, "PUT", &format!("/{}/large.bin", to.name()));
    }
    let first = function.invoke(event::put(["a.jpg", "large.bin"])).await;
    refuse(
        cloud,
        service,
        "PUT",
        &format!("/{}/b.jpg", to.name()),
        if dialect == Dialect::Oss { 2 } else { 1 },
    );
    let second = function.invoke(event::put(["b.jpg"])).await;
    let again = function.invoke(tick()).await;
    cloud.twin.oss().delete(SOURCE, "a.jpg");
    let third = function.invoke(removed("a.jpg")).await;
    let there =
        if dialect == Dialect::Oss { cloud.twin.oss().keys(TARGET) } else { cloud.twin.obs().keys(MIRROR) };
    (first, second, again, third) == (Answer::True, Answer::False, Answer::True, Answer::True)
        && there == ["b.jpg", "large.bin", "left.bin"]
        && cloud.copy_records().keys(Shelf::Failed).is_empty()
}

#[tokio::test]
async fn the_function_that_copies_to_obs() {
    let rights = Rights::of(&["policy-function-copy-obs.json", "policy-huawei-obs.json"], false);
    prove(
        &rights,
        |cloud| async move { copies(&cloud, Dialect::Obs, cloud.copy_settings()).await },
        |_| true,
    )
    .await;
}

#[tokio::test]
async fn the_function_that_copies_to_oss() {
    let rights = Rights::of(&["policy-function-copy-oss.json"], true);
    prove(
        &rights,
        |cloud| async move {
            let settings = cloud.copy_settings().set("DEST", format!("oss://{TARGET}"));
            let settings =
                settings.set("DEST_ENDPOINT", cloud.twin.oss_url()).set("DEST_REGION", cloud.twin.region());
            copies(&cloud, Dialect::Oss, settings.unset("HW_AK").unset("HW_SK")).await
        },
        |_| true,
    )
    .await;
}

async fn command(settings: &Settings, arguments: &[&str]) -> Finished {
    OmsBridge::new(arguments.iter().copied()).settings(settings.clone()).run().await
}

/// Whether an estimate knows how many objects a side holds, which is no failure where it does not.
async fn knows_objects(settings: &Settings, to: &str, side: usize) -> bool {
    let said = command(settings, &["reconcile", "oss://source/", to, "--estimate", "--json"]).await;
    is_good(&said) && said.json()["sides"][side]["holds"]["objects"].is_u64()
}

fn is_good(finished: &Finished) -> bool {
    finished.code == Some(0)
}

#[tokio::test]
async fn the_commands_of_an_operator_where_oms_copies() {
    let rights = Rights::of(&["policy-operator.json", "policy-huawei-operator-oms.json"], false);
    prove(
        &rights,
        |cloud| async move {
            cloud.twin.oss().put(SOURCE, "a.jpg", "a");
            let folder = tempfile::tempdir().unwrap();
            let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
            refuse_once(&cloud, Service::Oms, "POST", "/events");
            let sent = command(&settings, &["send", "a.jpg"]).await;
            let mut good = sent.code == Some(3);
            for arguments in [
                &["doctor"][..],
                &["status"],
                &["explain", "a.jpg"],
                &["replay"],
                &["copy", "-r", "oss://source/", folder.path().to_str().unwrap()],
            ] {
                good &= is_good(&command(&settings, arguments).await);
            }
            good && knows_objects(&settings, folder.path().to_str().unwrap(), 0).await
        },
        |action| !action.starts_with("oms:task:"),
    )
    .await;
}

#[tokio::test]
async fn an_operator_who_has_a_migration_task_copy() {
    let policies =
        ["policy-operator.json", "policy-huawei-operator-oms.json", "policy-huawei-operator-obs.json"];
    prove(
        &Rights::of(&policies, false),
        |cloud| async move {
            cloud.twin.oss().put(SOURCE, "a.jpg", "a");
            let settings = cloud.settings().set("DEST_ENDPOINT", cloud.twin.obs_url());
            let fixed = ["reconcile", "oss://source/", "obs://mirror/", "--fix", "oms-task"];
            is_good(&command(&settings, &fixed).await)
        },
        |action| action.starts_with("oms:task:"),
    )
    .await;
}

#[tokio::test]
async fn the_commands_of_an_operator_at_obs() {
    let rights = Rights::of(&["policy-operator.json", "policy-huawei-operator-obs.json"], false);
    let journey = |cloud: Arc<Cloud>| async move {
        cloud.twin.oss().put(SOURCE, "a.jpg", "a");
        cloud.twin.oss().put_zeros(SOURCE, "large.bin", LARGE);
        let to = destination(&cloud, Dialect::Obs);
        let settings = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
        let mut good = is_good(&command(&settings, &["doctor"]).await);
        good &= is_good(&command(&settings, &["explain", "a.jpg"]).await);
        to.initiate_multipart_upload("stale.bin", PutOptions::default()).await.unwrap();
        let stale = ["copy", "--abort-stale", "obs://mirror/", "--older-than", "0s"];
        good &= is_good(&command(&settings, &stale).await);
        to.initiate_multipart_upload("large.bin", PutOptions::default()).await.unwrap();
        good &= is_good(&command(&settings, &["copy", "-r", "oss://source/", "obs://mirror/"]).await);
        good &= knows_objects(&settings, "obs://mirror/", 1).await;
        good && cloud.twin.obs().keys(MIRROR) == ["a.jpg", "large.bin"]
    };
    prove(&rights, journey, |action| action.starts_with("obs:")).await;
}

#[tokio::test]
async fn the_desk() {
    let rights = Rights::of(&["policy-desk.json", "policy-huawei-oms.json"], false);
    let journey = |cloud: Arc<Cloud>| async move {
        let setup = Desk::on(&cloud).await.argument("--set-cors");
        let setup = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true");
        let desk = setup.start().await;
        let allowed = desk.allow(ERIC, "none.txt", "text/plain", b"none").await;
        desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
        let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
        desk.until_forwarded(ERIC, &stored.id()).await;
        let begun = desk.post(ERIC, "/uploads/multipart", json!({"name": "c.bin", "size": 3})).await;
        let listed = desk.get(ERIC, &format!("/uploads/{}/parts", begun.id())).await.status;
        desk.delete(ERIC, &format!("/uploads/{}", begun.id())).await;
        let link = stored.body["object"]["links"]["download"].as_str().unwrap();
        let opened = http_client().get(link).send().await.unwrap().status();
        // Its first part comes, the second is not given out.
        let site = WebServer::start(|request| match request.header("range") {
            Some(range) if range.starts_with("bytes=0-") => {
                WebReply::file(request, &Bytes::from(vec![0; 9 << 20])).header("etag", "\"v1\"")
            }
            Some(_) => WebReply::new(403),
            None => WebReply::file(request, &Bytes::from(vec![0; 9 << 20])).header("etag", "\"v1\""),
        })
        .await;
        let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/b.bin")})).await;
        desk.until_state(ERIC, &fetching.id(), "failed").await;
        desk.delete(ERIC, &format!("/objects/{}", stored.id())).await;
        cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
        opened == 200 && listed == 200 && cloud.twin.oss().uploads(SOURCE).is_empty()
    };
    prove(&rights, journey, |_| true).await;
}
