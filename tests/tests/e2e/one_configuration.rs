//! One configuration: all commands find endpoints, regions, keys and signatures by the same rules, and name
//! everything that is wrong at once.

use std::collections::BTreeSet;

use chrono::Utc;
use e2e::function::function_compute;
use e2e::process::Process;
use e2e::{Cloud, Finished, Function, OmsBridge, Settings, WebReply, WebServer, event};
use tempfile::TempDir;

/// Runs of all commands that have settings of services. What is in `settings` is wrong, so none of them goes
/// on.
async fn each(settings: &Settings) -> Vec<(&'static str, Finished)> {
    let mut runs = Vec::new();
    for (command, arguments) in [
        ("serve", &["--listen=127.0.0.1:0"][..]),
        ("send", &["key"]),
        ("replay", &[]),
        ("status", &[]),
        ("doctor", &[]),
        ("explain", &["key"]),
        ("copy", &["-r", "oss://photos/", "obs://mirror/"]),
        ("consume", &[]),
        ("desk", &["--listen=127.0.0.1:0"]),
    ] {
        let run = OmsBridge::new([&[command], arguments].concat()).settings(settings.clone());
        runs.push((command, run.run().await));
    }
    runs
}

/// What a command says, each problem on a line of its own.
fn told(command: &str, finished: &Finished) -> String {
    assert_eq!(finished.code, Some(2), "{command}: {finished:?}");
    assert!(!finished.stderr.contains("hush") && !finished.stdout.contains("hush"), "{finished:?}");
    if command == "doctor" {
        return finished.stdout.clone();
    }
    assert_eq!((finished.stderr.matches("error:").count(), &*finished.stdout), (1, ""), "{finished:?}");
    finished.stderr.clone()
}

/// Settings that are good but for what a test sets.
fn copying() -> Settings {
    Settings::default()
        .set("FORWARD_MODE", "copy")
        .set("LOG_BUCKET", "logs")
        .set("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com")
        .set("OSS_ACCESS_KEY_ID", "AK")
        .set("OSS_ACCESS_KEY_SECRET", "hush-secret")
        .set("DEST", "obs://mirror")
        .set("DEST_ENDPOINT", "obs.cn-north-4.myhuaweicloud.com")
        .set("SERVE_TOKEN", "hush-0123456789abcdef")
        .set("DESK_BUCKET", "photos")
        .set("DESK_TOKENS", "eric:hush-0123456789abcdef")
        .set("SOURCE_BUCKET", "photos")
        .set("QUEUE_URL", "http://127.0.0.1:1/123456789012/uploads")
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .set("AWS_SECRET_ACCESS_KEY", "hush-secret")
        .set("AWS_EC2_METADATA_DISABLED", "true")
}

#[tokio::test]
async fn every_command_names_the_same_wrong_settings_in_one_message() {
    let settings = copying()
        .set("OSS_ENDPOINT", "photos.oss-cn-hangzhou.aliyuncs.com")
        .set("OSS_REGION", "杭州")
        .set("OSS_SIGNATURE", "v3")
        .set("DEST_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com")
        .set("DEST_AK", "AK-without-a-secret")
        .set("LOG_FORMAT", "xml");
    for (command, finished) in each(&settings).await {
        let told = told(command, &finished);
        for problem in [
            "OSS_ENDPOINT: \"photos.oss-cn-hangzhou.aliyuncs.com\" has the bucket \"photos\" in it",
            "OSS_REGION: \"杭州\" is no region, which is a name such as \"cn-hangzhou\"",
            "OSS_SIGNATURE: \"v3\" is neither \"v4\" nor \"v1\"",
            "DEST_ENDPOINT: \"oss-cn-hangzhou.aliyuncs.com\" is a host of Alibaba Cloud OSS, and one of Huawei Cloud OBS",
            "DEST_SK: missing, and DEST_AK is set",
            "LOG_FORMAT: \"xml\" is neither \"json\" nor \"text\"",
        ] {
            assert_eq!(told.matches(problem).count(), 1, "{command}: {problem}: {told}");
        }
        for remedy in ["probably \"oss-cn-hangzhou.aliyuncs.com\" is meant", "set both, or neither"] {
            assert!(told.contains(remedy), "{command}: {remedy}: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_named_at_once_with_what_it_is() {
    let settings = copying().unset("OSS_ENDPOINT").unset("DEST_ENDPOINT").unset("OSS_ACCESS_KEY_SECRET");
    for (command, finished) in each(&settings).await {
        let told = told(command, &finished);
        let endpoint = if command == "copy" { "SOURCE_ENDPOINT: missing" } else { "OSS_ENDPOINT: missing" };
        for problem in [endpoint, "DEST_ENDPOINT: missing", "HW_AK: missing", "HW_SK: missing"] {
            assert!(told.contains(problem), "{command}: {problem}: {told}");
        }
        // A function has those of its role.
        assert_eq!(told.contains("OSS_ACCESS_KEY_SECRET"), command != "serve", "{command}: {told}");
        assert!(told.contains("or DEST_AK and DEST_SK"), "{command}: {told}");
    }
}

const OSS_KEYS: [&str; 2] = ["LTAI5tMadeUpAccessKeyId1", "hush-secret-of-OSS"];
const HUAWEI_KEYS: [&str; 2] = ["MADEUPACCESSKEY00001", "hush-secret-of-Huawei"];

/// A slip, and what is said of it.
type Slip = (&'static str, &'static str, &'static str);

async fn assert_named(settings: Settings, slips: &[Slip], of_copy: &[&str]) {
    let settings = slips.iter().fold(settings, |settings, (name, value, _)| settings.set(name, *value));
    for (command, finished) in each(&settings).await {
        let told = told(command, &finished);
        for (name, _, said) in slips.iter().filter(|(_, _, said)| !said.is_empty()) {
            let only = if name.starts_with("DESK_") { Some("desk") } else { None };
            let only = if *name == "AWS_REGION" { Some("consume") } else { only };
            let has = match only {
                Some(only) => only == command,
                None if command == "copy" => of_copy.contains(name),
                None => true,
            };
            let line = told.lines().find(|line| line.contains(&format!("{name}: ")));
            assert_eq!(line.is_some(), has, "{command}: {name}: {told}");
            // `doctor` has what is to be done on the next lines.
            let where_it_is = if command == "doctor" { Some(&*told) } else { line };
            assert!(where_it_is.is_none_or(|line| !has || line.contains(said)), "{command}: {name}: {told}");
        }
    }
}

#[tokio::test]
async fn what_was_meant_is_recognised_in_every_setting_of_every_command() {
    let slips: [Slip; 14] = [
        ("FORWARD_MODE", "oms-then-copy", ""),
        ("SYNC_URL", "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t", "does not end in"),
        ("OSS_ENDPOINT", "photos.oss-cn-hangzhou.aliyuncs.com", "\"oss-cn-hangzhou.aliyuncs.com\" is meant"),
        (
            "SOURCE_ENDPOINT",
            "https://oss-cn-hangzhou.aliyuncs.com/photos",
            "\"https://oss-cn-hangzhou.aliyuncs.com\" is meant",
        ),
        ("LOG_BUCKET", "https://logs", "\"logs\" is meant"),
        ("SOURCE_BUCKET", "photos.oss-cn-hangzhou.aliyuncs.com", "\"photos\" is meant"),
        ("DEST", "obs:/mirror/a", "\"obs://mirror/a\" is meant"),
        (
            "DEST_ENDPOINT",
            "mirror.obs.cn-north-4.myhuaweicloud.com",
            "\"obs.cn-north-4.myhuaweicloud.com\" is meant",
        ),
        ("HW_AK", HUAWEI_KEYS[1], "HW_AK and HW_SK are swapped"),
        ("HW_SK", HUAWEI_KEYS[0], ""),
        ("INGEST_DOMAINS", "https://cdn.example.com", "\"cdn.example.com\" is meant"),
        ("DESK_BUCKET", "https://photos", "\"photos\" is meant"),
        (
            "DESK_PUBLIC_ENDPOINT",
            "photos.oss-cn-hangzhou.aliyuncs.com",
            "\"oss-cn-hangzhou.aliyuncs.com\" is meant",
        ),
        ("AWS_REGION", "eu-west-1b", "\"eu-west-1\" is meant"),
    ];
    assert_named(copying(), &slips, &["SOURCE_ENDPOINT", "DEST_ENDPOINT", "HW_AK"]).await;
    let slips: [Slip; 13] = [
        ("OSS_ENDPOINT", "obs.cn-north-4.myhuaweicloud.com", "one of Alibaba Cloud OSS is wanted"),
        ("SOURCE_ENDPOINT", "cn-hangzhou", "\"oss-cn-hangzhou.aliyuncs.com\" is meant"),
        ("OSS_REGION", "cn hangzhou", "is no region"),
        ("LOG_BUCKET", "oss://logs/2026", "\"logs\" is meant"),
        ("SOURCE_BUCKET", "obs://photos", "is no bucket of oss://, s3:// or cos://"),
        ("DEST", "obs://mirror", ""),
        ("DEST_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com", "one of Huawei Cloud OBS is wanted"),
        ("DEST_REGION", "北京", "is no region"),
        ("DEST_AK", OSS_KEYS[0], "is an access key of Alibaba Cloud"),
        ("DEST_SK", OSS_KEYS[1], ""),
        ("OSS_ACCESS_KEY_ID", OSS_KEYS[1], "OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET are swapped"),
        ("OSS_ACCESS_KEY_SECRET", OSS_KEYS[0], ""),
        ("DESK_PUBLIC_ENDPOINT", "obs.cn-north-4.myhuaweicloud.com", "one of Alibaba Cloud OSS is wanted"),
    ];
    let of_copy =
        ["SOURCE_ENDPOINT", "OSS_REGION", "DEST_ENDPOINT", "DEST_REGION", "DEST_AK", "OSS_ACCESS_KEY_ID"];
    assert_named(copying(), &slips, &of_copy).await;
}

#[tokio::test]
async fn a_key_and_a_bucket_that_are_named_as_arguments_are_recognised_too() {
    let cloud = Cloud::start().await;
    let named = OmsBridge::new(["explain", "key", "--bucket", "oss://source/"]).settings(cloud.settings());
    assert_eq!(named.run().await.code, Some(0));
    let settings = cloud.settings().set("OSS_SIGNATURE", "v3");
    let wrong = OmsBridge::new(["explain", "oss://other/key", "--bucket", "https://source"]);
    let finished = wrong.settings(settings.clone()).run().await;
    let told = told("explain", &finished);
    for said in
        ["--bucket: bucket name", "\"source\" is meant", "KEY: ", "\"key\" is meant", "OSS_SIGNATURE: "]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let wrong = OmsBridge::new(["replay", "--since", "yesterday", "--until", "1y", "--max-rps", "0"]);
    let finished = wrong.settings(settings).run().await;
    let told = self::told("replay", &finished);
    for said in ["--since: \"yesterday\"", "--until: \"1y\"", "OMS_MAX_RPS: \"0\"", "OSS_SIGNATURE: "] {
        assert!(told.contains(said), "{said}: {told}");
    }
}

/// The regions in the scopes of all signatures that arrived.
fn scopes(proxy: &WebServer) -> BTreeSet<String> {
    let signed = |request: &e2e::WebRequest| {
        let scope = request.header("authorization")?.split_once("Credential=")?.1;
        Some(scope.split('/').nth(2)?.to_owned())
    };
    proxy.requests().iter().filter_map(signed).collect()
}

#[tokio::test]
async fn the_region_that_is_set_signs_the_requests_of_every_command() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "content").unwrap();
    let (file, copied) = (file.to_str().unwrap(), folder.path().join("copied"));
    let copied = copied.to_str().unwrap();
    let runs: [&[&str]; 9] = [
        &["copy", "oss://photos/a", copied],
        &["copy", file, "oss://photos/"],
        &["send", "a"],
        &["replay"],
        &["status"],
        &["doctor"],
        &["explain", "a"],
        &["desk", "--set-cors", "--listen=127.0.0.1:0"],
        &["serve"],
    ];
    for run in runs {
        for (set, function, wanted) in [
            (Some("cn-set"), Some("cn-function"), "cn-set"),
            (Some("oss-cn-set-internal"), None, "cn-set"),
            (None, Some("cn-function"), "cn-function"),
            (None, None, "cn-beijing"),
        ] {
            let proxy = WebServer::start(|_| {
                let date = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                WebReply::new(403).header("date", date).header("x-oss-request-id", "MADEUP")
            })
            .await;
            let settings = cloud
                .settings()
                .unset("OSS_REGION")
                .set("OSS_ENDPOINT", "http://oss-cn-beijing.aliyuncs.com")
                .set("SOURCE_BUCKET", "photos")
                .set("DESK_BUCKET", "photos")
                .set("DESK_TOKENS", "eric:0123456789abcdef")
                .set("DESK_DATABASE", format!("sqlite://{}", folder.path().join("desk.db").display()))
                .set("HTTP_PROXY", proxy.url(""))
                .set("NO_PROXY", "127.0.0.1");
            let given = [("OSS_REGION", set), ("FC_REGION", function)];
            let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let settings = given.fold(settings, |settings, (name, value)| settings.set(name, value));
            if run == ["serve"] {
                let function = Function::with(settings).start().await;
                function.invoke(event::of([event::element("photos", "ObjectCreated:PutObject", "a")])).await;
            } else {
                OmsBridge::new(run.iter().copied()).settings(settings).run().await;
            }
            let found = scopes(&proxy);
            assert_eq!(found.iter().collect::<Vec<_>>(), [wanted], "{run:?} {set:?} {function:?}");
        }
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_with_the_option_that_takes_another() {
    let cloud = Cloud::start().await;
    let taken = cloud.twin.oss_url().replace("http://", "");
    let settings = cloud.settings().set("SERVE_TOKEN", "0123456789abcdef");
    let finished = OmsBridge::new(["serve", "--listen", &taken]).settings(settings).run().await;
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert!(
        finished.stderr.contains(&taken) && finished.stderr.contains("--listen ADDR:PORT"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn trust_in_a_platform_that_is_none_is_told_to_have_no_effect() {
    let cloud = Cloud::start().await;
    let ingest =
        Settings::default().set("INGEST_TOKEN", "0123456789abcdef").set("INGEST_DOMAINS", "a.example");
    for platform in [function_compute(), ingest] {
        let settings = cloud.settings().and(platform);
        let arguments = ["serve", "--trust-platform", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let mut function = Process::spawn(&arguments, &settings);
        let told = "--trust-platform has no effect here";
        function.line(|line| line.contains(told).then_some(())).await;
        function.signal("TERM").await;
        function.wait().await;
    }
    let both = cloud.settings().set("SERVE_TOKEN", "0123456789abcdef");
    let finished = OmsBridge::new(["serve", "--trust-platform"]).settings(both).run().await;
    let told = told("serve", &finished);
    assert!(told.contains("--trust-platform: is given, and SERVE_TOKEN is set: leave out one"), "{told}");
}
