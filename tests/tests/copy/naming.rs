//! Which objects are copied, and under which names.

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, OmsBridge};

use crate::support::{all_to_mirror, counts, ends_with};

fn copy(cloud: &Cloud, from: &str, to: &str) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}{from}"), format!("obs://{MIRROR}{to}"))
}

#[tokio::test]
async fn one_object_keeps_its_name_in_a_folder_and_takes_a_name_that_is_given() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "x/a.jpg", "pixels");
    for (to, key) in [("", "a.jpg"), ("/", "a.jpg"), ("/y/", "y/a.jpg"), ("/y/b.jpg", "y/b.jpg"), ("/y", "y")]
    {
        ends_with(0, copy(&cloud, "/x/a.jpg", to)).await;
        assert_eq!(cloud.twin.obs().get(MIRROR, key).unwrap().body, "pixels");
        cloud.twin.obs().delete(MIRROR, key);
        assert!(cloud.twin.obs().keys(MIRROR).is_empty(), "{to}");
    }
}

#[tokio::test]
async fn a_folder_is_copied_with_all_that_is_below_it_and_nothing_beside_it() {
    let cloud = Cloud::start().await;
    for key in ["x/1", "x/y/2", "xy", "x", "z/x/3"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    // A slash at the end makes no difference.
    for (from, to) in [("/x", "/copy"), ("/x/", "/copy/")] {
        assert_eq!(counts(0, copy(&cloud, from, to).with(["-r"])).await[0], 2);
        assert_eq!(cloud.twin.obs().keys(MIRROR), ["copy/1", "copy/y/2"]);
        assert_eq!(cloud.twin.obs().get(MIRROR, "copy/y/2").unwrap().body, "x/y/2");
        cloud.twin.obs().delete(MIRROR, "copy/1");
        cloud.twin.obs().delete(MIRROR, "copy/y/2");
    }
    assert_eq!(counts(0, copy(&cloud, "", "").with(["-r"])).await[0], 5);
    assert_eq!(cloud.twin.obs().keys(MIRROR), cloud.twin.oss().keys(SOURCE));
}

#[tokio::test]
async fn globs_choose_the_keys() {
    let cloud = Cloud::start().await;
    for key in ["a.jpg", "b.txt", "tmp/c.jpg", "d.png"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let globs = ["--include", "**.jpg,*.png", "--exclude", "tmp/**"];
    assert_eq!(counts(0, all_to_mirror(&cloud).with(globs)).await, [2, 0, 0, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["a.jpg", "d.png"]);
    // What is there already is not counted either when it is not asked for.
    assert_eq!(counts(0, all_to_mirror(&cloud).with(globs)).await, [0, 2, 0, 0]);
}

#[tokio::test]
async fn globs_hold_for_one_object_too_and_see_its_name() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "x/a.jpg", "pixels");
    let one = |globs: &[&'static str]| copy(&cloud, "/x/a.jpg", "/y/").with(globs.iter().copied());
    for globs in [
        &["--exclude", "*.jpg"][..],
        &["--exclude", "a.jpg"],
        &["--include", "x/*"],
        &["--exclude", "x/*", "--filter-keys"],
    ] {
        let finished = ends_with(0, one(globs)).await;
        let said = "left out: 1 (not matched by --include and --exclude)";
        assert!(finished.stderr.contains(said), "{globs:?}: {finished:?}");
        assert!(cloud.twin.obs().keys(MIRROR).is_empty(), "{globs:?}");
    }
    assert_eq!(counts(0, one(&["--exclude", "x/*"])).await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn a_dry_run_prints_the_keys_that_would_be_copied_and_changes_nothing() {
    let cloud = Cloud::start().await;
    for key in ["new", "same", "with blank"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    cloud.twin.obs().put(MIRROR, "same", "same");
    let finished = ends_with(0, all_to_mirror(&cloud).with(["--dry-run"])).await;
    let mut lines: Vec<_> = finished.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["new", "with blank"]);
    assert!(finished.stderr.contains("2 would be copied"), "{finished:?}");
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--dry-run"])).await, [2, 1, 0, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["same"]);
    let forced = ends_with(0, all_to_mirror(&cloud).with(["--dry-run", "--force"])).await;
    assert_eq!(forced.stdout.lines().count(), 3);
}

#[tokio::test]
async fn json_is_one_object_with_all_the_numbers() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "four");
    cloud.twin.oss().put(SOURCE, "b", "there");
    cloud.twin.obs().put(MIRROR, "b", "there");
    let mut result = ends_with(0, all_to_mirror(&cloud).with(["--json"])).await.json();
    let elapsed = result.as_object_mut().unwrap().remove("elapsed_s");
    assert!(elapsed.unwrap().as_f64().is_some_and(|seconds| seconds >= 0.0));
    assert_eq!(
        result,
        serde_json::json!({
            "objects": 2, "copied": 1, "up_to_date": 1, "skipped": 0, "failed": 0, "gone": 0, "bytes": 4, "failed_list": null
        })
    );
}

#[tokio::test]
async fn without_json_the_result_is_one_line() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "four");
    let finished = ends_with(0, all_to_mirror(&cloud)).await;
    let line = finished.stdout.strip_suffix('\n').unwrap();
    assert!(line.starts_with("1 object: 1 copied (4 B"), "{line}");
    assert!(line.contains("0 up to date, 0 skipped, 0 failed"), "{line}");
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_done() {
    let cloud = Cloud::start().await;
    let source = format!("oss://{SOURCE}/a");
    let mirror = format!("obs://{MIRROR}/a");
    for (from, to, arguments, said) in [
        (&*source, &*source, &[][..], "the same"),
        ("gs://bucket/k", &*mirror, &[], "gs://"),
        (&*source, "https://example.com/a", &[], "DST"),
        (&*source, &*mirror, &["--part-size", "99K"], "100K"),
        (&*source, &*mirror, &["--concurrency", "0"], "1000"),
        (&*source, &*mirror, &["--bwlimit", "fast"], "fast"),
        (&*source, &*mirror, &["--keys-from", "list"], "--recursive"),
        ("oss://source", &*mirror, &[], "-r"),
        ("https://example.com/", "obs://mirror/", &[], "name the key"),
        ("https://example.com/x", &*mirror, &["-r"], "cannot be listed"),
        ("no/such/directory", &*mirror, &["-r"], "not a directory"),
        (&*source, &*mirror, &["-r", "--include", "{"], "--include"),
        (&*source, &*mirror, &["-r", "--keys-from", "no-such-list"], "no-such-list"),
    ] {
        let copy = Copy::new(&cloud.twin, from, to).with(arguments.iter().copied());
        let finished = ends_with(2, copy).await;
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
        assert_eq!(finished.stdout, "");
    }
    assert_eq!(cloud.twin.stats().requests, []);
}

#[tokio::test]
async fn what_opens_the_ends_must_be_set() {
    let cloud = Cloud::start().await;
    let run = || copy(&cloud, "/a", "/a");
    for (variable, said) in [
        ("OSS_ENDPOINT", "SOURCE_ENDPOINT: missing"),
        ("DEST_ENDPOINT", "DEST_ENDPOINT: missing"),
        ("HW_SK", "obs:// needs HW_AK and HW_SK"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY"),
    ] {
        let finished = ends_with(2, run().settings(|settings| settings.unset(variable))).await;
        assert!(finished.stderr.contains(said), "{variable}: {finished:?}");
    }
    let finished = ends_with(2, run().set("DEST_AK", "only-this")).await;
    assert!(finished.stderr.contains("DEST_SK: missing, and DEST_AK is set"), "{finished:?}");
}

#[tokio::test]
async fn the_help_shows_examples_and_exit_codes() {
    let help = OmsBridge::new(["copy", "--help-all"]).run().await.stdout;
    for said in
        ["copy -r oss://photos/2024/ obs://mirror/2024/", "--keys-from <FILE>", "4    credentials refused"]
    {
        assert!(help.contains(said), "{said}: {help}");
    }
}
