//! Settings and options that are given, and have no effect in the command or mode that runs.

use e2e::cloud::Cloud;
use e2e::command::{Finished, OmsBridge};
use e2e::process::Settings;
use serde_json::json;

use crate::translated::assert_translated;

async fn run(arguments: &[&str], settings: &Settings) -> Finished {
    let finished = OmsBridge::new(arguments.iter().copied()).settings(settings.clone()).run().await;
    assert_translated(&finished.stderr);
    finished
}

fn warnings(finished: &Finished) -> Vec<&str> {
    finished.stderr.lines().filter(|line| line.contains("WARN")).collect()
}

#[tokio::test]
async fn propagate_deletes_is_answered_where_nothing_is_removed() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("PROPAGATE_DELETES", "true").set("MAX_DELETES", "5");
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    let [from, to] = [from, to].map(|path| path.display().to_string());
    let told = "PROPAGATE_DELETES is set, and has no effect here, only where events are forwarded by copies \
                (FORWARD_MODE copy or oms-then-copy): neither OMS nor the command copy removes anything";
    for (arguments, is_told) in [
        (&["copy", "-r", &*from, &*to][..], true),
        (&["send", "key"], true),
        (&["replay"], true),
        (&["status"], false),
        (&["explain", "key"], false),
    ] {
        let finished = run(arguments, &settings).await;
        assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
        let warnings = warnings(&finished);
        assert_eq!(
            warnings.iter().filter(|line| line.contains(told)).count(),
            usize::from(is_told),
            "{finished:?}"
        );
        assert!(!finished.stderr.contains("MAX_DELETES"), "{finished:?}");
        // As if it were not set.
        let finished = run(arguments, &settings.clone().set("PROPAGATE_DELETES", "false")).await;
        assert!(!finished.stderr.contains("PROPAGATE_DELETES"), "{finished:?}");
    }
    let doctor = run(&["doctor", "--json"], &settings).await;
    let finding = doctor.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding.to_string().contains("PROPAGATE_DELETES"))
        .cloned()
        .unwrap_or_else(|| panic!("{doctor:?}"));
    assert_eq!((doctor.code, &finding["severity"]), (Some(0), &json!("warning")), "{finding}");
    assert!(!doctor.stderr.contains("PROPAGATE_DELETES"), "it is a finding: {doctor:?}");
}

#[tokio::test]
async fn filters_of_events_are_answered_by_copy_unless_it_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("a.tmp"), "a").unwrap();
    let [from, to] = [from, to].map(|path| path.display().to_string());
    let settings = Settings::default().set("EXCLUDE", "*.tmp");
    let arguments = ["copy", "-r", &from, &to, "--dry-run"];
    let finished = run(&arguments, &settings).await;
    assert!(finished.stdout.contains("a.tmp"), "{finished:?}");
    let told = "EXCLUDE is set, and has no effect here";
    assert!(warnings(&finished).iter().any(|line| line.contains(told)), "{finished:?}");
    let finished = run(&[&arguments[..], &["--exclude", "*.bak"]].concat(), &settings).await;
    assert!(finished.code == Some(0) && warnings(&finished).is_empty(), "{finished:?}");
}

#[tokio::test]
async fn an_option_without_effect_is_refused_with_its_name_and_where_it_has_one() {
    let cloud = Cloud::start().await;
    let oms = cloud.settings();
    let copy = oms
        .clone()
        .set("FORWARD_MODE", "copy")
        .set("SOURCE_BUCKET", "photos")
        .set("DEST", "obs://mirror")
        .set("DEST_ENDPOINT", cloud.twin.obs_url());
    let folder = tempfile::tempdir().unwrap().path().display().to_string();
    for (settings, arguments, option, only) in [
        (
            &oms,
            &["send", "key", "--propagate-deletes", "true"][..],
            "--propagate-deletes",
            "only where events",
        ),
        (&oms, &["send", "key", "--dest", "obs://mirror"], "--dest", "a sync task has its own destination"),
        (&oms, &["status", "--include", "*.jpg"], "--include", "only on what is forwarded"),
        (&oms, &["replay", "--key-encoding", "percent"], "--key-encoding", "only on events"),
        (&oms, &["send", "key", "--null"], "--null", "only on keys that are read from stdin"),
        (&copy, &["send", "key", "--oms-batch", "5"], "--oms-batch", "only on requests"),
        (&copy, &["replay", "--max-rps", "5"], "--max-rps", "only on requests"),
        (&copy, &["send", "key", "--max-deletes", "5"], "--max-deletes", "only with PROPAGATE_DELETES=true"),
        (
            &oms,
            &["copy", "-r", env!("CARGO_MANIFEST_DIR"), &folder, "--hw-ak", "AK"],
            "--hw-ak",
            "leave it out",
        ),
        (
            &oms,
            &["copy", "-r", "oss://photos/", &folder, "--dest-endpoint", "obs.cn-north-4.myhuaweicloud.com"],
            "--dest-endpoint",
            "leave it out",
        ),
        (&oms, &["copy", "-r", "oss://photos/", &folder, "--filter-keys"], "--filter-keys", "--exclude"),
        (
            &oms.clone()
                .set("QUEUE_URL", "http://127.0.0.1:9/1/q")
                .set("AWS_REGION", "eu-west-1")
                .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
                .set("AWS_SECRET_ACCESS_KEY", "secret"),
            &["consume", "--listen-idle-timeout", "5"],
            "--listen-idle-timeout",
            "only where something listens",
        ),
    ] {
        let finished = run(arguments, settings).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        let line = finished.stderr.lines().find(|line| line.contains("has no effect here"));
        let line = line.unwrap_or_else(|| panic!("{arguments:?}: {}", finished.stderr));
        assert!(line.contains(&format!("{option}: ")) && line.contains(only), "{line}");
    }
    // The same in the environment is for other commands and modes.
    let shared = oms.set("DEST", "obs://mirror").set("DEST_ENDPOINT", cloud.twin.obs_url());
    let shared = shared.set("DESK_BUCKET", "photos").set("KEY_ENCODING", "percent").set("INCLUDE", "*");
    for arguments in [&["status"][..], &["send", "key"], &["replay"]] {
        let finished = run(arguments, &shared).await;
        assert!(finished.code == Some(0) && warnings(&finished).is_empty(), "{arguments:?}: {finished:?}");
    }
    // Where it has one, it is taken.
    let finished = run(&["explain", "key", "--dest", "obs://mirror"], &shared).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
