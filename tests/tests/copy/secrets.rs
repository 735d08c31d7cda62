//! Nothing secret is printed, whatever goes wrong.

use bytes::Bytes;
use cloud_twin::{Account, Fault, FaultResponse, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished, WebReply, WebServer};

use crate::support::{all_to_mirror, to_mirror};

const SIGNATURE: &str = "hush-hush-signature";

fn assert_hides(secrets: &[&str], finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        for secret in secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret:?} shows");
        }
    }
}

#[tokio::test]
async fn the_query_of_a_url_may_be_a_signature_and_is_not_shown() {
    let cloud = Cloud::start().await;
    let server = WebServer::start(|request| match request.target.split('?').next() {
        Some("/good") => WebReply::whole(&Bytes::from_static(b"content")),
        Some("/moved") => WebReply::new(302).header("location", format!("/good?again={SIGNATURE}")),
        Some("/circle") => WebReply::new(302).header("location", format!("/circle?again={SIGNATURE}")),
        Some("/broken") => WebReply::whole(&Bytes::from_static(b"content")).broken_after(3),
        Some("/gone") => WebReply::new(404),
        _ => WebReply::new(403),
    })
    .await;
    for (number, target) in
        ["/good", "/moved", "/circle", "/broken", "/gone", "/denied"].into_iter().enumerate()
    {
        for arguments in [&[][..], &["--json"], &["--dry-run"]] {
            let url = server.url(&format!("{target}?Signature={SIGNATURE}"));
            let to = format!("obs://{MIRROR}/{number}");
            let copy =
                Copy::new(&cloud.twin, url, to).with(arguments.iter().copied()).set("RUST_LOG", "debug");
            let finished = copy.run().await;
            assert!(finished.code.is_some());
            assert_hides(&[SIGNATURE], &finished);
        }
    }
    // A server that is not there.
    let url = format!("http://127.0.0.1:9/x?Signature={SIGNATURE}");
    let copy = Copy::new(&cloud.twin, url, format!("obs://{MIRROR}/a")).set("RUST_LOG", "trace");
    assert_hides(&[SIGNATURE], &copy.run().await);
    let copy = Copy::new(&cloud.twin, format!("http://127.0.0.1:9/?{SIGNATURE}"), format!("obs://{MIRROR}/"));
    assert_hides(&[SIGNATURE], &copy.run().await);
}

#[tokio::test]
async fn keys_tokens_and_signatures_stay_in_the_requests() {
    let huawei = Account::temporary("TEMPORARYHUAWEIKEY01", "huawei-secret-key", "huawei-security-token");
    let oss = [Account::temporary("STS.temporary", "temporary-oss-secret", "temporary-oss-token")];
    let cloud = Cloud::with(Twin::builder().huawei_accounts([huawei]).oss_accounts(oss)).await;
    let secrets = [
        "huawei-secret-key",
        "huawei-security-token",
        "temporary-oss-secret",
        "temporary-oss-token",
        "OSS4-HMAC-SHA256 Credential",
        "Signature=",
        "OBS TEMPORARY",
    ];
    cloud.twin.oss().put(SOURCE, "a", "content");
    let run = |copy: Copy| {
        copy.set("HW_SECURITY_TOKEN", "huawei-security-token").set("RUST_LOG", "trace").with(["--force"])
    };
    let expired = FaultResponse::error(403, "SecurityTokenExpired", "expired");
    let faults = [
        None,
        Some(Fault::respond(Service::Oss, expired.clone())),
        Some(Fault::respond(Service::Obs, expired)),
        Some(Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "no")).times(1)),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        cloud.twin.faults().clear_all();
        let works = fault.is_none();
        if let Some(fault) = fault {
            cloud.twin.faults().inject(fault);
        }
        for copy in [to_mirror(&cloud, "a"), all_to_mirror(&cloud)] {
            let finished = run(copy).run().await;
            assert_eq!(finished.code == Some(0), works || number == 3, "{finished:?}");
            assert!(finished.stderr.contains("TRACE"), "there is something to look at");
            assert_hides(&secrets, &finished);
        }
    }
}
