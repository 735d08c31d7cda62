//! `--fix oms-task`: what migration tasks of OMS are made with.

use std::env;
use std::fs;
use std::process;
use std::sync::Arc;

use bridge_config::Settings;
use bridge_config::keys::{self, HUAWEI_NAMES, Opens};
use bridge_core::credentials::SourceCredentials;
use bridge_core::oms::migration::{
    DestinationNode, ListFile, MigrationApi, MigrationOrder, SourceCloud, SourceNode,
};
use bridge_core::oms::task::OmsApi;
use object_copy::clock;
use oss_lite::Dialect;
use repair::task::{ListLimits, TaskForwarder, recorded};
use settings::location::{Place, scheme};
use settings::service::KeyNames;
use settings::text::time;
use settings::{Invalid, Reader, Values};
use signature_breaker::Breakers;

use super::ReconcileArgs;
use super::same_task::{not_for_oms, task_between};
use super::task_failure::TaskEnds;
use crate::assemble;
use crate::cli::variable;
use crate::failure::{Failure, FailureKind};

/// From the settings, which are those of `--fix oms`: the sync task says in which regions both buckets are.
pub(super) async fn forwarder(
    args: &ReconcileArgs,
    values: Values,
    (from, to): (&Place, &Place),
    http: &reqwest::Client,
) -> Result<(TaskForwarder, TaskEnds), Failure> {
    let mut reader = Reader::new(values);
    let settings = Settings::read(&mut reader);
    let opens = keys::destination(&mut reader, Some(Dialect::Obs));
    keys::need_oss(&mut reader);
    let source_keys = keys::oss_names(&reader);
    let (settings, opens) = reader.finish(settings.zip(opens))?;
    let oms = settings.mode.oms().ok_or_else(not_for_oms)?;
    if !oms.sync_url.is_https() && !oms.sync_url.is_local() {
        let what = Invalid::new(
            "the request for a task has the secret keys of both sides, and http does not encrypt them",
        );
        let remedy = "use the https address from the task's page";
        return Err(Failure::configuration(what).of_setting("SYNC_URL").with_remedy(remedy));
    }
    let source = SourceCredentials::new(variable).from_environment().map_err(Failure::internal)?;
    let (destination, destination_keys) = match opens {
        Opens::Keys(credentials, names) => (credentials, names),
        Opens::AsSource => (Arc::clone(&source), HUAWEI_NAMES),
    };
    let breaker = Breakers::new(clock::system).of_oms(&oms.huawei);
    let sync_task = OmsApi::new(http.clone(), &oms.sync_url, oms.huawei.clone(), breaker.clone());
    let task = task_between(&sync_task, oms.sync_url.host(), from, to).await?;
    let task = task.ok_or_else(|| {
        let what = Invalid::new("the right to look at the task is missing, which says where the buckets are");
        Failure::new(FailureKind::Permission, what)
            .of_setting("SYNC_URL")
            .with_remedy("allow oms:synctask:get in IAM")
    })?;
    let order = MigrationOrder {
        source: SourceNode {
            cloud: SourceCloud::Aliyun,
            region: task.src_region,
            bucket: task.src_bucket,
            credentials: Arc::clone(&source),
        },
        destination: DestinationNode {
            region: task.dst_region,
            bucket: task.dst_bucket,
            credentials: destination,
            save_prefix: String::new(),
        },
        list: ListFile { bucket: String::new(), key: String::new() },
        description: String::new(),
    };
    let now = clock::system();
    let forwarder = TaskForwarder {
        api: MigrationApi::new(http.clone(), &oms.sync_url, oms.huawei.clone(), breaker),
        order,
        journal: assemble::journal(&settings, http).map_err(Failure::configuration)?,
        credentials: source,
        run: format!("{}-{:08x}", now.format("%Y%m%dT%H%M%S%3fZ"), fastrand::u32(..)),
        by: format!("{}, PID {}, {}", host(), process::id(), time(now)),
        options: sides(from, to).into_iter().chain(args.choosing()).map(recorded).collect(),
        limits: ListLimits::default(),
    };
    let KeyNames { id: source_key, .. } = source_keys;
    let KeyNames { id: destination_key, .. } = destination_keys;
    let oms = oms.sync_url.host().to_owned();
    Ok((forwarder, TaskEnds { oms, settings, source_key, destination_key }))
}

/// Both sides as the command line names them.
fn sides(from: &Place, to: &Place) -> [String; 2] {
    [from, to].map(|place| format!("{}://{}/{}", scheme(place.dialect), place.bucket, place.folder()))
}

/// What this machine is called, for people.
fn host() -> String {
    let named = || ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| env::var(name).ok());
    let of_kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = of_kernel.or_else(named).map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "?".to_owned())
}
