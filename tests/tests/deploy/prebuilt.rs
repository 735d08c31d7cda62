//! `deploy/build.sh` with a binary that somebody else has built: nothing is compiled, and what would fail on the platform only is
//! refused here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const X86_64: u8 = 0x3e;
const ARM64: u8 = 0xb7;

/// As much of a binary as tells the machine that it is for.
fn binary(machine: u8) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[18] = machine;
    file
}

/// Runs the script without a toolchain in its path.
fn build(prebuilt: &Path, out: &Path, target: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build.sh");
    let mut command = Command::new("bash");
    command
        .arg(script)
        .arg(out)
        .arg(target)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("PREBUILT", prebuilt);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// A release archive with `file` in it as `member`.
fn archive(folder: &Path, member: &str, file: &[u8]) -> std::path::PathBuf {
    let path = folder.join("in").join(member);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, file).unwrap();
    let archive = folder.join("oms-bridge-0.1.0-x86_64-unknown-linux-musl.tar.gz");
    let tar =
        Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(folder.join("in")).arg(".").status();
    assert!(tar.unwrap().success());
    archive
}

#[test]
fn a_binary_and_a_release_archive_are_deployed_as_they_are() {
    let folder = TempDir::new().unwrap();
    let plain = folder.path().join("oms-bridge");
    fs::write(&plain, binary(X86_64)).unwrap();
    let members = [
        "oms-bridge",
        "oms-bridge-0.1.0-x86_64-unknown-linux-musl/oms-bridge",
        "oms-bridge-0.1.0/bin/oms-bridge",
    ];
    let archives = members.iter().enumerate().map(|(index, member)| {
        let folder = folder.path().join(index.to_string());
        archive(&folder, member, &binary(X86_64))
    });
    for (index, prebuilt) in archives.chain([plain]).enumerate() {
        let out = folder.path().join(format!("out-{index}"));
        let output = build(&prebuilt, &out, "x86_64-unknown-linux-gnu");
        assert!(output.status.success(), "{}", said(&output));
        let deployed = out.join("bootstrap");
        assert_eq!(fs::read(&deployed).unwrap(), binary(X86_64));
        assert_eq!(deployed.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(out.read_dir().unwrap().count(), 1, "nothing else is deployed");
    }
}

#[test]
fn what_would_fail_on_the_platform_is_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let refused = |prebuilt: &Path, why: &str| {
        let output = build(prebuilt, &out, "x86_64-unknown-linux-gnu");
        assert!(!output.status.success() && said(&output).contains(why), "{}", said(&output));
        assert!(!out.join("bootstrap").exists());
    };
    let file = folder.path().join("oms-bridge");
    fs::write(&file, binary(ARM64)).unwrap();
    refused(&file, "is a binary for aarch64, and one for x86_64 is needed");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    refused(&file, "is no binary for Linux");
    refused(&archive(&folder.path().join("other"), "README.md", b"words"), "holds no oms-bridge");
    refused(&folder.path().join("gone"), "gone");
}
