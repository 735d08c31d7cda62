//! Settings to a working [`Pipeline`], or to parts of it.

use oss_lite::{Client, ClientConfig, Dialect, Endpoint};

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
    let journal = journal(&settings, http)?;
    let policy = Policy::new(settings.log_bucket.as_str(), settings.keys);
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

/// Builds the client of OSS that the settings describe.
///
/// # Errors
///
/// When the settings do not fit together for OSS.
pub fn store(
    settings: &Settings,
    endpoint: Endpoint,
    http: &reqwest::Client,
) -> Result<Client, oss_lite::Error> {
    let mut config = ClientConfig::new(endpoint, Dialect::Oss).with_signature(settings.oss_signature);
    if let Some(region) = &settings.oss_region {
        config = config.with_region(region.as_str());
    }
    Client::new(http.clone(), config)
}

/// Builds the journal that the settings describe.
///
/// # Errors
///
/// When the settings do not fit together for OSS.
pub fn journal(settings: &Settings, http: &reqwest::Client) -> Result<Journal, oss_lite::Error> {
    let store = store(settings, settings.oss_endpoint.clone(), http)?;
    Ok(Journal::new(store, settings.log_bucket.clone(), settings.sync_url.task(), clock::system))
}
