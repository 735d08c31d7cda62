//! `doctor`: what is set up wrongly, and what to do about it.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
#[cfg(feature = "desk")]
use oss_lite::Client;
use oss_lite::Credentials;
use tokio::time::Instant;

#[cfg(feature = "aws")]
use super::consume::QueueAccess;
use super::{Ended, Exit, exit, print, print_result, say, variable};
use crate::assemble;
#[cfg(feature = "desk")]
use crate::doctor::DeskSetup;
use crate::doctor::{CopyEnds, Diagnosis, Mirror, Severity, SideChecks, Subjects, examine, unusable};
use crate::failure::Failure;
#[cfg(feature = "desk")]
use bridge_config::DeskCommandSettings;
#[cfg(feature = "aws")]
use bridge_config::table::serve::QUEUE_URL;
use bridge_config::{Settings, SettingsOf, WithSettings, keys, table};
use bridge_core::credentials::SourceCredentials;
use bridge_core::oms::task::OmsApi;
use http_client::{self, Proxies};
use object_copy::clock;
use settings::{Reader, Values};
use signature_breaker::Breakers;
use terminal::style::Stream;
#[cfg(feature = "desk")]
use upload_desk::config::DESK_BUCKET;

/// Checks settings, credentials, clock, log bucket, sync task and destination, and suggests a remedy for each
/// finding.
///
/// Sends OMS a single signed request until one is accepted, so a wrong secret cannot lock the access key.
/// Writes one object to the log bucket, and one to the destination of direct copies, which it announces, and
/// removes them again. The source bucket is only read. If DESK_BUCKET or QUEUE_URL is set, it also checks
/// what the desk and the queue worker need.
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "it is the help text, which shows backticks as they are")]
#[command(after_help = exit::help("Examples:
  oms-bridge doctor
  oms-bridge doctor --json \\
    | jq '.findings[] | select(.severity != \"ok\")'"))]
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

/// Time limit of the whole command.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: &DoctorArgs, mut reader: Reader) -> Ended {
    let credentials = SourceCredentials::new(variable);
    let settings = Settings::read(&mut reader);
    let missing = {
        let mut reader = Reader::new(args.settings.values());
        keys::need_oss(&mut reader);
        reader.into_problems()
    };
    let without_effect = reader.take_without_effect();
    let settings = match reader.finish(settings) {
        Ok(settings) => settings,
        Err(error) => return Ok(tell(&unusable(&error, &credentials, &missing), args.json)),
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
        let mirror = settings.mirror.as_ref().map(|mirror| {
            let client = assemble::destination(mirror, &http, &breakers)?;
            Ok::<_, oss_lite::Error>(Mirror::new(mirror, &client, found.as_ref(), deadline))
        });
        Ok((journal, ends.transpose()?, mirror.transpose()?.flatten()))
    });
    let (journal, ends, mirror) = built.map_err(Failure::configuration)?;
    let beside = beside(args.settings.values().unmissed(), found.as_ref(), &http, deadline).await?;
    let api = settings
        .mode
        .oms()
        .map(|oms| OmsApi::new(http, &oms.sync_url, oms.huawei.clone(), breakers.of_oms(&oms.huawei)));
    let open = found.map(|credentials| journal.open(credentials, deadline));
    let subjects = Subjects {
        without_effect: &without_effect,
        settings: &settings,
        credentials: &credentials,
        missing: &missing,
        api: api.as_ref(),
        journal: &journal,
        open: open.as_ref(),
        ends: ends.as_ref(),
        mirror: mirror.as_ref(),
        beside: &beside,
    };
    let id = format!("{:016x}", fastrand::u64(..));
    if let Some(ends) = ends.as_ref().filter(|ends| ends.is_open()) {
        say(ends.announcement(&id));
    }
    let diagnosis = Box::pin(examine(subjects, &id, clock::system())).await;
    Ok(tell(&diagnosis, args.json))
}

/// The desk and the worker's queue, if their settings are set in the environment: `doctor` has no options for
/// them.
#[cfg_attr(
    not(feature = "desk"),
    expect(unused_variables, reason = "only the desk's bucket is opened with them")
)]
#[cfg_attr(
    not(feature = "aws"),
    expect(clippy::unused_async, reason = "only the queue's credentials are awaited")
)]
#[cfg_attr(
    not(any(feature = "desk", feature = "aws")),
    expect(unused_mut, reason = "this build has neither")
)]
async fn beside(
    values: Values,
    found: Option<&Arc<Credentials>>,
    http: &reqwest::Client,
    deadline: Instant,
) -> Result<SideChecks, Failure> {
    let given = table::of_commands().filter(|spec| values.get(spec).is_none());
    let given: Vec<_> = given.filter_map(|spec| Some((spec, variable(spec.name)?))).collect();
    let values = given.iter().fold(values, |values, (spec, value)| values.with(spec, value));
    let mut beside = SideChecks::default();
    #[cfg(feature = "desk")]
    {
        let mut reader = Reader::new(values.clone());
        if reader.is_set(&DESK_BUCKET.spec) {
            let settings = DeskCommandSettings::read(&mut reader);
            match reader.finish(settings) {
                Ok(settings) => {
                    let client = Client::new(http.clone(), settings.oss.client_config());
                    let client = client.map_err(Failure::configuration)?;
                    let open =
                        |by| client.bucket(&settings.desk.bucket, Arc::clone(by)).with_deadline(deadline);
                    let bucket = found.map(open);
                    beside.desk = Some(DeskSetup::new(settings, bucket));
                }
                Err(error) => beside.problems.extend(error.problems().iter().cloned()),
            }
        }
    }
    #[cfg(feature = "aws")]
    {
        let mut reader = Reader::new(values);
        if reader.is_set(&QUEUE_URL.spec) {
            let access = QueueAccess::read(&mut reader, http).await;
            match reader.finish(access) {
                Ok(access) => beside.queue = Some(access.open(None)),
                Err(error) => beside.problems.extend(error.problems().iter().cloned()),
            }
        }
    }
    Ok(beside)
}

fn tell(diagnosis: &Diagnosis, json: bool) -> Exit {
    if json {
        print_result(diagnosis, diagnosis.failure().as_ref());
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
