//! What OSS and OBS do differently.

use chrono::{DateTime, Utc};
use http::HeaderName;

use crate::service::Service;
use crate::time::xml_time;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Oss,
    Obs,
}

impl Dialect {
    pub(crate) const fn service(self) -> Service {
        match self {
            Self::Oss => Service::Oss,
            Self::Obs => Service::Obs,
        }
    }

    pub(crate) const fn server(self) -> &'static str {
        match self {
            Self::Oss => "AliyunOSS",
            Self::Obs => "OBS",
        }
    }

    pub(crate) const fn default_content_type(self) -> &'static str {
        match self {
            Self::Oss => "application/octet-stream",
            Self::Obs => "binary/octet-stream",
        }
    }

    pub(crate) const fn default_storage_class(self) -> &'static str {
        match self {
            Self::Oss => "Standard",
            Self::Obs => "STANDARD",
        }
    }

    /// Classes whose objects must be restored before they can be read.
    pub(crate) const fn archive_classes(self) -> &'static [&'static str] {
        match self {
            Self::Oss => &["Archive", "ColdArchive", "DeepColdArchive"],
            Self::Obs => &["COLD", "DEEP_ARCHIVE"],
        }
    }

    pub(crate) const fn max_key_bytes(self) -> usize {
        match self {
            Self::Oss => 1023,
            Self::Obs => 1024,
        }
    }

    pub(crate) const fn default_max_keys(self) -> usize {
        match self {
            Self::Oss => 100,
            Self::Obs => 1000,
        }
    }

    pub(crate) const fn namespace(self) -> Option<&'static str> {
        match self {
            Self::Oss => None,
            Self::Obs => Some("http://obs.cn-north-4.myhuaweicloud.com/doc/2015-06-30/"),
        }
    }

    /// A time as listings show it. OSS knows whole seconds only, and `oss2` reads no other fraction than
    /// zeros.
    pub(crate) fn time(self, time: DateTime<Utc>) -> String {
        match self {
            Self::Oss => time.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            Self::Obs => xml_time(time),
        }
    }

    pub(crate) fn etag(self, md5: &[u8; 16]) -> String {
        match self {
            Self::Oss => hex::encode_upper(md5),
            Self::Obs => hex::encode(md5),
        }
    }

    pub(crate) fn is_bucket_name(self, name: &str) -> bool {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || byte == b'-'
                || (byte == b'.' && self == Self::Obs)
        };
        let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        (3..=63).contains(&name.len())
            && name.bytes().all(allowed)
            && edge(name.bytes().next())
            && edge(name.bytes().next_back())
    }
}

/// Prefix of a service's own headers. OBS answers AWS V2 callers with theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderPrefix(&'static str);

impl HeaderPrefix {
    pub(crate) const OSS: Self = Self("x-oss-");
    pub(crate) const OBS: Self = Self("x-obs-");
    pub(crate) const AMZ: Self = Self("x-amz-");

    pub(crate) const fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Oss => Self::OSS,
            Dialect::Obs => Self::OBS,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        self.0
    }

    /// The class that a caller means. By the S3 names OBS knows its own classes.
    pub(crate) fn meant_class(self, name: &str) -> &str {
        match name {
            "STANDARD_IA" if self == Self::AMZ => "WARM",
            "GLACIER" if self == Self::AMZ => "COLD",
            name => name,
        }
    }

    /// The name by which a caller knows a class.
    pub(crate) fn shown_class(self, class: &str) -> &str {
        match class {
            "WARM" if self == Self::AMZ => "STANDARD_IA",
            "COLD" if self == Self::AMZ => "GLACIER",
            class => class,
        }
    }

    /// The header in which the CRC-64 of the content travels.
    pub(crate) fn crc_header(self) -> HeaderName {
        self.name(if self == Self::OSS { "hash-crc64ecma" } else { "checksum-crc64ecma" })
    }

    /// The header `name` with this prefix; `name` is a lower-case token.
    pub(crate) fn name(self, name: &str) -> HeaderName {
        HeaderName::try_from(format!("{}{name}", self.0)).unwrap_or(http::header::WARNING)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::Dialect;

    #[test]
    fn only_obs_tells_fractions_of_a_second() {
        let time = DateTime::from_timestamp_millis(1_700_000_000_789).unwrap();
        assert_eq!(Dialect::Oss.time(time), "2023-11-14T22:13:20.000Z");
        assert_eq!(Dialect::Obs.time(time), "2023-11-14T22:13:20.789Z");
    }
}
