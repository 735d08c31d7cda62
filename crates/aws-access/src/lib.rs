//! Amazon Web Services: region, endpoints and credentials, found as AWS's own tools find them.
//!
//! | module | concern |
//! |---|---|
//! | `credentials` | caches credentials, and fetches new ones before they expire or when they are refused |
//! | `http` | sends requests of the SDK through the process's HTTP client |
//!
//! ```
//! async fn region(http: &reqwest::Client) -> Option<String> {
//!     let config = aws_access::config(http, None).await;
//!     config.sdk.region().map(ToString::to_string)
//! }
//! ```

mod credentials;
mod http;

use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
pub use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::service_config::ServiceConfigKey;

pub use self::credentials::{Cached, Generation, Renewed};
pub use self::http::Behind;
use self::http::Http;

/// Timeout of one try of a request. A long poll may take 20 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);

/// The configuration that was found. SDK clients that are built from `sdk` use the same credentials.
#[derive(Clone, Debug)]
pub struct Config {
    /// For clients of the SDK.
    pub sdk: SdkConfig,
    /// Credentials, resolved when the first request needs them.
    pub credentials: Arc<Cached>,
}

/// Reads the environment and the profile files,
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>. Credentials are resolved when
/// the first request needs them: environment, profile, web identity, container, instance. SSO is not
/// supported: use `aws configure export-credentials`.
///
/// `region` overrides the region that is found.
pub async fn config(http: &reqwest::Client, region: Option<String>) -> Config {
    let region = match region {
        Some(region) => Some(Region::new(region)),
        None => blank_region().await,
    };
    let sdk = loader(http, region).load().await;
    let (http, region) = (http.clone(), sdk.region().cloned());
    let credentials = Arc::new(Cached::new(move || {
        let loader = loader(&http, region.clone());
        Box::pin(async move { loader.load().await.credentials_provider() })
    }));
    let provider: Arc<dyn ProvideCredentials> = Arc::<Cached>::clone(&credentials);
    let sdk = sdk
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .identity_cache(IdentityCache::no_cache())
        .build();
    Config { sdk, credentials }
}

fn loader(http: &reqwest::Client, region: Option<Region>) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Http::new(http.clone()))
        .timeout_config(timeouts);
    match region {
        Some(region) => loader.region(region),
        None => loader,
    }
}

/// An empty region counts as unset, but the SDK takes it for a name: here the next provider is asked.
async fn blank_region() -> Option<Region> {
    let variable = |name| std::env::var(name).ok();
    let first = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(variable)?;
    if !first.trim().is_empty() {
        return None;
    }
    let second = variable("AWS_DEFAULT_REGION").filter(|region| !region.trim().is_empty());
    match second {
        Some(region) => Some(Region::new(region)),
        None => ProfileFileRegionProvider::new().region().await,
    }
}

/// The endpoint of a service, if `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL` or a profile sets one.
pub fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = config.service_config().and_then(|settings| settings.load_config(key));
    let own = own.or_else(|| config.endpoint_url().map(str::to_owned));
    own.filter(|endpoint| !endpoint.trim().is_empty())
}

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
