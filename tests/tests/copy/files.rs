//! What a file is that can be copied, and what becomes of a tree in which something is none.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use e2e::cloud::MIRROR;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{assert_mirrored, assert_nothing_mirrored, counts, ends_with};

fn upload(cloud: &Cloud, from: &Path, to: &str) -> Copy {
    Copy::new(&cloud.twin, from.to_str().unwrap(), format!("obs://{MIRROR}/{to}"))
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn pipes_sockets_and_devices_are_failures_however_they_are_named() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    pipe(&root.join("pipe"));
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.join("file"), "content").unwrap();
    for (name, kind) in [("pipe", "a pipe"), ("socket", "a socket")] {
        for arguments in [&[][..], &["--force"], &["--dry-run"]] {
            let finished =
                ends_with(3, upload(&cloud, &root.join(name), "").with(arguments.iter().copied())).await;
            assert!(finished.stderr.contains(&format!("not a regular file: {kind}")), "{finished:?}");
        }
    }
    let finished = ends_with(3, upload(&cloud, Path::new("/dev/null"), "")).await;
    assert!(finished.stderr.contains("not a regular file: a device"), "{finished:?}");
    let all = upload(&cloud, root, "").with(["-r"]);
    assert_eq!(counts(3, all.clone()).await, [1, 0, 0, 2]);
    let finished = ends_with(3, all.with(["--keys-from", "-"]).input("pipe\nsocket\nfile\n")).await;
    assert!(finished.stderr.contains("not a regular file: a pipe"), "{finished:?}");
    assert_mirrored(&cloud, "file", "content");
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["file"]);
}

#[tokio::test]
async fn a_file_that_says_it_is_empty_and_is_not_is_no_empty_object() {
    let cloud = Cloud::start().await;
    let finished = ends_with(3, upload(&cloud, Path::new("/proc/version"), "")).await;
    assert!(finished.stderr.contains("reports a size of 0, but has content"), "{finished:?}");
    assert_nothing_mirrored(&cloud, "version");
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_one_failure_and_stands_for_what_is_below_it() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let (near, list) = (folder.path().join("tree"), folder.path().join("list"));
    let unread = format!("{}/{}", "m".repeat(200), "n".repeat(200));
    for name in (0..15).flat_map(|number| [format!("a/{number:02}"), format!("z/{number:02}")]) {
        fs::create_dir_all(near.join(&name).parent().unwrap()).unwrap();
        fs::write(near.join(name), "content").unwrap();
    }
    fs::create_dir_all(near.join(&unread)).unwrap();
    fs::write(near.join(&unread).join("hidden"), "content").unwrap();
    // So far down that its path is longer than the system takes: that is refused to root, too.
    let far = folder.path().join(vec!["p".repeat(250); 15].join("/")).join("tree");
    fs::create_dir_all(far.parent().unwrap()).unwrap();
    fs::rename(&near, &far).unwrap();

    let run = |root: &Path| upload(&cloud, root, "").with(["-r"]);
    let some = run(&far).with(["--include", "*0,*1,*hidden", "--failed-list", list.to_str().unwrap()]);
    // A filter does not hide it: what is in it may be wanted.
    assert_eq!(counts(3, some).await, [8, 0, 0, 1]);
    assert_eq!(counts(3, run(&far)).await, [22, 8, 0, 1]);
    assert_eq!(counts(0, run(&far).with(["--exclude", "m*"])).await, [0, 30, 0, 0]);
    assert_eq!(fs::read_to_string(&list).unwrap(), format!("{unread}/\n"));
    // The list is read back: it fails again, and once the directory can be read, what is below it is copied.
    let again = |root| run(root).with(["--keys-from", list.to_str().unwrap()]);
    assert_eq!(counts(3, again(&far)).await, [0, 0, 0, 1]);
    fs::rename(&far, &near).unwrap();
    assert_eq!(counts(0, again(&near)).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, &format!("{unread}/hidden"), "content");
}
