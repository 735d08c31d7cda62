//! Signs, sends and retries requests.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Request, Response};
use tokio::time::timeout;

use super::address::{Address, RequestTarget};
use super::{S3, S3Bucket, SERVER, refusal};
use crate::clock::{self, Offset};
use crate::outcome::FailureClass;
use crate::transfer::error::{Abort, TransferError};
use crate::transfer::response::{PATIENCE, date, transport};
use crate::transfer::retry::Retries;
use aws_access::{Cached, Generation, Renewed};

/// What every request needs, looked up once.
pub(super) struct Access {
    region: String,
    endpoint: Option<String>,
    credentials: Arc<Cached>,
    offset: Offset,
}

/// A request to a bucket.
pub(super) struct S3Request<'a> {
    pub(super) method: Method,
    /// Empty for the bucket itself.
    pub(super) key: &'a str,
    /// Encoded already.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
}

impl<'a> S3Request<'a> {
    pub(super) fn object(method: Method, key: &'a str) -> Result<Self, TransferError> {
        // It would be a request to the bucket.
        if key.is_empty() {
            return Err(TransferError::permanent("an empty key"));
        }
        Ok(Self { method, key, query: String::new(), headers: HeaderMap::new() })
    }
}

impl S3 {
    pub(super) async fn access(&self) -> Result<&Access, TransferError> {
        let shared = &self.0;
        // Boxed: the future is large, and needed once.
        let find = || {
            Box::pin(async {
                let options = &shared.options;
                let config = aws_access::config(&shared.http, options.region.clone()).await;
                Access::new(&config, options.endpoint.clone())
            })
        };
        shared.access.get_or_try_init(find).await
    }
}

impl Access {
    fn new(config: &aws_access::Config, endpoint: Option<String>) -> Result<Self, TransferError> {
        let missing =
            || TransferError::settings("AWS_REGION: missing, s3:// needs it, and no AWS profile names one");
        let region = config.sdk.region().ok_or_else(missing)?;
        Ok(Self {
            region: region.to_string(),
            endpoint: endpoint.or_else(|| aws_access::endpoint(&config.sdk, "S3")),
            credentials: Arc::clone(&config.credentials),
            offset: Offset::default(),
        })
    }

    pub(super) fn address(&self, bucket: &str) -> Address {
        match &self.endpoint {
            Some(endpoint) => Address::at(endpoint, bucket),
            None => Address::of_amazon(&self.region, bucket),
        }
    }

    /// URL of the service, if it is not Amazon's own.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Checks that credentials are configured. Only the service can tell whether they are valid.
    ///
    /// # Errors
    ///
    /// When settings are missing or wrong.
    pub(super) async fn check(&self) -> Result<(), TransferError> {
        match self.credentials(clock::system().into()).await {
            Err(failed) if failed.is_settings_error() => Err(failed),
            _ => Ok(()),
        }
    }

    async fn credentials(&self, now: SystemTime) -> Result<(Credentials, Generation), TransferError> {
        let credentials = self.credentials.at(now).await.map_err(|error| {
            let why = std::error::Error::source(&error).map(|source| format!(" ({source})"));
            let why = why.unwrap_or_default();
            match error {
                CredentialsError::CredentialsNotLoaded(_) => TransferError::settings(format!(
                    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: missing, and no AWS profile or role gives credentials: {error}{why}"
                )),
                CredentialsError::InvalidConfiguration(_) => {
                    TransferError::settings(format!("the AWS settings of credentials are wrong: {error}{why}"))
                }
                error => {
                    TransferError::new(FailureClass::Auth, format!("no credentials for AWS: {error}{why}"))
                }
            }
        })?;
        Ok((credentials, self.credentials.generation().await))
    }
}

impl S3Bucket {
    /// Sends a request, with retries.
    pub(super) async fn ask(&self, ask: &S3Request<'_>) -> Result<Response, Abort> {
        let access = self.s3.access().await?;
        let target = self.address().await?.target(ask.key, &ask.query)?;
        let (mut corrected, mut renewed) = (false, false);
        let mut retries = Retries::of_read(fastrand::f64);
        loop {
            let signed_at = access.offset.apply(clock::system());
            let now = signed_at.into();
            let (credentials, generation) = access.credentials(now).await?;
            let request = signed(ask, &target, &access.region, credentials, now)?;
            let (abort, date) = match timeout(PATIENCE, self.s3.0.http.execute(request)).await {
                Ok(Ok(response)) if response.status().is_success() => return Ok(response),
                Ok(Ok(response)) => {
                    let date = date(response.headers());
                    (refusal::read(response, &ask.method).await, date)
                }
                Ok(Err(error)) => (transport(error, SERVER).into(), None),
                Err(_) => (TransferError::transient(format!("{SERVER} does not respond")).into(), None),
            };
            // Clock and credentials are corrected once each: a further refusal has another reason.
            if !corrected
                && refusal::may_be_of_the_clock(&abort)
                && date.is_some_and(|date| access.offset.learn(date, signed_at, clock::system()))
            {
                corrected = true;
                continue;
            }
            if !renewed
                && refusal::is_of_credentials(&abort)
                && access.credentials.renew(generation).await == Renewed::Others
            {
                renewed = true;
                continue;
            }
            match abort {
                Abort::Failed(failed) => retries.wait(failed).await?,
                abort => return Err(abort),
            }
        }
    }
}

/// Signs a request.
fn signed(
    ask: &S3Request<'_>,
    target: &RequestTarget,
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<Request, TransferError> {
    let unsigned =
        |error: &dyn std::fmt::Display| TransferError::permanent(format!("{SERVER}: cannot sign: {error}"));
    let mut settings = SigningSettings::default();
    // The rules of S3, which differ from those of other AWS services.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| unsigned(&error))?
        .into();
    let headers = ask.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable =
        SignableRequest::new(ask.method.as_str(), &target.signed, headers, SignableBody::Bytes(&[]))
            .map_err(|error| unsigned(&error))?;
    let (added, _) = sign(signable, &params).map_err(|error| unsigned(&error))?.into_parts();
    let mut request = Request::new(ask.method.clone(), target.url.clone());
    *request.headers_mut() = ask.headers.clone();
    for (name, value) in added.headers() {
        let name = HeaderName::try_from(name).map_err(|error| unsigned(&error))?;
        let mut value = HeaderValue::try_from(value).map_err(|error| unsigned(&error))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn target(url: &str) -> RequestTarget {
        RequestTarget { url: url.parse().unwrap(), signed: url.to_owned() }
    }

    /// The request `GET Object` of
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    #[test]
    fn the_signature_of_the_vendors_example_is_reproduced() {
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "example",
        );
        let mut ask = S3Request::object(Method::GET, "test.txt").unwrap();
        ask.headers.insert("range", HeaderValue::from_static("bytes=0-9"));
        let target = target("https://examplebucket.s3.amazonaws.com/test.txt");
        // 2013-05-24T00:00:00Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(380_376);
        let request = signed(&ask, &target, "us-east-1", credentials, now).unwrap();
        let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(authorization.ends_with(signature), "{authorization}");
    }

    #[test]
    fn a_session_token_is_sent_and_shown_nowhere() {
        let credentials = Credentials::new("AKID", "topsecret", Some("sessiontoken".into()), None, "example");
        let ask = S3Request::object(Method::GET, "k").unwrap();
        let target = target("https://b.s3.eu-west-1.amazonaws.com/k");
        let request = signed(&ask, &target, "eu-west-1", credentials, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(request.headers()["x-amz-security-token"], "sessiontoken");
        assert!(request.headers()["authorization"].to_str().unwrap().contains("x-amz-security-token"));
        let shown = format!("{:?}", request.headers());
        assert!(!shown.contains("sessiontoken") && !shown.contains("AKID"), "{shown}");
    }
}
