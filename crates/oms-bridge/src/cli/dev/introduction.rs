//! What `dev` prints at its start: addresses, keys, and commands that work as pasted into another shell.

use std::borrow::Cow;
use std::env;
use std::path::{self, Path};
use std::time::Duration;

use chrono::Utc;
use cloud_twin::{Fault, FaultResponse, Service};
use http::{HeaderMap, Method};
use oss_lite::sign::{self, Resource, Scheme, SigningParams, SigningRequest, v4};
use oss_lite::{Dialect, ObjectKey, Query};
use serde_json::json;

use super::Local;
use crate::demo::Error;
use crate::demo::cloud::{DESTINATION, JOURNAL, LocalCloud, SOURCE, credentials};
use bridge_config::table::copy::{DEST, DEST_ENDPOINT, SOURCE_BUCKET};
use bridge_config::table::oms::{HW_AK, HW_SK, LOG_BUCKET, SYNC_URL};
use bridge_config::table::oss::{OSS_ENDPOINT, OSS_REGION};

/// Name of the example file, and of its object.
pub(super) const FILE: &str = "hello.txt";

/// The settings with which other commands use the local cloud.
fn environment(cloud: &LocalCloud) -> Vec<(&'static str, String)> {
    let (twin, oss, huawei) = (cloud.twin(), cloud.twin().oss_account(), cloud.twin().huawei_account());
    vec![
        (OSS_ENDPOINT.spec.name, twin.oss_url()),
        (OSS_REGION.spec.name, twin.region().to_owned()),
        ("OSS_ACCESS_KEY_ID", oss.access_key.clone()),
        ("OSS_ACCESS_KEY_SECRET", oss.secret_key.clone()),
        (SOURCE_BUCKET.spec.name, SOURCE.to_owned()),
        (LOG_BUCKET.spec.name, JOURNAL.to_owned()),
        (SYNC_URL.spec.name, cloud.sync_url()),
        (HW_AK.spec.name, huawei.access_key.clone()),
        (HW_SK.spec.name, huawei.secret_key.clone()),
        (DEST.spec.name, format!("obs://{DESTINATION}")),
        (DEST_ENDPOINT.spec.name, twin.obs_url()),
    ]
}

/// Everything as one object, for `--json`.
pub(super) fn describe(local: &Local) -> serde_json::Value {
    let cloud = &local.cloud;
    let (twin, oss, huawei) = (cloud.twin(), cloud.twin().oss_account(), cloud.twin().huawei_account());
    #[cfg(feature = "desk")]
    let desk = local.desk.describe();
    #[cfg(not(feature = "desk"))]
    let desk = serde_json::Value::Null;
    let environment: serde_json::Map<_, _> =
        environment(cloud).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "function_url": cloud.function_url(),
        "oss": {"endpoint": twin.oss_url(), "region": twin.region(), "access_key_id": oss.access_key,
                "access_key_secret": oss.secret_key, "bucket": SOURCE, "log_bucket": JOURNAL},
        "obs": {"endpoint": twin.obs_url(), "access_key": huawei.access_key, "secret_key": huawei.secret_key,
                "bucket": DESTINATION},
        "oms": {"sync_url": cloud.sync_url()},
        "admin_url": twin.admin_url(),
        "desk": desk,
        "file": local.file(),
        "environment": environment,
    })
}

/// Everything as text.
pub(super) fn introduce(local: &Local) -> Result<String, Error> {
    let cloud = &local.cloud;
    let (twin, oss, huawei) = (cloud.twin(), cloud.twin().oss_account(), cloud.twin().huawei_account());
    #[cfg(feature = "desk")]
    let desk = local.desk.introduce();
    #[cfg(not(feature = "desk"))]
    let desk = "  desk      not in this build: cargo run --release --features desk -- dev\n".to_owned();
    let outage = Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(3);
    let file = local.file();
    let filled = [
        ("{source}", SOURCE),
        ("{destination}", DESTINATION),
        ("{key}", FILE),
        ("{function}", cloud.function_url()),
        ("{endpoint}", &twin.oss_url()),
        ("{region}", twin.region()),
        ("{id}", &oss.access_key),
        ("{secret}", &oss.secret_key),
        ("{obs}", &twin.obs_url()),
        ("{ak}", &huawei.access_key),
        ("{sk}", &huawei.secret_key),
        ("{sync_url}", &cloud.sync_url()),
        ("{admin}", &twin.admin_url()),
        ("{desk}", &desk),
        ("{file}", &in_shell(file.to_str().unwrap_or(FILE))?),
        ("{url}", &upload_url(cloud, FILE)?),
        ("{exports}", &exports(cloud)?),
        ("{program}", &program()?),
        ("{outage}", &serde_json::to_string(&outage)?),
        ("{refusal}", &serde_json::to_string(&Fault::poison_key(FILE))?),
    ];
    let text = include_str!("introduction.txt").to_owned();
    Ok(filled.into_iter().fold(text, |text, (name, value)| text.replace(name, value)))
}

fn exports(cloud: &LocalCloud) -> Result<String, Error> {
    environment(cloud)
        .iter()
        .map(|(name, value)| Ok(format!("  export {name}={}\n", in_shell(value)?)))
        .collect()
}

/// The command that starts this program from any folder: as it was started, with an absolute path if it was
/// started by a path.
fn program() -> Result<String, Error> {
    let started = env::args().next().unwrap_or_default();
    let is_path = started.contains(path::MAIN_SEPARATOR);
    let absolute = if is_path { path::absolute(&started)? } else { Path::new(&started).to_path_buf() };
    Ok(in_shell(absolute.to_str().unwrap_or(&started))?.into_owned())
}

fn in_shell(word: &str) -> Result<Cow<'_, str>, Error> {
    Ok(shlex::try_quote(word)?)
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
