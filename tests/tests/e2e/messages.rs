//! What failures say: the kind by the exit code, host, bucket and setting, and what to do.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Cloud, Finished, OmsBridge, Settings};
use serde_json::json;

use crate::lifecycle::Nowhere;
use crate::translated::assert_translated;

async fn run(arguments: &[&str], settings: Settings) -> Finished {
    let finished = OmsBridge::new(arguments.iter().copied()).settings(settings).run().await;
    assert_translated(&finished.stderr);
    finished
}

/// Everything that a command says.
fn told(finished: &Finished) -> String {
    [&*finished.stdout, &*finished.stderr].concat()
}

fn assert_told(finished: &Finished, code: i32, said: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let told = told(finished);
    for said in said {
        assert!(told.contains(said), "{said}: {finished:?}");
    }
}

/// The commands that need the log bucket, or buckets of OSS, before anything else.
const READERS: [&[&str]; 6] = [
    &["status"],
    &["replay"],
    &["explain", "key"],
    &["doctor"],
    &["copy", "-r", "oss://source/", "obs://mirror/"],
    &["copy", "--abort-stale", "oss://source/"],
];

#[tokio::test]
async fn what_cannot_be_reached_is_five_and_named_with_host_and_port() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let server = nowhere.url().replace("http://", "");
    let settings = cloud.copy_settings().set("OSS_ENDPOINT", nowhere.url());
    for command in READERS {
        // The destination of the last one is what is in the environment.
        let settings = if command.contains(&"--abort-stale") {
            settings.clone().unset("DEST").unset("DEST_ENDPOINT")
        } else {
            settings.clone()
        };
        let finished = run(command, settings).await;
        assert_told(&finished, 5, &[&format!("cannot connect to {server}")]);
        assert_told(&finished, 5, &["OSS_ENDPOINT"]);
    }
    let settings = cloud.copy_settings().set("DEST_ENDPOINT", nowhere.url());
    cloud.twin.oss().put(SOURCE, "a", "content");
    let finished = run(&["copy", "oss://source/a", "obs://mirror/"], settings).await;
    assert_told(&finished, 5, &[&format!("cannot connect to {server}")]);
}

#[tokio::test]
async fn a_region_that_is_no_region_of_the_host_is_two_and_both_are_named() {
    let cloud = Cloud::start().await;
    let settings = cloud.copy_settings().set("OSS_REGION", "cn-beijing");
    for command in READERS {
        let settings = if command.contains(&"--abort-stale") {
            settings.clone().unset("DEST").unset("DEST_ENDPOINT")
        } else {
            settings.clone()
        };
        let finished = run(command, settings).await;
        assert_told(&finished, 2, &["Invalid signing region", "signed for cn-beijing"]);
        assert_told(&finished, 2, &["set OSS_REGION to the region of bucket "]);
    }
}

#[tokio::test]
async fn a_host_of_a_region_that_there_is_not_is_a_slip_and_no_outage() {
    let cloud = Cloud::start().await;
    for (host, said) in [
        (
            "oss-cn-hangzhuo.aliyuncs.com",
            "no such region: \"cn-hangzhuo\": did you mean \"oss-cn-hangzhou.aliyuncs.com\"?",
        ),
        ("oss-mars-central-1.aliyuncs.com", "no such region: \"mars-central-1\""),
    ] {
        for command in ["status", "doctor"] {
            let settings = cloud.settings().set("OSS_ENDPOINT", host);
            assert_told(&run(&[command], settings).await, 2, &["OSS_ENDPOINT", said]);
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_missing_and_a_right_that_is_missing_are_two_and_refused_keys_alone_are_four() {
    let cloud = Cloud::start().await;
    let finished = run(&["status"], cloud.settings().set("LOG_BUCKET", "no-such-bucket")).await;
    assert_told(
        &finished,
        2,
        &["error: LOG_BUCKET: ", "NoSuchBucket", "do: create the bucket, correct LOG_BUCKET"],
    );
    let finished =
        run(&["copy", "-r", "oss://no-such-bucket/", "obs://mirror/"], cloud.copy_settings()).await;
    assert_told(&finished, 2, &["NoSuchBucket"]);

    let denied = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    let fault = cloud.twin.faults().inject(denied.path_contains("list-type"));
    let finished = run(&["status"], cloud.settings()).await;
    assert_told(&finished, 2, &["do: allow oss:ListObjects on acs:oss:*:*:logs in RAM"]);
    assert_told(
        &run(&["replay"], cloud.settings()).await,
        2,
        &["lack a right", "do: allow oss:ListObjects on acs:oss:*:*:logs in RAM"],
    );
    let finished = run(&["copy", "-r", "oss://source/", "obs://mirror/"], cloud.copy_settings()).await;
    assert_told(&finished, 2, &["AccessDenied"]);
    cloud.twin.faults().clear(fault);

    let wrong = cloud.settings().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush-wrong");
    for command in [&["status"][..], &["replay"], &["explain", "key"], &["doctor"]] {
        let finished = run(command, wrong.clone()).await;
        let said = [
            "SignatureDoesNotMatch",
            "check ALIBABA_CLOUD_ACCESS_KEY_SECRET: it does not fit the access key in",
        ];
        assert_told(&finished, 4, &said);
        assert!(!told(&finished).contains("hush"), "{finished:?}");
    }
}

/// Settings that are good for nobody.
fn made_up() -> Settings {
    Settings::default()
        .set("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com")
        .set("OSS_ACCESS_KEY_ID", "LTAI5tMadeUpAccessKeyId1")
        .set("OSS_ACCESS_KEY_SECRET", "hush-secret")
        .set("HW_AK", "MADEUPACCESSKEY00001")
        .set("HW_SK", "hush-secret")
}

#[tokio::test]
async fn an_endpoint_or_a_key_of_another_vendor_is_named_before_anything_is_sent() {
    for (source, destination, name, value, said) in [
        (
            "oss://photos/k",
            "obs://mirror/",
            "SOURCE_ENDPOINT",
            "obs.cn-north-4.myhuaweicloud.com",
            "is a host of Huawei Cloud OBS, and one of Alibaba Cloud OSS is wanted",
        ),
        (
            "oss://photos/k",
            "obs://mirror/",
            "DEST_ENDPOINT",
            "s3.eu-west-1.amazonaws.com",
            "is a host of Amazon S3, and one of Huawei Cloud OBS is wanted",
        ),
        (
            "oss://photos/k",
            "oss://mirror/",
            "DEST_ENDPOINT",
            "obs.cn-north-4.myhuaweicloud.com",
            "is a host of Huawei Cloud OBS, and one of Alibaba Cloud OSS is wanted",
        ),
        (
            "s3://photos/k",
            "oss://mirror/",
            "SOURCE_ENDPOINT",
            "oss-cn-hangzhou.aliyuncs.com",
            "is a host of Alibaba Cloud OSS, and one of Amazon S3 is wanted",
        ),
        (
            "oss://photos/k",
            "oss://mirror/",
            "OSS_ACCESS_KEY_ID",
            "MADEUPACCESSKEY00001",
            "is an access key of Huawei Cloud, and one of Alibaba Cloud is wanted",
        ),
        (
            "oss://photos/k",
            "oss://mirror/",
            "OSS_ACCESS_KEY_ID",
            "AKIAMADEUP0000000001",
            "is an access key of Amazon Web Services, and one of Alibaba Cloud is wanted",
        ),
        (
            "obs://photos/k",
            "obs://mirror/",
            "HW_AK",
            "LTAI5tMadeUpAccessKeyId1",
            "is an access key of Alibaba Cloud, and one of Huawei Cloud is wanted",
        ),
        (
            "oss://photos/k",
            "obs://mirror/",
            "DEST_AK",
            "STS.NTMadeUpAccessKeyId1",
            "is an access key of Alibaba Cloud, and one of Huawei Cloud is wanted",
        ),
    ] {
        let settings = made_up().set("DEST_SK", "hush-secret").set(
            "DEST_AK",
            if destination.starts_with("oss") { "LTAI5tMadeUpAccessKeyId1" } else { "MADEUPACCESSKEY00001" },
        );
        let finished = run(&["copy", source, destination], settings.set(name, value)).await;
        assert_told(&finished, 2, &[&format!("{name}: "), said]);
        assert!(!told(&finished).contains("hush"), "{finished:?}");
    }
}

#[tokio::test]
async fn an_endpoint_of_dest_is_not_taken_for_a_dst_of_the_other_service() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    let copy = ["copy", "oss://source/a", "oss://target/"];
    let said =
        "DEST_ENDPOINT: is the endpoint of DEST, which is obs://, and DST is oss://: give --dest-endpoint";
    assert_told(&run(&copy, cloud.copy_settings()).await, 2, &[said]);
    let endpoint = cloud.twin.oss_url();
    let given = [&copy[..], &["--dest-endpoint", &endpoint, "--dest-region", cloud.twin.region()]].concat();
    let finished = run(&given, cloud.copy_settings()).await;
    assert!(!told(&finished).contains("is the endpoint of DEST"), "{finished:?}");
}

#[tokio::test]
async fn copy_names_what_is_wrong_with_addresses_arguments_and_settings_at_once() {
    let finished = run(&["copy", "oss://Bad_Name/k", "obs:/mirror/a"], Settings::default()).await;
    assert_told(
        &finished,
        2,
        &[
            "\n  SRC: ",
            "\n  DST: ",
            "SOURCE_ENDPOINT: missing",
            "DEST_ENDPOINT: missing",
            "HW_AK: missing",
            "OSS_ACCESS_KEY_ID: missing",
        ],
    );
    let finished = run(&["copy", "-r", "https://example.com/a", "obs://mirror/"], Settings::default()).await;
    assert_told(
        &finished,
        2,
        &["SRC: a web server cannot be listed", "DEST_ENDPOINT: missing", "HW_SK: missing"],
    );
    let finished = run(&["copy", "oss://photos", "obs://mirror/"], Settings::default()).await;
    assert_told(
        &finished,
        2,
        &["use -r for all that is in it", "SOURCE_ENDPOINT: missing", "HW_SK: missing"],
    );
    let finished = run(&["copy", "/", "obs://mirror/"], Settings::default()).await;
    assert_told(&finished, 2, &["is a directory: use -r", "DEST_ENDPOINT: missing"]);
    let finished = run(&["copy", "--abort-stale", "obs://Bad_Name"], Settings::default()).await;
    assert_told(&finished, 2, &["DST: ", "DEST_ENDPOINT: missing", "HW_AK: missing"]);
}

#[tokio::test]
async fn a_run_that_stopped_goes_on_only_where_it_does() {
    let cloud = Cloud::start().await;
    cloud
        .twin
        .faults()
        .inject(Fault::respond(Service::Oss, FaultResponse::oss_unavailable()).path_contains("list-type"));
    for (flags, said) in [
        (&[][..], "; run the same command again"),
        (&["--force"], "; run the same command again"),
        (&["--dry-run"], "; the same command lists all again"),
    ] {
        let copy = [&["copy", "-r", "oss://source/", "obs://mirror/"], flags].concat();
        assert_told(&run(&copy, cloud.copy_settings()).await, 5, &[said]);
    }
}

#[tokio::test]
async fn doctor_warns_of_a_task_that_does_not_compare_checksums() {
    let cloud = Cloud::start().await;
    let task = json!({
        "status": "SYNCHRONIZING", "src_bucket": SOURCE, "dst_bucket": MIRROR, "dst_region": "cn-north-4",
        "consistency_check": "size_last_modified",
    });
    let shown = FaultResponse::error(200, "", "").body(task.to_string());
    cloud.twin.faults().inject(Fault::respond(Service::Oms, shown).method("GET").times(1));
    let finished = run(&["doctor"], cloud.settings()).await;
    assert_told(
        &finished,
        0,
        &[
            "warning  consistency check",
            "compares by size_last_modified, not by crc64",
            "create the task again",
        ],
    );
}

#[tokio::test]
async fn doctor_says_what_status_lacks_and_what_it_writes_to_the_destination() {
    let cloud = Cloud::start().await;
    let forbidden = Fault::respond(Service::Oms, FaultResponse::oms_forbidden()).path_contains("statistics");
    cloud.twin.faults().inject(forbidden);
    let finished = run(&["doctor"], cloud.settings()).await;
    assert_told(&finished, 0, &["warning  OMS statistics", "allow oms:synctask:statistics"]);
    let finished = run(&["doctor", "--json"], cloud.copy_settings()).await;
    assert_told(
        &finished,
        0,
        &["doctor is probing obs://mirror: it writes the object oms_bridge_probe/", "and removes it again"],
    );
    assert_eq!(finished.json()["problems"], 0, "{finished:?}");
    let settings = cloud
        .settings()
        .set("OSS_ENDPOINT", "http://oss-cn-beijing.aliyuncs.com")
        .set("HTTP_PROXY", cloud.twin.oss_url());
    let finished = run(&["doctor"], settings.set("NO_PROXY", "127.0.0.1")).await;
    assert!(
        told(&finished).contains("OSS_REGION is cn-hangzhou, and the host in OSS_ENDPOINT names cn-beijing"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn doctor_looks_at_the_queue_and_the_desk_where_they_are_set() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|request| SqsReply::Done(request.succeeded())).await;
    let folder = tempfile::TempDir::new().unwrap();
    let desk = Settings::default()
        .set("DESK_BUCKET", SOURCE)
        .set("DESK_TOKENS", "eric:0123456789abcdef")
        .set("DESK_DATABASE", format!("sqlite://{}", folder.path().join("desk.db").display()));
    let settings = cloud.settings().and(sqs.settings()).and(desk);
    let finished = run(&["doctor"], settings.clone()).await;
    assert_told(
        &finished,
        2,
        &[
            "messages can be deleted and hidden; sqs:ReceiveMessage was not tried",
            "does not exist yet: the desk creates the file",
            "no rule of source lets pages upload to it",
            "DESK_CALLBACK_URL is not set",
        ],
    );
    assert!(sqs.requests("ReceiveMessage").is_empty() && !folder.path().join("desk.db").exists());
    let settings =
        settings.set("QUEUE_URL", "uploads").set("DESK_DATABASE", "sqlite:///no/such/folder/desk.db");
    let finished = run(&["doctor"], settings.clone()).await;
    assert_told(
        &finished,
        2,
        &[
            "QUEUE_URL: \"uploads\" is not the URL of a queue",
            "there is no folder \"/no/such/folder\"",
            "check DESK_DATABASE",
        ],
    );

    let denied = Sqs::start(|_| SqsReply::Failed(403, "com.amazonaws.sqs#AccessDeniedException")).await;
    let finished = run(&["doctor"], cloud.settings().and(denied.settings())).await;
    assert_told(
        &finished,
        2,
        &["sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes on the queue in IAM"],
    );
}

#[tokio::test]
async fn doctor_and_consume_name_missing_keys_as_all_commands_do() {
    let cloud = Cloud::start().await;
    let said = "OSS_ACCESS_KEY_ID: missing, and so is ALIBABA_CLOUD_ACCESS_KEY_ID: no credentials for OSS";
    let bare = cloud.settings().without_credentials();
    for command in [&["status"][..], &["send", "k"], &["doctor"], &["consume"]] {
        assert_told(&run(command, bare.clone()).await, 2, &[said]);
    }
    let finished = run(
        &["consume"],
        bare.set("QUEUE_URL", "http://127.0.0.1:1/1/q").set("AWS_EC2_METADATA_DISABLED", "true"),
    )
    .await;
    assert_told(&finished, 2, &[said, "AWS_ACCESS_KEY_ID: missing: no credentials for AWS"]);
}
