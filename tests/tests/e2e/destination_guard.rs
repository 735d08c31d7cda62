//! `DEST` never lies in the bucket that events come from. Where the settings name that bucket, they are refused (`modes`); else the event is.

use cloud_twin::Service;
use e2e::cloud::{LOGS, SOURCE};
use e2e::{Answer, Cloud, Function, event};

const CREATED: &str = "ObjectCreated:PutObject";
const OTHER: &str = "other";

#[tokio::test]
async fn events_of_the_bucket_that_is_written_to_are_refused_and_those_of_copies_passed_over() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(OTHER);
    for (bucket, key) in [(SOURCE, "a"), (SOURCE, "b"), (OTHER, "c")] {
        cloud.twin.oss().put(bucket, key, "content");
    }
    let settings = cloud
        .copy_settings()
        .set("DEST", format!("oss://{SOURCE}/copies"))
        .set("DEST_ENDPOINT", cloud.twin.oss_url())
        .set("DEST_REGION", cloud.twin.region());
    let function = Function::with(settings).start().await;
    // Together with one that is good: the whole event is the sender's to keep.
    let event = event::of([event::element(OTHER, CREATED, "c"), event::element(SOURCE, CREATED, "a")]);
    let Answer::Failure { kind, message } = function.invoke(event).await else { panic!("accepted") };
    assert_eq!(kind, "DestinationInSource");
    for part in ["\"a\"", "\"source\"", "DEST", "trigger"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!((cloud.twin.oss().keys(SOURCE).len(), cloud.twin.oss().len(LOGS)), (2, 0));
    // From another bucket it copies, and the event of the copy is none of a source.
    let other = event::of([event::element(OTHER, CREATED, "c")]);
    assert_eq!(function.invoke(other).await, Answer::True);
    let copy = event::of([event::element(SOURCE, CREATED, "copies/c")]);
    assert_eq!(function.invoke(copy).await, Answer::True);
    assert_eq!(cloud.twin.oss().keys(SOURCE), ["a", "b", "copies/c"]);
    assert_eq!(
        cloud.done(Service::Oss, "CopyObject") + cloud.done(Service::Oss, "PutObject"),
        2,
        "a copy, and its record"
    );
}
