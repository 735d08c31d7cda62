//! Nothing secret ever leaves the process but in the requests that need it.

use cloud_twin::{Account, Fault, FaultResponse, Service, Twin};
use e2e::cloud::LOGS;
use e2e::{Cloud, Function, Invocation, OmsBridge, event};

/// A secret key that Huawei does not know. It is a secret all the same.
const WRONG: &str = "wrong-secret";

/// What must not show anywhere, and parts of signed headers that must not either.
fn secrets(cloud: &Cloud) -> Vec<String> {
    let accounts = [cloud.twin.huawei_account(), cloud.twin.oss_account(), cloud.twin.function_account()];
    let mut secrets: Vec<String> = accounts
        .iter()
        .flat_map(|account| [Some(account.secret_key.clone()), account.security_token.clone()])
        .flatten()
        .collect();
    secrets.extend(
        [WRONG, "SDK-HMAC-SHA256 Access", "OSS4-HMAC-SHA256 Credential", "Signature="].map(str::to_owned),
    );
    secrets
}

fn assert_hides(secrets: &[String], place: &str, text: &str) {
    for secret in secrets {
        if let Some(at) = text.find(secret.as_str()) {
            let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
            let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            panic!("{place} shows {secret:?}: {}", &text[line..end]);
        }
    }
}

async fn cloud() -> Cloud {
    let huawei = Account::temporary("TEMPORARYHUAWEIKEY01", "huawei-secret-key", "huawei-security-token");
    let oss = [
        Account::permanent("LTAIpermanent", "permanent-oss-secret"),
        Account::temporary("STS.temporary", "temporary-oss-secret", "temporary-oss-token"),
    ];
    Cloud::with(Twin::builder().huawei_accounts([huawei]).oss_accounts(oss)).await
}

/// Invocations that end in every way there is, with all there is in the log.
async fn exercise(cloud: &Cloud, secrets: &[String], format: &str, secret_key: &str) {
    let setup =
        Function::on(cloud).set("RUST_LOG", "trace").set("LOG_FORMAT", format).set("HW_SK", secret_key);
    let function = setup.start().await;
    assert_hides(secrets, "an answer", &function.initialize().await.body);
    let faults = [
        None,
        Some(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(1)),
        Some(Fault::respond(Service::Oms, FaultResponse::oms_forbidden())),
        Some(Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"))),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        if let Some(fault) = fault {
            cloud.twin.faults().inject(fault);
        }
        let event = Invocation::event(event::put([format!("{format}-{number}")]));
        let reply = function.send(event.credentials(cloud.twin.function_account())).await;
        assert_hides(secrets, "an answer", &reply.body);
    }
    cloud.twin.faults().clear_all();
    let log = function.log();
    assert!(log.contains("TRACE"), "there is something to look at");
    assert_hides(secrets, "the log", &log);
    assert_hides(secrets, "standard output", &function.stdout());
}

fn assert_records_hide(secrets: &[String], cloud: &Cloud) {
    let records = cloud.twin.oss().keys(LOGS);
    assert!(!records.is_empty());
    for name in records {
        let record = cloud.twin.oss().get(LOGS, &name).unwrap();
        assert_hides(secrets, &name, std::str::from_utf8(&record.body).unwrap());
    }
}

#[tokio::test]
async fn no_secret_shows_in_logs_records_or_answers_whatever_goes_wrong() {
    let cloud = cloud().await;
    let secrets = secrets(&cloud);
    let right = cloud.twin.huawei_account().secret_key.clone();
    for (format, secret_key) in [("json", &*right), ("text", &*right), ("json", WRONG), ("text", WRONG)] {
        exercise(&cloud, &secrets, format, secret_key).await;
    }
    assert_records_hide(&secrets, &cloud);
}

#[tokio::test]
async fn no_secret_shows_in_what_send_prints() {
    let cloud = cloud().await;
    let secrets = secrets(&cloud);
    for secret_key in [&*cloud.twin.huawei_account().secret_key, WRONG] {
        let settings = cloud.settings().set("RUST_LOG", "trace").set("HW_SK", secret_key);
        let finished = OmsBridge::new(["send", "a", "b"]).settings(settings).run().await;
        assert!(finished.stderr.contains("TRACE"), "there is something to look at");
        assert_hides(&secrets, "standard error", &finished.stderr);
        assert_hides(&secrets, "standard output", &finished.stdout);
    }
    assert_records_hide(&secrets, &cloud);
}
