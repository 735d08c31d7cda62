//! Symbolic links of this machine: what is followed, what is left out, and that both are said.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use e2e::cloud::MIRROR;
use e2e::{Cloud, Copy, Finished};
use tempfile::TempDir;

use crate::support::{assert_mirrored, assert_nothing_mirrored, counts, ends_with};

fn upload(cloud: &Cloud, from: &Path, to: &str) -> Copy {
    Copy::new(&cloud.twin, from.to_str().unwrap(), format!("obs://{MIRROR}/{to}"))
}

/// A tree with links of every kind, and what they lead to beside it.
fn tree() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("tree");
    fs::create_dir_all(root.join("d/e")).unwrap();
    fs::create_dir_all(folder.path().join("outside/x")).unwrap();
    fs::write(root.join("d/e/file"), "inside").unwrap();
    fs::write(folder.path().join("outside/x/secret"), "outside").unwrap();
    symlink("d/e/file", root.join("to-file")).unwrap();
    symlink("d/e", root.join("to-directory")).unwrap();
    symlink("../outside/x/secret", root.join("out-to-file")).unwrap();
    symlink("../outside", root.join("out-to-directory")).unwrap();
    folder
}

fn assert_left_out(finished: &Finished, names: &[&str]) {
    for name in names {
        let named = format!("left out key=\"{name}\"");
        assert!(finished.stderr.contains(&named), "{name}: {finished:?}");
    }
    assert_eq!(finished.stderr.matches("left out key=").count(), names.len(), "{finished:?}");
}

#[tokio::test]
async fn links_to_each_other_do_not_multiply_the_tree() {
    const FOLDERS: u64 = 16;
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    for number in 0..FOLDERS {
        let own = folder.path().join(format!("p{number:02}"));
        fs::create_dir(&own).unwrap();
        fs::write(own.join("file"), "content").unwrap();
        // As package managers lay out what packages need of each other.
        for other in number + 1..FOLDERS {
            symlink(format!("../p{other:02}"), own.join(format!("needs-p{other:02}"))).unwrap();
        }
    }
    let finished = ends_with(0, upload(&cloud, folder.path(), "").with(["-r", "--dry-run", "--json"])).await;
    let links = FOLDERS * (FOLDERS - 1) / 2;
    assert_eq!(
        finished.json()["would_copy"],
        FOLDERS + links,
        "each file, and once more for each link to its folder"
    );
    // Those below a folder that a link led to: for each pair the ones that lie behind both.
    let below: u64 = (0..FOLDERS).map(|number| number * (FOLDERS - 1 - number)).sum();
    assert_eq!(finished.json()["skipped"], below);
    assert!(finished.stderr.contains(r#"left out key="p00/needs-p01/needs-p02/""#), "{finished:?}");
}

#[tokio::test]
async fn links_that_lead_out_of_the_tree_are_left_out_named_and_counted() {
    let cloud = Cloud::start().await;
    let folder = tree();
    let run = || upload(&cloud, &folder.path().join("tree"), "").with(["-r"]);
    let finished = ends_with(0, run().with(["--json"])).await;
    assert_eq!(
        (&finished.json()["copied"], &finished.json()["skipped"]),
        (&3.into(), &2.into()),
        "{finished:?}"
    );
    assert_left_out(&finished, &["out-to-file", "out-to-directory"]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["d/e/file", "to-directory/file", "to-file"]);
    assert_mirrored(&cloud, "to-directory/file", "inside");
    // Nor is what a list names behind them.
    let listed = "out-to-file\nout-to-directory/x/secret\nto-directory/file\nout-to-directory/\n";
    let finished = run().with(["--force", "--json", "--keys-from", "-"]).input(listed).run().await;
    assert_eq!(
        (&finished.json()["copied"], &finished.json()["skipped"]),
        (&1.into(), &3.into()),
        "{finished:?}"
    );
    assert_eq!(cloud.twin.obs().keys(MIRROR).len(), 3);
}

#[tokio::test]
async fn all_links_are_followed_or_none() {
    let cloud = Cloud::start().await;
    let folder = tree();
    let run = |to| upload(&cloud, &folder.path().join("tree"), to).with(["-r"]);
    assert_eq!(counts(0, run("all/").with(["--links", "follow"])).await, [5, 0, 0, 0]);
    assert_mirrored(&cloud, "all/out-to-directory/x/secret", "outside");
    assert_mirrored(&cloud, "all/out-to-file", "outside");
    let finished = ends_with(0, run("none/").with(["--links", "skip"])).await;
    assert_left_out(&finished, &["out-to-file", "out-to-directory", "to-file", "to-directory"]);
    let keys = cloud.twin.obs().keys(MIRROR);
    assert_eq!(keys.iter().filter(|key| key.starts_with("none/")).collect::<Vec<_>>(), ["none/d/e/file"]);
}

#[tokio::test]
async fn links_to_nothing_and_to_themselves_are_failures() {
    let cloud = Cloud::start().await;
    let folder = tree();
    let root = folder.path().join("tree");
    symlink("nowhere", root.join("broken")).unwrap();
    symlink("round", root.join("round")).unwrap();
    let finished = ends_with(3, upload(&cloud, &root, "").with(["-r", "--json"])).await;
    assert_eq!(
        (&finished.json()["copied"], &finished.json()["failed"]),
        (&3.into(), &2.into()),
        "{finished:?}"
    );
    for named in ["key=\"broken\"", "a link to nothing", "key=\"round\""] {
        assert!(finished.stderr.contains(named), "{named}: {finished:?}");
    }
    for name in ["broken", "round"] {
        ends_with(3, upload(&cloud, &root.join(name), "")).await;
        assert_nothing_mirrored(&cloud, name);
    }
    let skipping = upload(&cloud, &root, "").with(["-r", "--links", "skip"]);
    assert_eq!(counts(0, skipping).await, [0, 1, 6, 0]);
}

#[tokio::test]
async fn a_walk_that_comes_round_ends() {
    let cloud = Cloud::start().await;
    let folder = tree();
    let root = folder.path().join("tree");
    symlink("..", root.join("d/up")).unwrap();
    symlink("..", folder.path().join("outside/up")).unwrap();
    let finished = ends_with(0, upload(&cloud, &root, "a/").with(["-r"])).await;
    assert!(finished.stderr.contains("a directory that lies below itself"), "{finished:?}");
    let finished = ends_with(0, upload(&cloud, &root, "b/").with(["-r", "--links", "follow"])).await;
    assert!(finished.stderr.contains("a directory that lies below itself"), "{finished:?}");
    // Neither does it follow its own copies, where a link leads to them.
    let written = folder.path().join("outside/written");
    fs::create_dir(&written).unwrap();
    let copy = Copy::new(&cloud.twin, root.to_str().unwrap(), written.to_str().unwrap());
    let finished = ends_with(0, copy.with(["-r", "--links", "follow"])).await;
    assert!(finished.stderr.contains("the directory that copies are written to"), "{finished:?}");
    assert_eq!(fs::read(written.join("to-file")).unwrap(), b"inside");
    assert!(!written.join("out-to-directory/written").exists());
}

#[tokio::test]
async fn a_file_that_is_named_by_a_link_is_copied_wherever_it_is() {
    let cloud = Cloud::start().await;
    let folder = tree();
    let link = folder.path().join("tree/out-to-file");
    assert_eq!(counts(0, upload(&cloud, &link, "")).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "out-to-file", "outside");
    let finished = ends_with(3, upload(&cloud, &link, "other").with(["--links", "skip"])).await;
    assert!(finished.stderr.contains("symlink"), "{finished:?}");
    assert_nothing_mirrored(&cloud, "other");
    let root = folder.path().join("tree/out-to-directory");
    assert_eq!(counts(0, upload(&cloud, &root, "dir/").with(["-r"])).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "dir/x/secret", "outside");
}
