//! What the tests say again and again.

use cloud_twin::{Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};

/// Part size with which objects of some 100 KB go in parts.
pub(crate) const SMALL_PARTS: [&str; 2] = ["--part-size", "100K"];

/// Bytes of such a part.
pub(crate) const PART: usize = 100 << 10;

/// The bucket that further copies go to, on OSS.
pub(crate) const BACKUP: &str = "backup";

/// A run from the source bucket on OSS to the mirror on OBS.
pub(crate) fn to_mirror(cloud: &Cloud, key: &str) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}/{key}"), format!("obs://{MIRROR}/{key}"))
}

/// The same in parts of [`PART`] bytes.
pub(crate) fn in_parts(cloud: &Cloud, key: &str) -> Copy {
    to_mirror(cloud, key).with(SMALL_PARTS)
}

/// A run of everything in the source bucket.
pub(crate) fn all_to_mirror(cloud: &Cloud) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("obs://{MIRROR}")).with(["-r"])
}

/// Runs it and sees that it ended with `code`.
pub(crate) async fn ends_with(code: i32, copy: Copy) -> Finished {
    let finished = copy.run().await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    finished
}

/// Runs it with `--json` and gives the numbers of objects: copied, up to date, skipped, failed.
pub(crate) async fn counts(code: i32, copy: Copy) -> [u64; 4] {
    let result = ends_with(code, copy.with(["--json"])).await.json();
    let copied = if result["dry_run"] == true { "would_copy" } else { "copied" };
    [copied, "up_to_date", "skipped", "failed"].map(|name| result[name].as_u64().unwrap())
}

/// Sees that the mirror holds `body` under `key`, and no open upload.
pub(crate) fn assert_mirrored(cloud: &Cloud, key: &str, body: impl AsRef<[u8]>) {
    let copy = cloud.twin.obs().get(MIRROR, key).unwrap_or_else(|| panic!("no copy of {key:?}"));
    assert!(copy.body == body.as_ref(), "{key:?}: {:?}", copy.body);
    assert_eq!(cloud.twin.obs().uploads(MIRROR), [], "open uploads");
}

/// Sees that nothing is left of `key` in the mirror: no object, no upload.
pub(crate) fn assert_nothing_mirrored(cloud: &Cloud, key: &str) {
    assert!(cloud.twin.obs().get(MIRROR, key).is_none(), "a copy of {key:?}");
    assert_eq!(cloud.twin.obs().uploads(MIRROR), [], "open uploads");
}

/// Requests of a kind that were answered with success.
pub(crate) fn succeeded(twin: &Twin, service: Service, operation: &str) -> u64 {
    let stats = twin.stats();
    let wanted = stats.requests.iter().filter(|count| {
        count.service == service && count.operation == operation && (200..300).contains(&count.status)
    });
    wanted.map(|count| count.count).sum()
}

/// A comparison of the source bucket with the mirror.
pub(crate) fn comparison(cloud: &Cloud) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("obs://{MIRROR}")).comparing()
}

/// Puts an object that has not changed for an hour into the source bucket, the mirror, or both. An empty body
/// stands for no object.
pub(crate) fn put_both(cloud: &Cloud, key: &str, source: &str, mirror: &str) {
    let aged = |object: &mut cloud_twin::StoredObject| object.last_modified -= chrono::TimeDelta::hours(1);
    if !source.is_empty() {
        cloud.twin.oss().put(SOURCE, key, source.to_owned());
        cloud.twin.oss().modify(SOURCE, key, aged);
    }
    if !mirror.is_empty() {
        cloud.twin.obs().put(MIRROR, key, mirror.to_owned());
        cloud.twin.obs().modify(MIRROR, key, aged);
    }
}

/// Gives both copies of an object the `ETag`s of uploads in parts, which say nothing of their content.
pub(crate) fn uploaded_in_parts(cloud: &Cloud, key: &str) {
    cloud.twin.oss().modify(SOURCE, key, |object| object.etag = "0123456789ABCDEF0123456789ABCDEF-2".into());
    cloud.twin.obs().modify(MIRROR, key, |object| object.etag = "fedcba9876543210fedcba9876543210-3".into());
}
