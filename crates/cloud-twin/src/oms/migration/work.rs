//! The work of a migration task: its list is checked and read, its objects are copied, its result lists are
//! written.
//!
//! Reasons for which a task as a whole fails: <https://support.huaweicloud.com/api-oms/oms_api_0052.md>.

use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::cloud::{Cloud, done};
use crate::config::Account;
use crate::dialect::Dialect;
use crate::handle::Objects;
use crate::migration_tasks::{KeyPair, MigrationOrder, MigrationStatus};
use crate::object::ObjectHeaders;
use crate::oms::copy::{CopyOutcome, ObjectCopy};
use crate::policy::{Need, Subject, of_object_service};
use crate::service::Service;
use crate::wire::{Plus, Slash, decode, encode};

/// Longest list by the error text of `TRF.0014`.
const LONGEST_LIST: u64 = 100 << 20;
const LONGEST_LINE: usize = 65_535;

/// Why a task as a whole failed: code and text.
type Failure = (&'static str, &'static str);

/// Works until the future is dropped.
pub(crate) async fn migrate_all(cloud: Arc<Cloud>, mut queue: mpsc::UnboundedReceiver<(u64, Instant)>) {
    while let Some((id, due)) = queue.recv().await {
        if !cloud.config.copy_delay.is_zero() {
            sleep_until(due).await;
        }
        run(&cloud, id);
        done(&cloud, &cloud.migration_tasks.pending);
    }
}

fn run(cloud: &Cloud, id: u64) {
    let Some(task) = cloud.migration_tasks.get(id) else { return };
    let order = &task.order;
    let keys = match check(cloud, order) {
        Ok(keys) => keys,
        Err(error) => {
            cloud.migration_tasks.update(id, |task| {
                task.status = MigrationStatus::Failed;
                task.error = Some(error);
            });
            return;
        }
    };
    cloud.migration_tasks.update(id, |task| {
        task.status = MigrationStatus::Running;
        task.counts.total = keys.len() as u64;
    });
    let mut lists = ResultLists::default();
    for key in &keys {
        let destination_key = format!("{}{key}", order.save_prefix);
        let copy = ObjectCopy {
            source: order.source,
            source_bucket: &order.source_bucket,
            source_key: key,
            destination_bucket: &order.destination_bucket,
            destination_key: &destination_key,
            overwrite: order.overwrite,
        };
        let outcome = denied(cloud, &copy, order).map_or_else(|| copy.make(cloud), CopyOutcome::Failed);
        copy.announce(cloud, &outcome);
        cloud.migration_tasks.update(id, |task| match &outcome {
            CopyOutcome::Copied(size) => {
                task.counts.succeeded += 1;
                task.counts.bytes += size;
            }
            CopyOutcome::Skipped(_) => task.counts.skipped += 1,
            CopyOutcome::Failed(_) => task.counts.failed += 1,
        });
        lists.add(&cloud.now().format("%Y-%m-%d %H:%M:%S").to_string(), key, &outcome);
    }
    let failed_list = lists.write(cloud, &task.name, order);
    cloud.migration_tasks.update(id, |task| {
        if task.counts.failed == 0 {
            task.status = MigrationStatus::Succeeded;
        } else {
            task.status = MigrationStatus::Failed;
            task.error = Some(("TRF.0004", "Some objects failed to be migrated."));
            task.failed_list = failed_list;
        }
    });
}

fn account<'a>(accounts: &'a [Account], keys: &KeyPair) -> Option<&'a Account> {
    accounts.iter().find(|account| {
        account.security_token == keys.security_token
            && account.access_key == keys.access_key
            && account.secret_key == keys.secret_key
    })
}

/// The keys of the list, once keys, buckets and the list are what OMS demands.
fn check(cloud: &Cloud, order: &MigrationOrder) -> Result<Vec<String>, Failure> {
    let accounts = match order.source {
        Dialect::Oss => &cloud.config.oss_accounts,
        Dialect::Obs => &cloud.config.huawei_accounts,
    };
    if account(accounts, &order.source_keys).is_none() {
        return Err(("TRF.0151", "The source AK or SK is invalid."));
    }
    if account(&cloud.config.huawei_accounts, &order.destination_keys).is_none() {
        return Err(("TRF.0057", "The AK or SK is invalid."));
    }
    let Some(source) = cloud.store(order.source).bucket(&order.source_bucket) else {
        return Err(("TRF.0155", "The source bucket does not exist."));
    };
    if cloud.obs.bucket(&order.destination_bucket).is_none() {
        return Err(("TRF.0058", "The destination bucket does not exist."));
    }
    let unreadable = ("TRF.0013", "The object list file does not exist or cannot be obtained.");
    let list = cloud.obs.bucket(&order.list_bucket).and_then(|bucket| bucket.get(&order.list_key));
    let list = list.ok_or(unreadable)?;
    let reads = needs(cloud, Dialect::Obs, "GetObject", &order.list_bucket, &order.list_key);
    if cloud.permit(Service::Obs, &order.destination_keys.access_key, &reads).is_err() {
        return Err(unreadable);
    }
    if order.list_key.rsplit_once('.').is_none_or(|(_, extension)| extension != "txt")
        || list.body.len() > LONGEST_LIST
    {
        return Err(("TRF.0014", "Invalid object list file."));
    }
    let plain = list.headers.content_type.as_ref().is_some_and(|value| value.as_bytes() == b"text/plain");
    let encoded = list.headers.standard.iter().any(|(name, _)| name == http::header::CONTENT_ENCODING);
    if !plain || encoded {
        return Err(("TRF.0019", "The Content-Type of the object list file is not text/plain."));
    }
    let bytes = list.body.to_bytes();
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable)?;
    if text.lines().any(|line| line.len() > LONGEST_LINE) {
        return Err(("TRF.0018", "A line of the object list file is too long."));
    }
    // One that was not encoded, or not well, names an object that is not there.
    let keys: Vec<_> =
        text.lines().map(|line| decode(line, Plus::Space).unwrap_or_else(|_| line.to_owned())).collect();
    let Some(first) = keys.first() else {
        return Err(("TRF.0017", "The object list file is empty."));
    };
    if source.get(first).is_none() {
        return Err(("TRF.0012", "There are no objects for the selected migration method."));
    }
    Ok(keys)
}

fn needs(cloud: &Cloud, dialect: Dialect, operation: &'static str, bucket: &str, key: &str) -> Vec<Need> {
    of_object_service(&Subject {
        dialect,
        operation,
        region: &cloud.config.region,
        bucket: Some(bucket),
        key: Some(key),
        source: None,
        headers: &http::HeaderMap::new(),
    })
}

/// Why the policies of the keys forbid a copy.
fn denied(cloud: &Cloud, copy: &ObjectCopy<'_>, order: &MigrationOrder) -> Option<String> {
    let reads = needs(cloud, copy.source, "GetObject", copy.source_bucket, copy.source_key);
    let writes = needs(cloud, Dialect::Obs, "PutObject", copy.destination_bucket, copy.destination_key);
    let (source, destination) = (&order.source_keys.access_key, &order.destination_keys.access_key);
    if cloud.permit(copy.source.service(), source, &reads).is_err() {
        return Some("TRF.0152".to_owned());
    }
    cloud.permit(Service::Obs, destination, &writes).is_err().then(|| "TRF.0051".to_owned())
}

/// The lists that OMS leaves in the destination bucket, a line for each object.
#[derive(Default)]
struct ResultLists {
    succeeded: String,
    failed: String,
    skipped: String,
}

impl ResultLists {
    fn add(&mut self, time: &str, key: &str, outcome: &CopyOutcome) {
        // Writing to a string cannot fail.
        let _ = match outcome {
            CopyOutcome::Copied(size) => writeln!(self.succeeded, "{time}\t{key}\t{size}"),
            CopyOutcome::Skipped(size) => writeln!(self.skipped, "{time}\t{key}\t{size}"),
            CopyOutcome::Failed(reason) => {
                let encoded = encode(key, Slash::Encode);
                writeln!(self.failed, "{reason}\t{time}\t{encoded}\t{key}\t")
            }
        };
    }

    /// Writes those with something in them; the key of the failed one.
    fn write(self, cloud: &Cloud, task: &str, order: &MigrationOrder) -> Option<String> {
        let time = cloud.now().format("%Y%m%d%H%M%S%3f");
        let write = |kind: &str, text: String| {
            let key = format!("oms/task/{task}/{kind}_object_lists/{time}.{kind}_list.txt");
            let obs = Objects { cloud, dialect: Dialect::Obs };
            let headers = ObjectHeaders::default().content_type("text/plain");
            (!text.is_empty()).then(|| obs.put_with(&order.destination_bucket, &key, text, headers))?;
            Some(key)
        };
        write("success", self.succeeded);
        write("skip", self.skipped);
        if order.records_failures { write("failed", self.failed) } else { None }
    }
}
