//! Input that people make: keys for `send`, `explain`, settings of the function.

use e2e::{Answer, Cloud, Function, OmsBridge, Shelf, event};

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_first_key() {
    let cloud = Cloud::start().await;
    let input = "\u{feff}first\r\nsecond\r\n";
    let finished = OmsBridge::new(["send", "-"]).settings(cloud.settings()).input(input).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Success), ["first", "second"]);
    let foreign =
        OmsBridge::new(["send", "-"]).settings(cloud.settings()).input(b"\xff\xfea\0\n\0").run().await;
    assert_eq!(foreign.code, Some(2), "{foreign:?}");
    assert!(foreign.stderr.contains("UTF-16"), "{foreign:?}");
    assert_eq!(cloud.recorded(Shelf::Success), ["first", "second"]);
}

#[tokio::test]
async fn an_address_is_its_key_or_refused() {
    let cloud = Cloud::start().await;
    let send = |key: &str| OmsBridge::new(["send", key]).settings(cloud.settings());
    let refused = send("oss://photos/a").run().await;
    assert_eq!((refused.code, cloud.oms_requests()), (Some(2), 0), "{refused:?}");
    assert!(refused.stderr.contains("probably \"a\" is meant"), "{refused:?}");
    let known = cloud.settings().set("SOURCE_BUCKET", "oss://source/");
    let mended = OmsBridge::new(["send", "oss://source/a"]).settings(known.clone()).run().await;
    assert_eq!((mended.code, cloud.recorded(Shelf::Success)), (Some(0), vec!["a".to_owned()]), "{mended:?}");
    let other = OmsBridge::new(["send", "oss://other/a"]).settings(known.clone()).run().await;
    assert!(other.code == Some(2) && other.stderr.contains("SOURCE_BUCKET"), "{other:?}");
    assert!(!other.stderr.contains("is meant"), "{other:?}");
    let lines = b"oss://source/b\noss://other/c\n";
    let some = OmsBridge::new(["send", "-", "--json"]).settings(known.clone()).input(lines).run().await;
    assert_eq!(
        (some.code, &some.json()["accepted"], &some.json()["failed"]),
        (Some(3), &1.into(), &1.into())
    );
    assert!(some.stderr.contains("line 2: "), "{some:?}");
    let explained = OmsBridge::new(["explain", "--json", "oss://source/a"]).settings(known).run().await;
    assert_eq!(explained.json()["key"], "a", "{explained:?}");
}

#[tokio::test]
async fn events_of_keys_beyond_ascii_pass_a_filter_as_they_should() {
    let cloud = Cloud::start().await;
    let set = |settings: e2e::Settings| settings.set("INCLUDE", "第?章/*,b.jp{,e}g").set("LOG_FORMAT", "");
    let function = Function::on(&cloud).settings(set).start().await;
    let keys = ["第一章/a.txt", "b.jpg", "第十二章/a.txt"];
    assert_eq!(function.invoke(event::put(keys)).await, Answer::True);
    assert_eq!(cloud.recorded(Shelf::Success), ["b.jpg", "第一章/a.txt"]);
}

#[tokio::test]
async fn settings_are_read_as_they_are_meant() {
    let cloud = Cloud::start().await;
    let region = cloud.twin.region();
    let quoted = |text: String| format!("\"{text}\"\r");
    let settings = cloud
        .settings()
        .set("OSS_REGION", format!("{region}-internal"))
        .set("OSS_ENDPOINT", quoted(cloud.twin.oss_url()))
        .set("SYNC_URL", quoted(cloud.twin.sync_url(&cloud.task).clone() + "/"))
        .set("LOG_BUCKET", "oss://logs/")
        .set("FORWARD_MODE", "ＯＭＳ")
        .set("OMS_BATCH", "１0")
        .set("KEY_ENCODING", "Raw");
    let finished = OmsBridge::new(["send", "a"]).settings(settings).run().await;
    assert_eq!(
        (finished.code, cloud.recorded(Shelf::Success)),
        (Some(0), vec!["a".to_owned()]),
        "{finished:?}"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_meant_are_named_with_what_is_and_without_secrets() {
    let cloud = Cloud::start().await;
    let settings = cloud
        .settings()
        .set("FORWARD_MODE", "oms-then-copy")
        .set("LOG_BUCKET", "https://logs")
        .set("DEST", "obs:/mirror/a")
        .set("SOURCE_BUCKET", "oss://source/photos")
        .set("SOURCE_ENDPOINT", "https://user:hush@oss.example.com")
        .set("DEST_ENDPOINT", "obs.example.com?token=hush")
        .set("OSS_REGION", "杭州")
        .set("INCLUDE", "oss://source/*");
    let finished = OmsBridge::new(["send", "a"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for told in [
        "LOG_BUCKET: bucket name \"https://logs\"",
        "probably \"logs\" is meant",
        "probably \"obs://mirror/a\" is meant",
        "probably \"source\" is meant",
        "SOURCE_ENDPOINT: endpoint \"https://***@oss.example.com\"",
        "DEST_ENDPOINT: endpoint \"obs.example.com?***\"",
        "OSS_REGION: \"杭州\" is no region",
        "INCLUDE: the glob",
    ] {
        assert!(finished.stderr.contains(told), "{told}: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("hush"), "{}", finished.stderr);
}

#[tokio::test]
async fn every_setting_may_be_set_and_empty() {
    let cloud = Cloud::start().await;
    let mut names = Vec::new();
    for command in ["serve", "send", "copy", "consume", "desk", "replay", "status", "doctor", "explain"] {
        let help = OmsBridge::new([command, "--help-all"]).run().await.stdout;
        let found = help.split("[env: ").skip(1).map(|rest| rest.split([']', '=']).next().unwrap().trim());
        names.extend(found.map(str::to_owned));
    }
    assert!(names.iter().any(|name| name == "LOG_FORMAT") && names.len() > 50, "{names:?}");
    let needed = ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET", "OSS_ENDPOINT", "OSS_REGION"];
    for blank in ["", " \r", "''"] {
        let mut settings = cloud.settings();
        for name in names.iter().filter(|name| !needed.contains(&name.as_str())) {
            settings = settings.set(name, blank);
        }
        let finished = OmsBridge::new(["send", "a"]).settings(settings).run().await;
        assert_eq!(finished.code, Some(0), "{blank:?}: {finished:?}");
    }
    for name in needed {
        let finished = OmsBridge::new(["send", "a"]).settings(cloud.settings().set(name, "")).run().await;
        assert_eq!(finished.code, Some(2), "{name}: {finished:?}");
        assert!(finished.stderr.contains(&format!("{name}: missing")), "{finished:?}");
    }
}

#[tokio::test]
async fn limits_of_clients_are_named_with_the_other_settings() {
    let cloud = Cloud::start().await;
    for command in ["serve", "consume", "desk"] {
        let settings = cloud.settings().set("LISTEN_BODY_TIMEOUT", "1m").set("LOG_BUCKET", "");
        let finished = OmsBridge::new([command]).settings(settings).run().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        let other = if command == "desk" { "DESK_" } else { "LOG_BUCKET: missing" };
        for problem in ["LISTEN_BODY_TIMEOUT: ", other] {
            assert!(finished.stderr.contains(problem), "{command}: {finished:?}");
        }
    }
}
