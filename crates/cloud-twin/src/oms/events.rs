//! `CreateSyncEvents`: taking keys.

use std::sync::atomic::Ordering;

use http::{Response, StatusCode};
use serde::Deserialize;

use super::OmsError;
use crate::body::ReplyBody;
use crate::cloud::Cloud;
use crate::observe::TwinEvent;
use crate::reply::Reply;
use crate::sync_tasks::{CopyJob, SyncTaskStatus};
use crate::wire::{Plus, decode, is_unreserved};

const MAX_KEY: usize = 16_384;

#[derive(Deserialize)]
struct BatchBody {
    object_keys: Vec<String>,
}

/// The keys of a request as they came and as they read; `None` in all for a body that is no batch.
pub(super) struct Batch(Option<Vec<Key>>);

struct Key {
    sent: String,
    decoded: Option<String>,
}

impl Batch {
    pub(super) fn parse(body: &[u8]) -> Self {
        let document = serde_json::from_slice::<BatchBody>(body).ok();
        let key = |sent: String| Key { decoded: decode_key(&sent), sent };
        Self(document.map(|document| document.object_keys.into_iter().map(key).collect()))
    }

    /// The keys for logs and fault rules.
    pub(super) fn shown(&self) -> Vec<String> {
        let keys = self.0.as_deref().unwrap_or_default();
        keys.iter().map(|key| key.decoded.as_ref().unwrap_or(&key.sent).clone()).collect()
    }

    fn validate(self, max_keys: usize) -> Option<Vec<String>> {
        let keys = self.0?;
        if !(1..=max_keys).contains(&keys.len()) || keys.iter().any(|key| key.sent.len() > MAX_KEY) {
            return None;
        }
        keys.into_iter().map(|key| key.decoded).collect()
    }
}

/// The key in the only form that every decoder reads the same: all but the unreserved set escaped.
fn decode_key(sent: &str) -> Option<String> {
    let strict = !sent.is_empty() && sent.bytes().all(|byte| is_unreserved(byte) || byte == b'%');
    strict.then(|| decode(sent, Plus::Literal).ok()).flatten()
}

pub(super) fn create(cloud: &Cloud, id: &str, batch: Batch) -> Result<Reply, OmsError> {
    let oms = &cloud.sync_tasks;
    let now = cloud.now();
    let (source, destination, keys) = {
        let mut tasks = oms.tasks.lock();
        let task = tasks.get_mut(id).ok_or_else(OmsError::no_such_task)?;
        let keys = batch.validate(cloud.config.oms_max_keys);
        let keys = keys.ok_or_else(|| OmsError::invalid("Invalid request parameters."))?;
        if task.status == SyncTaskStatus::Stopped {
            return Err(OmsError::invalid("The synchronization task is stopped."));
        }
        task.statistics.accepted(now, keys.len());
        (task.source_bucket.clone(), task.destination_bucket.clone(), keys)
    };
    {
        let mut accepted = oms.accepted.lock();
        for key in &keys {
            *accepted.entry(key.clone()).or_default() += 1;
        }
    }
    oms.copies_pending.fetch_add(keys.len(), Ordering::SeqCst);
    cloud.watchers.emit(|| TwinEvent::OmsAccepted { sync_task_id: id.to_owned(), keys: keys.clone() });
    let count = keys.len();
    let job = CopyJob {
        sync_task_id: id.to_owned(),
        source,
        destination,
        keys,
        due: tokio::time::Instant::now() + cloud.config.copy_delay,
    };
    if oms.queue.send(job).is_err() {
        // The twin is shutting down.
        oms.copies_pending.fetch_sub(count, Ordering::SeqCst);
        return Err(OmsError::new(StatusCode::SERVICE_UNAVAILABLE, "OMS.2004", "Service unavailable."));
    }
    Ok(Response::new(ReplyBody::default()))
}

#[cfg(test)]
mod tests {
    use super::decode_key;

    #[test]
    fn only_the_unreserved_set_may_stand_unescaped() {
        assert_eq!(decode_key("test%2F001.txt").as_deref(), Some("test/001.txt"));
        assert_eq!(decode_key("%E6%B5%8B%20a%2Bb~_-.").as_deref(), Some("测 a+b~_-."));
        for sent in ["", "test/001.txt", "a+b", "a b", "测", "%ZZ", "%E6", "a*b", "100%"] {
            assert_eq!(decode_key(sent), None, "{sent}");
        }
    }
}
