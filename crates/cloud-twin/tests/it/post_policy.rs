//! Who may post a form: signatures and policies.

use chrono::{DateTime, TimeDelta, Utc};
use cloud_twin::{Account, ManualClock, Service, SignatureV1, Twin};
use serde_json::{Value, json};

use crate::form::{Form, Signer};
use crate::http::Answer;
use crate::sign::base64;

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

async fn post(twin: &Twin, form: Form) -> Answer {
    form.field("key", "user/a.jpg").file("a.jpg", "12345").post(twin, "bucket").await
}

fn code(answer: &Answer) -> (u16, String, Option<String>) {
    (answer.status, answer.element("Code").unwrap_or_default(), answer.element("EC"))
}

fn refusal(status: u16, code: &str, ec: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(ec.to_owned()))
}

#[tokio::test]
async fn both_signatures_open_the_bucket_and_v1_can_be_refused() {
    let twin = twin().await;
    let signer = Signer::of(&twin);
    assert_eq!(post(&twin, signer.v4(&[])).await.status, 204);
    assert_eq!(post(&twin, signer.v1(&[])).await.status, 204);
    let strict = Twin::builder().signature_v1(SignatureV1::Refused).start().await.unwrap();
    strict.create_oss_bucket("bucket");
    let refused = post(&strict, Signer::of(&strict).v1(&[])).await;
    assert_eq!(code(&refused), refusal(403, "AccessDenied", "0002-00000080"));
    assert_eq!(post(&strict, Signer::of(&strict).v4(&[])).await.status, 204);
}

#[tokio::test]
async fn a_form_without_policy_or_with_a_wrong_signature_is_refused() {
    let twin = twin().await;
    let signer = Signer::of(&twin);
    let anonymous = post(&twin, Form::default()).await;
    assert_eq!(code(&anonymous), refusal(403, "AccessDenied", "0003-00000001"));
    assert_eq!(twin.stats().bad_signatures[&Service::Oss], 0);
    let stranger = Account::permanent("LTAInobody", &signer.account.secret_key);
    let liar = Account::permanent(&signer.account.access_key, "wrong");
    let other_policy = base64(r#"{"expiration":"2099-01-01T00:00:00Z","conditions":[]}"#);
    for wrong in [Signer { account: stranger, ..signer.clone() }] {
        post(&twin, wrong.v4(&[])).await.is_refusal(403, "InvalidAccessKeyId");
        post(&twin, wrong.v1(&[])).await.is_refusal(403, "InvalidAccessKeyId");
    }
    let liar = Signer { account: liar, ..signer.clone() };
    for form in [
        liar.v4(&[]),
        liar.v1(&[]),
        signer.v4(&[]).with("policy", &other_policy),
        signer.v1(&[]).with("policy", &other_policy),
    ] {
        let refused = post(&twin, form).await;
        assert_eq!(code(&refused), refusal(403, "SignatureDoesNotMatch", "0002-00000705"));
    }
    assert_eq!(twin.stats().bad_signatures[&Service::Oss], 6);
    assert_eq!(twin.oss().len("bucket"), 0);
}

#[tokio::test]
async fn a_signature_stands_in_the_field_of_its_version() {
    let twin = twin().await;
    let (v4, v1) = (Signer::of(&twin).v4(&[]), Signer::of(&twin).v1(&[]));
    for (form, ec) in [
        (v4.clone().renamed("x-oss-signature", "Signature"), "0002-00000703"),
        (v1.clone().renamed("Signature", "x-oss-signature"), "0002-00000703"),
        (v4.clone().without("x-oss-signature-version"), "0002-00000703"),
        (v4.clone().with("x-oss-signature", ""), "0002-00000704"),
        (v1.clone().with("Signature", ""), "0002-00000704"),
        (v4.clone().with("x-oss-signature-version", "OSS9"), "0002-00000701"),
        (v4.clone().without("policy"), "0002-00000702"),
        (v1.clone().without("policy"), "0002-00000702"),
        (v4.clone().with("x-oss-credential", "nothing"), "0002-00000710"),
    ] {
        assert_eq!(code(&post(&twin, form).await), refusal(400, "InvalidArgument", ec));
    }
    for form in
        [v4.clone().without("x-oss-credential"), v4.without("x-oss-date"), v1.without("OSSAccessKeyId")]
    {
        post(&twin, form).await.is_refusal(400, "InvalidArgument");
    }
}

#[tokio::test]
async fn a_v4_scope_names_region_and_day_and_lasts_a_week() {
    let start: DateTime<Utc> = "2026-01-01T03:25:45Z".parse().unwrap();
    let clock = ManualClock::new(start);
    let twin = Twin::builder().clock(clock.clone()).start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let mut signer = Signer::at(&twin, start);
    signer.expiration = "2027-01-01T00:00:00Z".to_owned();
    let elsewhere = Signer { region: "cn-beijing".to_owned(), ..signer.clone() };
    post(&twin, elsewhere.v4(&[])).await.is_refusal(400, "InvalidArgument");
    post(&twin, signer.v4(&[]).with("x-oss-date", "20260102T000000Z"))
        .await
        .is_refusal(400, "InvalidArgument");
    post(&twin, signer.v4(&[]).with("x-oss-date", "2026")).await.is_refusal(403, "AccessDenied");
    clock.set(start + TimeDelta::days(7));
    assert_eq!(post(&twin, signer.v4(&[])).await.status, 204);
    clock.advance(TimeDelta::seconds(1));
    post(&twin, signer.v4(&[])).await.is_refusal(403, "AccessDenied");
    assert_eq!(post(&twin, signer.v1(&[])).await.status, 204);
    clock.set(start - TimeDelta::minutes(16));
    post(&twin, signer.v4(&[])).await.is_refusal(403, "RequestTimeTooSkewed");
}

#[tokio::test]
async fn temporary_credentials_bring_their_token_and_with_v4_it_is_in_the_policy() {
    let twin = twin().await;
    let signer = Signer { account: twin.function_account().clone(), ..Signer::of(&twin) };
    let token = "x-oss-security-token";
    for form in [signer.v4(&[]), signer.v1(&[])] {
        assert_eq!(post(&twin, form.clone()).await.status, 204);
        post(&twin, form.clone().without(token)).await.is_refusal(403, "InvalidAccessKeyId");
        post(&twin, form.with(token, "another")).await.is_refusal(403, "InvalidSecurityToken");
    }
    let permanent = Signer::of(&twin).v4(&[]).field(token, "stray");
    post(&twin, permanent).await.is_refusal(403, "InvalidSecurityToken");
}

#[tokio::test]
async fn a_v4_policy_has_what_its_signature_was_made_with() {
    let twin = twin().await;
    let signer = Signer { account: twin.function_account().clone(), ..Signer::of(&twin) };
    let names = ["x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-security-token"];
    for left_out in names {
        let conditions: Vec<_> = names
            .into_iter()
            .filter(|name| *name != left_out)
            .map(|name| json!(["starts-with", format!("${name}"), ""]))
            .collect();
        let policy = json!({"expiration": signer.expiration, "conditions": conditions}).to_string();
        let refused = post(&twin, signer.v4_over(&policy)).await;
        refused.is_refusal(403, "AccessDenied");
        assert!(refused.text().contains(left_out), "{}", refused.text());
        assert_eq!(post(&twin, signer.v1_over(&policy)).await.status, 204);
    }
}

#[tokio::test]
async fn an_expired_policy_is_told() {
    let twin = twin().await;
    let signer = Signer { expiration: "2020-01-01T00:00:00.000Z".to_owned(), ..Signer::of(&twin) };
    for form in [signer.v4(&[]), signer.v1(&[])] {
        let refused = post(&twin, form).await;
        refused.is_refusal(403, "AccessDenied");
        let message = refused.element("Message").unwrap();
        assert_eq!(message, "Invalid according to Policy: Policy expired.");
    }
}

#[tokio::test]
async fn a_policy_that_is_none_is_refused_once_its_signature_is_right() {
    let twin = twin().await;
    let signer = Signer::of(&twin);
    let expiration = &signer.expiration;
    for policy in [
        "not JSON".to_owned(),
        json!({"conditions": []}).to_string(),
        json!({"expiration": "soon", "conditions": []}).to_string(),
        json!({"expiration": expiration}).to_string(),
        json!({"expiration": expiration, "conditions": [123]}).to_string(),
        json!({"expiration": expiration, "conditions": [["like", "$key", "x"]]}).to_string(),
        json!({"expiration": expiration, "conditions": [["not-in", "$key", "x"]]}).to_string(),
        json!({"expiration": expiration, "conditions": [["content-length-range", 5, 1]]}).to_string(),
    ] {
        post(&twin, signer.v4_over(&policy)).await.is_refusal(400, "InvalidPolicyDocument");
        post(&twin, signer.v1_over(&policy)).await.is_refusal(400, "InvalidPolicyDocument");
    }
}

#[tokio::test]
async fn every_condition_is_checked_and_the_failing_one_named() {
    let twin = twin().await;
    let signer = Signer::of(&twin);
    let check = |condition: Value| {
        let form = signer.v4(&[condition]).field("content-type", "image/jpg").field("X-Oss-Meta-A", "1$2");
        post(&twin, form)
    };
    for allowed in [
        json!({"bucket": "bucket"}),
        json!({"KEY": "user/a.jpg"}),
        json!(["eq", "$x-oss-meta-a", "1$2"]),
        json!(["starts-with", "$key", "user/"]),
        json!(["in", "$content-type", ["image/jpg", "image/png"]]),
        json!(["not-in", "$cache-control", ["no-cache"]]),
        json!(["content-length-range", 5, 5]),
    ] {
        assert_eq!(check(allowed.clone()).await.status, 204, "{allowed}");
    }
    for (refused, shown) in [
        (json!({"bucket": "other"}), r#"["eq", "$bucket", "other"]"#),
        (json!(["eq", "$key", "user/"]), r#"["eq", "$key", "user/"]"#),
        (json!(["eq", "$success_action_status", "200"]), r#"["eq", "$success_action_status", "200"]"#),
        (json!(["starts-with", "$key", "admin/"]), r#"["starts-with", "$key", "admin/"]"#),
        (json!(["in", "$content-type", ["image/png"]]), r#"["in", "$content-type", ["image/png"]]"#),
        (json!(["not-in", "$content-type", ["image/jpg"]]), r#"["not-in", "$content-type", ["image/jpg"]]"#),
    ] {
        let answer = check(refused).await;
        assert_eq!(code(&answer), refusal(403, "AccessDenied", "0006-00000227"));
        let message = answer.element("Message").unwrap();
        assert_eq!(message, format!("Invalid according to Policy: Policy Condition failed: {shown}"));
    }
    check(json!(["content-length-range", 6, 9])).await.is_refusal(400, "EntityTooSmall");
    check(json!(["content-length-range", 0, 4])).await.is_refusal(400, "EntityTooLarge");
}

#[tokio::test]
async fn a_dollar_sign_may_be_escaped_as_oss_wants_it() {
    let twin = twin().await;
    let signer = Signer::of(&twin);
    let policy = format!(
        r#"{{"expiration":"{}","conditions":[["eq","$x-oss-meta-price","\$5"]]}}"#,
        signer.expiration
    );
    let form = signer.v1_over(&policy);
    assert_eq!(post(&twin, form.clone().field("x-oss-meta-price", "$5")).await.status, 204);
    post(&twin, form.field("x-oss-meta-price", "\\$5")).await.is_refusal(403, "AccessDenied");
}
