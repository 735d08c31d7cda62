//! Endpoints: where a service is, and how buckets are addressed there.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use crate::bucket_name::BucketName;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};

/// How the bucket is named in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// `https://bucket.host/key`, what both services expect.
    VirtualHost,
    /// `https://host/bucket/key`, for local servers and some private clouds.
    Path,
    /// `https://host/key`: the host is a custom domain bound to one bucket.
    Cname,
}

/// Where the service is.
///
/// Parsed from a bare host, which means HTTPS, or from a URL with scheme and port. An IP address or
/// `localhost` is addressed by path, anything else by virtual host; [`Endpoint::with_addressing`] overrides
/// that.
///
/// ```
/// use oss_lite::{Addressing, Endpoint};
///
/// let endpoint: Endpoint = "oss-cn-hangzhou-internal.aliyuncs.com".parse()?;
/// assert_eq!(endpoint.url(), "https://oss-cn-hangzhou-internal.aliyuncs.com");
/// assert_eq!(endpoint.region_hint(), Some("cn-hangzhou"));
///
/// let local: Endpoint = "http://127.0.0.1:9000".parse()?;
/// assert_eq!(local.addressing(), Addressing::Path);
/// # Ok::<(), oss_lite::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: String,
    host: String,
    port: Option<u16>,
    addressing: Addressing,
}

impl Endpoint {
    /// The same place, addressed in another way.
    #[must_use]
    pub fn with_addressing(mut self, addressing: Addressing) -> Self {
        self.addressing = addressing;
        self
    }

    /// How buckets are named in requests.
    pub fn addressing(&self) -> Addressing {
        self.addressing
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn url(&self) -> String {
        self.to_string()
    }

    /// The region that the host names: `cn-hangzhou` from `oss-cn-hangzhou[-internal].aliyuncs.com`,
    /// `cn-north-4` from `obs.cn-north-4.myhuaweicloud.com`. Custom domains, accelerated and private
    /// endpoints name none.
    pub fn region_hint(&self) -> Option<&str> {
        let (first, rest) = self.host.split_once('.')?;
        if first == "obs" {
            let (region, domain) = rest.split_once('.')?;
            return domain.starts_with("myhuaweicloud.").then_some(region);
        }
        let region = first.strip_prefix("oss-").filter(|_| rest == "aliyuncs.com")?;
        if region.starts_with("accelerate") {
            return None;
        }
        Some(region.strip_suffix("-internal").unwrap_or(region))
    }

    /// What stands before the slash of the key in the URL of every object of a bucket.
    pub(crate) fn base(&self, bucket: &BucketName) -> String {
        let Self { scheme, addressing, .. } = self;
        match addressing {
            Addressing::VirtualHost => format!("{scheme}://{bucket}.{}", self.authority()),
            Addressing::Path => format!("{scheme}://{}/{bucket}", self.authority()),
            Addressing::Cname => format!("{scheme}://{}", self.authority()),
        }
    }

    /// What stands in the place of the bucket in the signature.
    pub(crate) fn signed_bucket<'a>(&'a self, bucket: &'a BucketName, dialect: Dialect) -> &'a str {
        match (self.addressing, dialect) {
            (Addressing::Cname, Dialect::Obs) => &self.host,
            _ => bucket.as_str(),
        }
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(ErrorKind::InvalidArgument, format!("endpoint {:?} {why}", without_secrets(text)))
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&full).map_err(|error| bad("is neither a host nor a URL").with_source(error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("has a scheme other than http and https"));
        }
        let extra = !url.username().is_empty() || url.password().is_some();
        if extra || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has more than scheme, host and port"));
        }
        let host = url.host_str().ok_or_else(|| bad("has no host"))?;
        let is_ip = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        let addressing =
            if is_ip || host == "localhost" { Addressing::Path } else { Addressing::VirtualHost };
        Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port: url.port(), addressing })
    }
}

/// A URL, an endpoint, or text that was meant to be one, without what may be secret in it: user and password,
/// query and fragment. A password may hold any of the marks that end it, so everything up to the last `@`
/// goes.
pub fn without_secrets(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = text.split_at(start);
    let (hidden, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let (rest, cut) = rest.find(['?', '#']).map_or((rest, ""), |at| (&rest[..at], "?***"));
    [scheme, hidden, rest, cut].concat()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().expect(text)
    }

    fn bucket() -> BucketName {
        "examplebucket".parse().expect("a valid name")
    }

    #[test]
    fn a_bare_host_means_https_and_a_port_may_follow() {
        assert_eq!(endpoint("oss-cn-hangzhou.aliyuncs.com").url(), "https://oss-cn-hangzhou.aliyuncs.com");
        assert_eq!(endpoint("localhost:8080").url(), "https://localhost:8080");
        assert_eq!(endpoint("HTTP://Example.COM:80/").url(), "http://example.com");
    }

    #[test]
    fn only_addresses_and_localhost_are_addressed_by_path() {
        for text in ["127.0.0.1:9000", "http://[::1]:9000", "localhost"] {
            assert_eq!(endpoint(text).addressing(), Addressing::Path, "{text}");
        }
        assert_eq!(endpoint("obs.cn-north-4.myhuaweicloud.com").addressing(), Addressing::VirtualHost);
    }

    #[test]
    fn each_addressing_places_the_bucket() {
        let endpoint = endpoint("http://example.com:81");
        let base = |addressing| endpoint.clone().with_addressing(addressing).base(&bucket());
        assert_eq!(base(Addressing::VirtualHost), "http://examplebucket.example.com:81");
        assert_eq!(base(Addressing::Path), "http://example.com:81/examplebucket");
        assert_eq!(base(Addressing::Cname), "http://example.com:81");
    }

    #[test]
    fn a_custom_domain_of_obs_is_signed_in_place_of_the_bucket() {
        let endpoint = endpoint("files.example.com").with_addressing(Addressing::Cname);
        assert_eq!(endpoint.signed_bucket(&bucket(), Dialect::Obs), "files.example.com");
        assert_eq!(endpoint.signed_bucket(&bucket(), Dialect::Oss), "examplebucket");
    }

    #[test]
    fn regions_come_from_vendor_hosts_only() {
        let hint = |text: &str| endpoint(text).region_hint().map(str::to_owned);
        assert_eq!(hint("oss-cn-hangzhou.aliyuncs.com").as_deref(), Some("cn-hangzhou"));
        assert_eq!(hint("oss-cn-hangzhou-internal.aliyuncs.com").as_deref(), Some("cn-hangzhou"));
        assert_eq!(hint("obs.cn-north-4.myhuaweicloud.com").as_deref(), Some("cn-north-4"));
        assert_eq!(hint("obs.eu-west-101.myhuaweicloud.eu").as_deref(), Some("eu-west-101"));
        for text in ["oss-accelerate-overseas.aliyuncs.com", "files.example.com", "127.0.0.1", "localhost"] {
            assert_eq!(hint(text), None, "{text}");
        }
    }

    #[test]
    fn anything_more_than_scheme_host_and_port_is_refused() {
        for text in
            ["", "ftp://h", "https://u:p@h", "https://h/path", "https://h?q", "https://h#f", "a b", "://"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_message_has_a_secret_in_it() {
        for text in ["https://u:hush@h", "https://u:hu/sh@h", "u:hush@h/p", "https://h?token=hush", "h#hush"]
        {
            let error = text.parse::<Endpoint>().expect_err(text);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hush") && !shown.contains("sh@"), "{shown}");
        }
    }
}
