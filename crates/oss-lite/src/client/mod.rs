//! A service at an endpoint: what all of its buckets share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use http::header::DATE;
use http::{HeaderMap, Method};
use reqwest::Url;
use tokio::time::timeout;

use crate::bucket_name::BucketName;
use crate::config::{ClientConfig, Clock, Gates, Jitter, SignatureVersion, Timeouts};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, silent, transport};
use crate::header;
use crate::retry::RetryPolicy;
use crate::time;

mod call;
mod payload;
mod signer;

pub(crate) use call::{Base, Call, Caller, Received, Repeat, Target, unchanged_url};
pub(crate) use signer::{ClientScheme, Signer};

/// A service at an endpoint. Cheap to clone; clones share connections and the corrected clock.
///
/// The HTTP client is the caller's and must be built with `redirect::Policy::none()` (a signature is good for
/// one host and path) and without automatic decompression (bytes and checksums are those of the stored
/// object).
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Endpoint,
    /// Named by URLs that are handed to others.
    pub(crate) public_endpoint: Endpoint,
    pub(crate) dialect: Dialect,
    pub(crate) region: Option<String>,
    pub(crate) scheme: ClientScheme,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    clock: Clock,
    pub(crate) jitter: Jitter,
    pub(crate) gates: Option<Gates>,
    /// Milliseconds to add to the clock, learnt from a service that found it wrong.
    clock_offset: AtomicI64,
}

impl Client {
    /// Checks the configuration; makes no request. V4 needs a region, given or named by the endpoint.
    pub fn new(http: reqwest::Client, config: ClientConfig) -> Result<Self, Error> {
        let ClientConfig { endpoint, dialect, signature, retry, timeouts, clock, jitter, .. } = config;
        let public_endpoint = config.public_endpoint.unwrap_or_else(|| endpoint.clone());
        let region = match config.region {
            Some(region) => Some(checked_region(&region)?),
            None => endpoint.region_hint().map(str::to_owned),
        };
        let scheme = match (dialect, signature, &region) {
            (Dialect::Oss, SignatureVersion::V4, Some(region)) => {
                ClientScheme::V4 { region: region.as_str().into() }
            }
            (Dialect::Oss, SignatureVersion::V4, None) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("signature V4 needs a region, and the endpoint {endpoint} names none"),
                ));
            }
            (dialect, ..) => ClientScheme::V1(dialect),
        };
        let clock_offset = AtomicI64::new(0);
        let shared = Shared {
            http,
            endpoint,
            public_endpoint,
            dialect,
            region,
            scheme,
            retry,
            timeouts,
            clock,
            jitter,
            gates: config.gates,
            clock_offset,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where this client's requests go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// The dialect spoken there.
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// Whether both clients speak to one service in one region, which may then copy between buckets by
    /// itself: the endpoints are the same, or both name the region (the public and the internal one of OSS).
    /// A region that is only configured proves nothing about the host.
    pub fn shares_region_with(&self, other: &Self) -> bool {
        let (one, other) = (&*self.shared, &*other.shared);
        one.dialect == other.dialect
            && (one.endpoint == other.endpoint
                || one
                    .endpoint
                    .region_hint()
                    .is_some_and(|region| other.endpoint.region_hint() == Some(region)))
    }

    /// Opens a connection to a bucket's host with one unsigned HEAD, so that the first real request finds it
    /// open. Any HTTP answer is success.
    pub async fn warm(&self, bucket: &BucketName) -> Result<(), Error> {
        self.touch(bucket).await.map(drop)
    }

    /// The service's clock, to the second, from its answer to one unsigned HEAD.
    pub async fn server_time(&self, bucket: &BucketName) -> Result<DateTime<Utc>, Error> {
        let headers = self.touch(bucket).await?;
        let date = header::text(&headers, DATE).and_then(|date| time::parse_http_date(&date));
        date.ok_or_else(|| {
            let message = format!("{} answers without a date", self.endpoint());
            Error::new(ErrorKind::UnexpectedResponse, message)
        })
    }

    /// The head of the answer to an unsigned HEAD, with any status.
    async fn touch(&self, bucket: &BucketName) -> Result<HeaderMap, Error> {
        let Shared { http, endpoint, timeouts, .. } = &*self.shared;
        let url = Url::parse(&endpoint.base(bucket)).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "bucket and endpoint make no URL").with_source(error)
        })?;
        let answer = timeout(timeouts.response_head, http.execute(reqwest::Request::new(Method::HEAD, url)));
        match answer.await {
            Ok(Ok(mut answer)) => Ok(std::mem::take(answer.headers_mut())),
            Ok(Err(error)) => Err(transport(error)),
            Err(_) => Err(silent(timeouts.response_head)),
        }
        .map_err(|error| error.in_context(|| format!("connect to {endpoint}")))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.shared.endpoint)
            .field("dialect", &self.shared.dialect)
            .field("scheme", &self.shared.scheme)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The time to sign with.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let offset = TimeDelta::milliseconds(self.clock_offset.load(Ordering::Relaxed));
        let now = (self.clock)();
        now.checked_add_signed(offset).unwrap_or(now)
    }

    /// Learns the service's clock from its answer, for this and all later requests.
    pub(crate) fn adopt_time(&self, server: DateTime<Utc>) {
        let offset = server.signed_duration_since((self.clock)());
        tracing::debug!(offset_seconds = offset.num_seconds(), "clock corrected by that of the service");
        self.clock_offset.store(offset.num_milliseconds(), Ordering::Relaxed);
    }
}

fn checked_region(region: &str) -> Result<String, Error> {
    let region = region.strip_prefix("oss-").unwrap_or(region);
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || !region.bytes().all(good) {
        let message = format!("region {region:?} is not a region id such as cn-hangzhou");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(endpoint: &str, set: impl Fn(ClientConfig) -> ClientConfig) -> Result<Client, Error> {
        let config = ClientConfig::new(endpoint.parse().expect("an endpoint"), Dialect::Oss);
        Client::new(crate::test_support::http(), set(config))
    }

    fn region(client: &Client) -> Option<&str> {
        match &client.shared.scheme {
            ClientScheme::V4 { region } => Some(region),
            ClientScheme::V1(_) => None,
        }
    }

    #[test]
    fn the_region_of_v4_is_given_or_named_by_the_endpoint() {
        let named = client("oss-cn-beijing.aliyuncs.com", |config| config).expect("a region is named");
        assert_eq!(region(&named), Some("cn-beijing"));
        let given = client("oss-cn-beijing.aliyuncs.com", |config| config.with_region("oss-cn-hangzhou"));
        assert_eq!(region(&given.expect("a region is given")), Some("cn-hangzhou"));
    }

    #[test]
    fn v4_without_a_region_and_nonsense_as_region_are_refused() {
        let missing = client("files.example.com", |config| config).expect_err("no region");
        assert_eq!(missing.kind(), ErrorKind::InvalidArgument);
        assert!(missing.to_string().contains("files.example.com"), "{missing}");
        for text in ["", "CN", "cn/hangzhou", "oss-"] {
            assert!(client("files.example.com", |config| config.with_region(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn v1_needs_no_region() {
        assert!(client("files.example.com", |config| config.with_signature(SignatureVersion::V1)).is_ok());
    }
}
