//! Settings that are missing or wrong: exit code 2, with the name of the setting.

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};

use crate::support::{all_to_mirror, ends_with, to_mirror};

fn of_s3(cloud: &Cloud, from: &str) -> Copy {
    Copy::new(&cloud.twin, from, format!("obs://{MIRROR}/")).set("AWS_EC2_METADATA_DISABLED", "true")
}

#[tokio::test]
async fn amazon_s3_without_a_region_or_credentials_is_a_setting_that_is_missing() {
    let cloud = Cloud::start().await;
    for (from, arguments) in [
        ("s3://photos/a.jpg", &[][..]),
        ("s3://photos/", &["-r"]),
        ("s3://photos/", &["-r", "--dry-run"]),
        ("s3://photos/", &["-r", "--keys-from", "-"]),
    ] {
        let without_region = of_s3(&cloud, from)
            .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .set("AWS_SECRET_ACCESS_KEY", "made-up-secret");
        let without_credentials = of_s3(&cloud, from).set("AWS_REGION", "eu-west-1");
        let nowhere = without_region
            .clone()
            .set("AWS_REGION", "eu-west-1")
            .set("SOURCE_ENDPOINT", "https://user:made-up-secret@not a host");
        for (copy, named) in [
            (without_region, "AWS_REGION: missing"),
            (without_credentials, "AWS_ACCESS_KEY_ID"),
            (nowhere, "SOURCE_ENDPOINT"),
        ] {
            let finished = ends_with(2, copy.with(arguments.iter().copied())).await;
            assert!(finished.stderr.contains(named), "{from}: {finished:?}");
            for wrong in ["goes on", "refused", "failed", "made-up"] {
                assert!(!finished.stderr.contains(wrong), "{from}: {finished:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_a_setting_that_is_wrong() {
    let cloud = Cloud::start().await;
    for number in 0..100 {
        cloud.twin.oss().put(SOURCE, &format!("{number:03}"), "content");
    }
    let nowhere = |from: String, to: &str| Copy::new(&cloud.twin, from, to);
    for copy in [
        nowhere("oss://no-such-bucket/k".to_owned(), &format!("obs://{MIRROR}/")),
        nowhere("oss://no-such-bucket/".to_owned(), &format!("obs://{MIRROR}/")).with(["-r"]),
        nowhere(format!("oss://{SOURCE}/001"), "obs://no-such-bucket/"),
        nowhere(format!("oss://{SOURCE}"), "obs://no-such-bucket/").with(["-r"]),
    ] {
        let finished = ends_with(2, copy).await;
        assert!(finished.stderr.contains("no-such-bucket"), "{finished:?}");
        assert!(!finished.stderr.contains("goes on"), "{finished:?}");
    }
    // Where nothing is listed there, the first objects tell, and the others are not tried.
    let blindly =
        nowhere(format!("oss://{SOURCE}"), "obs://no-such-bucket/").with(["-r", "--force", "--json"]);
    let finished = ends_with(2, blindly.with(["--concurrency", "2"])).await;
    assert!(finished.json()["failed"].as_u64().unwrap() < 30, "{finished:?}");
    assert!(!finished.stderr.contains("goes on"), "{finished:?}");
}

#[tokio::test]
async fn what_is_missing_for_a_service_is_named() {
    let cloud = Cloud::start().await;
    for (copy, named) in [
        (to_mirror(&cloud, "k").settings(|settings| settings.unset("HW_AK")), "HW_AK"),
        (to_mirror(&cloud, "k").settings(|settings| settings.unset("DEST_ENDPOINT")), "DEST_ENDPOINT"),
        (all_to_mirror(&cloud).settings(|settings| settings.unset("OSS_ENDPOINT")), "SOURCE_ENDPOINT"),
        (all_to_mirror(&cloud).settings(|settings| settings.unset("OSS_REGION")), "region"),
        (all_to_mirror(&cloud).set("OSS_SIGNATURE", "v3"), "OSS_SIGNATURE"),
        (all_to_mirror(&cloud).set("DEST_AK", "half"), "DEST_SK"),
    ] {
        let finished = ends_with(2, copy).await;
        assert!(finished.stderr.contains(named), "{named}: {finished:?}");
    }
}
