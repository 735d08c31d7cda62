//! Settings of OMS.

use apig_signer::Credentials;
use bridge_core::engine::oms::IN_FLIGHT;
use bridge_core::oms::SyncUrl;
use settings::Reader;

use super::keys;
use super::table::oms::{OMS_BATCH, OMS_MAX_RPS, SYNC_URL};

/// Keys per request that OMS documents.
const BATCH: usize = 10;

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

/// What is wrong with settings that only OMS has a use for, where it has none.
pub(super) fn check(r: &mut Reader) {
    r.get(&OMS_BATCH);
    r.get(&OMS_MAX_RPS);
}

pub(super) fn read(r: &mut Reader) -> Option<OmsSettings> {
    let sync_url = r.need(&SYNC_URL);
    let huawei = keys::huawei(r, None);
    let batch = r.get(&OMS_BATCH);
    let max_rps = r.get(&OMS_MAX_RPS);
    let huawei = huawei?.for_oms();
    Some(OmsSettings {
        sync_url: sync_url?,
        huawei,
        batch: batch.unwrap_or(BATCH),
        max_rps,
        in_flight: IN_FLIGHT,
    })
}
