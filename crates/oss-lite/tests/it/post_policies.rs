//! Forms by which anybody can upload.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use oss_lite::callback::{CallbackBody, CallbackRequest, Variable};
use oss_lite::sign::{Scheme, SigningParams, v4};
use oss_lite::{
    Addressing, Client, ClientConfig, ContentTypes, Credentials, Dialect, Endpoint, Error, ErrorKind,
    PostForm, PostPolicy, PostTarget, SignatureVersion,
};
use serde::Deserialize;

use crate::server;

const HOUR: Duration = Duration::from_hours(1);
const MOST: u64 = 5 * 1024 * 1024 * 1024;

#[derive(Deserialize)]
struct Case {
    id: String,
    signature: String,
    bucket: String,
    access_key_id: String,
    secret: String,
    security_token: Option<String>,
    region: String,
    time: i64,
    policy: Policy,
    policy_json: String,
    fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Policy {
    key: Option<String>,
    prefix: Option<String>,
    valid_for: u64,
    size: Option<(u64, u64)>,
    exact_type: Option<String>,
    types: Option<Vec<String>>,
    type_prefix: Option<String>,
    #[serde(default)]
    forbid_overwrite: bool,
    #[serde(default)]
    fields: Vec<(String, String)>,
}

impl Policy {
    fn built(&self) -> PostPolicy {
        let valid_for = Duration::from_secs(self.valid_for);
        let mut policy = match (&self.key, &self.prefix) {
            (Some(key), None) => PostPolicy::for_key(key, valid_for),
            (None, Some(prefix)) => PostPolicy::for_prefix(prefix, valid_for),
            _ => panic!("either key or prefix"),
        };
        if let Some((min, max)) = self.size {
            policy = policy.size(min..=max);
        }
        let exact = self.exact_type.clone().map(ContentTypes::Exact);
        let listed = self.types.clone().map(ContentTypes::OneOf);
        if let Some(types) = exact.or(listed).or(self.type_prefix.clone().map(ContentTypes::Prefix)) {
            policy = policy.content_type(types);
        }
        if self.forbid_overwrite {
            policy = policy.forbid_overwrite();
        }
        self.fields.iter().fold(policy, |policy, (name, value)| policy.field(name, value))
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

fn signed(policy: &PostPolicy, scheme: Scheme<'_>, token: Option<&str>) -> Result<PostForm, Error> {
    let mut credentials = Credentials::new("the-id", server::SECRET);
    if let Some(token) = token {
        credentials = credentials.with_security_token(token);
    }
    let target = PostTarget { bucket: "examplebucket", url: "https://examplebucket.example.com/" };
    policy.sign(target, &SigningParams { scheme, credentials: &credentials, time: server::noon() })
}

fn v4() -> Scheme<'static> {
    Scheme::V4(v4::Settings::new("cn-hangzhou"))
}

fn v1() -> Scheme<'static> {
    Scheme::V1(Dialect::Oss)
}

fn policy_of(form: &PostForm) -> serde_json::Value {
    let policy = BASE64.decode(form.field("policy").expect("a policy")).expect("base64");
    serde_json::from_slice(&policy).expect("JSON")
}

#[test]
fn recorded_forms_are_reproduced_byte_for_byte() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/oss/post-policies.json");
    let cases: Vec<Case> =
        serde_json::from_str(&fs::read_to_string(path).expect("a fixture")).expect("cases");
    assert!(cases.len() >= 6);
    for case in cases {
        let mut credentials = Credentials::new(case.access_key_id, case.secret);
        if let Some(token) = case.security_token {
            credentials = credentials.with_security_token(token);
        }
        let scheme = if case.signature == "v4" { Scheme::V4(v4::Settings::new(&case.region)) } else { v1() };
        let params = SigningParams { scheme, credentials: &credentials, time: time(case.time) };
        let url = "https://oss-lite-test.oss-cn-hangzhou.aliyuncs.com/";
        let form = case.policy.built().sign(PostTarget { bucket: &case.bucket, url }, &params);
        let form = form.expect(&case.id);
        let policy = BASE64.decode(form.field("policy").expect("a policy")).expect("base64");
        assert_eq!(String::from_utf8(policy).expect("text"), case.policy_json, "{}", case.id);
        assert_eq!(form.fields, case.fields, "{}", case.id);
        assert_eq!(form.url, url);
        let lives = i64::try_from(case.policy.valid_for).expect("seconds");
        assert_eq!(form.expires_at, time(case.time + lives), "{}", case.id);
    }
}

#[test]
fn a_client_signs_for_its_public_endpoint_with_its_clock_and_version() {
    let internal = "oss-cn-hangzhou-internal.aliyuncs.com".parse().expect("an endpoint");
    let public: Endpoint = "oss-cn-hangzhou.aliyuncs.com".parse().expect("an endpoint");
    let config = ClientConfig::new(internal, Dialect::Oss)
        .with_clock(|| server::noon() + Duration::from_millis(999))
        .with_public_endpoint(public);
    let policy = PostPolicy::for_key("k", HOUR);
    for (config, field) in [
        (config.clone(), "x-oss-signature"),
        (config.clone().with_signature(SignatureVersion::V1), "Signature"),
    ] {
        let form = server::bucket(config).post_form(&policy).expect("a form");
        assert_eq!(form.url, "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/");
        assert_eq!(form.fields[0], ("key".to_owned(), "k".to_owned()));
        assert!(form.field(field).is_some(), "{form:?}");
        assert_eq!(form.field("x-oss-security-token"), Some(server::TOKEN));
        assert!(policy_of(&form)["conditions"].to_string().contains(server::TOKEN));
        assert_eq!(form.expires_at, server::noon() + HOUR);
        assert_eq!(policy_of(&form)["expiration"], "2026-01-01T13:00:00.000Z");
    }
    let domain: Endpoint = "files.example.com".parse().expect("an endpoint");
    let cname = config.with_public_endpoint(domain.with_addressing(Addressing::Cname));
    assert_eq!(server::bucket(cname).post_form(&policy).expect("a form").url, "https://files.example.com/");
}

#[test]
fn forms_of_the_other_dialect_are_refused() {
    let endpoint = "obs.cn-north-4.myhuaweicloud.com".parse().expect("an endpoint");
    let client = Client::new(server::http(), ClientConfig::new(endpoint, Dialect::Obs)).expect("a client");
    let error = server::bucket_of(&client).post_form(&PostPolicy::for_key("k", HOUR)).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().starts_with("sign a form for \"k\" in bucket examplebucket: "), "{error}");
}

#[test]
fn a_callback_and_its_variables_are_fields_that_the_sender_cannot_change() {
    let body = CallbackBody::json().variable("user", Variable::Custom("user".to_owned()));
    let callback = CallbackRequest::new("https://desk.example.com/callback", body).custom("user", "$eric");
    let callback = callback.encode().expect("a callback");
    let parameter = callback.parameter().to_owned();
    let form = signed(&PostPolicy::for_key("k", HOUR).callback(callback), v4(), None).expect("a form");
    assert_eq!(form.field("callback"), Some(parameter.as_str()));
    assert_eq!(form.field("x:user"), Some("$eric"));
    let conditions = policy_of(&form)["conditions"].as_array().expect("a list").clone();
    assert!(conditions.contains(&serde_json::json!(["eq", "$callback", parameter])));
    assert!(conditions.contains(&serde_json::json!(["eq", "$x:user", "\\$eric"])));
}

#[test]
fn every_fixed_field_is_a_condition() {
    let policy = PostPolicy::for_key("k", HOUR)
        .size(0..=7)
        .content_type(ContentTypes::Exact("text/plain".to_owned()))
        .forbid_overwrite()
        .field("success_action_status", "201");
    for scheme in [v4(), v1()] {
        let form = signed(&policy, scheme, Some("token")).expect("a form");
        let conditions = policy_of(&form)["conditions"].to_string().to_ascii_lowercase();
        for (name, value) in &form.fields {
            let name = name.to_ascii_lowercase();
            let signs = ["policy", "signature", "x-oss-signature", "ossaccesskeyid"].contains(&name.as_str());
            let stands = conditions.contains(&name) && conditions.contains(&value.to_ascii_lowercase());
            assert!(signs || stands, "{name} in {conditions}");
        }
    }
}

#[test]
fn debug_shows_nothing_that_one_could_upload_with() {
    let callback =
        CallbackRequest::new("https://a.example/", CallbackBody::json().text("proof", "hidden-proof"))
            .custom("user", "hidden-user");
    let callback = callback.encode().expect("a callback");
    for scheme in [v4(), v1()] {
        let policy =
            PostPolicy::for_key("k", HOUR).field("x-oss-meta-a", "hidden-meta").callback(callback.clone());
        let form = signed(&policy, scheme, Some("hidden-token")).expect("a form");
        let text = format!("{form:?} {policy:?}");
        for name in ["policy", "x-oss-signature", "Signature", "x-oss-security-token", "callback", "x:user"] {
            if let Some(value) = form.field(name) {
                assert!(text.contains(name) && !text.contains(value), "{name} in {text}");
            }
        }
        assert!(!text.contains("hidden") && !text.contains(server::SECRET), "{text}");
    }
}

fn refusal(policy: &PostPolicy) -> Error {
    signed(policy, v4(), None).expect_err("out of limits")
}

#[test]
fn keys_and_prefixes_out_of_limits_are_refused() {
    let (longest, longer) = ("k".repeat(1023), "k".repeat(1024));
    assert!(signed(&PostPolicy::for_key(&longest, HOUR), v4(), None).is_ok());
    assert!(signed(&PostPolicy::for_prefix(&longest, HOUR), v4(), None).is_ok());
    for text in ["", &longer, "/a", "\\a", "a/${filename}", "a\nb"] {
        for policy in [PostPolicy::for_key(text, HOUR), PostPolicy::for_prefix(text, HOUR)] {
            assert_eq!(refusal(&policy).kind(), ErrorKind::InvalidKey, "{text:?}");
        }
    }
    assert_eq!(refusal(&PostPolicy::for_key("..", HOUR)).kind(), ErrorKind::InvalidKey);
}

#[test]
fn v4_forms_live_for_seven_days_and_all_for_a_second() {
    let week = Duration::from_hours(7 * 24);
    let second = Duration::from_secs(1);
    for (valid_for, on_v4, on_v1) in [
        (Duration::ZERO, false, false),
        (Duration::from_millis(999), false, false),
        (second, true, true),
        (week, true, true),
        (week + second, false, true),
        (Duration::MAX, false, false),
        (Duration::from_hours(24 * 365 * 8000), false, false),
    ] {
        let policy = PostPolicy::for_key("k", valid_for);
        assert_eq!(signed(&policy, v4(), None).is_ok(), on_v4, "{valid_for:?}");
        assert_eq!(signed(&policy, v1(), None).is_ok(), on_v1, "{valid_for:?}");
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
fn sizes_are_in_order_and_within_what_a_form_carries() {
    let sized = |size| signed(&PostPolicy::for_key("k", HOUR).size(size), v4(), None);
    assert!(sized(0..=0).is_ok() && sized(7..=MOST).is_ok());
    for size in [2..=1, 0..=MOST + 1] {
        assert_eq!(sized(size.clone()).expect_err("refused").kind(), ErrorKind::InvalidArgument, "{size:?}");
    }
}

#[test]
fn content_types_that_allow_nothing_or_everything_are_refused() {
    for types in [
        ContentTypes::OneOf(Vec::new()),
        ContentTypes::OneOf(vec!["text/plain".to_owned(), String::new()]),
        ContentTypes::Exact(String::new()),
        ContentTypes::Prefix(String::new()),
        ContentTypes::Exact("text/plain\r\nx: y".to_owned()),
    ] {
        let error = refusal(&PostPolicy::for_key("k", HOUR).content_type(types.clone()));
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{types:?}");
    }
}

#[test]
fn fields_that_clash_or_that_no_form_carries_are_refused_by_name() {
    let policy = PostPolicy::for_key("k", HOUR);
    let typed = policy.clone().content_type(ContentTypes::Prefix("image/".to_owned()));
    let callback = CallbackRequest::new("https://a.example/", CallbackBody::form().text("a", "b"));
    let called = policy.clone().callback(callback.encode().expect("a callback"));
    for (policy, name) in [
        (policy.clone().field("Key", "other"), "Key"),
        (policy.clone().field("policy", "other"), "policy"),
        (policy.clone().field("x-oss-signature", "other"), "x-oss-signature"),
        (policy.clone().field("X-OSS-Security-Token", "other"), "X-OSS-Security-Token"),
        (policy.clone().field("OSSAccessKeyId", "other"), "OSSAccessKeyId"),
        (policy.clone().field("file", "other"), "file"),
        (typed.field("content-type", "image/png"), "content-type"),
        (called.field("callback", "other"), "callback"),
        (policy.clone().field("x-oss-meta-a", "1").field("X-Oss-Meta-A", "2"), "X-Oss-Meta-A"),
        (
            policy.clone().forbid_overwrite().field("x-oss-forbid-overwrite", "false"),
            "x-oss-forbid-overwrite",
        ),
        (policy.clone().field("x:User", "eric"), "x:User"),
        (policy.clone().field("x-oss-meta-a", "line\nbreak"), "x-oss-meta-a"),
        (policy.clone().field("a\"b", "1"), "a\\\"b"),
        (policy.clone().field("", "1"), "\"\""),
        (policy.clone().field("x:big", "1".repeat(2 * 1024 * 1024 + 1)), "x:big"),
    ] {
        let error = refusal(&policy);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
        assert!(error.message().contains(name), "{name}: {error}");
    }
    assert!(refusal(&policy.clone().field("n".repeat(8 * 1024 + 1), "1")).message().contains("8192"));
    let filled = policy.field("x:big", "1".repeat(2 * 1024 * 1024));
    assert!(refusal(&filled).message().contains("policy"), "the policy repeats it and is too long");
}

#[test]
fn the_json_of_the_vendors_demos_has_their_members() {
    let policy = PostPolicy::for_prefix("user/eric/", HOUR).field("success_action_status", "200");
    let v1_form = signed(&policy, v1(), None).expect("a form");
    let json: serde_json::Value =
        serde_json::from_str(&v1_form.to_v1_demo_json().expect("JSON")).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({
            "accessid": "the-id",
            "host": "https://examplebucket.example.com",
            "policy": v1_form.field("policy"),
            "signature": v1_form.field("Signature"),
            "expire": (server::noon() + HOUR).timestamp(),
            "dir": "user/eric/",
        })
    );
    let callback = CallbackRequest::new("https://a.example/", CallbackBody::form().text("a", "b"));
    let v4_form = policy.callback(callback.encode().expect("a callback"));
    let v4_form = signed(&v4_form, v4(), Some("token")).expect("a form");
    let json: serde_json::Value =
        serde_json::from_str(&v4_form.to_v4_demo_json().expect("JSON")).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({
            "version": "OSS4-HMAC-SHA256",
            "x_oss_signature_version": "OSS4-HMAC-SHA256",
            "policy": v4_form.field("policy"),
            "x_oss_credential": "the-id/20260101/cn-hangzhou/oss/aliyun_v4_request",
            "x_oss_date": "20260101T120000Z",
            "signature": v4_form.field("x-oss-signature"),
            "security_token": "token",
            "dir": "user/eric/",
            "host": "https://examplebucket.example.com",
            "callback": v4_form.field("callback"),
        })
    );
    for wrong in [v4_form.to_v1_demo_json(), v1_form.to_v4_demo_json()] {
        assert_eq!(wrong.expect_err("the other version").kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn the_json_of_the_demos_is_refused_where_their_clients_would_fail() {
    let prefix = PostPolicy::for_prefix("user/", HOUR);
    for policy in [
        PostPolicy::for_key("k", HOUR),
        prefix.clone().forbid_overwrite(),
        prefix.clone().field("success_action_status", "201"),
        prefix.content_type(ContentTypes::Exact("image/png".to_owned())),
    ] {
        let form = signed(&policy, v4(), None).expect("a form");
        assert_eq!(form.to_v4_demo_json().expect_err("refused").kind(), ErrorKind::InvalidArgument);
        let form = signed(&policy, v1(), None).expect("a form");
        assert_eq!(form.to_v1_demo_json().expect_err("refused").kind(), ErrorKind::InvalidArgument);
    }
}
