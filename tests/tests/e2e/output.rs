//! What commands show: one object with `--json` also for failures, JSON lines on stderr, colours, narrow terminals,
//! progress without a terminal, both forms of help.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

use cloud_twin::Fault;
use e2e::process::Process;
use e2e::{Cloud, Finished, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

async fn run(arguments: &[&str], settings: Settings) -> Finished {
    OmsBridge::new(arguments.iter().copied()).settings(settings).run().await
}

/// Sees that every line on stderr is a JSON object with level and message, and gives them.
fn json_lines(finished: &Finished) -> Vec<Value> {
    let lines = finished.stderr.lines();
    let parsed =
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}: {finished:?}")));
    let lines: Vec<Value> = parsed.collect();
    for line in &lines {
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
        assert!(line["timestamp"].is_string(), "{line}");
    }
    lines
}

#[tokio::test]
async fn a_command_that_fails_prints_one_object_all_the_same() {
    let cloud = Cloud::start().await;
    for arguments in [
        &["serve", "--listen=127.0.0.1:0", "--json"][..],
        &["send", "key", "--json"],
        &["replay", "--json"],
        &["status", "--json"],
        &["explain", "key", "--json"],
        &["consume", "--json"],
        &["desk", "--json"],
        &["copy", "oss://source/a", "obs://mirror/", "--json"],
        &["copy", "-r", "./no-such-folder", "obs://mirror/", "--json"],
    ] {
        let settings = cloud.settings().unset("OSS_ENDPOINT");
        let finished = run(arguments, settings).await;
        let error = &finished.json()["error"];
        assert_eq!((finished.code, &error["exit"]), (Some(2), &json!(2)), "{arguments:?}: {finished:?}");
        assert_eq!(error["kind"], "configuration", "{arguments:?}: {finished:?}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{finished:?}");
        let plain: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != "--json").collect();
        let finished = run(&plain, cloud.settings().unset("OSS_ENDPOINT")).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "only where it is asked for");
    }
}

#[tokio::test]
async fn the_object_says_the_kind_of_failure_and_what_to_do() {
    let cloud = Cloud::start().await;
    let missing = run(&["status", "--json"], cloud.settings().set("LOG_BUCKET", "no-such-bucket")).await;
    let error = missing.json()["error"].clone();
    assert_eq!((missing.code, &error["kind"]), (Some(2), &json!("configuration")), "{error}");
    assert!(error["message"].as_str().unwrap().contains("no-such-bucket"), "{error}");
    assert!(error["setting"].is_string() || error["remedy"].is_string(), "{error}");

    let refused =
        run(&["status", "--json"], cloud.settings().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong")).await;
    let error = refused.json()["error"].clone();
    assert_eq!((refused.code, &error["kind"]), (Some(4), &json!("credentials")), "{error}");

    let nobody = cloud.settings().set("OSS_ENDPOINT", "http://127.0.0.1:9");
    let unreachable = run(&["status", "--json"], nobody).await;
    let error = unreachable.json()["error"].clone();
    assert_eq!((unreachable.code, &error["kind"]), (Some(5), &json!("out_of_reach")), "{error}");

    // The arguments themselves are wrong.
    let usage = run(&["send", "--json", "--what", "key"], cloud.settings()).await;
    let error = usage.json()["error"].clone();
    assert_eq!((usage.code, &error["exit"], &error["setting"]), (Some(2), &json!(2), &json!("--what")));
    assert_eq!(error["message"], "unexpected argument '--what' found");
    assert!(error["remedy"].as_str().unwrap().contains("Usage: oms-bridge send"), "{error}");
}

#[tokio::test]
async fn with_json_logs_every_line_on_stderr_is_json() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let settings = || cloud.settings().set("LOG_FORMAT", "json");
    let usage = run(&["send", "--what"], settings()).await;
    assert_eq!((usage.code, json_lines(&usage).len()), (Some(2), 1));
    let option = run(&["--log-format", "json", "copy", "--what"], Settings::default()).await;
    assert_eq!((option.code, json_lines(&option).len()), (Some(2), 1));
    let wrong = run(&["send", "key"], settings().set("OMS_BATCH", "0").unset("LOG_BUCKET")).await;
    let lines = json_lines(&wrong);
    assert_eq!((wrong.code, &lines[0]["level"]), (Some(2), &json!("ERROR")), "{lines:?}");
    assert!(lines[0]["message"].as_str().unwrap().contains("OMS_BATCH"), "{lines:?}");
    let failed = run(&["send", "good", "bad"], settings()).await;
    assert!(!json_lines(&failed).is_empty(), "{failed:?}");
    assert_eq!(failed.code, Some(3));
    for arguments in [
        &["replay", "--dry-run"][..],
        &["status"],
        &["demo", "--json"],
        &["copy", "-r", ".", "/no/where", "--dry-run"],
    ] {
        json_lines(&run(arguments, settings()).await);
    }
}

#[tokio::test]
async fn the_lines_of_the_platform_are_for_the_platform() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("SERVE_TOKEN", "serve-token-0123456789");
    let mut function = Function::with(settings).off_the_platform().start().await;
    let invocation = e2e::Invocation::event(event::put(["a"]));
    let sent = function.send(invocation.header("authorization", "Bearer serve-token-0123456789")).await;
    assert_eq!(sent.status, 200);
    function.terminate().await;
    function.wait().await;
    assert_eq!(function.stdout(), "", "nobody cuts a log by them here");
}

#[tokio::test]
async fn colours_are_where_the_environment_wants_them() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    for (arguments, code) in [(&["send", "--what"][..], 2), (&["send", "bad"], 3), (&["demo", "--json"], 0)] {
        let coloured = |settings: Settings| async move {
            let finished = run(arguments, settings).await;
            assert_eq!(finished.code, Some(code), "{finished:?}");
            finished.stderr.contains('\u{1b}')
        };
        assert!(!coloured(cloud.settings()).await, "{arguments:?}: there is no terminal");
        let forced = cloud.settings().set("CLICOLOR_FORCE", "1");
        assert!(coloured(forced.clone()).await, "{arguments:?}");
        assert!(!coloured(forced.clone().set("NO_COLOR", "1")).await, "{arguments:?}");
        assert!(!coloured(forced.set("LOG_FORMAT", "json")).await, "{arguments:?}");
    }
}

/// Lines that are wider, and could be broken at a blank.
fn too_wide(text: &str, width: usize) -> Vec<&str> {
    let is_wide =
        |line: &&str| line.chars().count() > width && line.trim().contains("  ").then_some(()).is_none();
    text.lines().filter(is_wide).filter(|line| line.trim().split(' ').all(|word| word.len() < 24)).collect()
}

#[tokio::test]
async fn sixty_columns_break_nothing() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let narrow = || cloud.settings().set("COLUMNS", "60");
    run(&["send", "bad", "bad2", "bad3"], narrow()).await;
    for command in ["status", "doctor", "demo"] {
        let finished = run(&[command], narrow()).await;
        let wide = too_wide(&finished.stdout, 60);
        assert!(wide.is_empty(), "{command}: {wide:#?}\n{}", finished.stdout);
    }
    for command in ["copy", "send", "replay", "status", "serve"] {
        let help = run(&[command, "--help"], narrow()).await.stdout;
        let options = help.split("\nExample").next().unwrap();
        assert!(too_wide(options, 60).is_empty(), "{options}");
        assert!(
            options.lines().any(|line| line.len() > 40),
            "it is still laid out for some width: {options}"
        );
    }
}

#[tokio::test]
async fn a_run_without_a_terminal_says_now_and_then_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let body = vec![b'a'; 4 << 20];
    for name in ["one", "two"] {
        std::fs::write(folder.path().join(name), &body).unwrap();
    }
    let (from, to) = (folder.path().to_str().unwrap(), tempfile::tempdir().unwrap());
    let to = to.path().to_str().unwrap().to_owned();
    // So slow that it is there to be looked at.
    let arguments = ["copy", "-r", from, &to, "--bwlimit", "64K", "--stats", "50ms"].map(str::to_owned);
    let copying = Process::spawn(&arguments, &Settings::default());
    let line = copying.line(|line| line.contains("of 8.0 MiB").then(|| line.to_owned())).await;
    assert!(line.contains("of 2 objects"), "the walk has counted them: {line}");
    let doing = ["listing", "copying", "checking"];
    assert!(doing.iter().any(|doing| line.starts_with(&format!("{doing}: "))), "{line}");
    let silent = ["copy", from, &to, "--stats", "0"];
    assert_eq!(
        run(&["copy", "-r", from, "/proc/none", "--dry-run", "--stats", "0"], Settings::default()).await.code,
        Some(0)
    );
    assert!(run(&silent, Settings::default()).await.code == Some(2));
    let bad = run(&["replay", "--stats", "soon"], Settings::default()).await;
    assert!(bad.code == Some(2) && bad.stderr.contains("30s or 1m"), "{bad:?}");
}

#[tokio::test]
async fn the_short_help_is_this_and_points_to_the_whole() {
    for command in ["copy", "replay"] {
        let help = run(&[command, "--help"], Settings::default()).await;
        insta::assert_snapshot!(format!("short_help_{command}"), help.stdout);
        let again = run(&["help", command], Settings::default()).await;
        assert_eq!(again.stdout, help.stdout);
        let whole = run(&[command, "--help-all"], Settings::default()).await;
        let again = run(&["help", command, "--all"], Settings::default()).await;
        assert_eq!((again.code, &again.stdout), (Some(0), &whole.stdout));
        assert!(whole.stdout.len() > help.stdout.len() && whole.stdout.contains("Exit codes:"));
    }
    let unknown = run(&["help", "nothing"], Settings::default()).await;
    assert!(
        unknown.code == Some(2) && unknown.stderr.contains("there is no command \"nothing\""),
        "{unknown:?}"
    );
}

/// A reader that has seen enough is no error, and a full disk is.
#[tokio::test]
async fn a_result_that_cannot_be_written_fails_the_command() {
    let binary = e2e::binary::binary();
    for arguments in [&["completions", "zsh"][..], &["completions", "zsh", "--json"], &["help"], &["--help"]]
    {
        let run = |stdout: Stdio| Command::new(&binary).args(arguments).stdout(stdout).output().unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let lost = run(full.into());
        let said = String::from_utf8_lossy(&lost.stderr);
        assert_eq!(lost.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("standard output: No space left on device"), "{arguments:?}: {said}");
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let left = run(writer.into());
        assert_eq!((left.status.code(), &*left.stderr), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_dry_run_of_a_replay_lists_counts_and_tells_by_its_exit_code() {
    let cloud = Cloud::start().await;
    for key in ["a", "b \"c\""] {
        let record = json!({"v": 1, "key": key, "engine": "oms", "outcome": "failed", "class": "transient"});
        cloud.twin.oss().put(e2e::cloud::LOGS, &cloud.record_name(Shelf::Failed, key), record.to_string());
    }
    let arguments = ["replay", "--dry-run", "--exit-code"];
    let finished = run(&arguments, cloud.settings()).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(3), "a\nb \"c\"\n"), "{finished:?}");
    assert!(finished.stderr.contains("2 keys would be sent\n"), "{finished:?}");
    let json = run(&["replay", "--dry-run", "--json"], cloud.settings()).await;
    assert_eq!(json.code, Some(0), "without --exit-code it is no failure");
    let result = json.json();
    assert_eq!((&result["would_send"], &result["dry_run"]), (&json!(2), &json!(true)), "{result}");
    assert_eq!(result["keys"], json!(["a", "b \"c\""]));
    assert_eq!(result["listed"], 2, "{result}");
    let none =
        run(&["replay", "--dry-run", "--exit-code", "--json", "--prefix", "x"], cloud.settings()).await;
    assert_eq!((none.code, &none.json()["keys"]), (Some(0), &json!([])), "nothing is to be done");
    let alone = run(&["replay", "--exit-code"], cloud.settings()).await;
    assert!(alone.code == Some(2) && alone.stderr.contains("--dry-run"), "{alone:?}");
}
