//! OSS, OBS and OMS on loopback, and the function, wired together.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cloud_twin::{Account, FunctionSettings, SyncTaskHandle, Twin};
use fc_adapter::{Limits, Markers, Platform};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect};
use tokio::task::JoinHandle;

use super::Error;
use crate::assemble;
use bridge_config::Settings;
use bridge_config::table::oms::{HW_AK, HW_SK, LOG_BUCKET, SYNC_URL};
use bridge_config::table::oss::{OSS_ENDPOINT, OSS_REGION};
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use function_host::fc;
use function_host::function::Function;
use http_client::{self, Proxies};
use object_events::KeyEncoding;
use settings::Values;

/// Bucket whose uploads trigger the function.
pub(crate) const SOURCE: &str = "photos";
/// Bucket that OMS copies to.
pub(crate) const DESTINATION: &str = "photos-copy";
/// Bucket of the journal.
pub(crate) const JOURNAL: &str = "oms-bridge-log";

/// Addresses of all listeners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    function: SocketAddr,
    oss: SocketAddr,
    obs: SocketAddr,
    oms: SocketAddr,
    admin: SocketAddr,
    #[cfg(feature = "desk")]
    desk: SocketAddr,
}

impl Addresses {
    /// Loopback, six ports starting at `first`: function, OSS, OBS, OMS, admin, desk. With 0, any free ports.
    pub(crate) fn from_port(first: u16) -> Self {
        let port = |offset| {
            if first == 0 { 0 } else { first.saturating_add(offset) }
        };
        let address = |offset| SocketAddr::from((Ipv4Addr::LOCALHOST, port(offset)));
        Self {
            function: address(0),
            oss: address(1),
            obs: address(2),
            oms: address(3),
            admin: address(4),
            #[cfg(feature = "desk")]
            desk: address(5),
        }
    }

    /// Address of the desk.
    #[cfg(feature = "desk")]
    pub(crate) fn desk(&self) -> SocketAddr {
        self.desk
    }
}

/// A running local cloud. Everything stops when it is dropped.
#[derive(Debug)]
pub(crate) struct LocalCloud {
    twin: Twin,
    task: SyncTaskHandle,
    function_url: String,
    function: JoinHandle<()>,
    http: reqwest::Client,
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.function.abort();
    }
}

impl LocalCloud {
    /// Starts it. `limits` apply to each listener, `timeout` is the time that the function has for one event.
    ///
    /// # Errors
    ///
    /// When a port is taken, usually.
    pub(crate) async fn start(
        addresses: Addresses,
        limits: Limits,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let store = Limits::of_a_store();
        let twin = Twin::builder()
            .oss_addr(addresses.oss)
            .obs_addr(addresses.obs)
            .oms_addr(addresses.oms)
            .admin_addr(addresses.admin)
            // An upload may take as long as it makes progress.
            .limits(Limits { body: store.body, stalled: store.stalled, ..limits })
            .function(FunctionSettings { timeout, ..FunctionSettings::default() })
            .start()
            .await?;
        twin.create_oss_bucket(SOURCE);
        twin.create_oss_bucket(JOURNAL);
        twin.create_obs_bucket(DESTINATION);
        let task = twin.create_sync_task(SOURCE, DESTINATION);
        let http = http_client::build(Proxies::None)?;
        let (pipeline, arrivals) = assemble::confirming(settings(&twin, &task)?, &http)?;
        // The twin sends the credentials of the function's role with every event, as Function Compute does.
        // No token is needed: events only move made-up objects between buckets in this process.
        let function = Function::new(pipeline, arrivals, SourceCredentials::default(), KeyEncoding::Raw);
        let adapter = fc::adapter(function).platform(Platform::FunctionCompute).limits(limits);
        let bound = adapter.listen(addresses.function).markers(Markers::Off).bind().await?;
        let function_url = format!("http://{}", bound.local_addr());
        let function = tokio::spawn(async move {
            if let Err(error) = bound.serve(std::future::pending()).await {
                tracing::error!(%error, "the function stopped");
            }
        });
        let cloud = Self { twin, task, function_url, function, http };
        cloud.twin.notify(SOURCE, &cloud.function_url)?;
        Ok(cloud)
    }

    /// The services.
    pub(crate) fn twin(&self) -> &Twin {
        &self.twin
    }

    /// The sync task.
    pub(crate) fn task(&self) -> &SyncTaskHandle {
        &self.task
    }

    /// Where the function listens.
    pub(crate) fn function_url(&self) -> &str {
        &self.function_url
    }

    /// The setting `SYNC_URL`.
    pub(crate) fn sync_url(&self) -> String {
        self.twin.sync_url(&self.task)
    }

    /// A pipeline of its own, as `send` builds one from its settings.
    ///
    /// # Errors
    ///
    /// When the settings are not usable.
    pub(crate) fn pipeline(&self) -> Result<Pipeline, Error> {
        assemble::pipeline(settings(&self.twin, &self.task)?, &self.http)
    }

    /// The credentials that `send` would find in the environment.
    pub(crate) fn source_credentials(&self) -> SourceCredentials {
        let account = self.twin.oss_account().clone();
        SourceCredentials::new(move |name| match name {
            "OSS_ACCESS_KEY_ID" => Some(account.access_key.clone()),
            "OSS_ACCESS_KEY_SECRET" => Some(account.secret_key.clone()),
            "OSS_SESSION_TOKEN" => account.security_token.clone(),
            _ => None,
        })
    }

    /// A bucket of the local OSS.
    ///
    /// # Errors
    ///
    /// When the name is not valid.
    pub(crate) fn oss(&self, bucket: &str) -> Result<Bucket, Error> {
        let config =
            ClientConfig::new(self.twin.oss_url().parse()?, Dialect::Oss).with_region(self.twin.region());
        self.bucket(config, bucket, self.twin.oss_account())
    }

    /// A bucket of the local OBS.
    ///
    /// # Errors
    ///
    /// When the name is not valid.
    pub(crate) fn obs(&self, bucket: &str) -> Result<Bucket, Error> {
        let config = ClientConfig::new(self.twin.obs_url().parse()?, Dialect::Obs);
        self.bucket(config, bucket, self.twin.huawei_account())
    }

    fn bucket(&self, config: ClientConfig, bucket: &str, account: &Account) -> Result<Bucket, Error> {
        let credentials = Arc::new(credentials(account));
        Ok(Client::new(self.http.clone(), config)?.bucket(&bucket.parse()?, credentials))
    }
}

/// An account's keys, for the OSS client.
pub(crate) fn credentials(account: &Account) -> Credentials {
    let credentials = Credentials::new(account.access_key.clone(), account.secret_key.clone());
    match &account.security_token {
        Some(token) => credentials.with_security_token(token.clone()),
        None => credentials,
    }
}

fn settings(twin: &Twin, task: &SyncTaskHandle) -> Result<Settings, Error> {
    let huawei = twin.huawei_account();
    let values = Values::default()
        .with(&SYNC_URL.spec, twin.sync_url(task))
        .with(&HW_AK.spec, &huawei.access_key)
        .with(&HW_SK.spec, &huawei.secret_key)
        .with(&LOG_BUCKET.spec, JOURNAL)
        .with(&OSS_ENDPOINT.spec, twin.oss_url())
        .with(&OSS_REGION.spec, twin.region());
    Ok(Settings::resolve(values)?)
}
