//! What the desk says when it starts.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::{Cloud, Desk};

#[tokio::test]
async fn it_says_where_it_is_how_to_sign_in_and_that_the_bucket_is_right() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.argument("--set-cors").start().await;
    desk.until_logged("bucket source exists, and its CORS rules let pages upload to it").await;
    let log = desk.log();
    assert!(log.contains(&format!("the page of the desk is http://{}/", desk.address())), "{log}");
    assert!(log.contains("DESK_TOKENS: eric, mia, root (admin)"), "{log}");
    for user in [e2e::desk::ERIC, e2e::desk::MIA, e2e::desk::ADMIN] {
        assert!(!log.contains(user.token), "{log}");
    }
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "HeadBucket"), 0);
    assert_eq!(
        cloud.twin.stats().requests(Service::Oss, "GetBucketCors"),
        2,
        "one to set them, one to check"
    );
}

#[tokio::test]
async fn it_says_what_to_do_about_a_bucket_that_is_not_right() {
    let cloud = Cloud::start().await;
    for (fault, said) in [
        (
            FaultResponse::error(404, "NoSuchBucket", "no"),
            "create it, or correct DESK_BUCKET or OSS_ENDPOINT",
        ),
        (FaultResponse::error(403, "AccessDenied", "no"), "allow oss:GetBucketCors"),
        (FaultResponse::error(403, "InvalidAccessKeyId", "no"), "OSS refuses the credentials"),
        (FaultResponse::error(400, "Odd", "no"), "check whether the desk can reach OSS_ENDPOINT"),
    ] {
        let fault = cloud.twin.faults().inject(Fault::respond(Service::Oss, fault).path_contains("cors"));
        let desk = Desk::on(&cloud).await.start().await;
        desk.until_logged(said).await;
        cloud.twin.faults().clear(fault);
    }
}
