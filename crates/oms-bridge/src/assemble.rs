//! Settings to a working [`Pipeline`].

use oss_lite::{Client, ClientConfig, Dialect};

use crate::clock;
use crate::config::Settings;
use crate::engine::oms::{OmsConfig, OmsEngine};
use crate::journal::Journal;
use crate::pipeline::Pipeline;
use crate::policy::Policy;

/// Builds the pipeline that the settings describe. Opens no connection.
///
/// # Errors
///
/// When the settings do not fit together for OSS.
pub fn pipeline(settings: Settings, http: &reqwest::Client) -> Result<Pipeline, oss_lite::Error> {
    let mut config =
        ClientConfig::new(settings.oss_endpoint, Dialect::Oss).with_signature(settings.oss_signature);
    if let Some(region) = settings.oss_region {
        config = config.with_region(region);
    }
    let store = Client::new(http.clone(), config)?;
    let policy = Policy::new(settings.log_bucket.as_str(), settings.keys);
    let journal = Journal::new(store, settings.log_bucket, settings.sync_url.task(), clock::system);
    let engine = OmsEngine::new(
        http.clone(),
        OmsConfig {
            target: settings.sync_url,
            credentials: settings.huawei,
            batch: settings.batch,
            max_rps: settings.max_rps,
            in_flight: settings.in_flight,
            clock: clock::system,
            random: fastrand::f64,
        },
    );
    Ok(Pipeline::new(policy, engine, journal))
}
