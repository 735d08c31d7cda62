//! What `--dry-run` says is what the run does.

use std::fs;

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, OmsBridge};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{all_to_mirror, counts, ends_with};

/// What a dry run would do has names of its own: nothing was done.
#[tokio::test]
async fn what_would_be_done_is_not_among_what_was_done() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let result = ends_with(0, all_to_mirror(&cloud).with(["--dry-run", "--json"])).await.json();
    assert_eq!((&result["would_copy"], result.get("copied")), (&json!(1), None), "{result}");
    assert_eq!((&result["keys"], &result["bytes"]), (&json!(["k"]), &json!(7)), "{result}");
    let stale = Copy::new(&cloud.twin, format!("oss://{SOURCE}/"), format!("obs://{MIRROR}/"));
    let stale =
        stale.settings_of(OmsBridge::new(["copy", "--abort-stale", "obs://mirror/", "--dry-run", "--json"]));
    let result = stale.run().await.json();
    assert_eq!((&result["would_abort"], result.get("aborted")), (&json!(0), None), "{result}");
}

#[tokio::test]
async fn what_finds_no_room_on_this_machine_is_no_copy_to_come() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("e/a")).unwrap();
    for file in ["file", "folder"] {
        fs::write(path(file), "longer content").unwrap();
    }
    for (key, body) in [("e/a", "content"), ("file/below", "content"), ("folder/", "")] {
        cloud.twin.oss().put(SOURCE, key, body);
    }
    for (key, body) in [("e/b", "content"), ("new/c", "content"), ("e/", ""), ("made/", "")] {
        cloud.twin.oss().put(SOURCE, key, body);
    }
    let run =
        || Copy::new(&cloud.twin, format!("oss://{SOURCE}"), folder.path().to_str().unwrap()).with(["-r"]);
    assert_eq!(counts(3, run().with(["--dry-run"])).await, [3, 1, 0, 3]);
    assert_eq!(counts(3, run().with(["--dry-run", "--force"])).await, [4, 0, 0, 3]);
    assert!(!path("new").exists() && !path("made").exists(), "nothing is made");
    assert_eq!(counts(3, run()).await, [3, 1, 0, 3]);
}
