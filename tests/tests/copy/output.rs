//! What `copy` says: dry runs, what is left out, nothing to copy, globs below SRC.

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use serde_json::json;
use tempfile::TempDir;

use super::support::{all_to_mirror, counts, ends_with};

macro_rules! assert_said {
    ($name:expr, $text:expr) => {
        insta::with_settings!({filters => [(r"in \d[\d.]*(s|m.*)\n", "in TIME\n"), (r"/tmp/\S+", "FOLDER")]}, {
            insta::assert_snapshot!($name, $text);
        })
    };
}

async fn stocked() -> Cloud {
    let cloud = Cloud::start().await;
    for key in ["2024/a.jpg", "2024/b.txt", "2024/sub/c.jpg", "2025/d.jpg"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    cloud
}

fn year(cloud: &Cloud, year: &str) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}/{year}/"), format!("obs://{MIRROR}/{year}/")).with(["-r"])
}

#[tokio::test]
async fn a_dry_run_lists_counts_and_tells_by_its_exit_code() {
    let cloud = stocked().await;
    let run = || year(&cloud, "2024").with(["--dry-run"]);
    let result = ends_with(0, run().with(["--json"])).await.json();
    assert_eq!((&result["would_copy"], &result["dry_run"]), (&json!(3), &json!(true)), "{result}");
    let mut keys: Vec<&str> =
        result["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["2024/a.jpg", "2024/b.txt", "2024/sub/c.jpg"]);
    assert_eq!(ends_with(3, run().with(["--exit-code"])).await.stdout.lines().count(), 3);
    assert_eq!(counts(0, year(&cloud, "2024")).await, [3, 0, 0, 0]);
    let done = ends_with(0, run().with(["--exit-code", "--json"])).await.json();
    assert_eq!((&done["would_copy"], &done["keys"]), (&json!(0), &json!([])));
    let copied = ends_with(0, year(&cloud, "2024").with(["--json"])).await.json();
    assert!(copied.get("would_copy").is_none() && copied.get("keys").is_none(), "{copied}");
}

#[tokio::test]
async fn globs_are_compared_with_names_below_the_source() {
    let cloud = stocked().await;
    for (globs, copied) in [
        (&["--include", "*.jpg"][..], 2),
        (&["--include", "sub/*"], 1),
        (&["--exclude", "sub/*"], 2),
        (&["--include", "2024/*"], 0),
        // As it was before.
        (&["--include", "2024/sub/*", "--filter-keys"], 1),
        (&["--include", "sub/*", "--filter-keys"], 0),
    ] {
        let run = year(&cloud, "2024").with(["--dry-run"]).with(globs.iter().copied());
        assert_eq!(counts(0, run).await[0], copied, "{globs:?}");
    }
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["a.jpg", "sub/c.jpg"] {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let upload = Copy::new(&cloud.twin, folder.path().to_str().unwrap(), format!("obs://{MIRROR}/"));
    assert_eq!(counts(0, upload.with(["-r", "--include", "sub/*"])).await, [1, 0, 0, 0]);
    // Keys of a list are keys, and globs see what is below SRC of them, too.
    let listed = year(&cloud, "2024").input("2024/a.jpg\n2024/sub/c.jpg\n");
    let listed = listed.with(["--keys-from", "/dev/stdin", "--include", "sub/*"]);
    assert_eq!(counts(0, listed).await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_left_out_is_counted_by_reason() {
    let cloud = stocked().await;
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "1").unwrap();
    for link in ["one", "two"] {
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join(link)).unwrap();
    }
    std::fs::write(folder.path().join("x.tmp"), "1").unwrap();
    let from = folder.path().to_str().unwrap();
    let run = || {
        let copy = Copy::new(&cloud.twin, from, format!("obs://{MIRROR}/up/"));
        copy.with(["-r", "--links", "skip", "--exclude", "*.tmp", "--dry-run"])
    };
    let finished = ends_with(0, run()).await;
    let said: Vec<&str> = finished.stderr.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_said!("left_out", said.join("\n") + "\n");
    let result = ends_with(0, run().with(["--json"])).await.json();
    let left_out: u64 = result["left_out"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((left_out, &result["skipped"], &result["filtered"]), (2, &json!(2), &json!(1)), "{result}");
}

#[tokio::test]
async fn nothing_to_copy_is_said() {
    let cloud = stocked().await;
    let empty = ends_with(0, year(&cloud, "1999")).await;
    assert_said!("nothing_there", format!("{}{}", empty.stdout, empty.stderr));
    let unmatched = ends_with(0, all_to_mirror(&cloud).with(["--include", "*.png"])).await;
    assert_said!("nothing_matched", format!("{}{}", unmatched.stdout, unmatched.stderr));
    let gone = Copy::new(&cloud.twin, "./no-such-folder", format!("obs://{MIRROR}/")).with(["-r"]);
    let gone = ends_with(2, gone).await;
    assert!(
        gone.stderr.contains("\"./no-such-folder\" is not a directory: there is nothing of that name: correct the path; a bucket is oss://"),
        "{gone:?}"
    );
    assert!(cloud.twin.obs().keys(MIRROR).is_empty());
}

#[tokio::test]
async fn numbers_are_in_one_style() {
    let cloud = Cloud::start().await;
    for number in 0..1200 {
        cloud.twin.oss().put(SOURCE, &format!("{number}"), vec![b'x'; 1024]);
    }
    let finished = ends_with(0, all_to_mirror(&cloud).with(["--dry-run"])).await;
    assert_said!("numbers", finished.stderr);
}
