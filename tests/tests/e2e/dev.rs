//! The commands that `dev` prints, run as pasted.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::Path;

use e2e::cloud::http_client;
use e2e::process::Process;
use e2e::{Finished, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running `dev`, and a shell in a folder of its own to paste into.
struct Dev {
    process: Process,
    printed: String,
    exports: String,
    folder: TempDir,
}

impl Dev {
    /// Starts the program by a path that is relative and has a blank in it.
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let programs = folder.path().join("my programs");
        std::fs::create_dir_all(programs.join("elsewhere")).unwrap();
        symlink(e2e::binary(), programs.join("oms-bridge")).unwrap();
        let process = shell("exec './my programs/oms-bridge' dev --port 0", folder.path());
        process.stdout_line(|line| (line == "What happens:").then_some(())).await;
        let printed = process.stdout();
        let is_export = |line: &&str| line.trim_start().starts_with("export ");
        let exports: Vec<_> = printed.lines().filter(is_export).collect();
        let exports = exports.join("\n");
        Self { process, printed, exports, folder }
    }

    /// The one indented line with `part` in it, its line end included. Two commands in a line have a `;`, as
    /// has `part` then.
    fn line(&self, part: &str) -> &str {
        let is_asked = |line: &&str| line.contains(part) && (part.contains(';') || !line.contains("; "));
        let lines = self.printed.split_inclusive('\n').filter(|line| line.starts_with("  "));
        let found: Vec<_> = lines.filter(is_asked).collect();
        assert_eq!(found.len(), 1, "{part}: {}", self.printed);
        found[0]
    }

    /// Pastes a line into a shell elsewhere that has the printed settings.
    async fn paste(&self, line: &str) -> Finished {
        let elsewhere = self.folder.path().join("my programs/elsewhere");
        let mut process = shell(&format!("{}\n{line}", self.exports), &elsewhere);
        let status = process.wait().await;
        Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
    }

    /// Pastes the one line with `part` in it, which must succeed. Returns what it printed.
    async fn succeeds(&self, part: &str) -> String {
        let finished = self.paste(self.line(part)).await;
        assert_eq!(finished.code, Some(0), "{part}: {finished:?}");
        finished.stdout
    }

    fn admin(&self) -> &str {
        self.line("  admin ").split_whitespace().nth(1).unwrap()
    }

    async fn settled(&self) {
        let wait =
            http_client().post(format!("{}/wait", self.admin())).body(json!({"idle": true}).to_string());
        let waited: Value = serde_json::from_str(&wait.send().await.unwrap().text().await.unwrap()).unwrap();
        assert_eq!(waited, json!({"met": true}));
    }

    async fn stop(mut self) -> String {
        self.process.signal("INT").await;
        assert_eq!(self.process.wait().await.code(), Some(0));
        self.process.stderr()
    }
}

fn shell(script: &str, folder: &Path) -> Process {
    let arguments = ["-c".to_owned(), script.to_owned()];
    let settings = Settings::default().set("PATH", std::env::var("PATH").unwrap());
    Process::spawn_program(OsStr::new("bash"), &arguments, &settings, Some(folder))
}

#[tokio::test]
async fn the_lines_that_dev_prints_work_as_pasted() {
    let dev = Dev::start().await;
    assert!(dev.line(" send hello.txt;").contains("/my programs/oms-bridge' send"), "{}", dev.printed);

    dev.succeeds("curl -T ").await;
    dev.settled().await;
    let told = dev.succeeds(" explain hello.txt").await;
    assert!(told.contains("hello.txt"), "{told}");
    dev.succeeds(" send hello.txt\n").await;
    let told = dev.succeeds(" status\n").await;
    assert!(!told.contains("hello.txt"), "nothing failed so far: {told}");
    dev.settled().await;
    let told = dev.succeeds(" copy -r oss://").await;
    assert!(!told.is_empty());

    // The outage is three answers, the refusal is for good.
    dev.succeeds("\"status\":503").await;
    dev.succeeds("\"status\":400").await;
    let failed = dev.paste(dev.line(" send hello.txt;")).await;
    assert_eq!(failed.code, Some(0), "that of `status`: {failed:?}");
    assert!(failed.stdout.contains("hello.txt"), "`status` names what failed: {failed:?}");
    let faults =
        http_client().get(format!("{}/faults", dev.admin())).send().await.unwrap().text().await.unwrap();
    let faults: Value = serde_json::from_str(&faults).unwrap();
    let hits: Vec<_> = faults.as_array().unwrap().iter().map(|rule| rule["hits"].as_u64().unwrap()).collect();
    assert_eq!(hits, [3, 1], "{faults}");

    dev.succeeds("-X DELETE ").await;
    let sent = dev.succeeds(" replay\n").await;
    assert!(sent.contains('1'), "{sent}");
    let told = dev.stop().await;
    assert!(told.contains("copied    obs://photos-copy/hello.txt"), "{told}");
}

#[tokio::test]
async fn the_file_that_dev_names_is_there_until_it_ends() {
    let dev = Dev::start().await;
    let line = dev.line("curl -T ").to_owned();
    let file = line.split_whitespace().nth(2).unwrap().to_owned();
    assert!(Path::new(&file).is_file(), "{line}");
    dev.stop().await;
    assert!(!Path::new(&file).parent().unwrap().exists(), "{file}");
}
