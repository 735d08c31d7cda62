//! `dev`: the local cloud, left running.

use std::time::Duration;

use chrono::Utc;
use clap::Args;
use cloud_twin::TwinEvent;
use fc_adapter::Limits;
use http::{HeaderMap, Method};
use oss_lite::sign::{self, Resource, Scheme, SigningParams, SigningRequest, v4};
use oss_lite::{Dialect, ObjectKey, Query};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::{Ended, Exit, exit, print, print_json, say};
use crate::config::{SettingsOf, WithSettings, listen};
use crate::demo::Error;
use crate::demo::cloud::{Addresses, DESTINATION, JOURNAL, LocalCloud, SOURCE, credentials};
#[cfg(feature = "desk")]
use crate::demo::desk::LocalDesk;
use crate::demo::screen::Screen;
use crate::failure::Failure;
use crate::features;
use crate::host::function::DEFAULT_TIMEOUT;
use crate::host::interrupts::Interrupts;
use settings::Reader;
use settings::text::printable;

const EXAMPLES: &str = "Example:
  oms-bridge dev
  oms-bridge dev --port 0 --json";

fn help() -> String {
    if cfg!(feature = "desk") {
        return exit::help(EXAMPLES);
    }
    exit::help(&format!("{EXAMPLES}\n\nNote: {}.", features::missing("desk", "the upload desk")))
}

/// Runs the local cloud with the function and, where it is built in, the upload desk on it until Ctrl-C: an
/// upload by any OSS client triggers the function.
#[derive(Args)]
#[command(after_help = help())]
pub(super) struct DevArgs {
    /// First of six ports in a row: function, OSS, OBS, OMS, admin, desk. 0 picks free ones.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(0..=65_530))]
    port: u16,
    /// Print one JSON object with all addresses and keys, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<DevArgs>,
}

impl WithSettings for DevArgs {
    const NAME: &'static str = "dev";
}

pub(super) async fn run(args: &DevArgs, mut reader: Reader) -> Ended {
    // From the first line on, whoever reads it may interrupt. Files that were made are removed then.
    let interrupts = Interrupts::from_outside();
    let limits = listen::limits(&mut reader, Limits::default());
    let limits = reader.finish(Some(limits))?;
    let local = Local::start(Addresses::from_port(args.port), limits).await;
    let local =
        local.map_err(|error| Failure::out_of_reach(error).with_remedy("--port 0 picks free ports"))?;
    if args.json {
        print_json(&describe(&local));
    } else {
        print(&introduce(&local).map_err(Failure::internal)?);
    }
    local.serve(interrupts).await.map(|()| Exit::Done).map_err(Failure::internal)
}

/// What runs until Ctrl-C.
struct Local {
    cloud: LocalCloud,
    #[cfg(feature = "desk")]
    limits: Limits,
    #[cfg(feature = "desk")]
    desk: LocalDesk,
}

impl Local {
    async fn start(addresses: Addresses, limits: Limits) -> Result<Self, Error> {
        let cloud = LocalCloud::start(addresses, limits, DEFAULT_TIMEOUT).await?;
        #[cfg(feature = "desk")]
        let desk = LocalDesk::start(&cloud, addresses).await?;
        Ok(Self {
            cloud,
            #[cfg(feature = "desk")]
            limits,
            #[cfg(feature = "desk")]
            desk,
        })
    }

    async fn serve(self, mut interrupts: Interrupts) -> Result<(), Error> {
        let ended = async {
            tokio::select! {
                () = narrate(&self.cloud) => {}
                () = interrupts.next() => {}
            }
        };
        #[cfg(feature = "desk")]
        return self.desk.serve(self.limits, ended).await;
        #[cfg(not(feature = "desk"))]
        {
            ended.await;
            Ok(())
        }
    }
}

fn describe(local: &Local) -> serde_json::Value {
    let cloud = &local.cloud;
    let (twin, oss, huawei) = (cloud.twin(), cloud.twin().oss_account(), cloud.twin().huawei_account());
    #[cfg(feature = "desk")]
    let desk = local.desk.describe();
    #[cfg(not(feature = "desk"))]
    let desk = serde_json::Value::Null;
    json!({
        "function_url": cloud.function_url(),
        "oss": {"endpoint": twin.oss_url(), "region": twin.region(), "access_key_id": oss.access_key,
                "access_key_secret": oss.secret_key, "bucket": SOURCE, "log_bucket": JOURNAL},
        "obs": {"endpoint": twin.obs_url(), "access_key": huawei.access_key, "secret_key": huawei.secret_key,
                "bucket": DESTINATION},
        "oms": {"sync_url": cloud.sync_url()},
        "admin_url": twin.admin_url(),
        "desk": desk,
    })
}

fn introduce(local: &Local) -> Result<String, Error> {
    let cloud = &local.cloud;
    let (twin, oss, huawei) = (cloud.twin(), cloud.twin().oss_account(), cloud.twin().huawei_account());
    let (endpoint, region) = (twin.oss_url(), twin.region());
    let (id, secret) = (&oss.access_key, &oss.secret_key);
    #[cfg(feature = "desk")]
    let desk = local.desk.introduce();
    #[cfg(not(feature = "desk"))]
    let desk = "  desk      not in this build: cargo run --release --features desk -- dev\n";
    Ok(format!(
        "A local cloud, until Ctrl-C. Every upload to oss://{SOURCE} triggers the function, and OMS copies to obs://{DESTINATION}.
The keys are made up and work nowhere else.

  function  {function}
  OSS       {endpoint}   {id} / {secret}
  OBS       {obs}   {ak} / {sk}
  OMS       {sync_url}
  admin     {admin}   faults, counters, events of the local cloud
{desk}
Upload with ossutil (2.x):

  ossutil cp hello.txt oss://{SOURCE}/hello.txt -e {endpoint} --region {region} --addressing-style path -i {id} -k {secret}

with Python (pip install oss2):

  python3 -c 'import oss2; print(oss2.Bucket(oss2.Auth(\"{id}\", \"{secret}\"), \"{endpoint}\", \"{SOURCE}\", is_path_style=True).put_object(\"测试 a+b%20c.txt\", b\"hello\").status)'

or with curl (valid for seven days):

  curl -T hello.txt '{url}'

Send keys that you know:

  SYNC_URL={sync_url} HW_AK={ak} HW_SK={sk} LOG_BUCKET={JOURNAL} \\
  OSS_ENDPOINT={endpoint} OSS_REGION={region} OSS_ACCESS_KEY_ID={id} OSS_ACCESS_KEY_SECRET={secret} \\
  oms-bridge send hello.txt

What happens:
",
        function = cloud.function_url(),
        obs = twin.obs_url(),
        ak = huawei.access_key,
        sk = huawei.secret_key,
        sync_url = cloud.sync_url(),
        admin = twin.admin_url(),
        url = upload_url(cloud, "hello.txt")?,
    ))
}

/// A URL that uploads one object without further credentials.
fn upload_url(cloud: &LocalCloud, key: &str) -> Result<String, Error> {
    const VALID: Duration = Duration::from_hours(7 * 24);
    let twin = cloud.twin();
    let key = ObjectKey::new(Dialect::Oss, key)?;
    let resource = Resource::Object { bucket: SOURCE, key: &key };
    let (method, query) = (Method::PUT, Query::default());
    let request = SigningRequest { method: &method, resource, query: &query };
    let credentials = credentials(twin.oss_account());
    let scheme = Scheme::V4(v4::Settings::new(twin.region()));
    let params = SigningParams { scheme, credentials: &credentials, time: Utc::now() };
    let query = sign::presign(&request, &HeaderMap::new(), &params, VALID)?;
    Ok(format!("{}/{SOURCE}/{}?{query}", twin.oss_url(), key.encoded()))
}

/// Says what happens as it happens, on stderr.
async fn narrate(cloud: &LocalCloud) {
    let mut events = cloud.twin().subscribe();
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(line) = tell(&event) {
                    say(format_args!("{}  {}", Utc::now().format("%H:%M:%S%.3f"), printable(&line)));
                }
            }
            Err(RecvError::Lagged(missed)) => say(format_args!("({missed} events not shown)")),
            Err(RecvError::Closed) => return,
        }
    }
}

fn tell(event: &TwinEvent) -> Option<String> {
    Some(match event {
        TwinEvent::ObjectPut { service, bucket, key } => {
            format!("put       {service}://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::ObjectDeleted { service, bucket, key } => {
            format!("deleted   {service}://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::OmsAccepted { keys, .. } => format!("accepted  {}", list(keys)),
        TwinEvent::OmsRefused { status, keys } => format!("refused   {} ({status})", list(keys)),
        TwinEvent::ObjectCopied { bucket, key } => {
            format!("copied    obs://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::CopySkipped { bucket, key } => {
            format!("not newer obs://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::CopyFailed { key, reason, .. } => {
            format!("not copied {}: {reason}", Screen::Stderr.shown(key))
        }
        TwinEvent::EventFailed { key, reason, .. } => {
            format!("event lost {}: {reason}", Screen::Stderr.shown(key))
        }
        _ => return None,
    })
}

fn list(keys: &[String]) -> String {
    keys.iter().map(|key| Screen::Stderr.shown(key)).collect::<Vec<_>>().join(", ")
}
