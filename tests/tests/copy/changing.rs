//! Sources that change while they are copied: the copy is the object as it is in the end, never a mixture.

use cloud_twin::{Fault, FaultAction, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;

use crate::support::{
    PART, all_to_mirror, assert_mirrored, assert_nothing_mirrored, counts, ends_with, in_parts, to_mirror,
};

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", bytes(1, 4 * PART).to_vec());
    cloud
}

fn replace(body: &str) -> FaultAction {
    FaultAction::ReplaceFirst { body: body.to_owned() }
}

/// As long as the object that it takes the place of.
fn equally_long() -> String {
    "n".repeat(4 * PART)
}

fn at_part(action: FaultAction) -> Fault {
    Fault::new(Service::Oss, action).method("GET").header_contains("range", "bytes=204800-").times(1)
}

fn at_last_look(action: FaultAction) -> Fault {
    Fault::new(Service::Oss, action).method("HEAD").key_contains("a").times(1)
}

#[tokio::test]
async fn an_object_that_is_replaced_half_way_is_copied_as_it_is_now() {
    for new in ["short", &*equally_long()] {
        let cloud = cloud().await;
        let fault = cloud.twin.faults().inject(at_part(replace(new)));
        assert_eq!(counts(0, in_parts(&cloud, "a")).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, "a", new);
        assert_eq!(cloud.twin.faults().hits(fault), 1);
        assert_eq!(counts(0, in_parts(&cloud, "a")).await, [0, 1, 0, 0]);
    }
}

#[tokio::test]
async fn an_object_that_is_replaced_while_a_break_is_mended_is_copied_as_it_is_now() {
    let cloud = cloud().await;
    let reset = Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("GET").times(1);
    cloud.twin.faults().inject(reset.header_contains("range", "bytes=0-"));
    let replaced = Fault::new(Service::Oss, replace(&equally_long())).method("GET").times(1);
    let replaced = cloud.twin.faults().inject(replaced.header_contains("range", "bytes="));
    ends_with(0, to_mirror(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", equally_long());
    assert_eq!(cloud.twin.faults().hits(replaced), 1);
}

#[tokio::test]
async fn an_object_that_is_replaced_right_after_it_was_written_is_copied_again() {
    let cloud = cloud().await;
    for (run, new) in [
        (to_mirror(&cloud, "a"), "second"),
        (in_parts(&cloud, "a"), "third"),
        (all_to_mirror(&cloud), "fourth"),
    ] {
        cloud.twin.obs().delete(MIRROR, "a");
        let fault = cloud.twin.faults().inject(at_last_look(replace(new)));
        assert_eq!(counts(0, run).await, [1, 0, 0, 0]);
        assert_eq!(cloud.twin.faults().hits(fault), 1);
        assert_mirrored(&cloud, "a", new);
    }
}

#[tokio::test]
async fn an_object_that_is_removed_half_way_leaves_nothing() {
    let cloud = cloud().await;
    cloud.twin.faults().inject(at_part(FaultAction::RemoveFirst));
    let finished = ends_with(3, in_parts(&cloud, "a")).await;
    assert!(finished.stderr.contains("no such object"), "{finished:?}");
    assert_nothing_mirrored(&cloud, "a");
}

#[tokio::test]
async fn objects_that_vanish_after_they_were_listed_are_named_and_counted() {
    let cloud = cloud().await;
    cloud.twin.oss().put(SOURCE, "b", "stays");
    let gone = Fault::new(Service::Oss, FaultAction::RemoveFirst).method("GET").key_contains("a").times(1);
    cloud.twin.faults().inject(gone);
    let finished = ends_with(3, all_to_mirror(&cloud).with(["--json"])).await;
    let result = finished.json();
    let numbers = ["copied", "skipped", "failed", "gone"].map(|name| result[name].as_u64().unwrap());
    assert_eq!(numbers, [1, 0, 1, 1], "{finished:?}");
    assert!(
        finished.stderr.contains("key=\"a\"") && finished.stderr.contains("no such object"),
        "{finished:?}"
    );
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["b"]);
    // It was deleted, and the next run does not see it.
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_download_of_an_object_that_changes_is_the_object_as_it_is_now() {
    let cloud = cloud().await;
    let directory = tempfile::TempDir::new().unwrap();
    let to = directory.path().join("a");
    let copy = e2e::Copy::new(&cloud.twin, format!("oss://{SOURCE}/a"), to.to_str().unwrap());
    cloud.twin.faults().inject(at_last_look(replace("new")));
    ends_with(0, copy).await;
    assert_eq!(std::fs::read(to).unwrap(), b"new");
}
