//! `doctor`: what is set up wrongly, and what to do about it.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::{Exit, exit, internal, print, print_json, usage, variable};
use crate::config::{Settings, SettingsArgs};
use crate::credentials::SourceCredentials;
use crate::doctor::{Diagnosis, Severity, examine, unusable};
use crate::http_client::{self, Proxies};
use crate::oms_api::OmsApi;
use crate::{assemble, clock};

/// Checks settings, credentials, clock, log bucket and sync task, and says what to do about each finding.
///
/// OMS gets one signed request, so that a wrong key is not locked. The log bucket gets one object, which is removed again. The
/// source bucket is not touched.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge doctor
  oms-bridge doctor --json | jq '.findings[] | select(.severity != \"ok\")'"))]
pub(super) struct DoctorArgs {
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Time for all of it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: DoctorArgs) -> Exit {
    let credentials = SourceCredentials::new(variable);
    let settings = match Settings::resolve(&args.settings, variable("FC_REGION")) {
        Ok(settings) => settings,
        Err(error) => return tell(&unusable(&error, &credentials), args.json),
    };
    let http = match http_client::build(Proxies::FromEnvironment) {
        Ok(http) => http,
        Err(error) => return internal(&error),
    };
    let journal = match assemble::journal(&settings, &http) {
        Ok(journal) => journal,
        Err(error) => return usage(&error),
    };
    let api = settings.mode.oms().map(|oms| OmsApi::new(http, &oms.sync_url, oms.huawei.clone()));
    let open = credentials.from_environment().ok();
    let open = open.map(|credentials| journal.open(credentials, Instant::now() + PATIENCE));
    let id = format!("{:016x}", fastrand::u64(..));
    let diagnosis =
        examine(&settings, api.as_ref(), &credentials, &journal, open.as_ref(), &id, clock::system()).await;
    tell(&diagnosis, args.json)
}

fn tell(diagnosis: &Diagnosis, json: bool) -> Exit {
    if json {
        print_json(diagnosis);
    } else {
        print(&diagnosis.to_string());
    }
    match diagnosis.severity() {
        Severity::Ok | Severity::Warning => Exit::Done,
        Severity::Problem => Exit::Usage,
        Severity::Refused => Exit::CredentialsRefused,
    }
}
