use std::time::Duration;

use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::*;
use crate::environment::FcEnvironment;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn arrival() -> Arrival {
    Arrival { instant: Instant::now(), wall: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123) }
}

const DOCUMENTED: [(&str, &str); 14] = [
    ("x-fc-request-id", "a9e64a3c-1234-5678-abcd-ef0123456789"),
    ("x-fc-region", "cn-hangzhou"),
    ("x-fc-account-id", "1234567890"),
    ("x-fc-function-name", "sync"),
    ("x-fc-qualifier", "LATEST"),
    ("x-fc-version-id", "3"),
    ("x-fc-function-memory", "512"),
    ("x-fc-service-logproject", "project"),
    ("x-fc-service-logstore", "store"),
    ("x-fc-access-key-id", "STS.NaXxxx"),
    ("x-fc-access-key-secret", "7jXxxx"),
    ("x-fc-security-token", "CAIS"),
    ("x-fc-retry-count", "2"),
    ("x-fc-function-timeout", "300"),
];

#[test]
fn every_documented_header_reaches_the_context() {
    let arrival = arrival();
    let instance = Instance::new(FcEnvironment::default()).timeout(Duration::from_mins(10));
    let context = FcContext::from_headers(&headers(&DOCUMENTED), &instance, arrival);
    assert_eq!(context.request_id, "a9e64a3c-1234-5678-abcd-ef0123456789");
    assert_eq!(context.region.as_deref(), Some("cn-hangzhou"));
    assert_eq!(context.account_id.as_deref(), Some("1234567890"));
    assert_eq!(context.function_name.as_deref(), Some("sync"));
    assert_eq!(context.qualifier.as_deref(), Some("LATEST"));
    assert_eq!(context.version_id.as_deref(), Some("3"));
    assert_eq!(context.memory_mb, Some(512));
    assert_eq!(context.log_project.as_deref(), Some("project"));
    assert_eq!(context.log_store.as_deref(), Some("store"));
    assert_eq!(context.retry_count, 2);
    assert_eq!(context.deadline, arrival.instant + Duration::from_mins(5));
    let credentials = context.credentials.unwrap();
    assert_eq!(credentials.access_key_id, "STS.NaXxxx");
    assert_eq!(credentials.access_key_secret.expose_secret(), "7jXxxx");
    assert_eq!(credentials.security_token.unwrap().expose_secret(), "CAIS");
}

#[test]
fn lambda_context_carries_the_mapped_values() {
    let instance = Instance::new(FcEnvironment::default()).timeout(Duration::from_mins(10));
    let context = FcContext::from_headers(&headers(&DOCUMENTED), &instance, arrival()).to_lambda_context();
    assert_eq!(context.request_id, "a9e64a3c-1234-5678-abcd-ef0123456789");
    assert_eq!(context.deadline, 1_700_000_300_123);
    assert_eq!(context.invoked_function_arn, "acs:fc:cn-hangzhou:1234567890:functions/sync/LATEST");
    assert_eq!(context.env_config.function_name, "sync");
    assert_eq!(context.env_config.memory, 512);
    assert_eq!(context.env_config.version, "3");
    assert_eq!(context.env_config.log_group, "project");
    assert_eq!(context.env_config.log_stream, "store");
    assert_eq!((context.xray_trace_id, context.tenant_id), (None, None));
}

#[test]
fn environment_stands_in_for_absent_headers() {
    let environment = FcEnvironment {
        region: Some("cn-beijing".into()),
        function_name: Some("from-env".into()),
        memory_mb: Some("128".into()),
        credentials: Some(FcCredentials::new("id", "secret", None)),
        ..FcEnvironment::default()
    };
    let instance = Instance::new(environment);
    let context = FcContext::from_headers(&headers(&[("x-fc-region", "cn-qingdao")]), &instance, arrival());
    assert_eq!(context.region.as_deref(), Some("cn-qingdao"), "a header wins");
    assert_eq!(context.function_name.as_deref(), Some("from-env"));
    assert_eq!(context.memory_mb, Some(128));
    assert_eq!(context.credentials.unwrap().access_key_id, "id");
}

#[test]
fn no_header_is_required() {
    let arrival = arrival();
    let instance = Instance::new(FcEnvironment::default()).timeout(Duration::from_secs(7));
    let first = FcContext::from_headers(&HeaderMap::new(), &instance, arrival);
    let second = FcContext::from_headers(&HeaderMap::new(), &instance, arrival);
    assert_eq!(first.request_id, "local-18bcfe5687b-0");
    assert_eq!(second.request_id, "local-18bcfe5687b-1");
    assert_eq!((first.retry_count, first.memory_mb), (0, None));
    assert!(first.credentials.is_none());
    assert_eq!(first.deadline, arrival.instant + Duration::from_secs(7));
    assert_eq!(first.to_lambda_context().invoked_function_arn, "acs:fc:::functions/");
}

#[test]
fn nonsense_in_a_header_counts_as_absent() {
    let arrival = arrival();
    let instance = Instance::new(FcEnvironment::default());
    let deadline = |timeout: &str| {
        FcContext::from_headers(&headers(&[("x-fc-function-timeout", timeout)]), &instance, arrival).deadline
    };
    for timeout in ["-1", "0", "soon", "99999999999999999999999"] {
        assert_eq!(deadline(timeout), arrival.instant + Duration::from_mins(1), "{timeout}");
    }
}

#[test]
fn the_header_shortens_the_timeout_and_never_makes_it_longer() {
    let arrival = arrival();
    let instance = Instance::new(FcEnvironment::default()).timeout(Duration::from_mins(2));
    for (header, seconds) in
        [("30", 30), ("119", 119), ("120", 120), ("121", 120), ("86400", 120), ("18446744073709551615", 120)]
    {
        let headers = headers(&[("x-fc-function-timeout", header)]);
        let context = FcContext::from_headers(&headers, &instance, arrival);
        assert_eq!(context.deadline, arrival.instant + Duration::from_secs(seconds), "{header}");
        assert_eq!(context.deadline_at, arrival.wall + Duration::from_secs(seconds), "{header}");
    }
    let longest = Instance::new(FcEnvironment::default()).timeout(Duration::MAX);
    let context = FcContext::from_headers(&HeaderMap::new(), &longest, arrival);
    assert_eq!(context.deadline, arrival.instant + Duration::from_hours(24));
}

#[test]
fn other_nonsense_counts_as_absent_too() {
    let instance = Instance::new(FcEnvironment::default());

    let mut map = headers(&[("x-fc-retry-count", "many"), ("x-fc-function-memory", "big")]);
    map.insert("x-fc-request-id", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    let context = FcContext::from_headers(&map, &instance, arrival());
    assert!(context.request_id.starts_with("local-"));
    assert_eq!((context.retry_count, context.memory_mb), (0, None));
}

#[test]
fn function_configuration_is_shared_until_a_value_differs() {
    let instance = Instance::new(FcEnvironment::default());
    let config = |qualifier: &str| {
        let map = headers(&[("x-fc-function-name", "sync"), ("x-fc-qualifier", qualifier)]);
        FcContext::from_headers(&map, &instance, arrival()).to_lambda_context().env_config
    };
    let first = config("LATEST");
    assert!(Arc::ptr_eq(&first, &config("LATEST")));
    let canary = config("canary");
    assert!(!Arc::ptr_eq(&first, &canary));
    assert_eq!(canary.version, "canary");
}

#[test]
fn debug_shows_no_secret() {
    let instance = Instance::new(FcEnvironment::default());
    let text = format!("{:?}", FcContext::from_headers(&headers(&DOCUMENTED), &instance, arrival()));
    assert!(text.contains("STS.NaXxxx") && !text.contains("7jXxxx") && !text.contains("CAIS"), "{text}");
}
