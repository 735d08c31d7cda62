//! `--fix oms-task`: the settings of migration tasks of OMS.

use std::sync::Arc;

use bridge_config::keys::{self, Opens};
use bridge_config::table::oms::SYNC_URL;
use bridge_core::credentials::SourceCredentials;
use bridge_core::oms::SyncUrl;
use bridge_core::oms::migration::{
    DestinationNode, ListFile, MigrationApi, MigrationOrder, SourceCloud, SourceNode,
};
use bridge_core::oms::task::OmsApi;
use object_copy::clock;
use oss_lite::Dialect;
use repair::TaskForwarder;
use repair::task::TaskError;
use settings::location::Place;
use settings::{Invalid, Reader, Values};
use signature_breaker::Breakers;

use super::same_task::task_between;
use crate::cli::variable;
use crate::failure::{Failure, FailureKind, of_oms};

/// What failures of tasks are explained by.
pub(super) struct Tasks {
    sync_url: SyncUrl,
}

impl Tasks {
    /// From the settings: the sync task says in which regions both buckets are.
    pub(super) async fn new(
        values: Values,
        from: &Place,
        to: &Place,
        http: &reqwest::Client,
    ) -> Result<(Self, TaskForwarder), Failure> {
        let mut reader = Reader::new(values.unmissed());
        let sync_url = reader.need(&SYNC_URL);
        let huawei = keys::huawei(&mut reader, None);
        let opens = keys::destination(&mut reader, Some(Dialect::Obs));
        keys::need_oss(&mut reader);
        let found = sync_url.zip(huawei).zip(opens);
        let ((sync_url, huawei), opens) = reader.finish(found)?;
        let huawei = huawei.for_oms();
        let source = SourceCredentials::new(variable).from_environment().map_err(Failure::internal)?;
        let destination = match opens {
            Opens::Keys(credentials, _) => credentials,
            Opens::AsSource => Arc::clone(&source),
        };
        let breaker = Breakers::new(clock::system).of_oms(&huawei);
        let sync_task = OmsApi::new(http.clone(), &sync_url, huawei.clone(), breaker.clone());
        let task = task_between(&sync_task, sync_url.host(), from, to).await?;
        let task = task.ok_or_else(|| {
            let what =
                Invalid::new("the right to look at the task is missing, which says where the buckets are");
            Failure::new(FailureKind::Permission, what)
                .of_setting("SYNC_URL")
                .with_remedy("allow oms:synctask:get in IAM")
        })?;
        let order = MigrationOrder {
            source: SourceNode {
                cloud: SourceCloud::Aliyun,
                region: task.src_region,
                bucket: task.src_bucket,
                credentials: source,
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
        let api = MigrationApi::new(http.clone(), &sync_url, huawei, breaker);
        let now = clock::system().format("%Y%m%dT%H%M%S%3fZ");
        let run = format!("{now}-{:08x}", fastrand::u32(..));
        Ok((Self { sync_url }, TaskForwarder { api, order, run }))
    }

    pub(super) fn failure(&self, error: &TaskError) -> Failure {
        match error {
            TaskError::Api(api) => of_oms(api, self.sync_url.host()).unwrap_or_else(|| {
                Failure::new(FailureKind::Permission, error)
                    .of_setting("HW_AK")
                    .with_remedy("allow oms:task:create, oms:task:get and oms:task:list in IAM")
            }),
            TaskError::Store(store) if store.is_retryable() => Failure::out_of_reach(error)
                .with_remedy("run the same command again: it follows the task that was begun"),
            TaskError::Store(_) => Failure::configuration(error).of_setting("DST").with_remedy(
                "allow writing, reading and deleting below oms_source_record/object_lists/ there",
            ),
            TaskError::Stopped(_) => Failure::configuration(error).with_remedy(
                "start it in the console of OMS, or remove it there; then run the same command again",
            ),
            TaskError::Failed { .. } | TaskError::Interrupted => {
                Failure::configuration(error).of_setting("SYNC_URL").with_remedy(
                    "look up the code among OMS's failure causes: it names keys, buckets or the list",
                )
            }
        }
    }
}
