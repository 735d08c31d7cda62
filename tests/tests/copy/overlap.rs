//! A destination inside its source is refused before anything is read or written.

use std::fs;

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{counts, ends_with};

#[tokio::test]
async fn copies_of_a_bucket_into_itself_are_refused() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "m/a", "content");
    cloud.twin.obs().put(MIRROR, "m/a", "content");
    for (scheme, bucket) in [("oss", SOURCE), ("obs", MIRROR)] {
        let place = |path: &str| format!("{scheme}://{bucket}{path}");
        for (from, to) in [("/m", "/m/copy"), ("/m/", "/m/copy/"), ("/m", "/m/"), ("", "/copy"), ("/", "")] {
            for arguments in [&["-r"][..], &["-r", "--dry-run"], &["-r", "--exclude", "copy/*"]] {
                let copy = Copy::new(&cloud.twin, place(from), place(to)).with(arguments.iter().copied());
                let finished = ends_with(2, copy).await;
                let said =
                    finished.stderr.contains("DST lies inside SRC") || finished.stderr.contains("the same");
                assert!(said, "{from} {to}: {finished:?}");
            }
        }
        let onto_itself = Copy::new(&cloud.twin, place("/m/a"), place("/m/"));
        assert!(ends_with(2, onto_itself).await.stderr.contains("the same"));
        assert!(cloud.twin.stats().requests.is_empty(), "{:?}", cloud.twin.stats());
    }
    // Beside each other they may lie, and the source inside the destination.
    for (from, to) in [("m", "m2"), ("m2", "")] {
        let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}/{from}"), format!("oss://{SOURCE}/{to}"));
        assert_eq!(counts(0, copy.with(["-r"])).await, [1, 0, 0, 0]);
    }
    assert_eq!(cloud.twin.oss().keys(SOURCE), ["a", "m/a", "m2/a"]);
}

#[tokio::test]
async fn a_bucket_that_is_read_as_one_of_s3_is_the_same_bucket() {
    let cloud = Cloud::start().await;
    let copy = |to: &str| {
        Copy::new(&cloud.twin, format!("s3://{SOURCE}/m"), to)
            .with(["-r"])
            .set("SOURCE_ENDPOINT", cloud.twin.oss_url())
            .set("AWS_REGION", "cn-test")
            .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .set("AWS_SECRET_ACCESS_KEY", "made-up-secret")
    };
    let finished = ends_with(2, copy(&format!("oss://{SOURCE}/m/copy"))).await;
    assert!(finished.stderr.contains("DST lies inside SRC"), "{finished:?}");
    assert!(cloud.twin.stats().requests.is_empty(), "{:?}", cloud.twin.stats());
}

#[tokio::test]
async fn a_service_by_two_names_copies_no_copies() {
    let cloud = Cloud::start().await;
    for key in ["m/a", "m/copy/b", "m/z"] {
        cloud.twin.oss().put(SOURCE, key, "content");
    }
    let copy = |from: &str, to: &str| {
        let place = |path: &str| format!("oss://{SOURCE}{path}");
        let named = cloud.twin.oss_url().replace("127.0.0.1", "localhost");
        Copy::new(&cloud.twin, place(from), place(to)).with(["-r"]).set("SOURCE_ENDPOINT", named)
    };
    let finished = ends_with(0, copy("/m", "/m/copy")).await;
    assert!(finished.stderr.contains("m/copy/b") && finished.stderr.contains("lies in DST"), "{finished:?}");
    for arguments in [&[][..], &["--dry-run"], &["--exclude", "a"]] {
        let [copied, up_to_date, skipped, failed] =
            counts(0, copy("/m", "/m/copy").with(arguments.iter().copied())).await;
        assert_eq!([copied, skipped, failed], [0, 3, 0], "{arguments:?}");
        assert!(up_to_date >= 1);
    }
    let all = ["m/a", "m/copy/a", "m/copy/b", "m/copy/z", "m/z"];
    assert_eq!(cloud.twin.oss().keys(SOURCE), all);
    // Another place of the bucket is no copy of this one, and neither is the same place: there, two services may have each its own.
    assert_eq!(counts(0, copy("/m/copy", "")).await, [3, 0, 0, 0]);
    assert_eq!(counts(0, copy("/m", "/m/").with(["--dry-run"])).await, [0, 5, 0, 0]);
}

#[tokio::test]
async fn copies_of_a_directory_into_itself_are_refused() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(path("src/a")).unwrap();
    fs::write(path("src/a/file"), "content").unwrap();
    std::os::unix::fs::symlink("src/a", path("link")).unwrap();
    let copy = |from: &str, to: &str| Copy::new(&cloud.twin, path(from), path(to));
    for (from, to) in
        [("src", "src/copy"), ("src", "src/"), ("src", "src/a"), ("src", "link/x"), ("src/../src", "src/x/y")]
    {
        let finished = ends_with(2, copy(from, to).with(["-r"])).await;
        let said = finished.stderr.contains("DST lies inside SRC") || finished.stderr.contains("the same");
        assert!(said, "{from} {to}: {finished:?}");
    }
    for to in ["src/a/file", "src/a/", "link/file"] {
        let finished = ends_with(2, copy("src/a/file", to)).await;
        assert!(finished.stderr.contains("the same"), "{to}: {finished:?}");
    }
    let finished = ends_with(2, copy("src/a/file", "src/a/file").with(["--json"])).await;
    let error = &finished.json()["error"];
    assert_eq!((&error["setting"], &error["remedy"]), (&"DST".into(), &"name another DST".into()), "{error}");
    let relative = Copy::new(&cloud.twin, ".", "copy").with(["-r"]).run_in(folder.path()).await;
    assert_eq!(relative.code, Some(2), "{relative:?}");
    assert_eq!(fs::read_dir(path("src")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(counts(0, copy("src", "src2").with(["-r"])).await, [1, 0, 0, 0]);
}
