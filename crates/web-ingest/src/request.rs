//! The body of a request.

use std::collections::HashSet;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use thiserror::Error;

use object_copy::egress::{Guard, Reach};
use object_copy::transfer::Admission as _;

/// Longest body of a request, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// Objects that one request may name.
const MAX_OBJECTS: usize = 1000;

/// Longest key that both OSS and OBS accept, in bytes.
const MAX_KEY: usize = 1023;

/// Characters that are not encoded: the unreserved set of RFC 3986, and `/`.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A requested object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestedObject {
    /// Its key at the destination.
    pub(crate) key: String,
    /// Its URL.
    pub(crate) url: String,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RequestError {
    /// It is malformed, or exceeds a limit.
    #[error("{0}")]
    Malformed(String),
    /// Its URL may not be fetched.
    #[error("{0}")]
    Refused(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectBody {
    domain: String,
    key: String,
}

/// A list; parsing stops once it is too long.
struct BoundedList(Vec<ObjectBody>);

impl<'de> Deserialize<'de> for BoundedList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = BoundedList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<BoundedList, A::Error> {
                let mut list = Vec::new();
                while let Some(object) = objects.next_element()? {
                    if list.len() == MAX_OBJECTS {
                        return Err(A::Error::custom(format!(
                            "a list names 1 to {MAX_OBJECTS} objects, not more"
                        )));
                    }
                    list.push(object);
                }
                Ok(BoundedList(list))
            }
        }
        deserializer.deserialize_seq(Objects)
    }
}

/// Parses one object or a list of them; if one is invalid, all are refused.
pub(crate) fn parse(body: &[u8], guard: &Guard) -> Result<Vec<RequestedObject>, RequestError> {
    let asked: Vec<ObjectBody> = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<BoundedList>(body).map_err(|error| no_json(&error))?.0
    } else {
        vec![serde_json::from_slice(body).map_err(|error| no_json(&error))?]
    };
    if asked.is_empty() {
        return Err(RequestError::Malformed(format!("a list names 1 to {MAX_OBJECTS} objects, not 0")));
    }
    let mut keys = HashSet::with_capacity(asked.len());
    if let Some(twice) = asked.iter().find(|object| !keys.insert(object.key.as_str())) {
        return Err(RequestError::Malformed(format!("the key {:?} is named twice", twice.key)));
    }
    asked.into_iter().map(|object| wanted(object, guard)).collect()
}

fn no_json(error: &serde_json::Error) -> RequestError {
    /// Longest quote of the request in a message.
    const LONGEST: usize = 400;
    let error: String = error.to_string().chars().take(LONGEST).collect();
    RequestError::Malformed(format!(
        "the body is neither {{\"domain\":\"…\",\"key\":\"…\"}} nor a list of such objects: {error}"
    ))
}

fn wanted(ObjectBody { domain, key }: ObjectBody, guard: &Guard) -> Result<RequestedObject, RequestError> {
    let site = site(&domain, guard.reach())?;
    guard.admit(&site).map_err(|error| RequestError::Refused(error.to_string()))?;
    let path = path(&key)?;
    let url = format!("{site}{path}");
    // The URL that was checked must be the one that is fetched, so it must survive the parser unchanged.
    match Url::parse(&url) {
        Ok(parsed) if parsed.as_str() == url => Ok(RequestedObject { key, url }),
        _ => Err(RequestError::Malformed(format!("the key {key:?} cannot be represented in a URL"))),
    }
}

/// The root URL of a domain, which is a plain host name. Within the private reach, `http://` may precede it
/// and a port may follow.
fn site(domain: &str, reach: Reach) -> Result<Url, RequestError> {
    let not_a_name = || RequestError::Malformed(format!("the domain {domain:?} is not a plain host name"));
    let (scheme, authority) = match (domain.strip_prefix("http://"), reach) {
        (Some(authority), Reach::Private) => ("http", authority),
        _ => ("https", domain),
    };
    let delimiters = match reach {
        Reach::Public => "/?#@\\%:[]",
        Reach::Private => "/?#@\\%",
    };
    let is_odd = |character: char| {
        character.is_control() || character.is_whitespace() || delimiters.contains(character)
    };
    if authority.contains(is_odd) {
        return Err(not_a_name());
    }
    let url = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| not_a_name())?;
    let plain = url.host_str().is_some_and(|host| !host.ends_with('.') && host.len() <= 253);
    if plain { Ok(url) } else { Err(not_a_name()) }
}

/// A key as the path of a URL, without its first slash.
fn path(key: &str) -> Result<String, RequestError> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(RequestError::Malformed(format!("a key has 1 to {MAX_KEY} bytes, not {}", key.len())));
    }
    if key.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(RequestError::Malformed(format!(
            "the key {key:?} has the segment `.` or `..`, which URLs cannot represent"
        )));
    }
    Ok(utf8_percent_encode(key, PATH).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use object_copy::egress::AllowList;

    fn ask(body: &[u8], reach: Reach) -> Result<Vec<RequestedObject>, RequestError> {
        let list = "a.example,*.b.example,bücher.example,127.0.0.1,localhost";
        let list = if reach == Reach::Public { list.replace("127.0.0.1,", "") } else { list.to_owned() };
        parse(body, &Guard::new(AllowList::parse(&list, reach).unwrap(), reach))
    }

    fn url(domain: &str, key: &str, reach: Reach) -> Result<String, RequestError> {
        let body = json!({ "domain": domain, "key": key }).to_string();
        Ok(ask(body.as_bytes(), reach)?.remove(0).url)
    }

    #[test]
    fn a_body_is_one_object_or_a_list() {
        let wanted = |key: &str| RequestedObject { key: key.into(), url: format!("https://a.example/{key}") };
        let one = br#" {"domain":"a.example","key":"k"}"#;
        assert_eq!(ask(one, Reach::Public), Ok(vec![wanted("k")]));
        let list = br#" [{"domain":"a.example","key":"k"},{"key":"l","domain":"A.EXAMPLE"}]"#;
        assert_eq!(ask(list, Reach::Public), Ok(vec![wanted("k"), wanted("l")]));
    }

    #[test]
    fn anything_else_is_malformed() {
        let many: Vec<_> =
            (0..=MAX_OBJECTS).map(|n| json!({"domain":"a.example","key":n.to_string()})).collect();
        let many = json!(many).to_string();
        for body in [
            "",
            "[]",
            "null",
            "\"k\"",
            "{}",
            r#"{"domain":"a.example"}"#,
            r#"{"domain":"a.example","key":1}"#,
            r#"{"domain":"a.example","key":"k","url":"x"}"#,
            r#"{"domain":"a.example","key":"k"} {}"#,
            r#"[{"domain":"a.example","key":"k"},{"domain":"x.b.example","key":"k"}]"#,
            &many,
        ] {
            assert!(matches!(ask(body.as_bytes(), Reach::Public), Err(RequestError::Malformed(_))), "{body}");
        }
        assert!(matches!(
            ask(b"{\"domain\":\"a.example\",\"key\":\"\xff\"}", Reach::Public),
            Err(RequestError::Malformed(_))
        ));
    }

    #[test]
    fn a_key_cannot_leave_the_path() {
        for (key, path) in [
            ("a b/ü?x=1#f", "a%20b/%C3%BC%3Fx%3D1%23f"),
            ("%2e%2e/%00", "%252e%252e/%2500"),
            ("/lead//twice/", "/lead//twice/"),
            ("...", "..."),
            ("a\\..\\b", "a%5C..%5Cb"),
            ("@evil.example", "%40evil.example"),
            (":80/x", "%3A80/x"),
            ("a\tb\n", "a%09b%0A"),
            ("*~-_.", "%2A~-_."),
        ] {
            assert_eq!(
                url("a.example", key, Reach::Public),
                Ok(format!("https://a.example/{path}")),
                "{key:?}"
            );
        }
    }

    #[test]
    fn keys_that_no_url_or_service_can_hold_are_malformed() {
        let long = "k".repeat(MAX_KEY + 1);
        for key in ["", ".", "..", "a/../b", "./a", "a/..", &long] {
            assert!(
                matches!(url("a.example", key, Reach::Public), Err(RequestError::Malformed(_))),
                "{key:?}"
            );
        }
        assert!(url("a.example", &long[1..], Reach::Public).is_ok());
    }

    #[test]
    fn a_domain_is_a_plain_host_name() {
        for (domain, host) in [("x.B.example", "x.b.example"), ("bücher.example", "xn--bcher-kva.example")] {
            assert_eq!(url(domain, "k", Reach::Public), Ok(format!("https://{host}/k")));
        }
        for domain in [
            "",
            "u@a.example",
            "u:p@a.example",
            "a.example:443",
            "a.example:8080",
            "https://a.example",
            "http://a.example",
            "a.example/x",
            "a.example?x",
            "a.example#x",
            "a.example\\x",
            "a.example%2f",
            "a%2eexample",
            "a.example.",
            "a.exam ple",
            "a.example\n",
            "\ta.example",
            "a.example\u{0}",
            "a.example\u{a0}",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
            "-<>-",
        ] {
            assert!(matches!(url(domain, "k", Reach::Public), Err(RequestError::Malformed(_))), "{domain:?}");
        }
    }

    #[test]
    fn a_domain_that_is_not_on_the_list_is_refused() {
        for domain in
            ["b.example", "evil.example", "a.example.evil.net", "xa.example", "8.8.8.8", "127.0.0.1", "127.1"]
        {
            assert!(matches!(url(domain, "k", Reach::Public), Err(RequestError::Refused(_))), "{domain:?}");
        }
    }

    #[test]
    fn the_private_reach_has_ports_and_http() {
        for (domain, url_of) in [
            ("127.0.0.1:8080", "https://127.0.0.1:8080/k"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/k"),
            ("http://localhost", "http://localhost/k"),
        ] {
            assert_eq!(url(domain, "k", Reach::Private), Ok(url_of.to_owned()));
        }
        for domain in ["http://u@localhost", "http://localhost/x", "ftp://localhost", "localhost:99999"] {
            assert!(
                matches!(url(domain, "k", Reach::Private), Err(RequestError::Malformed(_))),
                "{domain:?}"
            );
        }
    }
}
