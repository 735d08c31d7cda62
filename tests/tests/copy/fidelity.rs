//! What goes along with the bytes.

use cloud_twin::{ObjectHeaders, Service, StoredObject};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};

use crate::support::{
    BACKUP, all_to_mirror, assert_mirrored, assert_nothing_mirrored, counts, ends_with, in_parts, succeeded,
    to_mirror,
};

/// An object of the bucket on OSS with everything that may go along.
fn rich() -> ObjectHeaders {
    ObjectHeaders::default()
        .content_type("text/markdown; charset=utf-8")
        .standard("cache-control", "no-cache")
        .standard("content-disposition", "attachment; filename=\"a.md\"")
        .standard("content-encoding", "br")
        .standard("content-language", "de")
        .standard("expires", "Thu, 01 Jan 2026 00:00:00 GMT")
        .user("author", "alice")
        .user("place", "Zürich 测试 100% +1")
        .tag("colour", "light blue")
        .tag("größe", "a&b=c")
        .acl("public-read")
        .storage_class("IA")
}

fn standard(object: &StoredObject) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = object
        .headers
        .standard
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    pairs.sort_unstable();
    pairs
}

fn user(object: &StoredObject) -> Vec<(&str, String)> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let pairs = object.headers.user.iter().filter(|(name, _)| !name.starts_with("src-"));
    pairs.map(|(name, value)| (name.as_str(), text(value.as_bytes()))).collect()
}

fn back(cloud: &Cloud, key: &str) -> Copy {
    cloud.twin.create_oss_bucket(BACKUP);
    Copy::new(&cloud.twin, format!("obs://{MIRROR}/{key}"), format!("oss://{BACKUP}/{key}"))
}

#[tokio::test]
async fn headers_and_metadata_go_to_obs_and_come_back_whole() {
    let cloud = Cloud::start().await;
    let large = "x".repeat(250_000);
    for (key, body) in [("small", "content"), ("large", &*large)] {
        cloud.twin.oss().put_with(SOURCE, key, body.to_owned(), rich());
        ends_with(0, in_parts(&cloud, key)).await;
        assert_mirrored(&cloud, key, body);
        let copy = cloud.twin.obs().get(MIRROR, key).unwrap();
        assert_eq!(copy.headers.content_type.as_ref().unwrap(), "text/markdown; charset=utf-8");
        let source = cloud.twin.oss().get(SOURCE, key).unwrap();
        assert_eq!(standard(&copy), standard(&source));
        assert_eq!(copy.headers.user["author"], "alice");
        assert!(copy.headers.user["place"].to_str().is_ok(), "OBS takes only ASCII");
        // The ETag of the source goes along, whatever it is.
        assert_eq!(copy.headers.user["src-etag"], *source.etag);

        ends_with(0, back(&cloud, key)).await;
        let returned = cloud.twin.oss().get(BACKUP, key).unwrap();
        assert_eq!(returned.body, body);
        assert_eq!((user(&returned), standard(&returned)), (user(&source), standard(&source)));
        assert_eq!(returned.headers.user["src-etag"], *copy.etag);
    }
}

#[tokio::test]
async fn classes_are_those_of_the_other_cloud() {
    let cloud = Cloud::start().await;
    for (class, expected) in [("Standard", "STANDARD"), ("IA", "WARM")] {
        cloud.twin.oss().put_with(SOURCE, class, "x", ObjectHeaders::default().storage_class(class));
        ends_with(0, to_mirror(&cloud, class)).await;
        let copy = cloud.twin.obs().get(MIRROR, class).unwrap();
        assert_eq!(copy.headers.storage_class.as_deref().unwrap_or("STANDARD"), expected);
        ends_with(0, back(&cloud, class)).await;
        let returned = cloud.twin.oss().get(BACKUP, class).unwrap();
        assert_eq!(returned.headers.storage_class.as_deref().unwrap_or("Standard"), class);
    }
}

#[tokio::test]
async fn an_archived_object_must_be_restored_first() {
    let cloud = Cloud::start().await;
    let archived = || ObjectHeaders::default().storage_class("Archive");
    cloud.twin.oss().put_with(SOURCE, "a", "content", archived());
    cloud.twin.oss().put(SOURCE, "b", "content");
    let finished = ends_with(3, to_mirror(&cloud, "a")).await;
    assert!(finished.stderr.contains("restore first"), "{finished:?}");
    assert!(finished.stderr.contains("class=permanent"), "{finished:?}");
    // Others do not wait for it.
    assert_eq!(counts(3, all_to_mirror(&cloud)).await, [1, 0, 0, 1]);
    assert_nothing_mirrored(&cloud, "a");
    let until = chrono::Utc::now() + chrono::TimeDelta::days(1);
    cloud.twin.oss().modify(SOURCE, "a", |object| object.restored_until = Some(until));
    ends_with(0, to_mirror(&cloud, "a")).await;
    // It is written as archived as it was.
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert_eq!((copy.body == "content", copy.headers.storage_class.as_deref()), (true, Some("COLD")));
}

#[tokio::test]
async fn tags_and_acl_go_along_on_demand_only() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_with(SOURCE, "a", "content", rich());
    ends_with(0, to_mirror(&cloud, "a")).await;
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert_eq!((copy.headers.tags, copy.headers.acl), (Vec::new(), None));
    let stats = cloud.twin.stats();
    let extra = |operation| stats.requests(Service::Oss, operation);
    assert_eq!((extra("GetObjectTagging"), extra("GetObjectAcl")), (0, 0));

    let source = cloud.twin.oss().get(SOURCE, "a").unwrap().headers;
    ends_with(0, to_mirror(&cloud, "a").with(["--force", "--preserve", "tags,acl"])).await;
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap().headers;
    assert_eq!((copy.tags, copy.acl.as_deref()), (source.tags.clone(), Some("public-read")));
    ends_with(0, back(&cloud, "a").with(["--preserve", "tags", "--preserve", "acl"])).await;
    let returned = cloud.twin.oss().get(BACKUP, "a").unwrap().headers;
    assert_eq!((returned.tags, returned.acl.as_deref()), (source.tags, Some("public-read")));
}

#[tokio::test]
async fn symlinks_become_what_they_stand_for_or_are_left_out() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "target", "content");
    cloud.twin.oss().put_symlink(SOURCE, "link", "target");
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--symlinks", "skip"])).await, [1, 0, 1, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["target"]);
    let skipped = ends_with(3, to_mirror(&cloud, "link").with(["--symlinks", "skip"])).await;
    assert!(skipped.stderr.contains("symlink"), "{skipped:?}");
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [1, 1, 0, 0]);
    assert_mirrored(&cloud, "link", "content");
    assert_eq!(counts(0, to_mirror(&cloud, "link")).await, [0, 1, 0, 0]);
    // The listing shows it empty, and another object in its place.
    for arguments in [&[][..], &["--dry-run"]] {
        assert_eq!(counts(0, all_to_mirror(&cloud).with(arguments.iter().copied())).await, [0, 2, 0, 0]);
    }
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "PutObject"), 2);
    // The target changes, and with it the link.
    cloud.twin.oss().put(SOURCE, "target", "CONTENT");
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [2, 0, 0, 0]);
    assert_mirrored(&cloud, "link", "CONTENT");
}

#[tokio::test]
async fn symlinks_are_left_out_of_directories_too() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "target", "content");
    cloud.twin.oss().put_symlink(SOURCE, "link", "target");
    let directory = tempfile::TempDir::new().unwrap();
    let to = directory.path().to_str().unwrap();
    let copy = || Copy::new(&cloud.twin, format!("oss://{SOURCE}"), to).with(["-r"]);
    assert_eq!(counts(0, copy().with(["--symlinks", "skip"])).await, [1, 0, 1, 0]);
    assert!(!directory.path().join("link").exists());
    assert_eq!(counts(0, copy()).await[0], 1);
    assert_eq!(std::fs::read(directory.path().join("link")).unwrap(), b"content");
}

#[tokio::test]
async fn a_symlink_to_nothing_is_no_object() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_symlink(SOURCE, "link", "gone");
    let finished = ends_with(3, all_to_mirror(&cloud).with(["--json"])).await;
    assert_eq!(
        (&finished.json()["failed"], &finished.json()["gone"]),
        (&1.into(), &0.into()),
        "{finished:?}"
    );
    for finished in [finished, ends_with(3, to_mirror(&cloud, "link")).await] {
        let said = finished.stderr.contains("a symlink whose target does not exist");
        assert!(said && finished.stderr.contains("key=\"link\""), "{finished:?}");
    }
    assert_nothing_mirrored(&cloud, "link");
}
