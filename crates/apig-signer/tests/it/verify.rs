//! What a verifier accepts, and what it says about the rest.

use std::collections::HashMap;

use apig_signer::{
    Credentials, Error, ErrorKind, KnownCredentials, MAX_CLOCK_SKEW, Payload, PayloadHash, SigningParams,
    Verified, sign_request, verify,
};
use chrono::{DateTime, Duration, Utc};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Uri, header};

const BODY: &[u8] = b"{\"object_keys\":[\"a\"]}";

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn permanent() -> Credentials {
    Credentials::new("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")
}

fn signed(credentials: &Credentials, payload: Payload<'_>) -> Parts {
    let uri = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events?b=2&a=1";
    let request = Request::post(uri).header("content-type", "application/json").header("x-unsigned", "1");
    let mut parts = request.body(()).unwrap().into_parts().0;
    sign_request(&mut parts, payload, &SigningParams::new(credentials, noon())).unwrap();
    parts
}

fn set(parts: &mut Parts, name: &'static str, value: &'static str) {
    parts.headers.insert(name, HeaderValue::from_static(value));
}

fn add(parts: &mut Parts, name: &'static str, value: &'static str) {
    parts.headers.append(name, HeaderValue::from_static(value));
}

fn check(parts: &Parts, body: &[u8], known: &impl KnownCredentials) -> Result<Verified, Error> {
    verify(&parts.method, &parts.uri, &parts.headers, body, known, noon(), MAX_CLOCK_SKEW)
}

#[test]
fn tells_who_signed_what_and_when() {
    let verified = check(&signed(&permanent(), Payload::Bytes(BODY)), BODY, &permanent()).unwrap();
    assert_eq!(verified.access_key, "QTWAOYTTINDUT2QVKYUC");
    assert_eq!(verified.signed_at, noon());
    assert_eq!(verified.signed_headers.to_string(), "content-type;host;x-sdk-date");
    assert_eq!(verified.payload, Payload::Bytes(BODY).hash());
}

#[test]
fn any_change_of_what_is_signed_breaks_the_signature() {
    let changes: [fn(&mut Parts); 7] = [
        |parts| parts.method = Method::PUT,
        |parts| parts.uri = "/v2/p/sync-tasks/other/events?b=2&a=1".parse().unwrap(),
        |parts| parts.uri = "/v2/p/sync-tasks/t/events?b=2&a=2".parse().unwrap(),
        |parts| set(parts, "content-type", "text/plain"),
        |parts| add(parts, "content-type", "text/plain"),
        |parts| set(parts, "host", "other.example.com"),
        |parts| set(parts, "x-sdk-content-sha256", "UNSIGNED-PAYLOAD"),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut parts = signed(&permanent(), Payload::Bytes(BODY));
        change(&mut parts);
        let kind = check(&parts, BODY, &permanent()).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::SignatureMismatch, "change {index}");
    }
    let parts = signed(&permanent(), Payload::Bytes(BODY));
    assert_eq!(check(&parts, b"other", &permanent()).unwrap_err().kind(), ErrorKind::SignatureMismatch);
}

#[test]
fn changes_that_mean_the_same_request_do_not_matter() {
    let mut parts = signed(&permanent(), Payload::Bytes(BODY));
    parts.uri = "/v2/p/./sync-tasks/%74/events/?a=1&b=%32".parse().unwrap();
    set(&mut parts, "x-unsigned", "2");
    set(&mut parts, "x-added-by-a-proxy", "3");
    set(&mut parts, "content-type", " application/json\t");
    check(&parts, BODY, &permanent()).unwrap();
}

#[test]
fn host_is_taken_from_the_uri_where_http_2_keeps_it() {
    let mut parts = signed(&permanent(), Payload::Bytes(BODY));
    parts.headers.remove(header::HOST);
    check(&parts, BODY, &permanent()).unwrap();
    parts.uri = Uri::from_static("/v2/p/sync-tasks/t/events?b=2&a=1");
    assert_eq!(check(&parts, BODY, &permanent()).unwrap_err().kind(), ErrorKind::MissingHeader);
}

#[test]
fn the_wrong_secret_key_is_a_mismatch_that_reveals_nothing_but_a_hash() {
    let parts = signed(&Credentials::new("QTWAOYTTINDUT2QVKYUC", "wrong"), Payload::Bytes(BODY));
    let error = check(&parts, BODY, &permanent()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let expected = permanent().sign(
        sign_request(&mut parts.clone(), Payload::Bytes(BODY), &SigningParams::new(&permanent(), noon()))
            .unwrap()
            .string_to_sign(),
    );
    assert!(!error.to_string().contains(&expected.to_string()), "{error}");
}

#[test]
fn the_window_is_open_on_both_sides_and_up_to_its_last_second() {
    let parts = signed(&permanent(), Payload::Bytes(BODY));
    let at = |now| verify(&parts.method, &parts.uri, &parts.headers, BODY, &permanent(), now, MAX_CLOCK_SKEW);
    for skew in [MAX_CLOCK_SKEW, -MAX_CLOCK_SKEW] {
        at(noon() + skew).unwrap();
        let outside = skew + Duration::seconds(skew.num_seconds().signum());
        let error = at(noon() + outside).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired { skew: outside });
        assert!(error.is_retryable());
    }
    for now in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        assert!(matches!(at(now).unwrap_err().kind(), ErrorKind::Expired { .. }));
    }
}

#[test]
fn an_unknown_access_key_is_named_only_in_part() {
    let parts = signed(&permanent(), Payload::Bytes(BODY));
    let error = check(&parts, BODY, &Credentials::new("AnotherAccessKey", "sk")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownAccessKey);
    assert_eq!(error.to_string(), "access key QTWA**** is not known");
}

#[test]
fn finds_credentials_in_slices_and_maps() {
    let parts = signed(&permanent(), Payload::Bytes(BODY));
    let others = [Credentials::new("a", "b"), permanent()];
    verify(&parts.method, &parts.uri, &parts.headers, BODY, &others[..], noon(), MAX_CLOCK_SKEW).unwrap();
    check(&parts, BODY, &HashMap::from(others.map(|known| (known.access_key().to_owned(), known)))).unwrap();
}

#[test]
fn token_and_access_key_belong_together() {
    let temporary = |token: &str| permanent().with_security_token(token);
    for (signer, known) in [
        (temporary("one"), temporary("two")),
        (temporary("one"), permanent()),
        (permanent(), temporary("one")),
    ] {
        let error = check(&signed(&signer, Payload::Bytes(BODY)), BODY, &known).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SecurityTokenMismatch);
        assert!(!error.to_string().contains("one"), "{error}");
    }
    check(&signed(&temporary("one"), Payload::Bytes(BODY)), BODY, &temporary("one")).unwrap();
}

#[test]
fn an_unsigned_payload_is_accepted_and_reported_as_such() {
    let parts = signed(&permanent(), Payload::Unsigned);
    let verified = check(&parts, b"anything", &permanent()).unwrap();
    assert_eq!(verified.payload, PayloadHash::Unsigned);
}

#[test]
fn an_announced_hash_must_be_that_of_the_body() {
    let PayloadHash::Sha256(digest) = Payload::Bytes(BODY).hash() else { panic!("bytes have a hash") };
    let parts = signed(&permanent(), Payload::Sha256(digest));
    check(&parts, BODY, &permanent()).unwrap();
    assert_eq!(check(&parts, b"other", &permanent()).unwrap_err().kind(), ErrorKind::PayloadMismatch);
}

#[test]
fn missing_and_doubled_headers_are_named() {
    for (name, missing, doubled) in [
        ("authorization", ErrorKind::MissingHeader, ErrorKind::InvalidHeader),
        ("x-sdk-date", ErrorKind::MissingHeader, ErrorKind::InvalidHeader),
        ("content-type", ErrorKind::MissingHeader, ErrorKind::SignatureMismatch),
    ] {
        let mut parts = signed(&permanent(), Payload::Bytes(BODY));
        let value = parts.headers.remove(name).unwrap();
        let error = check(&parts, BODY, &permanent()).unwrap_err();
        assert_eq!(error.kind(), missing);
        assert!(error.to_string().contains(name), "{error}");

        parts.headers.append(name, value.clone());
        parts.headers.append(name, value);
        assert_eq!(check(&parts, BODY, &permanent()).unwrap_err().kind(), doubled, "{name}");
    }
}

#[test]
fn unreadable_headers_are_refused_by_kind() {
    for (name, value, kind) in [
        ("authorization", "Bearer token", ErrorKind::MalformedAuthorization),
        ("x-sdk-date", "yesterday", ErrorKind::InvalidTime),
        ("x-sdk-content-sha256", "STREAMING", ErrorKind::InvalidHeader),
    ] {
        let mut parts = signed(&permanent(), Payload::Bytes(BODY));
        set(&mut parts, name, value);
        assert_eq!(check(&parts, BODY, &permanent()).unwrap_err().kind(), kind, "{name}");
    }
}
