//! Reading a request as it came over the wire: percent-encoding, query text, addressing.
//!
//! Signatures are computed over these bytes, so nothing here goes through a URL library.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use http::HeaderMap;

use crate::dialect::Dialect;

/// A percent escape or a UTF-8 sequence that does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    Literal,
    Space,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slash {
    Keep,
    Encode,
}

/// Percent-encodes all but the RFC 3986 unreserved set, upper-case hex.
pub(crate) fn encode(text: &str, slash: Slash) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if is_unreserved(byte) || (byte == b'/' && slash == Slash::Keep) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(crate) fn decode(text: &str, plus: Plus) -> Result<String, Malformed> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'%' => {
                out.push(escape(bytes.get(at + 1..at + 3).ok_or(Malformed)?)?);
                at += 2;
            }
            b'+' if plus == Plus::Space => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).map_err(|_| Malformed)
}

fn escape(digits: &[u8]) -> Result<u8, Malformed> {
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).map_err(|_| Malformed)?;
    Ok(byte[0])
}

/// The query, decoded, in the order of the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str, plus: Plus) -> Result<Self, Malformed> {
        raw.split('&')
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                Ok((decode(name, plus)?, decode(value, plus)?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What `Host` and path address, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    /// What stands before the raw path in a canonical resource: empty for path style.
    pub(crate) resource_root: String,
}

impl Target {
    pub(crate) fn parse(
        dialect: Dialect,
        host: &str,
        raw_path: &str,
        custom_domains: &BTreeMap<String, String>,
    ) -> Result<Self, Malformed> {
        let host = without_port(host);
        let path = raw_path.strip_prefix('/').unwrap_or(raw_path);
        if let Some(bucket) = custom_domains.get(host) {
            let root = match dialect {
                Dialect::Oss => bucket,
                Dialect::Obs => host,
            };
            return Self::of_bucket(bucket.clone(), path, format!("/{root}"));
        }
        if is_path_style(host) {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            if bucket.is_empty() {
                return Ok(Self { bucket: None, key: None, resource_root: String::new() });
            }
            return Self::of_bucket(decode(bucket, Plus::Literal)?, key, String::new());
        }
        if let Some(bucket) = bucket_of_host(dialect, host) {
            return Self::of_bucket(bucket.to_owned(), path, format!("/{bucket}"));
        }
        let key = if path.is_empty() { None } else { Some(decode(path, Plus::Literal)?) };
        Ok(Self { bucket: None, key, resource_root: String::new() })
    }

    fn of_bucket(bucket: String, raw_key: &str, resource_root: String) -> Result<Self, Malformed> {
        let key = if raw_key.is_empty() { None } else { Some(decode(raw_key, Plus::Literal)?) };
        Ok(Self { bucket: Some(bucket), key, resource_root })
    }

    /// `/bucket/key`, `/bucket/` or `/`, for every form of addressing.
    pub(crate) fn resource(&self, encode_key: impl Fn(&str) -> String) -> String {
        let bucket = self.bucket.as_deref().map(|bucket| encode_key(bucket) + "/").unwrap_or_default();
        let key = self.key.as_deref().map(&encode_key).unwrap_or_default();
        format!("/{bucket}{key}")
    }
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_path_style(host: &str) -> bool {
    host.is_empty()
        || host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The bucket in a virtual host name; `None` for the service's own name (`oss-cn-hangzhou.aliyuncs.com`).
fn bucket_of_host(dialect: Dialect, host: &str) -> Option<&str> {
    let is_service = |label: &str| {
        let name = dialect.service().as_str();
        label == name || label.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
    };
    let mut dots = host.match_indices('.').map(|(at, _)| at);
    if let Some(at) = dots.find(|&at| host[at + 1..].split('.').next().is_some_and(is_service)) {
        return Some(&host[..at]);
    }
    let first = host.split('.').next().unwrap_or(host);
    if is_service(first) { None } else { Some(first) }
}

/// A header as text: the empty string when absent, values of a repeated name joined by commas.
pub(crate) fn header(headers: &HeaderMap, name: &str) -> String {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(first) = values.next() else {
        return String::new();
    };
    values.fold(first.into_owned(), |joined, value| joined + "," + &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(dialect: Dialect, host: &str, path: &str) -> (Option<String>, Option<String>) {
        let domains = BTreeMap::from([("cdn.example.com".to_owned(), "pictures".to_owned())]);
        let target = Target::parse(dialect, host, path, &domains).unwrap();
        (target.bucket, target.key)
    }

    fn pair(bucket: &str, key: &str) -> (Option<String>, Option<String>) {
        (Some(bucket.to_owned()), Some(key.to_owned()))
    }

    #[test]
    fn an_ip_or_localhost_means_path_style() {
        for host in ["127.0.0.1:8080", "localhost:1", "[::1]:9", "127.0.0.1"] {
            assert_eq!(target(Dialect::Oss, host, "/b/x%2Fy/z"), pair("b", "x/y/z"), "{host}");
        }
        assert_eq!(target(Dialect::Oss, "127.0.0.1", "/b/"), (Some("b".to_owned()), None));
        assert_eq!(target(Dialect::Oss, "127.0.0.1", "/"), (None, None));
    }

    #[test]
    fn a_name_carries_the_bucket_in_front_of_the_service() {
        assert_eq!(
            target(Dialect::Oss, "oss-lite-test.oss-cn-hangzhou.aliyuncs.com", "/k"),
            pair("oss-lite-test", "k")
        );
        assert_eq!(target(Dialect::Oss, "bucket.localhost:80", "/k"), pair("bucket", "k"));
        assert_eq!(target(Dialect::Obs, "a.b.obs.cn-north-4.myhuaweicloud.com", "//k"), pair("a.b", "/k"));
        assert_eq!(target(Dialect::Obs, "obs.cn-north-4.myhuaweicloud.com", "/"), (None, None));
        assert_eq!(target(Dialect::Oss, "cdn.example.com", "/k"), pair("pictures", "k"));
    }

    #[test]
    fn encoding_round_trips_and_leaves_only_the_unreserved_set() {
        let key = "目录/a b+c&d=e?f#g%h~i*'()!.txt";
        let encoded = encode(key, Slash::Encode);
        assert!(encoded.bytes().all(|byte| is_unreserved(byte) || byte == b'%'), "{encoded}");
        assert_eq!(decode(&encoded, Plus::Literal).as_deref(), Ok(key));
        assert_eq!(decode(&encoded, Plus::Space).as_deref(), Ok(key));
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(text, Plus::Literal), Err(Malformed), "{text}");
        }
    }
}
