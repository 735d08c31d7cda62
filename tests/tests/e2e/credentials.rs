//! Which credentials open the log bucket.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Account, Fault, FaultResponse, ManualClock, Service, Twin};
use e2e::{Answer, Cloud, Function, Invocation, Settings, Shelf, event};

fn environment() -> Account {
    Account::temporary("STS.environment", "secret-of-the-environment", "token-of-the-environment")
}

fn headers() -> Account {
    Account::temporary("STS.headers", "secret-of-the-headers", "token-of-the-headers")
}

/// A cloud that knows `accounts` only, and whose OMS refuses everything, so that the journal decides.
async fn failing_cloud(accounts: impl IntoIterator<Item = Account>) -> Cloud {
    let cloud = Cloud::with(Twin::builder().oss_accounts(accounts)).await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    cloud
}

fn put_with(account: &Account) -> Invocation {
    Invocation::event(event::put(["a"])).credentials(account)
}

fn without_token(account: &Account) -> Account {
    Account { security_token: None, ..account.clone() }
}

fn bad_signatures(cloud: &Cloud) -> u64 {
    cloud.twin.stats().bad_signatures[&Service::Oss]
}

#[tokio::test]
async fn the_triple_of_the_invocation_wins() {
    let cloud = failing_cloud([headers()]).await;
    let function =
        Function::on(&cloud).settings(|settings| settings.credentials(&environment())).start().await;
    assert_eq!(function.send(put_with(&headers())).await.answer(), Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed), ["a"]);
    assert_eq!(bad_signatures(&cloud), 0);
}

#[tokio::test]
async fn renewed_headers_are_used_from_then_on() {
    let renewed = Account::temporary("STS.renewed", "renewed-secret", "renewed-token");
    let cloud = failing_cloud([headers(), renewed.clone()]).await;
    let function = Function::on(&cloud).settings(Settings::without_credentials).start().await;
    for account in [headers(), renewed, headers()] {
        assert_eq!(function.send(put_with(&account)).await.answer(), Answer::False);
    }
    let gone = Account::temporary("STS.gone", "gone", "gone");
    let message = function.send(put_with(&gone)).await.answer().failure();
    assert!(message.contains("not in the journal"), "{message}");
}

#[tokio::test]
async fn a_pair_without_its_token_yields_to_the_triple_of_the_environment() {
    let Account { access_key, secret_key, security_token } = environment();
    let users = Settings::default()
        .set("OSS_ACCESS_KEY_ID", access_key)
        .set("OSS_ACCESS_KEY_SECRET", secret_key)
        .set("OSS_SESSION_TOKEN", security_token.unwrap());
    for settings in [Settings::default().credentials(&environment()), users] {
        let cloud = failing_cloud([environment()]).await;
        let own = cloud.settings().without_credentials();
        let function = Function::on(&cloud).settings(|_| own.and(settings)).start().await;
        assert_eq!(function.send(put_with(&without_token(&headers()))).await.answer(), Answer::False);
        assert_eq!(cloud.recorded(Shelf::Failed), ["a"]);
        assert_eq!(bad_signatures(&cloud), 0);
    }
}

#[tokio::test]
async fn without_headers_the_environment_is_used_first_the_platforms_then_the_users() {
    let users = Account::permanent("LTAIusers", "secret-of-the-user");
    for (account, settings) in [
        (environment(), Settings::default().credentials(&environment())),
        (
            users.clone(),
            Settings::default()
                .set("OSS_ACCESS_KEY_ID", &users.access_key)
                .set("OSS_ACCESS_KEY_SECRET", &users.secret_key)
                // Half a set is none, and is not mixed with another.
                .set("ALIBABA_CLOUD_ACCESS_KEY_ID", "half"),
        ),
    ] {
        let cloud = failing_cloud([account]).await;
        let own = cloud.settings().without_credentials();
        let function = Function::on(&cloud).settings(|_| own.and(settings)).start().await;
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
        assert_eq!(bad_signatures(&cloud), 0);
    }
}

#[tokio::test]
async fn without_any_credentials_accepted_keys_still_succeed() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).settings(Settings::without_credentials).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
}

#[tokio::test]
async fn without_any_credentials_failures_fail_the_invocation_and_say_why() {
    let cloud = failing_cloud([environment()]).await;
    let function = Function::on(&cloud).settings(Settings::without_credentials).start().await;
    let Answer::Failure { kind, message } = function.invoke(event::put(["a"])).await else { panic!() };
    assert_eq!(kind, "JournalUnavailable");
    for part in ["no credentials for OSS", "role", "ALIBABA_CLOUD_ACCESS_KEY_ID", "OSS_ACCESS_KEY_ID"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn temporary_huawei_credentials_carry_their_token() {
    let account = Account::temporary("TEMPORARYHUAWEIKEY01", "temporary-huawei-secret", "huawei-token");
    let cloud = Cloud::with(Twin::builder().huawei_accounts([account])).await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    let without = Function::on(&cloud).settings(|settings| settings.unset("HW_SECURITY_TOKEN")).start().await;
    assert_eq!(without.invoke(event::put(["b"])).await, Answer::False);
}

#[tokio::test]
async fn the_log_bucket_can_be_signed_for_with_either_version() {
    for version in ["v1", "v4"] {
        let cloud = Cloud::start().await;
        let function = Function::on(&cloud).set("OSS_SIGNATURE", version).start().await;
        assert_eq!(function.invoke(event::put(["a b", "测/../x"])).await, Answer::True);
        assert_eq!(cloud.recorded(Shelf::Success), ["a b", "测/../x"], "{version}");
    }
    let modern = Cloud::with(Twin::builder().signature_v1(cloud_twin::SignatureV1::Refused)).await;
    modern.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&modern).set("OSS_SIGNATURE", "v1").start().await;
    let message = function.invoke(event::put(["a"])).await.failure();
    assert!(message.contains("takes signature V4 only"), "{message}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_by_that_of_the_services() {
    let ahead = ManualClock::new(Utc::now() + TimeDelta::hours(2));
    let cloud = Cloud::with(Twin::builder().clock(ahead)).await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.recorded(Shelf::Success), ["a"]);
    assert_eq!(function.invoke(event::put(["b"])).await, Answer::True);
    let refused = cloud.twin.stats().bad_signatures;
    assert!(refused[&Service::Oms] <= 1 && refused[&Service::Oss] <= 1, "once for each service: {refused:?}");
}
