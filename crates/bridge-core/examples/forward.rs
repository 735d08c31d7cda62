//! Forwards two keys of a bucket through OMS, both in a local cloud, and prints what became of each:
//! `cargo run -p bridge-core --example forward`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::engine::Engine;
use bridge_core::engine::oms::{OmsConfig, OmsEngine};
use bridge_core::journal::{Journal, Pair, system_unique};
use bridge_core::oms::SyncUrl;
use bridge_core::pipeline::{Budget, Pipeline};
use bridge_core::policy::{KeyFilter, Policy};
use bridge_core::progress::Log;
use e2e::Cloud;
use e2e::cloud::{LOGS, SOURCE};
use object_copy::clock;
use object_events::change::ObjectChange;
use oss_lite::{BucketName, Client, ClientConfig, Credentials, Dialect};
use signature_breaker::Breakers;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let cloud = Cloud::start().await;
    let keys = ["a.jpg", "b.jpg"];
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, "pixels");
    }

    let http = http_client::build(http_client::Proxies::None)?;
    let huawei = cloud.twin.huawei_account();
    let signer = apig_signer::Credentials::new(&huawei.access_key, huawei.secret_key.as_str());
    let engine = OmsEngine::new(
        http.clone(),
        OmsConfig {
            target: SyncUrl::parse(&cloud.twin.sync_url(&cloud.task))?,
            breaker: Breakers::new(clock::system).of_oms(&signer),
            credentials: signer,
            batch: 10,
            max_rps: None,
            in_flight: 4,
            clock: clock::system,
            random: fastrand::f64,
        },
    );
    let config =
        ClientConfig::new(cloud.twin.oss_url().parse()?, Dialect::Oss).with_region(cloud.twin.region());
    let logs = BucketName::parse(LOGS, Dialect::Oss)?;
    let store = Client::new(http, config)?;
    let pair = Pair::default();
    let journal = Journal::new(store, logs, "example", pair, clock::system, system_unique);
    let policy = Policy::new(KeyFilter::new(Some("*.jpg"), None)?).refusing_log_bucket(LOGS);
    let pipeline = Pipeline::new(policy, Engine::Oms(engine), journal);

    let alibaba = cloud.twin.oss_account();
    let credentials = Arc::new(Credentials::new(&alibaba.access_key, alibaba.secret_key.as_str()));
    let now = Instant::now();
    let budget = Budget::until(now + Duration::from_secs(30), now);
    let changes = keys.map(ObjectChange::of_key).to_vec();
    let report = pipeline.run(changes, Ok(credentials), budget, &Log).await?;
    println!("{} accepted, {} failed, {} skipped", report.accepted, report.failed, report.skipped);
    Ok(())
}
