//! Settings, help texts, exit codes of mistakes.

use std::collections::BTreeSet;

use e2e::{Cloud, OmsBridge, Settings};
use serde_json::Value;

/// The commands that `--help` lists.
async fn commands() -> Vec<String> {
    let help = OmsBridge::new(["--help"]).run().await.stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

async fn help(command: &str) -> String {
    let finished = OmsBridge::new([command, "--help-all"]).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

fn good() -> Settings {
    Settings::default()
        .set("SYNC_URL", "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events")
        .set("HW_AK", "AK")
        .set("HW_SK", "hush-secret")
        .set("LOG_BUCKET", "logs")
        .set("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com")
}

fn bad() -> Settings {
    good()
        .set("SYNC_URL", "https://user:hush-password@oms.example.com/v2/p/sync-tasks/t/events")
        .unset("HW_AK")
        .set("HW_SECURITY_TOKEN", "hush-token")
        .set("LOG_BUCKET", "Bad_Name")
        .set("OSS_ENDPOINT", "http://127.0.0.1:9000")
        .set("OSS_SIGNATURE", "v3")
        .set("OMS_BATCH", "101")
        .set("OMS_MAX_RPS", "0")
        .set("KEY_ENCODING", "base64")
        .set("INCLUDE", "photos/[")
}

#[tokio::test]
async fn bad_settings_end_every_command_with_one_message_that_names_them_all() {
    for arguments in
        [["serve", "--listen=127.0.0.1:0"], ["send", "key"], ["status", "--json"], ["explain", "key"]]
    {
        let finished = OmsBridge::new(arguments).settings(bad()).run().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        if arguments.contains(&"--json") {
            assert_eq!(finished.json()["error"]["exit"], 2, "{finished:?}");
            assert!(!finished.stdout.contains("hush"), "{finished:?}");
        } else {
            assert_eq!(finished.stdout, "", "{finished:?}");
        }
        for name in [
            "SYNC_URL",
            "HW_AK",
            "LOG_BUCKET",
            "OSS_SIGNATURE",
            "OMS_BATCH",
            "OMS_MAX_RPS",
            "KEY_ENCODING",
            "INCLUDE",
        ] {
            assert!(finished.stderr.contains(&format!("\n  {name}")), "{name}: {}", finished.stderr);
        }
        assert!(!finished.stderr.contains("hush"), "{}", finished.stderr);
        assert_eq!(finished.stderr.matches("error:").count(), 1, "{}", finished.stderr);
    }
}

#[tokio::test]
async fn missing_settings_are_named_together() {
    let finished = OmsBridge::new(["serve"]).run().await;
    assert_eq!(finished.code, Some(2));
    for name in ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET", "OSS_ENDPOINT"] {
        assert!(finished.stderr.contains(&format!("{name}: missing")), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn the_message_about_settings_is_this() {
    let finished = OmsBridge::new(["serve"]).settings(bad()).run().await;
    insta::assert_snapshot!(finished.stderr);
}

#[tokio::test]
async fn send_without_credentials_for_the_journal_does_not_begin() {
    let finished = OmsBridge::new(["send", "key"]).settings(good()).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no credentials for OSS"), "{}", finished.stderr);
}

#[tokio::test]
async fn wrong_usage_ends_with_two_and_help_with_zero() {
    for arguments in [&["bogus"][..], &[], &["send"], &["serve", "--timeout", "0"], &["serve", "--bogus"]] {
        let finished = OmsBridge::new(arguments.iter().copied()).settings(good()).run().await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}: {finished:?}");
    }
    let short = concat!("oms-bridge ", env!("CARGO_PKG_VERSION"), "\n");
    let version = OmsBridge::new(["-V"]).run().await;
    assert_eq!((version.code, &*version.stdout), (Some(0), short));
    let version = OmsBridge::new(["--version"]).run().await;
    let [commit, features, target] =
        version.stdout.strip_prefix(short).unwrap().lines().collect::<Vec<_>>()[..]
    else {
        panic!("{version:?}");
    };
    assert_eq!((version.code, commit), (Some(0), "commit:   not recorded in debug builds"));
    assert_eq!(features, "features: aws chinese completions demo desk");
    assert!(target.starts_with("target:   ") && target.contains(std::env::consts::ARCH), "{target}");
}

#[tokio::test]
async fn every_help_text_has_an_example_and_the_exit_codes() {
    let commands = commands().await;
    for command in ["serve", "send", "consume", "demo", "dev"] {
        assert!(commands.iter().any(|name| name == command), "{command} is not in {commands:?}");
    }
    let mut texts = vec![OmsBridge::new(["--help"]).run().await.stdout];
    for command in &commands {
        let text = help(command).await;
        assert!(
            text.contains(&format!("\n  oms-bridge {command}"))
                || text.contains(&format!("| oms-bridge {command}"))
        );
        texts.push(text);
    }
    for text in texts {
        assert!(text.contains("\nExample"), "{text}");
        let codes = text.split("\nExit codes:\n").nth(1).unwrap_or_else(|| panic!("no exit codes: {text}"));
        let codes: Vec<&str> = codes.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(codes.starts_with(&["0", "1", "2", "3", "4"]), "{codes:?}");
    }
}

#[tokio::test]
async fn the_help_texts_are_these() {
    for command in ["serve", "send", "consume"] {
        insta::assert_snapshot!(format!("help_{command}"), help(command).await);
    }
}

#[tokio::test]
async fn help_shows_no_value_of_the_environment() {
    let settings = Cloud::start().await.settings().set("HW_SECURITY_TOKEN", "hush-token");
    let settings = settings.set("DEST_SK", "hush-key").set("DEST_SECURITY_TOKEN", "hush-token");
    let secrets = ["TWINFAKE", "TwinFake", "hush", "127.0.0.1:"];
    for command in ["serve", "send", "consume", "replay", "status", "doctor", "explain"] {
        let text = OmsBridge::new([command, "--help-all"]).settings(settings.clone()).run().await.stdout;
        for secret in secrets {
            // The one address in a help text is that of an example.
            assert!(!text.replace("127.0.0.1:9000", "").contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test]
async fn what_is_deployed_is_what_the_binary_understands() {
    let description: Value = serde_yaml_ng::from_str(include_str!("../../../s.yaml")).unwrap();
    let props = &description["resources"]["forwarder"]["props"];
    let help = help("serve").await;
    let known: BTreeSet<&str> =
        help.split("[env: ").skip(1).map(|rest| rest.split([']', '=']).next().unwrap().trim()).collect();
    assert!(known.contains("SYNC_URL") && known.contains("OSS_ENDPOINT"), "{known:?}");
    for name in props["environmentVariables"].as_object().unwrap().keys() {
        assert!(known.contains(&**name) || name == "RUST_LOG", "{name} is no setting");
    }
    let args = props["customRuntimeConfig"]["args"].as_array().unwrap();
    let finished = OmsBridge::new(args.iter().map(|arg| arg.as_str().unwrap())).run().await;
    assert!(
        finished.stderr.contains("SYNC_URL: missing"),
        "past the arguments, to the settings: {finished:?}"
    );
}
