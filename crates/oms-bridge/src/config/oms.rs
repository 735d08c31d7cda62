//! Settings of OMS.

use apig_signer::Credentials;

use super::SettingsArgs;
use bridge_core::engine::oms::IN_FLIGHT;
use bridge_core::oms::{BadSyncUrl, SyncUrl};
use settings::lenient::given;
use settings::lenient::half_width;
use settings::reader::Reader;

/// Settings of the engine that forwards to OMS.
#[derive(Debug)]
pub struct OmsSettings {
    /// Where OMS listens.
    pub sync_url: SyncUrl,
    /// Huawei credentials.
    pub huawei: Credentials,
    /// Keys per OMS request.
    pub batch: usize,
    /// Own ceiling on OMS requests per second.
    pub max_rps: Option<f64>,
    /// OMS requests under way at once.
    pub in_flight: usize,
}

/// The address of OMS, where it is not needed but names the journal.
pub(super) fn sync_url(r: &mut Reader, args: &SettingsArgs) -> Option<SyncUrl> {
    r.read("SYNC_URL", given(args.sync_url.as_ref()), parse_sync_url)
}

pub(super) fn read(r: &mut Reader, args: &SettingsArgs) -> Option<OmsSettings> {
    let sync_url = r.required("SYNC_URL", args.sync_url.as_ref());
    let sync_url = r.read("SYNC_URL", sync_url, parse_sync_url);
    let ak = r.required("HW_AK", args.hw_ak.as_ref());
    let sk = r.required("HW_SK", args.hw_sk.as_ref());
    let batch = r.read("OMS_BATCH", given(args.oms_batch.as_ref()), batch);
    let max_rps = r.read("OMS_MAX_RPS", given(args.oms_max_rps.as_ref()), rps);
    let credentials = Credentials::new(ak?, sk?);
    Some(OmsSettings {
        sync_url: sync_url?,
        huawei: match given(args.hw_security_token.as_ref()) {
            Some(token) => credentials.with_security_token(token),
            None => credentials,
        },
        batch: batch.unwrap_or(10),
        max_rps,
        in_flight: IN_FLIGHT,
    })
}

/// A slash behind it, and full-width characters, change nothing.
fn parse_sync_url(text: &str) -> Result<SyncUrl, BadSyncUrl> {
    SyncUrl::parse(half_width(text).trim_end_matches('/'))
}

fn batch(text: &str) -> Result<usize, String> {
    match half_width(text).parse() {
        Ok(batch @ 1..=100) => Ok(batch),
        _ => Err(format!("{text:?} is not a number from 1 to 100")),
    }
}

fn rps(text: &str) -> Result<f64, String> {
    // The lower bound keeps the time between two requests within a day.
    match half_width(text).parse::<f64>() {
        Ok(rps) if (0.0001..=1_000_000.0).contains(&rps) => Ok(rps),
        _ => Err(format!("{text:?} is not a number of requests per second above 0")),
    }
}
