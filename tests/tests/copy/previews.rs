//! What `--dry-run` says is what the run does.

use std::fs;

use e2e::cloud::SOURCE;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::counts;

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
