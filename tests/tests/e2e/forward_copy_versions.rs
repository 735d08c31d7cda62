//! Buckets that keep versions: the removal of one is a reason to look.

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Shelf, event};

fn removed(name: &str, key: &str) -> String {
    event::of([event::element(SOURCE, name, key)])
}

#[tokio::test]
async fn the_version_before_the_one_that_was_removed_is_copied() {
    for propagate in ["false", "true"] {
        let cloud = Cloud::start().await;
        let settings = cloud.copy_settings().set("PROPAGATE_DELETES", propagate);
        let function = Function::with(settings).start().await;
        cloud.twin.oss().put(SOURCE, "k", "the version before");
        cloud.put_copy("k", "k", "the newest");
        assert_eq!(function.invoke(removed("ObjectRemoved:DeleteObjectVersion", "k")).await, Answer::True);
        assert_eq!(cloud.mirrored("k").unwrap().body, "the version before", "{propagate}");
    }
}

#[tokio::test]
async fn where_it_was_the_last_one_the_copy_goes_if_removals_are_carried_over() {
    for (propagate, note) in [("false", "nothing to copy"), ("true", "removed")] {
        let cloud = Cloud::start().await;
        let settings = cloud.copy_settings().set("PROPAGATE_DELETES", propagate);
        let function = Function::with(settings).start().await;
        cloud.put_copy("k", "k", "the newest");
        assert_eq!(function.invoke(removed("ObjectRemoved:DeleteObjectVersion", "k")).await, Answer::True);
        assert_eq!(cloud.mirrored("k").is_some(), propagate == "false");
        let record = cloud.copy_records().get(Shelf::Success, "k").unwrap();
        assert!(record["note"].as_str().unwrap().contains(note), "{record}");
    }
}

#[tokio::test]
async fn many_versions_of_objects_that_are_there_use_up_no_removals() {
    let cloud = Cloud::start().await;
    let settings = cloud.copy_settings().set("PROPAGATE_DELETES", "true").set("MAX_DELETES", "1");
    let function = Function::with(settings).start().await;
    let keys = event::keys("k", 5);
    for key in &keys {
        cloud.twin.oss().put(SOURCE, key, "content");
    }
    let events = keys.iter().map(|key| event::element(SOURCE, "ObjectRemoved:DeleteObjectVersion", key));
    assert_eq!(function.invoke(event::of(events)).await, Answer::True);
    assert_eq!(cloud.twin.obs().len(MIRROR), 5);
}

#[tokio::test]
async fn oms_cannot_look_so_the_copy_engine_does_where_there_is_one() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "the version before");
    for (settings, copied) in [(cloud.settings(), false), (cloud.oms_then_copy_settings(), true)] {
        let function = Function::with(settings).start().await;
        assert_eq!(function.invoke(removed("ObjectRemoved:DeleteObjectVersion", "k")).await, Answer::True);
        assert_eq!((cloud.oms_requests(), cloud.mirrored("k").is_some()), (0, copied));
    }
}
