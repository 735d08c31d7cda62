//! Whether the sync task that the settings name copies from SRC to DST.

use bridge_core::oms::task::{OmsApi, SyncTask};
use object_copy::clock;
use settings::Invalid;
use settings::location::Place;

use crate::failure::{Failure, of_oms};

/// The task; `None` where the right to ask is missing.
///
/// # Errors
///
/// When it is another one, or OMS does not answer.
pub(super) async fn task_between(
    api: &OmsApi,
    host: &str,
    from: &Place,
    to: &Place,
) -> Result<Option<SyncTask>, Failure> {
    match api.show(clock::system()).await {
        Ok(task) if task.src_bucket == from.bucket.as_str() && task.dst_bucket == to.bucket.as_str() => {
            Ok(Some(task))
        }
        Ok(task) => {
            let what = format!(
                "is a task that copies from {:?} to {:?}, and not from SRC to DST",
                task.src_bucket, task.dst_bucket
            );
            let remedy = "give the address of a task between these buckets, or --fix copy";
            Err(Failure::configuration(Invalid::new(what)).of_setting("SYNC_URL").with_remedy(remedy))
        }
        Err(error) => of_oms(&error, host).map_or(Ok(None), Err),
    }
}

/// Where OMS cannot copy from SRC to DST.
pub(super) fn not_for_oms() -> Failure {
    let what = Invalid::new("OMS copies a key to the same key in OBS, and DST is another place");
    let remedy = "name the same folder in SRC and DST, or give --fix copy";
    Failure::configuration(what).of_setting("--fix").with_remedy(remedy)
}
