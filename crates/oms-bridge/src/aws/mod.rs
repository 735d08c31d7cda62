//! Amazon Web Services: region, endpoints and credentials as its own tools find them.
//!
//! | module | concern |
//! |---|---|
//! | `http` | requests of the SDK through the one HTTP client of this process |

mod http;

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use self::http::Http;

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
