//! What signing does to the headers of a request.

use apig_signer::{
    CanonicalRequest, Credentials, ErrorKind, Payload, SignedHeaderSelection, SigningParams, sign,
    sign_request,
};
use chrono::{DateTime, Duration, Utc};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn permanent() -> Credentials {
    Credentials::new("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")
}

fn request() -> Parts {
    let uri = "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events";
    Request::post(uri).header("content-type", "application/json").body(()).unwrap().into_parts().0
}

fn sign_at(parts: &mut Parts, credentials: &Credentials, time: DateTime<Utc>) {
    sign_request(parts, Payload::Bytes(b"{}"), &SigningParams::new(credentials, time)).unwrap();
}

fn error_of(parts: &mut Parts, credentials: &Credentials, selection: SignedHeaderSelection<'_>) -> ErrorKind {
    let params = SigningParams::new(credentials, noon()).headers(selection);
    let error = sign_request(parts, Payload::Bytes(b""), &params).unwrap_err();
    assert!(!parts.headers.contains_key(header::AUTHORIZATION), "{error}");
    assert!(!error.is_retryable(), "{error}");
    error.kind()
}

#[test]
fn signing_again_equals_signing_afresh() {
    let temporary = permanent().with_security_token("token-1");
    let mut retried = request();
    sign_request(&mut retried, Payload::Unsigned, &SigningParams::new(&temporary, noon())).unwrap();

    let later = noon() + Duration::minutes(20);
    sign_at(&mut retried, &permanent(), later);
    let mut fresh = request();
    sign_at(&mut fresh, &permanent(), later);
    assert_eq!(retried.headers, fresh.headers);
}

#[test]
fn the_uri_stays_as_it_was_given() {
    let mut parts = request();
    parts.uri = "https://example.com/a/../%7e?b=2&a=%2f".parse().unwrap();
    sign_at(&mut parts, &permanent(), noon());
    assert_eq!(parts.uri.to_string(), "https://example.com/a/../%7e?b=2&a=%2f");
}

#[test]
fn authorization_and_token_are_marked_sensitive() {
    let mut parts = request();
    sign_at(&mut parts, &permanent().with_security_token("the-token"), noon());
    assert!(parts.headers[header::AUTHORIZATION].is_sensitive());
    assert!(parts.headers["x-security-token"].is_sensitive());
    let shown = format!("{:?}", parts.headers);
    assert!(!shown.contains("the-token") && !shown.contains("QTWA"), "{shown}");
}

#[test]
fn the_redacted_canonical_request_hides_the_token_and_sensitive_values_only() {
    let mut parts = request();
    let mut sensitive = HeaderValue::from_static("a-password");
    sensitive.set_sensitive(true);
    parts.headers.insert("x-password", sensitive);
    let credentials = permanent().with_security_token("the-token");
    let params = SigningParams::new(&credentials, noon()).headers(SignedHeaderSelection::All);
    let signed = sign_request(&mut parts, Payload::Bytes(b"{}"), &params).unwrap();

    // As received from the wire, where no value is marked.
    parts.headers.insert("x-security-token", HeaderValue::from_static("the-token"));
    let hash = Payload::Bytes(b"{}").hash();
    let canonical =
        CanonicalRequest::new(&parts.method, &parts.uri, &parts.headers, signed.signed_headers(), hash)
            .unwrap();
    let wire = canonical.to_string();
    assert!(
        wire.contains("x-security-token:the-token\n") && wire.contains("x-password:a-password\n"),
        "{wire}"
    );
    let redacted = canonical.redacted().to_string();
    assert_eq!(redacted, wire.replace(":the-token", ":****").replace(":a-password", ":****"));
    for debug in [format!("{canonical:?}"), format!("{:?}", canonical.redacted())] {
        assert!(debug.contains("x-sdk-date:20260105T120000Z"), "{debug}");
        assert!(!debug.contains("the-token") && !debug.contains("a-password"), "{debug}");
    }
}

#[test]
fn unusable_credentials_are_refused_before_anything_is_sent() {
    for credentials in
        [Credentials::new("", "sk"), Credentials::new("ak", "sk\n"), permanent().with_security_token("")]
    {
        let kind = error_of(&mut request(), &credentials, SignedHeaderSelection::Minimal);
        assert_eq!(kind, ErrorKind::InvalidCredentials);
    }
}

#[test]
fn a_time_without_a_four_digit_year_is_refused() {
    let credentials = permanent();
    for time in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        let params = SigningParams::new(&credentials, time);
        let error = sign_request(&mut request(), Payload::Bytes(b""), &params).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTime);
    }
}

#[test]
fn a_signed_value_outside_visible_ascii_is_refused_by_name() {
    let mut parts = request();
    parts.headers.insert("x-note", HeaderValue::from_bytes("grün".as_bytes()).unwrap());
    let credentials = permanent();
    let params = SigningParams::new(&credentials, noon()).headers(SignedHeaderSelection::All);
    let error = sign_request(&mut parts, Payload::Bytes(b""), &params).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidHeader);
    assert!(error.to_string().contains("x-note") && !error.to_string().contains("gr"), "{error}");

    // Unsigned, the same value does no harm.
    sign_at(&mut parts, &credentials, noon());
}

#[test]
fn a_selected_header_that_is_absent_is_named() {
    let names = [HeaderName::from_static("x-absent")];
    let kind = error_of(&mut request(), &permanent(), SignedHeaderSelection::Only(&names));
    assert_eq!(kind, ErrorKind::MissingHeader);
}

#[test]
fn a_request_without_any_host_is_refused() {
    let mut parts = request();
    parts.uri = Uri::from_static("/v2/p/sync-tasks/t/events");
    let kind = error_of(&mut parts, &permanent(), SignedHeaderSelection::Minimal);
    assert_eq!(kind, ErrorKind::MissingHeader);
}

#[test]
fn two_hosts_are_refused() {
    let mut parts = request();
    parts.headers.append(header::HOST, HeaderValue::from_static("a"));
    parts.headers.append(header::HOST, HeaderValue::from_static("b"));
    let kind = error_of(&mut parts, &permanent(), SignedHeaderSelection::Minimal);
    assert_eq!(kind, ErrorKind::InvalidHeader);
}

#[test]
fn a_second_kind_of_authentication_is_refused() {
    let mut parts = request();
    parts.headers.insert("x-auth-token", HeaderValue::from_static("token"));
    let kind = error_of(&mut parts, &permanent(), SignedHeaderSelection::Minimal);
    assert_eq!(kind, ErrorKind::ConflictingHeader);
}

#[test]
fn parts_and_single_arguments_are_signed_alike() {
    let mut parts = request();
    sign_at(&mut parts, &permanent(), noon());
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let credentials = permanent();
    let params = SigningParams::new(&credentials, noon());
    sign(&Method::POST, &parts.uri, &mut headers, Payload::Bytes(b"{}"), &params).unwrap();
    assert_eq!(headers, parts.headers);
}
