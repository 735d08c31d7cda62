//! The setting at fault: named by every command that meets it, wherever along the way it shows.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Cloud, Finished, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

use crate::lifecycle::Nowhere;
use crate::messages_results::{assert_fails, denied, run};

/// A secret of nobody.
const WRONG: &str = "hush-wrong";

/// Settings of copies, of a bucket that has the objects `a` to `e`.
fn copies(cloud: &Cloud) -> Settings {
    for key in ["a", "b", "c", "d", "e"] {
        cloud.twin.oss().put(SOURCE, key, "content");
    }
    cloud.copy_settings().set("SOURCE_BUCKET", SOURCE)
}

/// Failed records of these keys.
fn failed(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        let record = json!({"key": key, "bucket": SOURCE, "attempts": 1, "class": "transient"});
        cloud.records().put(Shelf::Failed, key, &record);
        cloud.copy_records().put(Shelf::Failed, key, &record);
    }
}

fn next(finished: &Finished) -> String {
    let result = finished.json();
    let next = result["next"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
    next.collect::<Vec<_>>().join("\n")
}

/// A queue with one event of `key`.
async fn queue_with(key: &'static str) -> Sqs {
    Sqs::start(move |request| match &*request.action {
        "ReceiveMessage" if request.number == 1 => {
            SqsReply::Done(Sqs::messages(&[("m", "r", &event::put([key]))]))
        }
        "ReceiveMessage" => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await
}

/// A region that does not exist, and a server that is not OMS, in `SYNC_URL`: every command that sends keys
/// reports them as `status` does. While OMS is out of reach the keys are recorded, and nothing is wrong with the
/// settings.
#[tokio::test]
async fn sync_url_of_keys_that_are_sent() {
    let (cloud, nowhere) = (Cloud::start().await, Nowhere::new());
    let right = cloud.twin.sync_url(&cloud.task);
    let at = |origin: &str| right.replace(&cloud.twin.oms_url(), origin);
    for (url, code, kind, said) in [
        (
            at("https://oms.cn-nroth-4.myhuaweicloud.com"),
            2,
            "configuration",
            [
                "no reply from OMS",
                "correct SYNC_URL: no such region: \"cn-nroth-4\": did you mean \"oms.cn-north-4.",
            ],
        ),
        (
            at(&cloud.twin.oss_url()),
            2,
            "configuration",
            ["does not answer as OMS", "check that SYNC_URL names OMS"],
        ),
    ] {
        let (cloud, sqs) = (Cloud::start().await, queue_with("k").await);
        failed(&cloud, &["k"]);
        let settings = cloud.settings().set("SYNC_URL", url);
        let queue = settings.clone().and(sqs.settings());
        let (sent, replayed, consumed) = tokio::join!(
            run(&["send", "k", "--json"], &settings),
            run(&["replay", "--json"], &settings),
            run(&["consume", "--drain", "--wait", "1", "--json"], &queue),
        );
        for (finished, member) in [(sent, "accepted"), (replayed, "listed"), (consumed, "received")] {
            assert_fails(&finished, code, kind, member, &["SYNC_URL", said[0], said[1]]);
            // The replay may find the failures of the others, too.
            assert_eq!(finished.json()["accepted"], 0, "{finished:?}");
        }
    }
    failed(&cloud, &["k"]);
    let settings = cloud.settings().set("SYNC_URL", at(&nowhere.url()));
    let unreached =
        format!("SYNC_URL: no reply from OMS: cannot connect to {}", nowhere.url().replace("http://", ""));
    let (sent, replayed) =
        tokio::join!(run(&["send", "k", "--json"], &settings), run(&["replay", "--json"], &settings));
    for finished in [sent, replayed] {
        assert_eq!((finished.code, finished.json().get("error")), (Some(3), None), "{finished:?}");
        let said = [&*unreached, "\n  do: check host and port in SYNC_URL"];
        assert!(said.iter().all(|said| finished.stderr.contains(said)), "{finished:?}");
    }
}

/// Of several keys that a refused access key holds back, the one that was refused has the reason.
#[tokio::test]
async fn the_secret_of_either_end_of_copies() {
    let cloud = Cloud::start().await;
    let settings = copies(&cloud);
    let of_source = "check ALIBABA_CLOUD_ACCESS_KEY_SECRET: it does not fit the access key in";
    let of_destination = "check HW_SK: it does not fit the access key in HW_AK";
    let both = settings.clone().set("SYNC_URL", cloud.twin.sync_url(&cloud.task));
    for (settings, secret, remedy) in [
        (&settings, "HW_SK", of_destination),
        (&settings, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", of_source),
        (&both.set("FORWARD_MODE", "oms-then-copy"), "HW_SK", of_destination),
    ] {
        let settings = settings.clone().set(secret, WRONG);
        let keys = ["send", "--json", "a", "b", "c", "d", "e"];
        let finished = run(&keys, &settings).await;
        assert_fails(&finished, 4, "credentials", "accepted", &["SignatureDoesNotMatch", secret, remedy]);
        assert!(!format!("{finished:?}").contains("hush"), "{finished:?}");
    }
    // The records are read with the credentials of the source.
    failed(&cloud, &["a", "b", "c"]);
    let finished = run(&["replay", "--json"], &settings.clone().set("HW_SK", WRONG)).await;
    let said = ["SignatureDoesNotMatch", "HW_SK", of_destination, "; the rest waits for the next replay"];
    assert_fails(&finished, 4, "credentials", "listed", &said);

    cloud.twin.faults().inject(denied(Service::Obs));
    let finished = run(&["send", "--json", "a"], &settings).await;
    let said = ["a right is missing: ", "allow obs:object:GetObject on OBS:*:*:object:mirror/* in IAM"];
    assert_fails(&finished, 2, "permission", "accepted", &said);
}

/// The keys are on their way, so the command has not failed; the setting is named, and the number.
#[tokio::test]
async fn of_the_log_bucket_that_takes_no_success_records() {
    let (cloud, nowhere) = (Cloud::start().await, Nowhere::new());
    let settings = cloud.settings();
    for (settings, setting, remedy) in [
        (
            settings.clone().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", WRONG),
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "do: check ALIBABA_CLOUD_ACCESS_KEY_SECRET: it does not fit the access key in",
        ),
        (
            settings.clone().set("OSS_ENDPOINT", nowhere.url()),
            "OSS_ENDPOINT",
            "do: check host and port in OSS_ENDPOINT",
        ),
        (
            settings.clone().set("OSS_REGION", "cn-beijing"),
            "OSS_REGION",
            "do: set OSS_REGION to the region of bucket logs",
        ),
        (
            settings.clone().set("LOG_BUCKET", "nosuchb"),
            "LOG_BUCKET",
            "do: create the bucket, correct LOG_BUCKET",
        ),
    ] {
        let finished = run(&["send", "a", "b", "--json"], &settings).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_eq!(finished.json()["success_records_missing"], 2, "{finished:?}");
        let said = format!("{setting}: 2 keys accepted without a success record, which is harmless: put ");
        assert!(finished.stderr.contains(&said) && finished.stderr.contains(remedy), "{finished:?}");
        assert!(!finished.stderr.contains("hush"), "{finished:?}");
    }
    // A log bucket that may only be read.
    cloud.twin.faults().inject(denied(Service::Oss).method("PUT"));
    let finished = run(&["send", "a"], &settings).await;
    let said = "do: allow oss:PutObject on acs:oss:*:*:logs/* in RAM";
    assert!(finished.code == Some(0) && finished.stderr.contains(said), "{finished:?}");

    // What failed is in no record: it has to be sent again.
    let finished = run(&["send", "a", "--json"], &settings.clone().set("HW_SK", WRONG)).await;
    assert_fails(
        &finished,
        4,
        "credentials",
        "accepted",
        &["HW_SK", "check HW_SK: it does not fit the access key in HW_AK"],
    );
    assert_eq!(finished.json()["unrecorded"], 1, "{finished:?}");
    assert!(
        finished.stderr.contains("and could not be recorded: put ") && finished.stderr.contains(said),
        "{finished:?}"
    );
    let finished = run(&["send", "a"], &settings.set("HW_SK", WRONG)).await;
    assert!(
        finished.stdout.contains("\n1 key failed without a record: send again what failed\n"),
        "{finished:?}"
    );
}

/// What `explain` could not look at is named with the reason and the setting, and nothing is advised as if it
/// had been looked at.
#[tokio::test]
async fn of_a_side_that_explain_cannot_look_at() {
    let cloud = Cloud::start().await;
    cloud.upload("k", "content").await;
    let settings =
        cloud.settings().set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let settings = settings.set("SOURCE_BUCKET", SOURCE);
    assert_eq!(run(&["send", "k"], &settings).await.code, Some(0));
    cloud.until(cloud_twin::Twin::is_idle).await;
    for (name, value, code, side, remedy) in [
        ("SOURCE_BUCKET", "nosuch", 2, "source", "correct SOURCE_BUCKET"),
        ("HW_SK", WRONG, 4, "destination", "check HW_SK: it does not fit the access key in HW_AK"),
        ("DEST", "obs://nosuch", 2, "destination", "correct DEST"),
        (
            "DEST_ENDPOINT",
            &cloud.twin.oss_url(),
            2,
            "destination",
            "DEST_ENDPOINT is one of Huawei Cloud OBS",
        ),
    ] {
        let finished = run(&["explain", "k", "--json"], &settings.clone().set(name, value)).await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let next = next(&finished);
        assert!(
            next.starts_with(&format!("the {side} could not be looked at: head \"k\" in bucket ")),
            "{next}"
        );
        assert!(next.contains(remedy), "{next}");
        assert!(next.contains(&format!("is known once the {side} can be looked at")), "{next}");
        for untold in ["Set DEST", "does not have the current version", "oms-bridge send"] {
            assert!(!next.contains(untold), "{next}");
        }
        assert!(
            finished.json()[side]["remedy"].as_str().is_some_and(|told| told.contains(remedy)),
            "{finished:?}"
        );
    }
    let finished = run(&["explain", "k", "--json"], &settings.clone().unset("DEST")).await;
    assert!(next(&finished).contains("Set DEST to see the destination"), "{finished:?}");
    // Neither record nor setting names the bucket, and OMS cannot be asked.
    let unnamed = settings.unset("SOURCE_BUCKET").unset("DEST").set("HW_SK", WRONG);
    let finished = run(&["explain", "new", "--json"], &unnamed).await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    let next = next(&finished);
    assert!(
        next.contains("check HW_SK: it does not fit the access key in HW_AK")
            && next.contains("or pass --bucket, or set SOURCE_BUCKET"),
        "{next}"
    );
    assert!(!next.contains("oms-bridge send"), "{next}");
    assert_eq!(finished.stderr.matches("oms-bridge doctor").count(), 1, "{finished:?}");
}

/// Three requests of `explain` fail for one reason, and the same one of them is reported in each run.
#[tokio::test]
async fn of_records_that_explain_cannot_read() {
    let cloud = Cloud::start().await;
    for (name, value, code) in [("LOG_BUCKET", "nosuchb", 2), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", WRONG, 4)] {
        let settings = cloud.settings().set(name, value);
        for _ in 0..5 {
            let finished = run(&["explain", "k"], &settings).await;
            assert_eq!(finished.code, Some(code), "{finished:?}");
            let said = format!("error: {name}: get \"oms_source_record/");
            assert!(finished.stderr.starts_with(&said), "{finished:?}");
        }
    }
    // A right that is missing is that of the request that was refused.
    cloud.twin.faults().inject(denied(Service::Oss).path_contains("success_object"));
    let finished = run(&["explain", "k"], &cloud.settings()).await;
    assert!(finished.stderr.contains("do: allow oss:GetObject on acs:oss:*:*:logs/* in RAM"), "{finished:?}");
}

/// An empty list is no failure, as it is none for other tools that read lists; it is said.
#[tokio::test]
async fn of_no_key_at_all() {
    let cloud = Cloud::start().await;
    for input in ["", "\n\r\n"] {
        let finished = OmsBridge::new(["send", "-"]).settings(cloud.settings()).input(input).run().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_eq!(finished.stderr, "nothing to send: no key was given on standard input\n");
        crate::translated::assert_translated(&finished.stderr);
    }
    let finished = OmsBridge::new(["send", "-", "--json"]).settings(cloud.settings()).run().await;
    assert_eq!((finished.code, &finished.json()["keys"]), (Some(0), &json!(0)), "{finished:?}");
    let finished = OmsBridge::new(["send", "-"]).settings(cloud.settings()).input("k\n").run().await;
    assert!(!finished.stderr.contains("nothing to send"), "{finished:?}");
}

/// `QUEUE_URL` alone makes `doctor` look at the queue; the endpoint of its service has an option in `consume`.
#[tokio::test]
async fn of_the_queue() {
    let cloud = Cloud::start().await;
    let finished = run(&["doctor", "--json"], &cloud.settings().set("QUEUE_URL", "foo")).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let result = finished.json();
    let findings: Vec<&Value> = result["findings"].as_array().unwrap().iter().collect();
    let of_queue = |finding: &&&Value| finding["what"] == "QUEUE_URL: \"foo\" is not the URL of a queue";
    let finding = findings.iter().find(of_queue).unwrap_or_else(|| panic!("{result}"));
    assert_eq!(finding["severity"], "problem", "{finding}");
    assert_eq!(finding["remedy"], "the form is https://sqs.<region>.amazonaws.com/<account id>/<queue>");
    assert!(!finished.stderr.contains("WARN"), "{finished:?}");

    let (sqs, nowhere) = (Sqs::start(|request| SqsReply::Done(request.succeeded())).await, Nowhere::new());
    let settings = cloud.settings().and(sqs.settings());
    let endpoint = nowhere.url();
    let consume = ["consume", "--drain", "--json", "--wait", "1", "--endpoint-url", &endpoint];
    let finished = run(&consume, &settings).await;
    let unreached = format!("{endpoint} cannot be reached");
    let said = ["--endpoint-url", "check the host in --endpoint-url and the network", &unreached];
    assert_fails(&finished, 5, "out_of_reach", "received", &said);
    assert!(sqs.requests("ReceiveMessage").is_empty());

    // A worker that waits for its queue would wait for ever. The host has no address.
    let settings = cloud.settings().and(sqs.settings()).unset("AWS_ENDPOINT_URL");
    let settings = settings.set("QUEUE_URL", "https://sqs.us-esat-1.amazonaws.com/123456789012/new");
    let said = ["QUEUE_URL", "no such region: \"us-esat-1\": probably \"us-east-1\" is meant"];
    assert_fails(&run(&["consume", "--json"], &settings).await, 2, "configuration", "error", &said);
}

/// The gateway answers a project that does not exist by a code of its own: it is `SYNC_URL` all the same.
#[tokio::test]
async fn of_a_project_that_does_not_exist() {
    let cloud = Cloud::start().await;
    failed(&cloud, &["k"]);
    cloud.twin.faults().inject(Fault::respond(
        Service::Oms,
        FaultResponse::error(404, "APIGW.0101", "The API does not exist"),
    ));
    for (command, member) in [
        (&["send", "k", "--json"][..], "accepted"),
        (&["replay", "--json"], "listed"),
        (&["status", "--json"], "failed"),
    ] {
        let said = ["SYNC_URL", "OMS has no such task: 404 APIGW.0101", "copy SYNC_URL"];
        assert_fails(&run(command, &cloud.settings()).await, 2, "configuration", member, &said);
    }
    // What a single attempt met is not said to be so every time, and nothing is to be sent before it is mended.
    let finished = run(&["status"], &cloud.settings()).await;
    let said = "after the failure of OMS above is mended: oms-bridge replay";
    assert!(finished.stdout.contains(said), "{finished:?}");
    assert!(
        !finished.stdout.contains("run a replay") && !finished.stdout.contains("every time"),
        "{finished:?}"
    );
    cloud.twin.faults().clear_all();
    let finished = run(&["status"], &cloud.settings()).await;
    assert!(finished.stdout.contains("send it again: oms-bridge replay"), "{finished:?}");
}

/// The record of a host that does not exist speaks of the network; the host shows better.
#[tokio::test]
async fn of_a_host_that_a_record_calls_trouble_of_the_network() {
    let cloud = Cloud::start().await;
    failed(&cloud, &["k"]);
    let finished = run(&["explain", "k", "--json"], &cloud.settings().set("SOURCE_BUCKET", SOURCE)).await;
    assert!(next(&finished).contains("If that is over"), "{finished:?}");
    let wrong = cloud
        .twin
        .sync_url(&cloud.task)
        .replace(&cloud.twin.oms_url(), "https://oms.cn-nroth-4.myhuaweicloud.com");
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE).set("SYNC_URL", wrong);
    let finished = run(&["explain", "k", "--json"], &settings).await;
    let next = next(&finished);
    assert!(next.contains("correct SYNC_URL: no such region: \"cn-nroth-4\""), "{next}");
    assert!(!next.contains("If that is over"), "{next}");
}

/// `doctor` looks at `DEST` where OMS copies, too, and writes nothing there.
#[tokio::test]
async fn of_the_destination_that_oms_writes_to() {
    let cloud = Cloud::start().await;
    let settings =
        cloud.settings().set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let finished = run(&["doctor", "--json"], &settings).await;
    assert_eq!((finished.code, &finished.json()["problems"]), (Some(0), &json!(0)), "{finished:?}");
    assert!(finished.stdout.contains("obs://mirror can be read"), "{finished:?}");
    let id = cloud.twin.huawei_account().access_key.clone();
    for (settings, code, said) in [
        (settings.clone().set("DEST", "obs://nosuch-dst"), 2, "correct DEST"),
        (
            settings.clone().set("DEST", "obs://nosuch-dst"),
            2,
            "nosuch-dst is not mirror, the bucket of the task",
        ),
        (
            settings.set("DEST_AK", id).set("DEST_SK", WRONG),
            4,
            "check DEST_SK: it does not fit the access key in DEST_AK",
        ),
    ] {
        let finished = run(&["doctor", "--json"], &settings).await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert!(finished.stdout.contains(said) && !format!("{finished:?}").contains("hush"), "{finished:?}");
    }
}

/// A region that is mistyped is corrected; a token that is not set is not to be checked; an endpoint of another
/// service is a setting.
#[tokio::test]
async fn of_what_is_at_fault_and_nothing_else() {
    let cloud = Cloud::start().await;
    let finished = run(&["status", "--json"], &cloud.settings().set("OSS_REGION", "cn-hangzou")).await;
    let said = [
        "OSS_REGION",
        "correct OSS_REGION: no such region: \"cn-hangzou\": probably \"cn-hangzhou\" is meant",
    ];
    assert_fails(&finished, 2, "configuration", "error", &said);
    let finished = run(&["doctor"], &cloud.settings().set("HW_SK", WRONG)).await;
    assert!(
        finished.stdout.contains("check HW_SK: it does not fit")
            && finished.stdout.contains("signature fail (request id "),
        "{finished:?}"
    );
    assert!(!finished.stdout.contains("HW_SECURITY_TOKEN"), "{finished:?}");
    let finished = run(&["doctor"], &cloud.settings().set("HW_AK", "HPUAWRONGWRONGWRONG0")).await;
    assert!(finished.stdout.contains("check HW_AK: there is no such access key"), "{finished:?}");
    cloud.twin.oss().put(SOURCE, "k", "content");
    let finished = run(
        &["copy", "-r", "--json", "oss://source/", "obs://mirror/"],
        &cloud.copy_settings().set("DEST_ENDPOINT", cloud.twin.oss_url()),
    )
    .await;
    assert_eq!(finished.json()["error"]["setting"], "DEST_ENDPOINT", "{finished:?}");
}
