//! `--metrics` beside what is copied, and not among it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use cloud_twin::Service;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::ends_with;

/// A folder with one file, and a link to it beside it.
fn folder() -> TempDir {
    let outer = TempDir::new().unwrap();
    fs::create_dir_all(outer.path().join("photos/2024")).unwrap();
    fs::write(outer.path().join("photos/a.prom"), "a file of mine").unwrap();
    symlink("photos", outer.path().join("link")).unwrap();
    outer
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_file_of_a_side_is_overwritten_or_copied() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a.prom", "an object");
    let outer = folder();
    let path = |name: &str| text(&outer.path().join(name));
    let (bucket, object, mirror) =
        (format!("oss://{SOURCE}/"), format!("oss://{SOURCE}/a.prom"), format!("obs://{MIRROR}/"));
    let photos = path("photos");
    let before = cloud.twin.stats();
    for (from, to, arguments, file, side) in [
        (&photos, &mirror, &["-r"][..], "photos/a.prom", "SRC"),
        (&photos, &mirror, &["-r"], "photos/2024/new.prom", "SRC"),
        (&photos, &mirror, &["-r"], "link/new.prom", "SRC"),
        (&path("link"), &mirror, &["-r"], "photos/new.prom", "SRC"),
        (&path("photos/a.prom"), &mirror, &[], "link/a.prom", "SRC"),
        (&bucket, &photos, &["-r"], "photos/a.prom", "DST"),
        (&object, &photos, &[], "photos/a.prom", "DST"),
        (&object, &path("photos/a.prom"), &["--dry-run"], "photos/a.prom", "DST"),
    ] {
        let copy = Copy::new(&cloud.twin, from, to).with(arguments.iter().copied());
        let finished = ends_with(2, copy.with(["--json", "--metrics", &path(file)])).await;
        let error = &finished.json()["error"];
        assert_eq!(error["setting"], "--metrics", "{finished:?}");
        assert_eq!(error["problems"][0]["message"], format!("lies in {side}, whose files are copied"));
        assert_eq!(error["remedy"], "name a file elsewhere", "{finished:?}");
        assert_eq!(fs::read_to_string(path("photos/a.prom")).unwrap(), "a file of mine");
        assert!(!outer.path().join("photos/new.prom").exists());
        assert!(!outer.path().join("photos/2024/new.prom").exists());
    }
    assert_eq!(cloud.twin.stats().requests, before.requests, "nothing is asked for");
}

#[tokio::test]
async fn beside_them_it_is_written() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "an object");
    let outer = folder();
    let path = |name: &str| text(&outer.path().join(name));
    for (from, to, arguments, file) in [
        (path("photos"), format!("obs://{MIRROR}/"), &["-r"][..], "up.prom"),
        // One object is copied into the folder, and nothing else there is touched.
        (format!("oss://{SOURCE}/k"), path("photos"), &[], "photos/down.prom"),
    ] {
        let copy = Copy::new(&cloud.twin, from, to).with(arguments.iter().copied());
        ends_with(0, copy.with(["--metrics", &path(file)])).await;
        let metrics = fs::read_to_string(path(file)).unwrap();
        assert!(metrics.contains("oms_bridge_run_exit_code{command=\"copy\""), "{metrics}");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["a.prom"]);
    assert_eq!(fs::read_to_string(path("photos/k")).unwrap(), "an object");
    assert!(cloud.done(Service::Obs, "PutObject") > 0);
}
