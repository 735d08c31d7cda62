//! What a directory of this machine can hold, and what is never written through.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use e2e::cloud::SOURCE;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{counts, ends_with};

fn download(cloud: &Cloud, to: &Path) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}"), to.to_str().unwrap()).with(["-r"])
}

/// What is in a directory, hidden files included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_folder_holds_no_bytes_and_an_object_that_has_some_fails() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    cloud.twin.oss().put(SOURCE, "t/full/", "forty-six bytes that no folder has any room for");
    cloud.twin.oss().put(SOURCE, "t/empty/", "");
    let (to, list) = (folder.path().join("to"), folder.path().join("list"));
    for (arguments, expected) in [
        (&["--dry-run"][..], [1, 0, 0, 1]),
        (&[], [1, 0, 0, 1]),
        (&[], [0, 1, 0, 1]),
        (&["--dry-run"], [0, 1, 0, 1]),
    ] {
        let run = download(&cloud, &to).with(["--failed-list", list.to_str().unwrap()]);
        assert_eq!(counts(3, run.with(arguments.iter().copied())).await, expected, "{arguments:?}");
        assert_eq!(fs::read_to_string(&list).unwrap(), "t/full/\n");
        fs::remove_file(&list).unwrap();
    }
    // A folder of that name is no copy either.
    fs::create_dir_all(to.join("t/full")).unwrap();
    assert_eq!(counts(3, download(&cloud, &to)).await, [0, 1, 0, 1]);
    let one = Copy::new(&cloud.twin, format!("oss://{SOURCE}/t/full/"), to.join("new/").to_str().unwrap());
    let finished = ends_with(3, one).await;
    assert!(finished.stderr.contains("cannot hold the 47 bytes"), "{finished:?}");
    assert_eq!(names(&to), ["t"]);
}

#[tokio::test]
async fn a_name_as_long_as_names_can_be_is_written() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let mut keys: Vec<String> =
        (239..=255).map(|length| format!("{length}").repeat(85)[..length].to_owned()).collect();
    keys.push(format!("{}/{}", "d".repeat(255), "测".repeat(85)));
    for key in &keys {
        cloud.twin.oss().put(SOURCE, key, key.clone());
    }
    cloud.twin.oss().put(SOURCE, &"x".repeat(256), "no file system of ours holds that");
    assert_eq!(counts(3, download(&cloud, folder.path())).await, [18, 0, 0, 1]);
    for key in &keys {
        assert_eq!(fs::read_to_string(folder.path().join(key)).unwrap(), *key);
    }
    assert_eq!(names(folder.path()).len(), 18, "{:?}", names(folder.path()));
}

#[tokio::test]
async fn directories_that_are_links_are_not_followed_below_a_destination() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("to/real")).unwrap();
    fs::create_dir(path("elsewhere")).unwrap();
    fs::write(path("elsewhere/kept"), "kept").unwrap();
    symlink("../elsewhere", path("to/link")).unwrap();
    symlink("real", path("to/inner")).unwrap();
    symlink("../elsewhere/kept", path("to/file")).unwrap();
    symlink("../elsewhere", path("to/folder")).unwrap();
    for key in ["link/new", "link/deeper/new", "link/kept", "inner/x", "real/x", "file", "folder/"] {
        cloud.twin.oss().put(SOURCE, key, if key.ends_with('/') { "" } else { "kopy" });
    }
    for arguments in [&[][..], &["--force"]] {
        let finished = ends_with(3, download(&cloud, &path("to")).with(arguments.iter().copied())).await;
        for key in ["link/new", "link/deeper/new", "link/kept", "inner/x"] {
            assert!(finished.stderr.contains(&format!("failed key=\"{key}\"")), "{key}: {finished:?}");
        }
        assert!(finished.stderr.contains("is a link, and directories that are links"), "{finished:?}");
        // A link in the place of the file itself makes room, and what it stood for stays.
        assert!(!path("to/file").symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(path("to/file")).unwrap(), "kopy");
        assert_eq!(fs::read_to_string(path("to/real/x")).unwrap(), "kopy");
        assert_eq!(names(&path("elsewhere")), ["kept"]);
        assert_eq!(fs::read_to_string(path("elsewhere/kept")).unwrap(), "kept");
    }
    // The destination itself is what was named.
    symlink("to", path("named")).unwrap();
    cloud.twin.oss().put(SOURCE, "late", "late");
    let one = Copy::new(&cloud.twin, format!("oss://{SOURCE}/late"), path("named").to_str().unwrap());
    ends_with(0, one).await;
    assert_eq!(fs::read_to_string(path("to/late")).unwrap(), "late");
}

#[tokio::test]
async fn only_a_file_or_a_link_makes_room() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    fs::create_dir(path("folder")).unwrap();
    for key in ["pipe", "folder", "good"] {
        cloud.twin.oss().put(SOURCE, key, "content");
    }
    let finished = ends_with(3, download(&cloud, folder.path())).await;
    for named in ["not a regular file: a pipe", "not a regular file: a directory"] {
        assert!(finished.stderr.contains(named), "{named}: {finished:?}");
    }
    assert_eq!(names(folder.path()), ["folder", "good", "pipe"]);
    assert!(!path("pipe").is_file() && path("folder").is_dir());
    // Nothing can be below a file.
    let finished = ends_with(2, download(&cloud, &path("good"))).await;
    assert!(finished.stderr.contains("is not a directory"), "{finished:?}");
}
