//! Lists of what failed: each a file of its own, and each read back as what failed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::finish;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{all_to_mirror, counts, ends_with};

fn refuse_all(cloud: &Cloud) {
    let refused = FaultResponse::error(400, "InvalidArgument", "not today");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).method("PUT"));
}

#[tokio::test]
async fn what_is_there_already_is_neither_overwritten_nor_written_through() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let (list, precious) = (folder.path().join("list"), folder.path().join("precious"));
    cloud.twin.oss().put(SOURCE, "k", "content");
    refuse_all(&cloud);
    let run = || all_to_mirror(&cloud).with(["--failed-list", list.to_str().unwrap()]);
    fs::write(&precious, "precious").unwrap();
    for target in ["precious", "nowhere"] {
        symlink(target, &list).unwrap();
        let finished = ends_with(2, run()).await;
        assert!(
            finished.stderr.contains("--failed-list") && finished.stderr.contains("there already"),
            "{finished:?}"
        );
        fs::remove_file(&list).unwrap();
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(!folder.path().join("nowhere").exists());
    assert_eq!(counts(3, run()).await, [0, 0, 0, 1]);
    let finished = ends_with(2, run().with(["--keys-from", list.to_str().unwrap()])).await;
    assert!(finished.stderr.contains("there already"), "{finished:?}");
    assert_eq!(fs::read_to_string(&list).unwrap(), "k\n");
}

#[tokio::test]
async fn two_runs_in_one_directory_have_a_list_each() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    for number in 0..20 {
        cloud.twin.oss().put(SOURCE, &format!("{number:02}"), "content");
    }
    refuse_all(&cloud);
    let given = folder.path().join("given.txt");
    for arguments in [&["--json"][..], &["--json", "--failed-list", given.to_str().unwrap()]] {
        let run = || all_to_mirror(&cloud).with(arguments.iter().copied()).start_in(folder.path());
        let both = [run(), run()];
        let mut lists = Vec::new();
        for process in both {
            let finished = finish(process).await;
            // The one that begins when the other has a list of the name it was given, is told so.
            if finished.code == Some(2) {
                assert!(arguments.len() > 1 && finished.stderr.contains("there already"), "{finished:?}");
                continue;
            }
            assert_eq!(finished.code, Some(3), "{finished:?}");
            lists.push(folder.path().join(finished.json()["failed_list"].as_str().unwrap()));
        }
        lists.dedup();
        assert!(lists.len() == 2 || arguments.len() > 1, "{lists:?}");
        for list in lists {
            let mut lines: Vec<_> = fs::read_to_string(&list).unwrap().lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(lines.len(), 20, "{list:?}");
            assert_eq!(fs::read_to_string(list).unwrap().lines().count(), 20);
        }
    }
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_read_back_and_named_again() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("tree");
    let directory = OsStr::from_bytes(b"d\xff");
    fs::create_dir_all(root.join(directory)).unwrap();
    for name in [&b"caf\xe9"[..], b"d\xff/in", b"good"] {
        fs::write(root.join(OsStr::from_bytes(name)), "content").unwrap();
    }
    let run = || Copy::new(&cloud.twin, root.to_str().unwrap(), format!("obs://{MIRROR}")).with(["-r"]);
    let lists = ["first", "second"].map(|name| folder.path().join(name));
    let [first, second] = lists.each_ref().map(|list| list.to_str().unwrap());
    assert_eq!(counts(3, run().with(["--failed-list", first])).await, [1, 0, 0, 2]);
    let again = run().with(["--keys-from", first, "--failed-list", second, "--json"]);
    let finished = ends_with(3, again).await;
    assert_eq!(
        (&finished.json()["failed"], &finished.json()["gone"]),
        (&2.into(), &0.into()),
        "{finished:?}"
    );
    assert!(finished.stderr.contains("the name is not UTF-8"), "{finished:?}");
    let text = fs::read_to_string(&lists[0]).unwrap();
    assert_eq!(text, fs::read_to_string(&lists[1]).unwrap());
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, [r#""caf\udce9""#, r#""d\udcff/in""#]);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_named_and_no_success() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    cloud.twin.oss().put(SOURCE, "there", "content");
    fs::write(folder.path().join("there"), "content").unwrap();
    let local =
        Copy::new(&cloud.twin, folder.path().to_str().unwrap(), format!("obs://{MIRROR}")).with(["-r"]);
    for run in [all_to_mirror(&cloud), local] {
        for arguments in [&["--force", "--dry-run"][..], &["--force"]] {
            let run = run.clone().with(["--json", "--keys-from", "-"]).with(arguments.iter().copied());
            let finished = ends_with(3, run.input("there\nmissing one\n")).await;
            let result = finished.json();
            let copied = if arguments.contains(&"--dry-run") { "would_copy" } else { "copied" };
            let numbers = [copied, "skipped", "failed", "gone"].map(|name| result[name].as_u64().unwrap());
            assert_eq!(numbers, [1, 0, 1, 1], "{finished:?}");
            assert!(finished.stderr.contains("key=\"missing one\""), "{finished:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_written_is_said_to_be_missing() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    refuse_all(&cloud);
    // Nobody may make a file there, not even root.
    let finished = all_to_mirror(&cloud).with(["--json"]).run_in(Path::new("/proc")).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(finished.json()["failed_list"], serde_json::Value::Null);
    assert!(finished.stderr.contains("not all keys that failed could be written"), "{finished:?}");
    assert!(finished.stderr.contains("failed key=\"k\""), "{finished:?}");
}

#[tokio::test]
async fn a_list_that_cannot_be_made_ends_the_run_before_it_begins() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    cloud.twin.oss().put(SOURCE, "k", "content");
    for list in ["nodir/x", "/proc/list", "."] {
        let copy = all_to_mirror(&cloud).with(["--failed-list", list]);
        let finished = copy.run_in(folder.path()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains("--failed-list: "), "{finished:?}");
    }
    assert!(cloud.twin.stats().requests.is_empty(), "{:?}", cloud.twin.stats());
    // Of a run without a failure there is none, and none is copied with what lies beside it.
    fs::write(folder.path().join("file"), "content").unwrap();
    let copy =
        Copy::new(&cloud.twin, ".", format!("obs://{MIRROR}/in")).with(["-r", "--failed-list", "list"]);
    let finished = copy.run_in(folder.path()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["in/file"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
