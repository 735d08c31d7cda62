//! Commands that have a result and fail all the same: `--json` has both, and people are told what to do.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::SOURCE;
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Cloud, Finished, OmsBridge, Settings, Shelf};
use serde_json::{Value, json};

use crate::lifecycle::Nowhere;
use crate::translated::assert_translated;

pub(crate) async fn run(arguments: &[&str], settings: &Settings) -> Finished {
    let finished = OmsBridge::new(arguments.iter().copied()).settings(settings.clone()).run().await;
    assert_translated(&finished.stderr);
    finished
}

/// The failure of a run with `--json`, which has `member` of the result, too, and says the same on stderr.
pub(crate) fn assert_fails(finished: &Finished, code: i32, kind: &str, member: &str, said: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let result = finished.json();
    let error = &result["error"];
    assert_eq!((&error["exit"], &error["kind"]), (&json!(code), &json!(kind)), "{result}");
    assert!(result.get(member).is_some(), "{member}: {result}");
    for said in said {
        let told = |text: &Value| text.as_str().is_some_and(|text| text.contains(said));
        assert!(["message", "setting", "remedy"].iter().any(|name| told(&error[name])), "{said}: {result}");
    }
    for member in ["message", "remedy"] {
        let text = error[member].as_str().unwrap();
        assert!(finished.stderr.contains(text) || member == "message", "{text}: {finished:?}");
    }
}

fn wrong(cloud: &Cloud) -> Settings {
    cloud.settings().set("HW_SK", "hush-wrong")
}

/// A `SYNC_URL` with the id of a task that does not exist.
fn wrong_task(cloud: &Cloud) -> String {
    cloud.twin.sync_url(&cloud.task).replace(&cloud.task.sync_task_id, "00000000-no-such-task")
}

pub(crate) fn denied(service: Service) -> Fault {
    Fault::respond(service, FaultResponse::error(403, "AccessDenied", "no"))
}

#[tokio::test]
async fn of_send() {
    let cloud = Cloud::start().await;
    let finished = run(&["send", "k", "--json"], &wrong(&cloud)).await;
    let said = [
        "OMS refuses the credentials: 401 APIGW.0301",
        "HW_SK",
        "check HW_SK: it does not fit the access key in HW_AK",
    ];
    assert_fails(&finished, 4, "credentials", "accepted", &said);
    assert!(!format!("{finished:?}").contains("hush"), "{finished:?}");

    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let finished = run(&["send", "k", "--json"], &cloud.settings()).await;
    let said = ["OMS refuses every key: a right is missing: 403", "allow oms:synctask:createEvent in IAM"];
    assert_fails(&finished, 2, "permission", "accepted", &said);
    cloud.twin.faults().clear_all();

    // Some keys failed: no failure of the command.
    let refused = FaultResponse::error(400, "OMS.0064", "Invalid request parameters.");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, refused));
    let finished = run(&["send", "k", "--json"], &cloud.settings()).await;
    assert_eq!((finished.code, finished.json().get("error")), (Some(3), None), "{finished:?}");

    let foreign =
        OmsBridge::new(["send", "-", "--json"]).settings(cloud.settings()).input(b"\xff\xfea\0\n\0");
    assert_fails(&foreign.run().await, 2, "configuration", "keys", &["KEY", "is UTF-16", "save it as UTF-8"]);
}

#[tokio::test]
async fn of_replay() {
    let cloud = Cloud::start().await;
    cloud.records().put(Shelf::Failed, "k", &json!({"key": "k", "bucket": SOURCE, "attempts": 1}));
    let finished = run(&["replay", "--json"], &wrong(&cloud)).await;
    let said = ["OMS refuses the credentials", "HW_AK", "; the rest waits for the next replay"];
    assert_fails(&finished, 4, "credentials", "listed", &said);

    for arguments in [&["replay", "--json"][..], &["replay", "--json", "--dry-run"]] {
        let fault = cloud.twin.faults().inject(denied(Service::Oss).path_contains("list-type"));
        let said = ["lack a right", "allow oss:ListObjects on acs:oss:*:*:logs in RAM"];
        assert_fails(&run(arguments, &cloud.settings()).await, 2, "permission", "listed", &said);
        cloud.twin.faults().clear(fault);
    }
}

#[tokio::test]
async fn of_status_explain_and_doctor() {
    let cloud = Cloud::start().await;
    let said = ["OMS refuses the credentials: 401 APIGW.0301", "check HW_SK: it does not fit the access key"];
    assert_fails(&run(&["status", "--json"], &wrong(&cloud)).await, 4, "credentials", "failed", &said);

    let expired = FaultResponse::error(403, "SecurityTokenExpired", "expired");
    let fault = cloud.twin.faults().inject(Fault::respond(Service::Obs, expired));
    let finished = run(&["explain", "k", "--json"], &cloud.copy_settings()).await;
    assert_fails(&finished, 4, "credentials", "records", &["SecurityTokenExpired", "oms-bridge doctor"]);
    cloud.twin.faults().clear(fault);

    // The setting is named wherever it is the reason.
    let finished = run(&["doctor", "--json"], &cloud.settings().set("OSS_REGION", "cn-beijing")).await;
    assert_eq!(finished.json()["error"]["exit"], 2, "{finished:?}");
    assert_eq!(finished.json()["error"]["remedy"], "set OSS_REGION to the region of bucket logs");
    let of_region = |finding: &&Value| finding["what"].as_str().unwrap().contains("Invalid signing region");
    let result = finished.json();
    let findings: Vec<&Value> = result["findings"].as_array().unwrap().iter().filter(of_region).collect();
    assert!(!findings.is_empty(), "{result}");
    for finding in findings {
        assert_eq!(finding["remedy"], "set OSS_REGION to the region of bucket logs", "{finding}");
    }
    assert!(run(&["doctor", "--json"], &cloud.settings()).await.json().get("error").is_none());
}

#[tokio::test]
async fn of_consume() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|request| match &*request.action {
        "ReceiveMessage" => SqsReply::Failed(403, "com.amazonaws.sqs#AccessDeniedException"),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let finished = run(&["consume", "--drain", "--json"], &cloud.settings().and(sqs.settings())).await;
    assert_fails(&finished, 2, "permission", "received", &["sqs:ReceiveMessage", "in IAM"]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_sent_and_nothing_of_what_was_not() {
    let cloud = Cloud::start().await;
    cloud.records().put(Shelf::Failed, "k", &json!({"key": "k", "bucket": SOURCE, "attempts": 1}));
    let finished = run(&["replay", "--dry-run"], &cloud.settings()).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(0), "k\n"), "{finished:?}");
    assert!(finished.stderr.ends_with("1 key would be sent\n"), "{finished:?}");
    let finished = run(&["replay", "--dry-run", "--prefix", "z", "--class", "auth"], &cloud.settings()).await;
    assert!(finished.stderr.ends_with("0 keys would be sent\n"), "{finished:?}");
    let finished = run(&["replay", "--dry-run", "--class", "auth"], &cloud.settings()).await;
    let said = "0 keys would be sent\nof 1 record: 0 already done, 0 failed, 1 skipped\nskipped: 1 left out by --class\n";
    assert!(finished.stderr.ends_with(said), "{finished:?}");
}

#[tokio::test]
async fn what_is_not_set_is_named_and_nothing_else() {
    let cloud = Cloud::start().await;
    let (dest, endpoint) = (("DEST", "obs://mirror"), ("DEST_ENDPOINT", &*cloud.twin.obs_url()));
    for (set, said) in [
        (&[][..], "not looked at: DEST and DEST_ENDPOINT are not set\n"),
        (&[dest], "not looked at: DEST_ENDPOINT is not set\n"),
        (&[endpoint], "not looked at: DEST is not set\n"),
    ] {
        let settings =
            set.iter().fold(cloud.settings(), |settings, (name, value)| settings.set(name, *value));
        let finished = run(&["explain", "k"], &settings).await;
        assert!(finished.stdout.contains(said), "{said}: {finished:?}");
    }
    let finished = run(&["copy", "--abort-stale"], &Settings::default()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let said = "\n  DST: missing: --abort-stale takes oss://bucket[/prefix] or obs://bucket[/prefix]\n";
    assert!(finished.stderr.contains(said) && !finished.stderr.contains("SRC"), "{finished:?}");
}

#[tokio::test]
async fn a_right_to_look_for_open_uploads_is_named_as_either_vendor_does() {
    let cloud = Cloud::start().await;
    for (service, place, said) in [
        (
            Service::Obs,
            "obs://mirror/",
            "allow obs:bucket:ListBucketMultipartUploads on OBS:*:*:bucket:mirror in IAM",
        ),
        (Service::Oss, "oss://source/", "allow oss:ListMultipartUploads on acs:oss:*:*:source in RAM"),
    ] {
        cloud.twin.faults().inject(denied(service).path_contains("uploads"));
        let settings = cloud.copy_settings().unset("DEST");
        let settings = if service == Service::Oss { settings.unset("DEST_ENDPOINT") } else { settings };
        let finished = run(&["copy", "--abort-stale", place, "--json"], &settings).await;
        assert_fails(&finished, 2, "permission", "error", &[said]);
    }
}

/// What concerns all keys is a failure of the command, with its setting, also where the keys are recorded.
#[tokio::test]
async fn of_settings_for_which_every_key_failed() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let copies = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
    let (wrong, nowhere) = (wrong_task(&cloud), Nowhere::new());
    let unreached = format!("cannot connect to {}", nowhere.url().replace("http://", ""));
    let cases = [
        (
            cloud.settings().set("SYNC_URL", wrong),
            2,
            "configuration",
            ["SYNC_URL", "OMS.0054", "copy SYNC_URL"],
        ),
        (
            copies.clone().set("DEST", "obs://nosuch"),
            2,
            "configuration",
            ["DEST", "NoSuchBucket", "correct DEST"],
        ),
        (
            copies.set("DEST_ENDPOINT", nowhere.url()),
            5,
            "out_of_reach",
            ["DEST_ENDPOINT", &unreached, "firewall"],
        ),
    ];
    for (settings, code, kind, said) in cases {
        assert_fails(&run(&["send", "k", "--json"], &settings).await, code, kind, "accepted", &said);
        // The failed record of the key that was sent.
        let finished = run(&["replay", "--json"], &settings).await;
        assert_fails(&finished, code, kind, "listed", &said);
        assert_eq!(finished.json()["failed"], 1, "{finished:?}");
    }
}

/// Only a right that is missing is a note: what cannot work is a failure, also of commands that only look.
#[tokio::test]
async fn of_status_and_explain_where_a_service_does_not_answer() {
    let cloud = Cloud::start().await;
    let (wrong, nowhere) = (wrong_task(&cloud), Nowhere::new());
    let elsewhere = wrong.replace(&cloud.twin.oms_url(), &cloud.twin.oss_url());
    let unreached = wrong.replace(&cloud.twin.oms_url(), &nowhere.url());
    for (url, code, kind, said) in [
        (wrong, 2, "configuration", "OMS has no such task: 404 OMS.0054"),
        (elsewhere, 2, "configuration", "check that SYNC_URL names OMS and no other service"),
        (unreached, 5, "out_of_reach", "check host and port in SYNC_URL"),
    ] {
        let settings = cloud.settings().set("SYNC_URL", url);
        for (command, member) in
            [(&["status", "--json"][..], "failed"), (&["explain", "k", "--json"], "records")]
        {
            assert_fails(&run(command, &settings).await, code, kind, member, &["SYNC_URL", said]);
        }
    }
    let copies = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
    for (settings, code, kind, said) in [
        (copies.clone().set("DEST", "obs://nosuch"), 2, "configuration", ["DEST", "NoSuchBucket"]),
        (
            copies.set("DEST_ENDPOINT", nowhere.url()),
            5,
            "out_of_reach",
            ["DEST_ENDPOINT", "cannot connect to"],
        ),
    ] {
        assert_fails(&run(&["explain", "k", "--json"], &settings).await, code, kind, "records", &said);
    }
}

/// OMS has the key, so nothing is lost.
#[tokio::test]
async fn of_send_where_the_log_bucket_does_not_exist() {
    let cloud = Cloud::start().await;
    let finished = run(&["send", "k"], &cloud.settings().set("LOG_BUCKET", "nosuchb")).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished
            .stderr
            .contains("LOG_BUCKET: 1 key accepted without a success record, which is harmless: put "),
        "{finished:?}"
    );
    assert!(finished.stderr.contains("  do: create the bucket, correct LOG_BUCKET, or set"), "{finished:?}");
}

#[tokio::test]
async fn of_doctor_where_the_task_has_other_buckets() {
    let cloud = Cloud::start().await;
    let finished = run(&["doctor", "--json"], &cloud.settings().set("SOURCE_BUCKET", "nosuch")).await;
    let result = finished.json();
    let error = &result["error"];
    assert_eq!((finished.code, &error["kind"]), (Some(2), &json!("configuration")), "{finished:?}");
    assert_eq!(error["message"], "SOURCE_BUCKET: nosuch is not source, the bucket of the task");
    assert!(
        error["remedy"].as_str().unwrap().starts_with("set SOURCE_BUCKET to source, or SYNC_URL"),
        "{error}"
    );
    let elsewhere = cloud.oms_then_copy_settings().set("DEST", "obs://logs");
    let finished = run(&["doctor", "--json"], &elsewhere).await;
    assert!(finished.stdout.contains("logs is not mirror, the bucket of the task"), "{finished:?}");
    let finished =
        run(&["doctor", "--json"], &cloud.oms_then_copy_settings().set("SOURCE_BUCKET", SOURCE)).await;
    assert_eq!(finished.json()["problems"], 0, "{finished:?}");
}

/// Skipped keys come with the reason, for people and in `--json`.
#[tokio::test]
async fn of_what_is_skipped() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("INCLUDE", "*.jpg");
    let finished = run(&["send", "a.jpg", "a.jpg", "b.txt", "c.txt"], &settings).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains(" 3 skipped, in "), "{finished:?}");
    let said = "skipped: 1 named more than once\nskipped: 2 left out by INCLUDE or EXCLUDE";
    assert!(finished.stdout.contains(said), "{finished:?}");
    let finished = run(&["send", "a.jpg", "b.txt", "--json"], &settings).await;
    assert_eq!(finished.json()["skipped_for"], json!({"filter": 1}), "{finished:?}");
    let finished = run(&["send", "a.jpg", "--json"], &settings).await;
    assert_eq!(finished.json().get("skipped_for"), None, "{finished:?}");

    let record = json!({"key": "k", "bucket": SOURCE, "attempts": 1, "class": "transient"});
    cloud.records().put(Shelf::Failed, "k", &record);
    let asked = ["replay", "--since", "0s", "--class", "auth"];
    let finished = run(&asked, &cloud.settings()).await;
    assert!(finished.stdout.contains("\nskipped: 1 left out by --class, --since"), "{finished:?}");
    let finished = run(&[&asked[..], &["--json"]].concat(), &cloud.settings()).await;
    assert_eq!(finished.json()["skipped_for"], json!({"filter": 1}), "{finished:?}");
}

#[tokio::test]
async fn of_a_key_that_is_empty() {
    let cloud = Cloud::start().await;
    for command in [&["send", "--json", "a", ""][..], &["explain", "--json", ""]] {
        let finished = run(command, &cloud.settings()).await;
        assert_fails(&finished, 2, "configuration", "error", &["KEY", "a variable may be unset"]);
        assert_eq!(finished.json().get("accepted"), None, "{finished:?}");
    }
}

/// A key that somebody else's wrong secret has locked has one remedy, whichever command is refused.
#[tokio::test]
async fn of_an_access_key_that_is_locked() {
    let cloud = Cloud::start().await;
    let locked = FaultResponse::error(401, "APIGW.0301", "Verify failed: failed to reach the limit of 5.");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, locked));
    let remedy = "check HW_SK here first; if it is right, find out who uses HW_AK with a wrong HW_SK and stop that; then wait five minutes";
    for (command, member) in [
        (&["send", "k", "--json"][..], "accepted"),
        (&["status", "--json"], "failed"),
        (&["explain", "k", "--json"], "records"),
    ] {
        assert_fails(&run(command, &cloud.settings()).await, 4, "credentials", member, &["HW_AK", remedy]);
    }
    let finished = run(&["doctor"], &cloud.settings()).await;
    assert!(finished.stdout.contains("wait five minutes"), "{finished:?}");
    cloud.twin.faults().clear_all();

    let locked = FaultResponse::error(403, "TooManyWrongSignature", "locked");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, locked));
    cloud.twin.oss().put(SOURCE, "k", "content");
    let copies = cloud.copy_settings().set("SOURCE_BUCKET", SOURCE);
    for (command, member) in
        [(&["send", "k", "--json"][..], "accepted"), (&["explain", "k", "--json"], "records")]
    {
        assert_fails(&run(command, &copies).await, 4, "credentials", member, &["HW_AK", remedy]);
    }
}

/// The setting is that of the pair that is in use.
#[tokio::test]
async fn of_the_other_names_of_a_key_that_is_refused() {
    let cloud = Cloud::start().await;
    let id = cloud.twin.oss_account().access_key.clone();
    let settings = cloud.settings().without_credentials();
    let settings = settings.set("OSS_ACCESS_KEY_ID", id).set("OSS_ACCESS_KEY_SECRET", "hush-wrong");
    let finished = run(&["status", "--json"], &settings).await;
    let said = "check OSS_ACCESS_KEY_SECRET: it does not fit the access key in OSS_ACCESS_KEY_ID";
    assert_fails(&finished, 4, "credentials", "error", &[said]);
    assert_eq!(finished.json()["error"]["setting"], "OSS_ACCESS_KEY_SECRET");
}

/// What a setting is, is no remedy; one that is wrong is not to be set, but to be corrected.
#[tokio::test]
async fn of_settings_that_are_missing_or_in_each_other_s_place() {
    let cloud = Cloud::start().await;
    let finished = run(&["status", "--json"], &cloud.settings().unset("HW_SK")).await;
    let error = &finished.json()["error"];
    assert_eq!((&error["setting"], &error["remedy"]), (&json!("HW_SK"), &json!("set HW_SK")), "{finished:?}");
    assert_eq!(error["problems"][0]["message"], "missing: Huawei secret key", "{finished:?}");
    let same = cloud.settings().set("SOURCE_BUCKET", "logs");
    let finished = run(&["doctor", "--json"], &same).await;
    assert_eq!(finished.json()["findings"][0]["remedy"], "use another bucket", "{finished:?}");
}
