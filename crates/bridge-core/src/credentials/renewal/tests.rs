use bytes::Bytes;
use chrono::TimeDelta;
use e2e::web::{WebReply, WebServer};

use super::*;

fn client() -> reqwest::Client {
    http_client::build(Proxies::None).unwrap()
}

fn found(pairs: &'static [(&str, &str)]) -> Option<&'static str> {
    let variable =
        |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    Renewal::find(variable, &client()).map(|renewal| renewal.provider.name())
}

#[test]
fn the_provider_is_chosen_by_the_variables_of_alibabas_own_sdks() {
    const URI: (&str, &str) = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/");
    const ECS: (&str, &str) = ("ALIBABA_CLOUD_ECS_METADATA", "role");
    assert_eq!(found(&[]), None);
    assert_eq!(found(&[URI]), Some(URI.0));
    assert_eq!(found(&[URI, ECS]), Some(ECS.0));
    assert_eq!(found(&[URI, ECS, ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]), Some(URI.0));
    assert_eq!(found(&[URI, ("ALIBABA_CLOUD_ROLE_ARN", "half")]), Some(URI.0));
    let oidc = &[
        ECS,
        ("ALIBABA_CLOUD_ROLE_ARN", "r"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "f"),
    ];
    assert_eq!(found(oidc), Some("ALIBABA_CLOUD_OIDC_TOKEN_FILE"));
}

/// Numbered credentials that are good for an hour, where the clock is `ahead`.
fn answer(number: usize, ahead: TimeDelta) -> WebReply {
    let now = Utc::now() + ahead;
    let end = (now + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%SZ");
    let body = format!(
        r#"{{"Code":"Success","AccessKeyId":"key-{number}","AccessKeySecret":"hush","SecurityToken":"t","Expiration":"{end}"}}"#
    );
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    WebReply::whole(&Bytes::from(body)).header("date", date)
}

#[tokio::test]
async fn credentials_are_fetched_before_they_expire_by_the_providers_clock() {
    // This machine's clock is two days slow.
    let numbers = std::sync::atomic::AtomicUsize::default();
    let server = WebServer::start(move |_| {
        let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if number < 2 { answer(number, TimeDelta::days(2)) } else { WebReply::new(500) }
    })
    .await;
    let renewal = Renewal::new(CredentialsSource::Uri { http: client(), uri: server.url("/") });
    let start = Utc::now();
    for (minutes, key) in
        [(0, Some("key-0")), (54, Some("key-0")), (56, Some("key-1")), (112, Some("key-1")), (117, None)]
    {
        let found = renewal.at(start + TimeDelta::minutes(minutes)).await.ok();
        let key_id = found.as_ref().map(|credentials| credentials.access_key_id());
        assert_eq!(key_id, key, "minute {minutes}");
    }
    let error = renewal.at(start + TimeDelta::minutes(118)).await.unwrap_err();
    assert_eq!(error.to_string(), "ALIBABA_CLOUD_CREDENTIALS_URI: 500");
    // Concurrent callers share one request.
    assert_eq!(server.requests().len(), 3);
    assert!(!format!("{renewal:?}").contains("hush"), "{renewal:?}");
}

#[tokio::test]
async fn an_instance_returns_the_credentials_of_its_role_for_its_token() {
    let server = WebServer::start(|request| match (&*request.method, &*request.target) {
        ("PUT", "/latest/api/token") => WebReply::whole(&Bytes::from("metadata-token")),
        ("GET", "/latest/meta-data/ram/security-credentials/writer")
            if request.header("x-aliyun-ecs-metadata-token") == Some("metadata-token") =>
        {
            answer(7, TimeDelta::zero())
        }
        _ => WebReply::new(404),
    })
    .await;
    let ecs = |role: &str| CredentialsSource::Ecs {
        http: client(),
        service: server.url(""),
        role: role.to_owned(),
        token_alone: true,
    };
    let found = Renewal::new(ecs("writer")).at(Utc::now()).await.unwrap();
    assert_eq!(found.access_key_id(), "key-7");
    let error = Renewal::new(ecs("nobody")).at(Utc::now()).await.unwrap_err();
    assert_eq!(error.to_string(), "ALIBABA_CLOUD_ECS_METADATA: 404");
}

#[test]
fn sts_is_asked_for_a_role_with_the_token_of_a_file() {
    let provider = CredentialsSource::Oidc {
        http: client(),
        sts: "https://sts.cn-hangzhou.aliyuncs.com/".into(),
        role: "acs:ram::1:role/r".into(),
        provider: "acs:ram::1:oidc-provider/p".into(),
        token_file: "f".into(),
        session: "s".into(),
    };
    let request = provider.oidc_request("e.y.J+/=", DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(
        request.url().as_str(),
        "https://sts.cn-hangzhou.aliyuncs.com/?Action=AssumeRoleWithOIDC&Format=JSON&Version=2015%2D04%2D01\
         &Timestamp=1970%2D01%2D01T00%3A00%3A00Z"
    );
    assert_eq!(
        request.body().and_then(|body| body.as_bytes()),
        Some(
            &b"RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&OIDCProviderArn=acs%3Aram%3A%3A1%3Aoidc%2Dprovider%2Fp\
               &OIDCToken=e%2Ey%2EJ%2B%2F%3D&RoleSessionName=s&DurationSeconds=3600"[..]
        )
    );
    assert!(!format!("{provider:?}").contains("e.y.J"));
    let answer = r#"{"RequestId":"1","Credentials":{"AccessKeyId":"a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-29T09:00:00Z"}}"#;
    assert!(
        matches!(serde_json::from_str(answer), Ok(Answer::Sts { credentials }) if credentials.access_key_id == "a")
    );
}
