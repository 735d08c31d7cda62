//! Laws that hold for every request.

use apig_signer::{
    CanonicalRequest, Credentials, MAX_CLOCK_SKEW, Payload, Signature, SignedHeaderSelection, SigningParams,
    encode, sign, verify,
};
use chrono::{DateTime, Utc};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::*;

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn credentials() -> Credentials {
    Credentials::new("AccessKey", "SecretKey")
}

fn uri(path_and_query: &str) -> Uri {
    let path_and_query: PathAndQuery = path_and_query.parse().unwrap();
    Uri::builder().scheme("https").authority("example.com").path_and_query(path_and_query).build().unwrap()
}

fn sign_all(uri: &Uri, mut headers: HeaderMap, body: &[u8]) -> (Signature, HeaderMap) {
    let credentials = credentials();
    let params = SigningParams::new(&credentials, noon()).headers(SignedHeaderSelection::All);
    let signed = sign(&Method::POST, uri, &mut headers, Payload::Bytes(body), &params).unwrap();
    (signed.signature(), headers)
}

fn canonical_lines(uri: &Uri) -> (String, String) {
    let mut headers = HeaderMap::new();
    let credentials = credentials();
    let params = SigningParams::new(&credentials, noon());
    let signed = sign(&Method::GET, uri, &mut headers, Payload::Bytes(b""), &params).unwrap();
    let hash = Payload::Bytes(b"").hash();
    let text = CanonicalRequest::new(&Method::GET, uri, &headers, signed.signed_headers(), hash)
        .unwrap()
        .to_string();
    let mut lines = text.lines().skip(1).map(str::to_owned);
    (lines.next().unwrap(), lines.next().unwrap())
}

/// What the `http` crate lets pass as a path, with dots, slashes and percent signs more often than chance has
/// them.
fn wild_path() -> impl Strategy<Value = String> {
    "(/(\\.|\\.\\.|%2[eEfF]|%[0-9A-Fa-f]{2}|%|[a-zA-Z0-9+*~!$&'(),;=:@_-]|é|中){0,5}){1,6}"
}

fn header_pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("x-[a-z]{1,3}", "[ \t]{0,2}[!-~ ]{0,12}[ \t]{0,2}"), 0..8)
}

fn header_map<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn is_encoded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let upper_hex =
        |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b));
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => upper_hex(at + 1) && upper_hex(at + 2),
        b'-' | b'.' | b'_' | b'~' => true,
        other => other.is_ascii_alphanumeric(),
    })
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let encoded = encode::percent_encode(&bytes).to_string();
        prop_assert_eq!(encode::percent_decode(&encoded).into_owned(), bytes);
    }

    #[test]
    fn encoded_text_has_unreserved_bytes_and_upper_case_escapes_only(text in any::<String>()) {
        let encoded = encode::component(&text).to_string();
        prop_assert!(is_encoded(&encoded), "{}", encoded);
        let escaped: usize = text.bytes().filter(|b| !(b.is_ascii_alphanumeric() || b"-._~".contains(b))).count();
        prop_assert_eq!(encoded.len(), text.len() + 2 * escaped);
    }

    #[test]
    fn the_canonical_path_of_a_canonical_path_is_itself(path in wild_path()) {
        let (canonical, _) = canonical_lines(&uri(&path));
        prop_assert_eq!(&canonical_lines(&uri(&canonical)).0, &canonical);
    }

    #[test]
    fn a_canonical_path_is_absolute_encoded_without_dot_segments_and_ends_in_a_slash(path in wild_path()) {
        let (canonical, _) = canonical_lines(&uri(&path));
        prop_assert!(canonical.starts_with('/') && canonical.ends_with('/'), "{}", canonical);
        for segment in canonical.split('/') {
            prop_assert!(is_encoded(segment) && segment != "." && segment != "..", "{}", canonical);
        }
    }

    #[test]
    fn a_final_slash_does_not_change_the_signature(path in "(/[a-z]{1,4}){1,4}") {
        let plain = sign_all(&uri(&path), HeaderMap::new(), b"").0;
        prop_assert_eq!(plain, sign_all(&uri(&format!("{path}/")), HeaderMap::new(), b"").0);
    }

    #[test]
    fn a_canonical_query_is_sorted_encoded_and_a_fixed_point(query in "[a-cA-C%0-9=&+~*.-]{0,24}") {
        let (_, canonical) = canonical_lines(&uri(&format!("/?{query}")));
        let pairs: Vec<(&str, &str)> =
            canonical.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap()).collect();
        prop_assert!(pairs.is_sorted(), "{}", canonical);
        prop_assert!(pairs.iter().all(|(name, value)| is_encoded(name) && is_encoded(value)), "{}", canonical);
        prop_assert_eq!(pairs.len(), query.split('&').filter(|pair| !pair.is_empty()).count());
        prop_assert_eq!(&canonical_lines(&uri(&format!("/?{canonical}"))).1, &canonical);
    }

    #[test]
    fn the_order_of_query_parameters_does_not_change_the_signature(
        (pairs, shuffled) in prop::collection::vec("[a-c]{1,2}=[a-c]{0,2}", 0..6)
            .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        let sign_query = |pairs: &[String]| sign_all(&uri(&format!("/?{}", pairs.join("&"))), HeaderMap::new(), b"").0;
        prop_assert_eq!(sign_query(&pairs), sign_query(&shuffled));
    }

    #[test]
    fn order_case_and_outer_blanks_of_headers_do_not_change_the_signature(
        (pairs, shuffled) in header_pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        let rewritten: Vec<_> =
            shuffled.iter().map(|(name, value)| (name.to_uppercase(), format!(" {}\t", value.trim()))).collect();
        let target = uri("/v2/events");
        prop_assert_eq!(
            sign_all(&target, header_map(&pairs), b"{}").0,
            sign_all(&target, header_map(&rewritten), b"{}").0
        );
    }

    #[test]
    fn whatever_is_signed_is_verified_and_the_stages_agree(
        path in wild_path(), query in "[a-c%=&+]{0,12}", pairs in header_pairs(), body in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let target = uri(&format!("{path}?{query}"));
        let (signature, headers) = sign_all(&target, header_map(&pairs), &body);
        let verified =
            verify(&Method::POST, &target, &headers, &body, &credentials(), noon(), MAX_CLOCK_SKEW).unwrap();
        let hash = Payload::Bytes(&body).hash();
        let canonical =
            CanonicalRequest::new(&Method::POST, &target, &headers, &verified.signed_headers, hash).unwrap();
        let of_the_text = <sha2::Sha256 as sha2::Digest>::digest(canonical.to_string());
        prop_assert_eq!(canonical.sha256(), <[u8; 32]>::from(of_the_text));
        let stage = canonical.string_to_sign(apig_signer::Timestamp::new(noon()).unwrap());
        prop_assert_eq!(credentials().sign(&stage), signature);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in any::<String>(), form in "SDK-HMAC-SHA256 Access=[^,]{0,3}, SignedHeaders=.{0,9}, Signature=.{0,70}") {
        for text in [text, form] {
            let _ = apig_signer::Authorization::parse(&text);
            let _ = apig_signer::Timestamp::parse(&text);
            let _ = apig_signer::PayloadHash::parse(&text);
        }
    }
}
