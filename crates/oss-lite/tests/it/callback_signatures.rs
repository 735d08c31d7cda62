//! Whether a callback is taken for one of OSS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oss_lite::callback::{CallbackErrorKind, CallbackKeys, CallbackParts, PublicKey, key_url, verify};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub(crate) pub_key_url: String,
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) key: String,
    path: String,
    query: Option<String>,
    body: String,
    authorization: String,
    valid: bool,
}

impl Case {
    pub(crate) fn parts<'a>(&'a self, pub_key_url: &'a str) -> CallbackParts<'a> {
        CallbackParts {
            path: &self.path,
            query: self.query.as_deref(),
            authorization: &self.authorization,
            pub_key_url,
            body: self.body.as_bytes(),
        }
    }
}

impl Recorded {
    pub(crate) fn case(&self, id: &str) -> &Case {
        self.cases.iter().find(|case| case.id == id).expect(id)
    }

    fn key(&self, case: &Case) -> PublicKey {
        PublicKey::from_pem(&self.keys[&case.key]).expect(&case.key)
    }
}

pub(crate) static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/oss/callbacks.json");
    serde_json::from_str(&fs::read_to_string(path).expect("a fixture")).expect("cases")
});

#[test]
fn recorded_callbacks_are_taken_or_refused_as_recorded() {
    assert!(RECORDED.cases.len() >= 55);
    for case in &RECORDED.cases {
        let outcome = verify(&RECORDED.key(case), &case.parts(&RECORDED.pub_key_url));
        match outcome {
            Ok(()) => assert!(case.valid, "{} was taken", case.id),
            Err(error) => {
                assert!(!case.valid, "{}: {error}", case.id);
                assert_eq!((error.kind(), error.status()), (CallbackErrorKind::Forged, 403), "{}", case.id);
            }
        }
    }
}

#[test]
fn the_published_key_is_known() {
    assert_eq!(PublicKey::from_pem(&RECORDED.keys["published"]).expect("a key"), PublicKey::published());
}

#[test]
fn a_path_or_query_or_body_that_differs_by_anything_is_refused() {
    let case = RECORDED.case("cb-1-doc");
    let key = RECORDED.key(case);
    let parts = case.parts(&RECORDED.pub_key_url);
    assert!(verify(&key, &parts).is_ok());
    for altered in [
        CallbackParts { path: "/index.php/", ..parts },
        CallbackParts { path: "/Index.php", ..parts },
        CallbackParts { query: None, ..parts },
        CallbackParts { query: Some("id=1&index=2&"), ..parts },
        CallbackParts { query: Some("index=2&id=1"), ..parts },
        CallbackParts { query: Some("id=%31&index=2"), ..parts },
        CallbackParts { body: b"bucket=yonghu-test2", ..parts },
        CallbackParts { body: b"", ..parts },
        CallbackParts { body: b"bucket=yonghu-test\n", ..parts },
    ] {
        let error = verify(&key, &altered).expect_err("altered");
        assert_eq!(error.kind(), CallbackErrorKind::Forged, "{altered:?}");
    }
}

#[test]
fn a_part_cannot_be_passed_off_as_another() {
    let case = RECORDED.case("cb-1-doc");
    let parts = CallbackParts { query: None, ..case.parts(&RECORDED.pub_key_url) };
    for (path, body) in [
        ("/index.php?id=1&index=2", case.parts("").body),
        ("/index.php%3Fid=1&index=2", case.parts("").body),
        ("/index.php%3fid=1&index=2%0Abucket=yonghu-test", b""),
        ("/index.php%0a", b""),
    ] {
        let error = verify(&RECORDED.key(case), &CallbackParts { path, body, ..parts }).expect_err("moved");
        assert_eq!(error.kind(), CallbackErrorKind::Malformed, "{path}");
    }
}

#[test]
fn a_signature_that_is_none_is_malformed() {
    let case = RECORDED.case("cb-1-doc");
    let key = RECORDED.key(case);
    let long = "A".repeat(1028);
    for authorization in ["", "not base64!", "AAA", "kKQe\n", "OSS id:c2ln", " AAAA", &long] {
        let parts = CallbackParts { authorization, ..case.parts(&RECORDED.pub_key_url) };
        let error = verify(&key, &parts).expect_err("malformed");
        assert_eq!((error.kind(), error.status()), (CallbackErrorKind::Malformed, 400), "{authorization}");
    }
}

#[test]
fn keys_of_the_host_of_oss_are_trusted() {
    for url in [
        "http://gosspublic.alicdn.com/callback_pub_key_v1.pem",
        "https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
        "https://gosspublic.alicdn.com/a/b?c=d",
    ] {
        assert_eq!(key_url(&BASE64.encode(url)).expect(url).as_str(), url);
    }
}

#[test]
fn urls_that_only_look_like_the_host_of_oss_are_not_trusted() {
    for url in [
        "http://gosspublic.alicdn.com.evil/k.pem",
        "http://gosspublic.alicdn.com.evil.example/",
        "http://gosspublic.alicdn.com@evil.example/k.pem",
        "http://gosspublic.alicdn.com:80@evil.example/k.pem",
        "http://gosspublic.alicdn.com:80/k.pem",
        "http://gosspublic.alicdn.com:8080/k.pem",
        "https://gosspublic.alicdn.com:443/k.pem",
        "http://evil@gosspublic.alicdn.com/k.pem",
        "http://gosspublic.alicdn.com",
        "https://gosspublic.alicdn.com",
        "HTTP://gosspublic.alicdn.com/k.pem",
        "http://GOSSPUBLIC.alicdn.com/k.pem",
        "http://gosspublic.alicdn.com./k.pem",
        " http://gosspublic.alicdn.com/k.pem",
        "http://gosspublic.alicdn.com/k.pem ",
        "http://gosspublic.alicdn.com/k .pem",
        "http://gosspublic.alicdn.com/k.pem\n",
        "http://gosspublic.alicdn.com/\tk.pem",
        "http://gosspublic.alicdn.com/\u{0}",
        "http:\\\\gosspublic.alicdn.com/k.pem",
        "http://gosspublic.alicdn.com\\@evil.example/k.pem",
        "http://gosspublic.alicdn.com/\\..\\k.pem",
        "http://gosspublic.alicdn.com/../k.pem",
        "http://gosspublic.alicdn.com/a/%2e%2e/k.pem",
        "http://gosspublic.alicdn.com/k.pem#evil",
        "http://gosspublic.alicdn.com/\u{e9}",
        "http:/gosspublic.alicdn.com/k.pem",
        "//gosspublic.alicdn.com/k.pem",
        "ftp://gosspublic.alicdn.com/k.pem",
        "file:///etc/passwd",
        "http://evil.example/http://gosspublic.alicdn.com/",
        "http://127.0.0.1/gosspublic.alicdn.com/",
        "",
    ] {
        let error = key_url(&BASE64.encode(url)).expect_err(url);
        assert_eq!((error.kind(), error.status()), (CallbackErrorKind::UntrustedKey, 403), "{url:?}");
    }
}

#[test]
fn a_header_of_the_key_that_is_no_base64_text_is_malformed() {
    let long = BASE64.encode(["http://gosspublic.alicdn.com/", &"a".repeat(1000)].concat());
    let bytes = BASE64.encode(b"http://gosspublic.alicdn.com/\xff");
    for header in ["http://gosspublic.alicdn.com/", "aHR0", "!", "aHR0cA", &long, &bytes] {
        match key_url(header) {
            Err(error) if header == "aHR0" => assert_eq!(error.kind(), CallbackErrorKind::UntrustedKey),
            Err(error) => assert_eq!(error.kind(), CallbackErrorKind::Malformed, "{header}"),
            Ok(url) => panic!("{url} was taken"),
        }
    }
}

#[test]
fn nothing_but_one_strict_key_is_read() {
    let pem = &RECORDED.keys["published"];
    let inner: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64.decode(inner).expect("DER");
    assert!(PublicKey::from_der(&der).is_ok());
    assert!(PublicKey::from_pem(&format!("\r\n{}\r\n\r\n", pem.trim().replace('\n', "\r\n"))).is_ok());
    for at in 0..der.len() {
        assert!(PublicKey::from_der(&der[..at]).is_err(), "cut off at {at}");
    }
    let trailing = [&der[..], &[0]].concat();
    assert!(PublicKey::from_der(&trailing).is_err(), "a byte more");
    // Every tag and length, the algorithm, its NULL, the count of unused bits.
    for at in (0..24).chain([89, 90]) {
        for flip in [0x01, 0x80] {
            let mut altered = der.clone();
            altered[at] ^= flip;
            assert!(PublicKey::from_der(&altered).is_err(), "byte {at} changed by {flip}");
        }
    }
    for text in ["", "-----BEGIN PUBLIC KEY-----", &pem.replace("PUBLIC", "RSA PUBLIC"), &pem.repeat(2)] {
        assert!(PublicKey::from_pem(text).is_err(), "{text}");
    }
    assert!(PublicKey::from_pem(&format!("x{pem}")).is_err());
    assert!(PublicKey::from_pem(&format!("{}{pem}", " ".repeat(9000))).is_err());
}

/// `SubjectPublicKeyInfo` around these two numbers.
fn spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short");
        let head = match length {
            0..0x80 => vec![tag, content.len().to_le_bytes()[0]],
            0x80..0x100 => vec![tag, 0x81, content.len().to_le_bytes()[0]],
            _ => [&[tag, 0x82][..], &length.to_be_bytes()].concat(),
        };
        [head, content.to_vec()].concat()
    }
    let key = [element(2, modulus), element(2, exponent)].concat();
    let key = [vec![0], element(0x30, &key)].concat();
    let algorithm = element(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    element(0x30, &[algorithm, element(3, &key)].concat())
}

/// An odd number of so many bytes, with its highest bit set.
fn odd(bytes: usize) -> Vec<u8> {
    [vec![0, 0x80], vec![1; bytes - 1]].concat()
}

#[test]
fn keys_have_512_to_4096_bits_and_a_usual_exponent() {
    let e = [1, 0, 1];
    let good = |modulus: &[u8], exponent: &[u8]| PublicKey::from_der(&spki(modulus, exponent)).is_ok();
    assert!(good(&odd(64), &e) && good(&odd(512), &e) && good(&odd(64), &[3]));
    assert!(!good(&odd(63), &e), "too short");
    assert!(!good(&odd(513), &e), "too long");
    assert!(!good(&[&odd(64)[..64], &[2]].concat(), &e), "an even modulus");
    assert!(!good(&odd(64)[1..], &e), "a negative modulus");
    assert!(!good(&[&[0][..], &odd(64)].concat(), &e), "a byte too many");
    for exponent in [&[][..], &[0], &[1], &[2], &[4], &[0x81], &[0, 3], &[1; 9]] {
        assert!(!good(&odd(64), exponent), "{exponent:?}");
    }
    assert!(good(&odd(64), &[1; 8]));
}

proptest! {
    #[test]
    fn one_bit_of_anything_changed_is_refused(bit in 0usize..100_000, part in 0..4) {
        let case = RECORDED.case("plain-512");
        let key = RECORDED.key(case);
        let parts = case.parts(&RECORDED.pub_key_url);
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let at = bit % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            bytes
        };
        let outcome = match part {
            0 => verify(&key, &CallbackParts { body: &flipped(parts.body), ..parts }),
            1 => {
                let signature = BASE64.decode(parts.authorization).expect("base64");
                let authorization = BASE64.encode(flipped(&signature));
                verify(&key, &CallbackParts { authorization: &authorization, ..parts })
            }
            2 => match String::from_utf8(flipped(parts.path.as_bytes())) {
                Ok(path) => verify(&key, &CallbackParts { path: &path, ..parts }),
                Err(_) => return Ok(()),
            },
            _ => {
                let query = bit.to_string();
                verify(&key, &CallbackParts { query: Some(&query), ..parts })
            }
        };
        let kind = outcome.expect_err("altered").kind();
        prop_assert!(kind == CallbackErrorKind::Forged || (kind, part) == (CallbackErrorKind::Malformed, 2));
    }

    #[test]
    fn random_bytes_are_no_key_and_never_a_panic(bytes in any::<Vec<u8>>(), at in 0usize..94, byte: u8) {
        prop_assert!(PublicKey::from_der(&bytes).is_err());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(PublicKey::from_pem(&text).is_err());
        let _ = PublicKey::from_pem(&format!("-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----"));
        let mut nearly = spki(&odd(64), &[1, 0, 1]);
        nearly[at] = byte;
        let _ = PublicKey::from_der(&nearly);
    }

    #[test]
    fn random_signatures_and_headers_are_refused(
        signature in proptest::collection::vec(any::<u8>(), 0..100),
        header in any::<String>(),
        path in any::<String>(),
    ) {
        let case = RECORDED.case("plain-512");
        let authorization = BASE64.encode(&signature);
        let parts = CallbackParts { authorization: &authorization, path: &path, ..case.parts(&header) };
        prop_assert!(verify(&RECORDED.key(case), &parts).is_err());
        prop_assert!(key_url(&header).is_err());
        prop_assert!(key_url(&BASE64.encode(&header)).is_err());
    }
}

#[tokio::test]
async fn a_pinned_key_serves_whatever_url_a_callback_names() {
    let case = RECORDED.case("plain-2048");
    let keys = CallbackKeys::with_key(RECORDED.key(case));
    for url in [RECORDED.pub_key_url.as_str(), "", "aHR0cDovL2ludGVybmFsL2tleS5wZW0="] {
        keys.verify(&case.parts(url)).await.expect("taken");
    }
    let other = RECORDED.case("plain-512");
    let error = keys.verify(&other.parts(&RECORDED.pub_key_url)).await.expect_err("another key");
    assert_eq!(error.kind(), CallbackErrorKind::Forged);
}
