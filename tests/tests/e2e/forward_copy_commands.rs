//! `send` and `replay` with the copy engine, and secrets on the way.

use cloud_twin::{Account, Fault, FaultResponse, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Answer, Cloud, Finished, Function, Invocation, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

async fn run(arguments: &[&str], settings: Settings) -> Finished {
    OmsBridge::new(arguments.iter().copied()).settings(settings).run().await
}

fn with_source(settings: Settings) -> Settings {
    settings.set("SOURCE_BUCKET", SOURCE)
}

fn put(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, format!("content of {key}"));
    }
}

fn mark(cloud: &Cloud, key: &str) {
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, key), "");
}

fn assert_mirrored(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        assert_eq!(cloud.mirrored(key).expect("a copy").body, format!("content of {key}"));
    }
}

fn counts(finished: &Finished) -> [u64; 3] {
    ["accepted", "failed", "skipped"].map(|name| finished.json()[name].as_u64().unwrap())
}

#[tokio::test]
async fn send_copies_keys_of_the_source_bucket() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a", "b c", "測/x"]);
    let finished = run(&["send", "--json", "a", "b c", "測/x"], with_source(cloud.copy_settings())).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [3, 0, 0]), "{finished:?}");
    assert_mirrored(&cloud, &["a", "b c", "測/x"]);
    let record = cloud.copy_records().get(Shelf::Success, "a").unwrap();
    assert_eq!((&record["engine"], &record["outcome"]), (&json!("copy"), &json!("accepted")));
    assert_eq!(cloud.connections(Service::Oms), 0);
}

#[tokio::test]
async fn send_tells_what_failed_in_its_exit_code_and_a_replay_heals_it() {
    let cloud = Cloud::start().await;
    put(&cloud, &["good", "bad"]);
    let settings = with_source(cloud.copy_settings());
    let down = Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "away"));
    cloud.twin.faults().inject(down.key_contains("bad"));
    let finished = run(&["send", "--json", "good", "bad"], settings.clone()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [1, 1, 0]), "{finished:?}");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["bad"]);
    cloud.twin.faults().clear_all();
    assert_eq!(run(&["replay"], settings.clone()).await.code, Some(0));
    assert_mirrored(&cloud, &["good", "bad"]);

    let refused = run(&["send", "--json", "good"], settings.set("HW_SK", "wrong")).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
}

#[tokio::test]
async fn send_without_a_source_bucket_says_what_to_set_and_does_nothing() {
    let cloud = Cloud::start().await;
    let finished = run(&["send", "a"], cloud.copy_settings()).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
    assert!(finished.stderr.contains("SOURCE_BUCKET: missing"), "{finished:?}");
    assert_eq!((cloud.connections(Service::Oss), cloud.connections(Service::Obs)), (0, 0));
}

#[tokio::test]
async fn what_oms_failed_can_be_copied_instead() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a", "b"]);
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    assert_eq!(Function::on(&cloud).start().await.invoke(event::put(["a", "b"])).await, Answer::False);
    // The settings of the function stay; the command line names another engine.
    let settings = cloud.oms_then_copy_settings().unset("FORWARD_MODE");
    let requests = cloud.oms_requests();
    let finished = run(&["replay", "--engine", "copy", "--json"], settings).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [2, 0, 0]), "{finished:?}");
    assert_mirrored(&cloud, &["a", "b"]);
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.oms_requests()), (0, requests));
    assert_eq!(cloud.record(Shelf::Success, "a").unwrap()["engine"], "copy");
}

#[tokio::test]
async fn empty_markers_are_copied_from_the_source_bucket_that_is_set() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a", "b"]);
    for key in ["a", "b", "gone"] {
        mark(&cloud, key);
    }
    let settings = cloud.oms_then_copy_settings();
    let arguments = ["replay", "--engine", "copy", "--json"];
    let finished = run(&arguments, settings.clone()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [0, 3, 0]), "{finished:?}");
    let record = cloud.record(Shelf::Failed, "a").unwrap();
    assert!(record["error"]["message"].as_str().unwrap().contains("set SOURCE_BUCKET"), "{record}");

    let finished = run(&arguments, with_source(settings)).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [3, 0, 0]), "{finished:?}");
    assert_mirrored(&cloud, &["a", "b"]);
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len()), (0, 3));
    assert_eq!(cloud.record(Shelf::Success, "gone").unwrap()["note"], "the source is gone, nothing to copy");
}

#[tokio::test]
async fn replay_knows_the_bucket_of_each_record() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("another");
    cloud.twin.oss().put("another", "k", "from another bucket");
    let record =
        json!({"v": 1, "key": "k", "bucket": "another", "event": "ObjectCreated:PutObject", "attempts": 1});
    cloud.copy_records().put(Shelf::Failed, "k", &record);
    let finished = run(&["replay", "--json"], with_source(cloud.copy_settings())).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.mirrored("k").unwrap().body, "from another bucket");
}

#[tokio::test]
async fn refusals_of_everything_end_a_replay_and_one_refusal_does_not() {
    let cloud = Cloud::start().await;
    let keys = event::keys("k", 300);
    for key in &keys {
        put(&cloud, &[key]);
        cloud.copy_records().put(Shelf::Failed, key, &json!({"key": key, "bucket": SOURCE, "attempts": 1}));
    }
    let denied = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let one = cloud.twin.faults().inject(denied.clone().key_contains("k-7"));
    cloud.twin.faults().inject(denied.key_contains("k-1"));
    let finished = run(&["replay", "--json", "--prefix", "k-29"], cloud.copy_settings()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [11, 0, 0]), "{finished:?}");
    let finished = run(&["replay", "--json", "--prefix", "k-7"], cloud.copy_settings()).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [0, 11, 0]), "{finished:?}");
    cloud.twin.faults().clear(one);
    let finished = run(&["replay", "--json", "--prefix", "k-1"], cloud.copy_settings()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for said in [
        "error: a right is missing: ",
        "in bucket mirror: 403",
        "allow obs:object:GetObject on OBS:*:*:object:mirror/* in IAM",
    ] {
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
}

fn accounts() -> (Account, Account, Account) {
    (
        Account::permanent("LTAIpermanent", "permanent-oss-secret"),
        Account::temporary("STS.temporary", "temporary-oss-secret", "temporary-oss-token"),
        Account::temporary("TEMPORARYHUAWEIKEY01", "huawei-secret-key", "huawei-security-token"),
    )
}

const SECRETS: [&str; 9] = [
    "permanent-oss-secret",
    "temporary-oss-secret",
    "temporary-oss-token",
    "huawei-secret-key",
    "huawei-security-token",
    "wrong-secret",
    "OSS4-HMAC-SHA256 Credential",
    "Signature=",
    "OBS TEMPORARYHUAWEIKEY01:",
];

fn assert_hides(place: &str, text: &str) {
    for secret in SECRETS {
        if let Some(line) = text.lines().find(|line| line.contains(secret)) {
            panic!("{place} shows {secret:?}: {line}");
        }
    }
}

#[tokio::test]
async fn no_secret_shows_in_logs_records_or_answers_whatever_goes_wrong() {
    let (permanent, temporary, huawei) = accounts();
    let twin = Twin::builder().oss_accounts([permanent, temporary]).huawei_accounts([huawei.clone()]);
    let cloud = Cloud::with(twin).await;
    let own = cloud.copy_settings().unset("HW_AK").unset("HW_SK").unset("HW_SECURITY_TOKEN");
    let own = own.set("DEST_AK", &huawei.access_key).set("DEST_SECURITY_TOKEN", "huawei-security-token");
    for (number, (secret, format)) in
        [(&*huawei.secret_key, "json"), (&*huawei.secret_key, "text"), ("wrong-secret", "json")]
            .into_iter()
            .enumerate()
    {
        let settings = own.clone().set("DEST_SK", secret).set("RUST_LOG", "trace");
        let function = Function::with(settings.clone()).set("LOG_FORMAT", format).start().await;
        let refused = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
        let large = format!("{number}-large");
        cloud.twin.oss().put_zeros(SOURCE, &large, (16 << 20) + 1);
        for (step, fault) in [None, Some(refused)].into_iter().enumerate() {
            let key = format!("{number}-{step}");
            put(&cloud, &[&key]);
            let fault = fault.map(|fault| cloud.twin.faults().inject(fault));
            let event =
                Invocation::event(event::put([&key, &large])).credentials(cloud.twin.function_account());
            assert_hides("an answer", &function.send(event).await.body);
            fault.map(|fault| cloud.twin.faults().clear(fault));
        }
        let log = function.log();
        assert!(log.contains("TRACE"), "there is something to look at");
        assert_hides("the log", &log);
        for arguments in [&["send", "0-0"][..], &["replay"]] {
            let finished = run(arguments, with_source(settings.clone())).await;
            assert_hides("standard error", &finished.stderr);
            assert_hides("standard output", &finished.stdout);
        }
    }
    assert!(cloud.twin.obs().len(MIRROR) > 0);
    let records = cloud.twin.oss().keys(LOGS);
    assert!(records.iter().any(|name| name.contains("failed_object")), "{records:?}");
    for name in records {
        let record: Value = serde_json::from_slice(&cloud.twin.oss().get(LOGS, &name).unwrap().body).unwrap();
        assert_hides(&name, &record.to_string());
    }
}
