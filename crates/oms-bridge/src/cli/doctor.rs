//! `doctor`: what is set up wrongly, and what to do about it.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::{Ended, Exit, exit, print, print_json, variable};
use crate::assemble;
use crate::config::{Settings, SettingsOf, WithSettings};
use crate::doctor::{CopyEnds, Diagnosis, Patient, Severity, examine, unusable};
use crate::failure::Failure;
use bridge_core::breaker::Breakers;
use bridge_core::credentials::SourceCredentials;
use bridge_core::oms::task::OmsApi;
use http_client::{self, Proxies};
use object_copy::clock;
use settings::Reader;
use terminal::style::Stream;

/// Checks settings, credentials, clock, log bucket, sync task and destination, and says what to do about each
/// finding.
///
/// Sends OMS a single signed request, so a wrong secret cannot lock the access key. Writes one object to the
/// log bucket, and one to the destination of direct copies, and removes them again. The source bucket is only
/// read.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge doctor
  oms-bridge doctor --json | jq '.findings[] | select(.severity != \"ok\")'"))]
pub(super) struct DoctorArgs {
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<DoctorArgs>,
}

impl WithSettings for DoctorArgs {
    const NAME: &'static str = "doctor";
}

/// Time for all of it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: &DoctorArgs, mut reader: Reader) -> Ended {
    let credentials = SourceCredentials::new(variable);
    let settings = Settings::read(&mut reader);
    let settings = match reader.finish(settings) {
        Ok(settings) => settings,
        Err(error) => return Ok(tell(&unusable(&error, &credentials), args.json)),
    };
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    let deadline = Instant::now() + PATIENCE;
    let found = credentials.from_environment().ok();
    let breakers = Breakers::new(clock::system);
    let built = assemble::journal(&settings, &http).and_then(|journal| {
        let ends = settings.mode.copy().map(|copy| {
            let destination = assemble::destination(&copy.destination, &http, &breakers)?;
            CopyEnds::new(&settings, copy, destination, found.as_ref(), &http, deadline)
        });
        Ok((journal, ends.transpose()?))
    });
    let (journal, ends) = built.map_err(Failure::configuration)?;
    let api = settings
        .mode
        .oms()
        .map(|oms| OmsApi::new(http, &oms.sync_url, oms.huawei.clone(), breakers.of_oms(&oms.huawei)));
    let open = found.map(|credentials| journal.open(credentials, deadline));
    let patient = Patient {
        settings: &settings,
        credentials: &credentials,
        api: api.as_ref(),
        journal: &journal,
        open: open.as_ref(),
        ends: ends.as_ref(),
    };
    let id = format!("{:016x}", fastrand::u64(..));
    let diagnosis = examine(patient, &id, clock::system()).await;
    Ok(tell(&diagnosis, args.json))
}

fn tell(diagnosis: &Diagnosis, json: bool) -> Exit {
    if json {
        print_json(diagnosis);
    } else {
        print(&diagnosis.text(Stream::Stdout.width()));
    }
    match diagnosis.severity() {
        Severity::Ok | Severity::Warning => Exit::Done,
        Severity::OutOfReach => Exit::OutOfReach,
        Severity::Problem => Exit::Usage,
        Severity::Refused => Exit::CredentialsRefused,
    }
}
