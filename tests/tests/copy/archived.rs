//! Sources that are archived: each is one failure, named and told what to do about it, whatever the way of its copy. Until it is
//! restored, that is: while it is being restored it cannot be read either.

use cloud_twin::{ObjectHeaders, Objects, Twin};
use e2e::Copy;

use crate::support::SMALL_PARTS;

const TO_DO: &str = "the source object is archived: restore first, then copy again";

/// A bucket named `bucket` of a service, by its scheme.
fn objects<'t>(twin: &'t Twin, scheme: &str) -> Objects<'t> {
    if scheme == "oss" { twin.oss() } else { twin.obs() }
}

fn copy(twin: &Twin, from: &str, to: &str) -> Copy {
    Copy::new(twin, format!("{from}://from"), format!("{to}://dest/in"))
        .with(["-r", "--json"])
        .with(SMALL_PARTS)
}

/// Runs the copy and sees that it left out what is archived, by name, and nothing else.
async fn leaves_out_what_is_archived(twin: &Twin, from: &str, to: &str, copied: u64) {
    let finished = copy(twin, from, to).run().await;
    assert_eq!(finished.code, Some(3), "{from} {to}: {finished:?}");
    for key in ["cold/small", "cold/large"] {
        let lines: Vec<_> = finished.stderr.lines().filter(|line| line.contains(key)).collect();
        assert!(lines.iter().any(|line| line.contains(TO_DO)), "{from} {to} {key}: {finished:?}");
    }
    let result = finished.json();
    assert_eq!((&result["copied"], &result["failed"]), (&copied.into(), &2.into()), "{from} {to}: {result}");
    assert_eq!(objects(twin, to).keys("dest"), ["in/warm"]);
    assert!(objects(twin, to).uploads("dest").is_empty(), "{from} {to}");
}

#[tokio::test]
async fn an_archived_object_of_either_cloud_is_named_and_copied_once_it_is_restored() {
    let ways = [
        ("oss", "obs", "Archive"),
        ("oss", "obs", "ColdArchive"),
        ("oss", "oss", "DeepColdArchive"),
        ("obs", "oss", "COLD"),
        ("obs", "obs", "COLD"),
        ("obs", "oss", "DEEP_ARCHIVE"),
    ];
    for (from, to, class) in ways {
        let twin = Twin::builder().start().await.unwrap();
        twin.create_oss_bucket("dest");
        twin.create_obs_bucket("dest");
        let source = objects(&twin, from);
        let large = "x".repeat(250_000);
        source.put("from", "warm", "content");
        for (key, body) in [("cold/small", "content"), ("cold/large", &*large)] {
            let headers = ObjectHeaders::default().storage_class(class);
            source.put_with("from", key, body.to_owned(), headers);
        }
        leaves_out_what_is_archived(&twin, from, to, 1).await;

        let restored = |from, until| {
            for key in ["cold/small", "cold/large"] {
                source.modify("from", key, |object| {
                    object.restored_from = Some(from);
                    object.restored_until = Some(until);
                });
            }
        };
        let now = chrono::Utc::now();
        let hour = chrono::TimeDelta::hours(1);
        restored(now + hour, now + hour + hour);
        leaves_out_what_is_archived(&twin, from, to, 0).await;

        restored(now - hour, now + hour);
        let finished = copy(&twin, from, to).run().await;
        assert_eq!(finished.code, Some(0), "{from} {to}: {finished:?}");
        for (key, body) in [("in/cold/small", "content"), ("in/cold/large", &*large)] {
            assert!(objects(&twin, to).get("dest", key).unwrap().body == body, "{from} {to} {key}");
        }
    }
}

#[tokio::test]
async fn of_an_archived_object_no_file_is_begun() {
    let twin = Twin::builder().start().await.unwrap();
    for (scheme, class) in [("oss", "Archive"), ("obs", "COLD")] {
        let headers = ObjectHeaders::default().storage_class(class);
        objects(&twin, scheme).put_with("from", "cold", "content", headers);
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("cold");
        let finished = Copy::new(&twin, format!("{scheme}://from/cold"), file.to_str().unwrap()).run().await;
        assert_eq!(finished.code, Some(3), "{finished:?}");
        assert!(finished.stderr.contains(TO_DO) && finished.stderr.contains("cold"), "{finished:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");
    }
}
