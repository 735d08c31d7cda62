//! Files of this machine, as sources and as destinations.

use std::fs;
use std::path::Path;

use cloud_twin::{Fault, FaultAction, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{PART, SMALL_PARTS, assert_mirrored, counts, ends_with, succeeded};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn upload(cloud: &Cloud, from: &Path, to: &str) -> Copy {
    Copy::new(&cloud.twin, text(from), format!("obs://{MIRROR}/{to}")).with(SMALL_PARTS)
}

fn download(cloud: &Cloud, key: &str, to: &Path) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}/{key}"), text(to)).with(SMALL_PARTS)
}

/// All files below `root`, hidden ones included, as paths below it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(
                files(&path).iter().map(|file| format!("{}/{file}", path.file_name().unwrap().display())),
            );
        } else {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test]
async fn a_file_is_uploaded_with_the_type_of_its_name_and_left_alone_the_next_time() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    for (number, (name, len)) in [("small.html", 500), ("large.html", 2 * PART + 1)].into_iter().enumerate() {
        let (path, content) = (directory.path().join(name), bytes(u32::try_from(number).unwrap(), len));
        fs::write(&path, &content).unwrap();
        assert_eq!(counts(0, upload(&cloud, &path, "")).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, name, &content);
        let copy = cloud.twin.obs().get(MIRROR, name).unwrap();
        assert_eq!(copy.headers.content_type.unwrap(), "text/html");
        assert_eq!(counts(0, upload(&cloud, &path, "")).await, [0, 1, 0, 0]);
        assert_eq!(counts(0, upload(&cloud, &path, "").with(["--dry-run"])).await, [0, 1, 0, 0]);
        fs::write(&path, bytes(9, len)).unwrap();
        assert_eq!(counts(0, upload(&cloud, &path, "").with(["--dry-run"])).await, [1, 0, 0, 0]);
        assert_eq!(counts(0, upload(&cloud, &path, "")).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, name, bytes(9, len));
    }
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 6);
}

#[tokio::test]
async fn a_directory_is_uploaded_with_all_its_files() {
    use std::os::unix::ffi::OsStrExt as _;
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let root = directory.path().join("data");
    fs::create_dir_all(root.join("b/c")).unwrap();
    for (name, body) in [("a.txt", "a"), ("b/c/测试 +.txt", "c"), ("empty", "")] {
        fs::write(root.join(name), body).unwrap();
    }
    std::os::unix::fs::symlink(root.join("a.txt"), root.join("link")).unwrap();
    let run = || upload(&cloud, &root, "site").with(["-r"]);
    assert_eq!(counts(0, run()).await, [4, 0, 0, 0]);
    assert_eq!(
        cloud.twin.obs().keys(MIRROR),
        ["site/a.txt", "site/b/c/测试 +.txt", "site/empty", "site/link"]
    );
    assert_mirrored(&cloud, "site/link", "a");
    assert_mirrored(&cloud, "site/empty", "");
    assert_eq!(counts(0, run()).await, [0, 4, 0, 0]);
    // A name that cannot be a key does not hold up the others.
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    fs::write(root.join("new"), "x").unwrap();
    assert_eq!(counts(3, run()).await, [1, 4, 0, 1]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_no_success() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let finished = ends_with(3, upload(&cloud, &directory.path().join("gone"), "")).await;
    assert!(finished.stderr.contains("no such object"), "{finished:?}");
    let finished = ends_with(2, upload(&cloud, directory.path(), "")).await;
    assert!(finished.stderr.contains("use -r"), "{finished:?}");
}

#[tokio::test]
async fn an_object_is_downloaded_into_a_directory_or_under_a_name() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let content = bytes(1, 3 * PART);
    cloud.twin.oss().put(SOURCE, "x/large", content.to_vec());
    for (to, file) in [("", "large"), ("new/", "new/large"), ("other", "other"), ("new/name", "new/name")] {
        let to = directory.path().join(to);
        assert_eq!(counts(0, download(&cloud, "x/large", &to)).await, [1, 0, 0, 0]);
        assert_eq!(fs::read(directory.path().join(file)).unwrap(), content, "{file}");
    }
    let to = directory.path().join("other");
    assert_eq!(counts(0, download(&cloud, "x/large", &to)).await, [0, 1, 0, 0]);
    // Of the same length, and yet another.
    fs::write(&to, vec![0; content.len()]).unwrap();
    assert_eq!(counts(0, download(&cloud, "x/large", &to)).await, [1, 0, 0, 0]);
    assert_eq!(fs::read(&to).unwrap(), content);
    assert_eq!(files(directory.path()), ["large", "new/large", "new/name", "other"]);
}

#[tokio::test]
async fn keys_that_would_leave_the_directory_are_refused_and_the_others_downloaded() {
    let cloud = Cloud::start().await;
    let outer = TempDir::new().unwrap();
    let root = outer.path().join("root");
    for key in ["fine", "d/", "d/e/f", "../x", "a/../../y", "a//b", "./c", "nul\0", "g/.", "dir", "dir/file"]
    {
        cloud.twin.oss().put(SOURCE, key, if key.ends_with('/') { "" } else { "content" });
    }
    cloud.twin.oss().put(SOURCE, "k/", "not empty");
    let list = outer.path().join("failed");
    let run = || {
        let copy =
            Copy::new(&cloud.twin, format!("oss://{SOURCE}"), text(&root)).with(["-r", "--failed-list"]);
        copy.with([text(&list)])
    };
    let first = ends_with(3, run()).await;
    let refused = fs::read_to_string(&list).unwrap();
    for key in ["../x", "a/../../y", "a//b", "./c", "g/.", "k/"] {
        assert!(refused.lines().any(|line| line == key), "{key}: {refused}");
    }
    let found = files(outer.path());
    assert!(found.contains(&"root/fine".to_owned()) && found.contains(&"root/d/e/f".to_owned()), "{found:?}");
    assert!(found.iter().all(|file| file.starts_with("root/") || file == "failed"), "{found:?}");
    assert!(!found.iter().any(|file| file.contains(".part")), "{found:?}");
    // Of a file and a directory of the same name there can be one.
    assert!(refused.lines().filter(|line| line.starts_with("dir")).count() == 1, "{refused} {first:?}");
    fs::remove_file(&list).unwrap();
    let [copied, up_to_date, ..] = counts(3, run()).await;
    assert_eq!(copied, 0, "{up_to_date}");
}

#[tokio::test]
async fn a_download_is_proved_before_it_gets_its_name() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let content = bytes(2, 2 * PART);
    cloud.twin.oss().put(SOURCE, "a", content.to_vec());
    let corrupt = || Fault::new(Service::Oss, FaultAction::CorruptResponse).method("GET").key_contains("a");
    cloud.twin.faults().inject(corrupt().times(1));
    let to = directory.path().join("a");
    ends_with(0, download(&cloud, "a", &to)).await;
    assert_eq!(fs::read(&to).unwrap(), content);
    fs::remove_file(&to).unwrap();
    cloud.twin.faults().inject(corrupt());
    let finished = ends_with(3, download(&cloud, "a", &to)).await;
    assert!(finished.stderr.contains("CRC-64"), "{finished:?}");
    assert_eq!(files(directory.path()), [""; 0]);
}

#[tokio::test]
async fn a_download_goes_on_where_the_connection_broke() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let content = bytes(3, 5 * PART);
    cloud.twin.oss().put(SOURCE, "a", content.to_vec());
    let reset = Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("GET").key_contains("a");
    cloud.twin.faults().inject(reset.times(2));
    let again = Fault::new(Service::Oss, FaultAction::Delay { millis: 0 });
    let again = cloud.twin.faults().inject(again.method("GET").header_contains("range", "bytes=0-"));
    let to = directory.path().join("a");
    ends_with(0, download(&cloud, "a", &to)).await;
    assert_eq!(fs::read(&to).unwrap(), content);
    assert_eq!(cloud.twin.faults().hits(again), 0);
}
