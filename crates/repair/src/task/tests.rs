//! Lists and tasks against the local cloud, with what the command line cannot choose: limits and times.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::journal::{BucketPair, Journal, Pair, system_unique};
use bridge_core::oms::SyncUrl;
use bridge_core::oms::migration::{
    DestinationNode, ListFile, MigrationApi, MigrationOrder, SourceCloud, SourceNode,
};
use e2e::Cloud;
use e2e::cloud::{LOGS, MIRROR, SOURCE, http_client};
use e2e::cloud_twin::{Account, Fault, FaultAction, FaultResponse, Service};
use object_copy::clock;
use object_copy::stop::Stop;
use object_copy::transfer::{Flow, Source};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect};
use reconcile::judge::Verdict;
use reconcile::listing::{BucketListing, Listed};
use reconcile::{Check, Comparison, Finding, Observer, Records, Side, Totals};
use signature_breaker::Breakers;

use super::turn::Turn;
use super::*;
use crate::{Fix, Repair, RepairEvent, RepairObserver};

/// Remembers nothing.
struct Deaf;

impl Observer for Deaf {
    async fn found(&mut self, _: Vec<Finding>) {}
    fn counted(&mut self, _: &Totals) {}
}

impl TaskObserver for Deaf {
    fn task(&mut self, _: TaskEvent<'_>) {}
}

impl RepairObserver for Deaf {
    fn happened(&mut self, _: RepairEvent<'_>) {}
}

fn credentials(account: &Account) -> Arc<Credentials> {
    Arc::new(Credentials::new(&account.access_key, account.secret_key.clone()))
}

fn client(cloud: &Cloud, dialect: Dialect) -> Client {
    let url = if dialect == Dialect::Oss { cloud.twin.oss_url() } else { cloud.twin.obs_url() };
    let config = ClientConfig::new(url.parse().unwrap(), dialect).with_region(cloud.twin.region());
    Client::new(http_client(), config).unwrap()
}

fn bucket(cloud: &Cloud, dialect: Dialect, name: &str) -> Bucket {
    let account =
        if dialect == Dialect::Oss { cloud.twin.oss_account() } else { cloud.twin.huawei_account() };
    client(cloud, dialect).bucket(&name.parse().unwrap(), credentials(account))
}

fn side(name: &str, bucket: Bucket) -> Side {
    let listing = Arc::new(BucketListing::new(bucket.clone()));
    let objects = Some(Source::Store(bucket));
    Side { name: name.to_owned(), prefix: String::new(), listing, objects, own: Vec::new() }
        .leaving_out(&["oms/", "oms_source_record/"])
}

fn forwarder(cloud: &Cloud, limits: ListLimits) -> TaskForwarder {
    let huawei = cloud.twin.huawei_account();
    let keys = apig_signer::Credentials::new(&huawei.access_key, huawei.secret_key.clone());
    let breaker = Breakers::new(clock::system).of_oms(&keys);
    let target = SyncUrl::parse(&cloud.twin.sync_url(&cloud.task)).unwrap();
    let log_bucket = LOGS.parse().unwrap();
    let (logs, task) = (client(cloud, Dialect::Oss), &cloud.task.sync_task_id);
    TaskForwarder {
        api: MigrationApi::new(http_client(), &target, keys, breaker),
        order: MigrationOrder {
            source: SourceNode {
                cloud: SourceCloud::Aliyun,
                region: "cn-hangzhou".into(),
                bucket: SOURCE.into(),
                credentials: credentials(cloud.twin.oss_account()),
            },
            destination: DestinationNode {
                region: "cn-north-4".into(),
                bucket: MIRROR.into(),
                credentials: credentials(huawei),
                save_prefix: String::new(),
            },
            list: ListFile { bucket: String::new(), key: String::new() },
            description: String::new(),
        },
        journal: Journal::new(logs, log_bucket, task, Pair::default(), clock::system, system_unique),
        credentials: credentials(cloud.twin.oss_account()),
        run: "run".to_owned(),
        by: "a test".to_owned(),
        options: Vec::new(),
        limits,
    }
}

#[tokio::test]
async fn what_no_list_has_room_for_goes_on_another_one_with_a_task_of_its_own() {
    let cloud = Cloud::start().await;
    for key in ["a", "b", "c"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let comparison = Comparison {
        source: side("oss://source/", bucket(&cloud, Dialect::Oss, SOURCE)),
        destination: side("obs://mirror/", bucket(&cloud, Dialect::Obs, MIRROR)),
        check: Check::Listing,
        filter: None,
        since: None,
        started: clock::system(),
        requests: 4,
        wants_equal: false,
        flow: Flow::default(),
    };
    let repair = Repair {
        fix: Some(Fix::Tasks(Box::new(forwarder(&cloud, ListLimits { bytes: 100, keys: 2 })))),
        max_delete: None,
        may_source_be_empty: false,
        wait: Duration::ZERO,
        is_dry: false,
        clock: clock::system,
    };
    let (mut deaf, stop) = (Deaf, Stop::default());
    let run = Box::pin(repair.run(comparison, Records::default(), &mut deaf, &stop));
    let (outcome, repaired) = run.await.unwrap();
    assert!(outcome.totals.all_equal(), "{outcome:?}");
    let totals = TaskTotals { tasks: 2, objects: 3, succeeded: 3, failed: 0, skipped: 0 };
    assert_eq!(repaired.tasks, Some(totals));
    let lists: Vec<_> =
        cloud.twin.migration_tasks().into_iter().map(|task| (task.list.1, task.total)).collect();
    let folder = position::folder_of(BucketPair::new("oss://source/", "obs://mirror/"));
    assert_eq!(lists, [(format!("{folder}run-1.txt"), 2), (format!("{folder}run-2.txt"), 1)]);
    // One after the other: the first list is gone before the second task is created.
    assert_eq!(cloud.twin.stats().requests(Service::Oms, "CreateTask"), 2);
    assert!(!cloud.twin.obs().keys(MIRROR).iter().any(|key| key.starts_with(FOLDER)));
}

#[test]
fn tasks_are_counted_as_lists_are_filled() {
    let finding = |key: &str| Finding {
        verdict: Verdict::Missing,
        source: Some(Listed { key: key.to_owned(), ..Listed::default() }),
        destination: None,
    };
    let mut count = TaskCount::new(ListLimits { bytes: 100, keys: 2 }, "");
    assert_eq!(count.tasks(), 0);
    count.take(&["a", "b", "c"].map(finding));
    count.take(&[finding("d"), Finding { verdict: Verdict::Extra, ..finding("x") }]);
    assert_eq!(count.tasks(), 2);
    count.take(&[finding("e")]);
    assert_eq!(count.tasks(), 3);
    let mut count = TaskCount::new(ListLimits { bytes: 10, keys: 9 }, "abcd/");
    count.take(&["a", "b"].map(finding));
    assert_eq!(count.tasks(), 2, "with the prefix a line has nine bytes");
}

#[tokio::test]
async fn work_is_dropped_once_another_run_has_the_lease() {
    let cloud = Cloud::start().await;
    let forwarder = forwarder(&cloud, ListLimits::default());
    let TaskForwarder { journal, credentials, .. } = &forwarder;
    let pair = BucketPair::new("oss://source/", "obs://mirror/");
    let turn = Turn::take(journal, credentials, pair, "first").await.unwrap();
    let busy = Turn::take(journal, credentials, pair, "second").await.unwrap_err();
    assert!(matches!(&busy, TaskError::Busy { by, until: Some(_) } if by == "first"), "{busy:?}");
    let other = BucketPair::new("oss://source/a/", "obs://mirror/a/");
    Turn::take(journal, credentials, other, "third").await.unwrap().end().await;
    turn.set(Some(position::OpenList::new("x".to_owned(), pair, &[], ""))).await.unwrap();
    let ours = cloud.twin.oss().keys(LOGS).into_iter().find(|key| key.contains(&pair.to_string())).unwrap();
    let written = cloud.twin.oss().get(LOGS, &ours).unwrap().etag;
    // Renewed while work is done, without a change of what is under way.
    let held = Fault::new(Service::Oss, FaultAction::Hold).method("PUT").path_contains(&ours);
    let renewal = cloud.twin.faults().inject(held);
    let every = Duration::from_millis(1);
    let taken_over = async {
        cloud.until(|twin| twin.faults().hits(renewal) > 0).await;
        cloud.twin.oss().put(LOGS, &ours.replace("0001", "0002"), r#"{"v":1,"holder":"x"}"#);
        cloud.twin.faults().clear(renewal);
        pending::<()>().await;
    };
    let lost = turn.hold(taken_over, every).await;
    assert!(matches!(lost, Err(TaskError::Lost)), "{lost:?}");
    assert!(matches!(turn.check().await, Err(TaskError::Lost)));
    assert!(matches!(turn.set(None).await, Err(TaskError::Lost)));
    assert_eq!(cloud.twin.oss().get(LOGS, &ours).unwrap().etag, written, "renewals repeat the position");
}

#[tokio::test]
async fn of_two_that_wrote_the_same_object_the_last_one_has_the_lease() {
    // As in a log bucket with versions, where OSS does not refuse the second write.
    let cloud = Cloud::start().await;
    let forwarder = forwarder(&cloud, ListLimits::default());
    let TaskForwarder { journal, credentials, .. } = &forwarder;
    let pair = BucketPair::new("oss://source/", "obs://mirror/");
    let turn = Turn::take(journal, credentials, pair, "first").await.unwrap();
    turn.check().await.unwrap();
    let ours = cloud.twin.oss().keys(LOGS).remove(0);
    cloud.twin.oss().put(LOGS, &ours, r#"{"v":1,"holder":"another"}"#);
    assert!(matches!(turn.check().await, Err(TaskError::Lost)));
}

#[tokio::test]
async fn a_task_that_is_not_seen_though_it_may_have_been_created_leaves_the_position() {
    let cloud = Cloud::start().await;
    let forwarder = forwarder(&cloud, ListLimits::default());
    let mirror = bucket(&cloud, Dialect::Obs, MIRROR);
    let work = Work::begin(&forwarder, &mirror, clock::system).await.unwrap();
    let unavailable = Fault::respond(Service::Oms, FaultResponse::oms_unavailable());
    let unavailable = cloud.twin.faults().inject(unavailable);
    let error = forwarder.api.create(&forwarder.order, clock::system()).await.unwrap_err();
    cloud.twin.faults().clear(unavailable);
    let asked = Some(clock::system());
    let open = position::OpenList { asked, ..position::OpenList::new("x".to_owned(), work.pair, &[], "") };
    work.turn.set(Some(open.clone())).await.unwrap();
    let stop = Stop::default();
    let unseen = work.created_unanswered(&open, error, 1, &stop).await;
    assert!(matches!(unseen, Err(TaskError::Unanswered { .. })), "{unseen:?}");
    let settled = work.settle(&mut Deaf, &stop).await;
    assert!(matches!(settled, Err(TaskError::Unsettled(_))), "{settled:?}");
    assert_eq!(work.turn.open_list().await, Some(open));
}
