//! Copies within one service and region: the bytes do not pass through here.

use cloud_twin::{Fault, FaultAction, FaultResponse, ObjectHeaders, Service, Twin};
use e2e::cloud::SOURCE;
use e2e::{Cloud, Copy};

use crate::support::{BACKUP, SMALL_PARTS, counts, ends_with, succeeded};

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(BACKUP);
    cloud
}

fn to_backup(cloud: &Cloud, key: &str) -> Copy {
    Copy::new(&cloud.twin, format!("oss://{SOURCE}/{key}"), format!("oss://{BACKUP}/{key}"))
}

/// Requests that copy within the service, and requests that read objects.
fn moves(twin: &Twin) -> (u64, u64) {
    (succeeded(twin, Service::Oss, "CopyObject"), twin.stats().requests(Service::Oss, "GetObject"))
}

#[tokio::test]
async fn the_service_copies_within_itself_and_is_not_asked_twice() {
    let cloud = cloud().await;
    let headers = ObjectHeaders::default().content_type("text/plain").user("author", "alice");
    cloud.twin.oss().put_with(SOURCE, "a", "content", headers);
    assert_eq!(counts(0, to_backup(&cloud, "a")).await, [1, 0, 0, 0]);
    assert_eq!(moves(&cloud.twin), (1, 0));
    let copy = cloud.twin.oss().get(BACKUP, "a").unwrap();
    assert_eq!(copy.body, "content");
    assert_eq!(
        (copy.headers.content_type.unwrap(), &copy.headers.user["author"]),
        ("text/plain".parse().unwrap(), &"alice".parse().unwrap())
    );
    assert_eq!(counts(0, to_backup(&cloud, "a")).await, [0, 1, 0, 0]);
    assert_eq!(moves(&cloud.twin), (1, 0));
}

#[tokio::test]
async fn what_one_copy_does_not_take_is_copied_in_parts() {
    const SIZE: u64 = (1 << 30) + (100 << 20);
    let cloud = cloud().await;
    cloud.twin.oss().put_zeros(SOURCE, "large", SIZE);
    ends_with(0, to_backup(&cloud, "large")).await;
    assert_eq!(succeeded(&cloud.twin, Service::Oss, "UploadPartCopy"), SIZE.div_ceil(256 << 20));
    assert_eq!(moves(&cloud.twin), (0, 0));
    assert_eq!(succeeded(&cloud.twin, Service::Oss, "UploadPart"), 0);
    let (source, copy) = (cloud.twin.oss().get(SOURCE, "large"), cloud.twin.oss().get(BACKUP, "large"));
    let (source, copy) = (source.unwrap(), copy.unwrap());
    assert_eq!((copy.body.len(), copy.crc64), (SIZE, source.crc64));
    assert_eq!(cloud.twin.oss().uploads(BACKUP), []);
}

#[tokio::test]
async fn what_the_service_refuses_to_copy_is_streamed() {
    let cloud = cloud().await;
    let denied = FaultResponse::error(403, "AccessDenied", "The source is of another account.");
    let fault = Fault::respond(Service::Oss, denied).header_contains("x-oss-copy-source", SOURCE);
    cloud.twin.faults().inject(fault);
    let body = "x".repeat(250_000);
    cloud.twin.oss().put(SOURCE, "a", body.clone());
    cloud.twin.oss().put(SOURCE, "b", "small");
    ends_with(0, to_backup(&cloud, "a").with(SMALL_PARTS)).await;
    ends_with(0, to_backup(&cloud, "b")).await;
    assert_eq!(cloud.twin.oss().get(BACKUP, "a").unwrap().body, body);
    assert_eq!(cloud.twin.oss().get(BACKUP, "b").unwrap().body, "small");
    let (copied, read) = moves(&cloud.twin);
    assert!(copied == 0 && read >= 4, "{copied} {read}");
}

#[tokio::test]
async fn between_two_services_objects_are_streamed() {
    let (cloud, other) = (cloud().await, Twin::start(Twin::builder()).await.unwrap());
    other.create_oss_bucket(BACKUP);
    cloud.twin.oss().put(SOURCE, "a", "content");
    let to = format!("oss://{BACKUP}/a");
    let copy = Copy::between(&cloud.twin, format!("oss://{SOURCE}/a"), &other, &to);
    assert_eq!(counts(0, copy).await, [1, 0, 0, 0]);
    assert_eq!(other.oss().get(BACKUP, "a").unwrap().body, "content");
    assert_eq!((moves(&cloud.twin), moves(&other)), ((0, 1), (0, 0)));
}

#[tokio::test]
async fn between_two_accounts_objects_are_streamed() {
    let cloud = cloud().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    let other = cloud.twin.function_account();
    let copy = to_backup(&cloud, "a")
        .set("DEST_AK", &other.access_key)
        .set("DEST_SK", &other.secret_key)
        .set("DEST_SECURITY_TOKEN", other.security_token.clone().unwrap());
    ends_with(0, copy).await;
    assert_eq!(moves(&cloud.twin), (0, 1));
    assert_eq!(cloud.twin.oss().get(BACKUP, "a").unwrap().body, "content");
}

#[tokio::test]
async fn a_copy_whose_answer_is_an_error_after_all_is_made_again() {
    let cloud = cloud().await;
    cloud.twin.oss().put(SOURCE, "a", "content");
    let late = FaultResponse::error(200, "InternalError", "It failed in the middle.");
    let fault = Fault::respond(Service::Oss, late).header_contains("x-oss-copy-source", SOURCE).times(1);
    let fault = cloud.twin.faults().inject(fault);
    ends_with(0, to_backup(&cloud, "a")).await;
    assert_eq!(cloud.twin.faults().hits(fault), 1);
    assert_eq!(cloud.twin.oss().get(BACKUP, "a").unwrap().body, "content");
}

#[tokio::test]
async fn what_is_replaced_while_it_is_copied_is_copied_as_it_is_now() {
    let cloud = cloud().await;
    cloud.twin.oss().put(SOURCE, "a", "old");
    let replaced = FaultAction::ReplaceFirst { body: "the new one".to_owned() };
    let fault = Fault::new(Service::Oss, replaced).header_contains("x-oss-copy-source", SOURCE).times(1);
    cloud.twin.faults().inject(fault);
    ends_with(0, to_backup(&cloud, "a")).await;
    assert_eq!(cloud.twin.oss().get(BACKUP, "a").unwrap().body, "the new one");
}

#[tokio::test]
async fn a_symlink_becomes_the_content_it_stands_for() {
    let cloud = cloud().await;
    cloud.twin.oss().put(SOURCE, "target", "content");
    cloud.twin.oss().put_symlink(SOURCE, "link", "target");
    ends_with(0, to_backup(&cloud, "link")).await;
    let copy = cloud.twin.oss().get(BACKUP, "link").unwrap();
    assert_eq!((copy.body.len(), format!("{:?}", copy.kind)), (7, "Normal".to_owned()));
}
