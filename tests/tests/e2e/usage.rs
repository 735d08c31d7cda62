//! What the command line says of arguments that it cannot use, and of ports that are taken.

use std::net::TcpListener;

use e2e::cloud::Cloud;
use e2e::command::{Finished, OmsBridge};
use e2e::process::Settings;
use serde_json::{Value, json};

use crate::translated::assert_translated;

/// Commands with settings, and what else each must have.
const COMMANDS: [&[&str]; 9] = [
    &["serve"],
    &["send", "key"],
    &["replay"],
    &["status"],
    &["doctor"],
    &["explain", "key"],
    &["copy", "oss://a/b", "obs://c/"],
    &["consume"],
    &["desk"],
];

async fn run(arguments: &[&str], settings: &Settings) -> Finished {
    OmsBridge::new(arguments.iter().copied()).settings(settings.clone()).run().await
}

async fn error(arguments: &[&str]) -> Value {
    let finished = run(arguments, &Settings::default()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    finished.json()["error"].clone()
}

#[tokio::test]
async fn a_usage_line_lists_no_setting_that_the_environment_gives() {
    let settings = Cloud::start().await.settings();
    for (arguments, usage) in [
        (&["explain"][..], "Usage: oms-bridge explain [OPTIONS] <KEY>\n"),
        (&["send", "--null"], "Usage: oms-bridge send [OPTIONS] <KEY>...\n"),
        (&["serve", "--what"], "Usage: oms-bridge serve [OPTIONS]\n"),
        (
            &["copy", "a"],
            "Usage: oms-bridge copy [OPTIONS] <SRC> <DST>\n       oms-bridge copy --abort-stale <DST>\n",
        ),
    ] {
        let finished = run(arguments, &settings).await;
        assert!(finished.code == Some(2) && finished.stderr.contains(usage), "{}", finished.stderr);
    }
    let help = run(&["status", "--help"], &settings).await.stdout.replace('\n', " ");
    for both in ["SYNC_URL (--sync-url)", "LOG_BUCKET (--log-bucket)", "OSS_ENDPOINT (--oss-endpoint)"] {
        assert!(help.contains(both), "{help}");
    }
}

#[tokio::test]
async fn an_example_can_be_pasted_at_any_width() {
    for width in ["60", "100"] {
        let settings = Settings::default().set("COLUMNS", width);
        for (command, lines) in [
            ("consume", "--queue-url \\\n    https://sqs.eu-west-1.amazonaws.com/123456789012/new\n"),
            ("explain", "--dest obs://mirror \\\n    --dest-endpoint obs.cn-north-4.myhuaweicloud.com\n"),
            ("doctor", " \\\n    | jq '.findings[] | select(.severity != \"ok\")'\n"),
        ] {
            for arguments in [&[command, "--help"][..], &[command, "--help-all"], &["help", command]] {
                let help = run(arguments, &settings).await.stdout;
                assert!(help.contains(lines), "{arguments:?}: {help}");
            }
        }
    }
}

#[tokio::test]
async fn a_program_reads_which_option_is_wrong_and_what_is_allowed() {
    for (arguments, wanted) in [
        (
            &["status", "--watch=banana", "--json"][..],
            json!({"setting": "--watch", "message": "\"banana\" is not a number from 1 to 86400"}),
        ),
        (
            &["status", "--read", "x", "--json"],
            json!({"setting": "--read", "message": "\"x\" is not a whole number, such as 1000"}),
        ),
        (
            &["serve", "--listen", "localhost:9000", "--json"],
            json!({
                "setting": "--listen",
                "message": "\"localhost:9000\" is not an IP address with a port, such as 127.0.0.1:9000 or [::1]:9000",
                "remedy": "probably \"127.0.0.1:9000\" is meant",
            }),
        ),
        (
            &["replay", "--class", "x", "--json"],
            json!({
                "setting": "--class",
                "message": "invalid value 'x' for '--class <CLASS>' [possible values: transient, permanent, auth, throttled]",
                "remedy": "allowed: transient, permanent, auth, throttled",
            }),
        ),
        (
            &["copy", "--recursiv", "a", "b", "--json"],
            json!({
                "setting": "--recursiv",
                "message": "unexpected argument '--recursiv' found",
                "remedy": "probably --recursive is meant",
            }),
        ),
        (
            &["copy", "a", "--json"],
            json!({
                "setting": "DST",
                "message": "the following required arguments were not provided: <DST>",
                "remedy": "Usage: oms-bridge copy [OPTIONS] <SRC> <DST> oms-bridge copy --abort-stale <DST>",
            }),
        ),
    ] {
        let error = error(arguments).await;
        for member in ["setting", "message", "remedy"] {
            assert_eq!(error.get(member), wanted.get(member), "{arguments:?}: {error}");
        }
        assert_eq!((&error["kind"], &error["exit"]), (&json!("configuration"), &json!(2)));
    }
}

/// Words of the standard library and of parsers below, which say nothing to a user.
const FOREIGN: [&str; 8] = [
    "invalid digit",
    "invalid float",
    "empty string",
    "too large to fit",
    "socket address",
    "relative URL",
    "ParseIntError",
    "provided string",
];

#[tokio::test]
async fn a_setting_that_is_nonsense_is_told_in_the_words_of_this_program() {
    for arguments in COMMANDS {
        let help = run(&[arguments[0], "--help-all"], &Settings::default()).await.stdout;
        let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split([']', '=']).next());
        let nonsense = |settings: Settings, name: &str| settings.set(name.trim(), "%banana\u{fffd} x");
        let settings = names.fold(Settings::default(), nonsense);
        let finished = run(arguments, &settings).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {}", finished.stderr);
        for words in FOREIGN {
            assert!(!finished.stderr.contains(words), "{arguments:?}: {words}: {}", finished.stderr);
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_it_is_for_and_what_moves_it() {
    let cloud = Cloud::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = format!("--listen={address}");
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/desk.db", folder.path().display());
    let settings = cloud
        .settings()
        .set("SERVE_TOKEN", "a-token-of-sixteen-characters")
        .set("DESK_BUCKET", "photos")
        .set("DESK_DATABASE", &database)
        .set("DESK_TOKENS", "eric:a-token-of-sixteen-characters");
    for (arguments, option, what) in
        [(&["serve", &listen][..], "--listen", "the function"), (&["desk", &listen], "--listen", "the desk")]
    {
        let finished = run(arguments, &settings).await;
        let told = format!("error: {option}: cannot listen on {address} for {what}: Address already in use");
        assert!(finished.code == Some(5) && finished.stderr.contains(&told), "{finished:?}");
        assert_translated(&finished.stderr);
        let remedy = "do: end the process that listens there, or ";
        let remedy = finished.stderr.split(remedy).nth(1).unwrap_or_else(|| panic!("{finished:?}"));
        assert!(remedy.contains(option), "{remedy}");
    }
}

#[tokio::test]
async fn of_the_six_ports_of_dev_the_one_that_is_taken_is_named() {
    let cloud = Cloud::start().await;
    for (before, what) in [(0, "the function"), (1, "OSS")] {
        // Others may hold one of the six: then it is that one which is named, and the next port is tried.
        let mut tries = 0;
        loop {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = taken.local_addr().unwrap();
            let first = (address.port() - before).to_string();
            let finished = run(&["dev", "--port", &first], &cloud.settings()).await;
            assert_eq!(finished.code, Some(5), "{finished:?}");
            let message = format!("--port: cannot listen on {address} for {what}: Address already in use");
            if finished.stderr.contains(&message) {
                assert!(finished.stderr.contains("or let --port 0 pick free ports"), "{finished:?}");
                assert_translated(&finished.stderr);
                break;
            }
            tries += 1;
            assert!(tries < 20, "{finished:?}");
        }
    }
}

#[tokio::test]
async fn every_command_answers_json() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("man").display().to_string();
    let none = Settings::default();
    let script = run(&["completions", "bash"], &none).await.stdout;
    let finished = run(&["completions", "bash", "--json"], &none).await;
    assert_eq!(finished.json(), json!({"shell": "bash", "script": script}));
    let pages = run(&["man", &folder, "--json"], &none).await.json();
    let mut named: Vec<&str> = pages["pages"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut written: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    named.sort_unstable();
    written.sort_unstable();
    assert_eq!(
        (pages["folder"].as_str(), named),
        (Some(&*folder), written.iter().map(String::as_str).collect())
    );
    let help = run(&["help", "copy"], &none).await.stdout;
    let finished = run(&["help", "copy", "--json"], &none).await;
    assert_eq!(finished.json(), json!({"help": help.trim_end_matches('\n').to_owned() + "\n"}));
    let denied = run(&["man", "/proc/none", "--json"], &none).await;
    assert_eq!((denied.code, &denied.json()["error"]["setting"]), (Some(2), &json!("FOLDER")));
}
