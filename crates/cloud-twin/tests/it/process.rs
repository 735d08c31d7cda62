use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::http::{Body, exchange};

#[tokio::test]
async fn the_binary_tells_where_it_is_and_stops_with_its_standard_input() {
    let mut twin = Command::new(env!("CARGO_BIN_EXE_cloud-twin"))
        .args([
            "--sync-task",
            "photos:photos-copy",
            "--notify",
            "photos=http://127.0.0.1:9",
            "--exit-on-stdin-close",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(twin.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let described: serde_json::Value = serde_json::from_str(&line).unwrap();
    let admin = described["admin_url"].as_str().unwrap();
    let seen = exchange(admin, "GET", "/", &[], &Body::None).await.unwrap();
    assert_eq!(seen.json(), described);
    assert!(described["sync_tasks"][0]["sync_url"].as_str().unwrap().ends_with("/events"));
    drop(twin.stdin.take());
    assert!(twin.wait().unwrap().success());
}

#[test]
fn the_binary_refuses_what_it_cannot_use() {
    for arguments in [["--sync-task", "photos"], ["--oss-addr", "0.0.0.0:0"], ["--notify", "b=ftp://x"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_cloud-twin")).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}
