//! Amazon Web Services: region, endpoints and credentials as its own tools find them.
//!
//! | module | concern |
//! |---|---|
//! | `credentials` | credentials that are fetched once, and again before they end |
//! | `http` | requests of the SDK through the one HTTP client of this process |

mod credentials;
mod http;

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

pub use self::credentials::Cached;
use self::http::Http;
use aws_types::service_config::ServiceConfigKey;

/// Time for one try of a request. A long poll alone may take 20 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);

/// Reads the environment and the profile files, <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
/// Credentials are looked for when the first request needs them: environment, profile, web identity, container,
/// instance. SSO is not among them: `aws configure export-credentials` is for that.
///
/// `region` stands above what is found.
pub async fn config(http: &reqwest::Client, region: Option<String>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Http::new(http.clone()))
        .timeout_config(timeouts);
    match region {
        Some(region) => loader.region(Region::new(region)).load().await,
        None => loader.load().await,
    }
}

/// Where a service listens, if `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL` or a profile says so.
pub fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = config.service_config().and_then(|settings| settings.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}
