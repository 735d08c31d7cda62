//! `consume`: a worker on a queue.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_access::ProvideCredentials as _;
use clap::Args;
use fc_adapter::Limits;
use serde::Serialize;

use super::{Ended, Exit, effort, exit, print, print_result, variable};
use crate::assemble;
use crate::failure::{self, EngineEnds, Failure, LISTEN, queue_kind, queue_remedy};
use bridge_config::table::copy::AWS_REGION;
use bridge_config::table::oss::ALIBABA_CLOUD_ACCESS_KEY_ID;
use bridge_config::table::serve::QUEUE_URL;
use bridge_config::{Mode, Settings, SettingsOf, WithSettings, keys, listen};
use bridge_core::credentials::{CredentialsError, SourceCredentials};
use bridge_core::engine::copy::OBJECTS_IN_FLIGHT;
use http_client::{self, Proxies};
use object_copy::clock;
use object_copy::stop::{Stop, StopLevel};
use settings::keys::{Vendor, foreign};
use settings::{Invalid, Reader, lenient, parse};
use sqs_worker::{
    About, Address, BATCH, CONCURRENCY, Health, LONGEST_POLL, LONGEST_VISIBILITY, Options, Queue, QueueError,
    QueueErrorKind, Redrive, Totals, Until, VISIBILITY, Worker,
};
use terminal::interrupts::Interrupts;
use terminal::numbers::{count, counted};

/// Forwards the object events in a queue of Amazon SQS, until SIGTERM or SIGINT.
///
/// Any number of workers may share a queue. A message is deleted once every change in it is accepted or
/// recorded; a message that cannot be parsed is left for the queue's redrive policy. Credentials for the
/// queue are found as the AWS tools find them.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge consume --queue-url \\
    https://sqs.eu-west-1.amazonaws.com/123456789012/new
  oms-bridge consume --listen 0.0.0.0:9100
  oms-bridge consume --drain --json"))]
pub(super) struct ConsumeArgs {
    /// Messages processed at once [default: 100, or 16 if objects are copied].
    #[arg(long, value_name = "N", value_parser = concurrency)]
    concurrency: Option<usize>,
    /// Seconds that a message is hidden from other workers. Extended while it is processed; if the worker is
    /// killed, the message reappears after this time.
    #[arg(long, value_name = "SECONDS", default_value_t = VISIBILITY.as_secs(), value_parser = visibility, hide_short_help = true)]
    visibility: u64,
    /// Seconds that a request waits for messages.
    #[arg(long, value_name = "SECONDS", default_value_t = LONGEST_POLL.as_secs(), value_parser = wait, hide_short_help = true)]
    wait: u64,
    /// Stop when a request has waited and received no message.
    #[arg(long)]
    drain: bool,
    /// Address for `/healthz` and `/metrics` [default: none].
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse::listen_address)]
    listen: Option<SocketAddr>,
    /// Endpoint of the queue's service [default: the host in the queue's URL, or the region's endpoint if
    /// that is Amazon's].
    #[arg(long, value_name = "URL", hide_short_help = true)]
    endpoint_url: Option<String>,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ConsumeArgs>,
}

impl ConsumeArgs {
    /// What has the host of the queue's service, for messages.
    fn endpoint(&self) -> &'static str {
        if self.endpoint_url.is_some() { "--endpoint-url" } else { QUEUE_URL.spec.name }
    }
}

impl WithSettings for ConsumeArgs {
    const NAME: &'static str = "consume";
}

fn concurrency(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 1..=10_000)
}

fn visibility(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 4..=LONGEST_VISIBILITY.as_secs())
}

fn wait(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 1..=LONGEST_POLL.as_secs())
}

/// Default limit of open connections to `--listen`, which has few clients.
const CONNECTIONS: usize = 64;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct ConsumeSummary {
    #[serde(flatten)]
    totals: Totals,
    requests: u64,
    elapsed_s: f64,
}

pub(super) async fn run(args: &ConsumeArgs, reader: Reader) -> Ended {
    let (worker, health, ends) = Box::pin(prepare(args, reader)).await?;
    work(args, &worker, health, &ends).await
}

async fn prepare(args: &ConsumeArgs, mut r: Reader) -> Result<(Worker, Option<Health>, EngineEnds), Failure> {
    let settings = Settings::read(&mut r);
    let limits = |r: &mut Reader| listen::limits(r, Limits::default().with_connections(CONNECTIONS));
    let limits = if args.listen.is_some() { limits(&mut r) } else { r.check(limits) };
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    let credentials = SourceCredentials::renewing(variable, &http);
    // Nothing is received unless failures could be recorded.
    match credentials.current(clock::system()).await {
        Ok(_) => {}
        Err(CredentialsError::None(_)) => keys::need_oss(&mut r),
        Err(error) => r.problem(ALIBABA_CLOUD_ACCESS_KEY_ID.spec.name, error.to_string()),
    }
    let access = QueueAccess::read(&mut r, &http).await;
    let (mut settings, access) = r.finish(settings.zip(access))?;
    let concurrency = in_flight(args.concurrency, &mut settings.mode);
    let (keys, ends) = (settings.key_encoding, EngineEnds::of(&settings));
    let pipeline = assemble::pipeline(settings, &http).map_err(Failure::configuration)?;
    let queue = access.open(args.endpoint_url.clone());
    look(&queue, args.endpoint()).await?;
    let health = match args.listen {
        Some(address) => Some(listen(address, limits).await?),
        None => None,
    };
    let options = Options {
        concurrency,
        visibility: Duration::from_secs(args.visibility),
        wait: Duration::from_secs(args.wait),
        until: if args.drain { Until::Drained } else { Until::Stopped },
    };
    let worker = Worker::new(queue, pipeline, credentials, keys, options);
    Ok((worker, health, ends))
}

/// The queue, and its credentials.
pub(super) struct QueueAccess {
    address: Address,
    config: aws_access::Config,
}

impl QueueAccess {
    /// Reads the settings. What is missing or wrong is added to the problems.
    pub(super) async fn read(r: &mut Reader, http: &reqwest::Client) -> Option<Self> {
        r.must_be_set(&QUEUE_URL.spec);
        let address = r.get_by(&QUEUE_URL, queue);
        let own_region = r.get(&AWS_REGION);
        let region = address.as_ref().and_then(|address| address.region().map(str::to_owned)).or(own_region);
        let config = aws_access::config(http, region).await;
        // Without a URL it is unknown whether it names a region.
        if address.is_some() {
            must_have_region(&config, r);
        }
        must_have_credentials(&config, r).await;
        Some(Self { address: address?, config })
    }

    /// The queue, at its own service or at `endpoint`.
    pub(super) fn open(&self, endpoint: Option<String>) -> Queue {
        Queue::new(&self.config, &self.address, endpoint)
    }
}

fn queue(url: &str) -> Result<Address, Invalid> {
    Address::parse(&lenient::half_width(url)).ok_or_else(|| {
        Invalid::new(format_args!("{:?} is not the URL of a queue", lenient::shown_url(url)))
            .with_remedy("the form is https://sqs.<region>.amazonaws.com/<account id>/<queue>")
    })
}

/// Messages in flight, and the limit of the engine that follows from it, since a request to OMS carries the
/// keys of several messages.
fn in_flight(wanted: Option<usize>, mode: &mut Mode) -> usize {
    let (concurrency, in_flight) = if mode.copy().is_some() {
        let concurrency = wanted.unwrap_or(OBJECTS_IN_FLIGHT);
        (concurrency, concurrency)
    } else {
        let concurrency = wanted.unwrap_or(CONCURRENCY);
        (concurrency, concurrency.div_ceil(BATCH))
    };
    mode.set_in_flight(in_flight);
    concurrency
}

fn must_have_region(config: &aws_access::Config, r: &mut Reader) {
    if config.sdk.region().is_none() && !r.is_set(&AWS_REGION.spec) {
        let what = Invalid::new("missing, and the URL of the queue does not name it");
        r.problem(
            AWS_REGION.spec.name,
            what.with_remedy("set it to the region of the queue, such as eu-west-1"),
        );
    }
}

/// Reports missing credentials before the first request.
async fn must_have_credentials(config: &aws_access::Config, r: &mut Reader) {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    match config.credentials.provide_credentials().await {
        Ok(found) => {
            // Credentials of a file or a role have no setting to name.
            let is_set = variable(ID).is_some_and(|id| id == found.access_key_id());
            let foreign = foreign(Vendor::Amazon, ID, found.access_key_id()).filter(|_| is_set);
            if let Some(problem) = foreign {
                r.add(problem);
            }
        }
        Err(error) => {
            // The reasons of all providers take several lines.
            tracing::debug!(error = %error, source = ?std::error::Error::source(&error), "no credentials for AWS");
            let what = format!("missing: no credentials for AWS: {error}");
            let remedy = "set it with AWS_SECRET_ACCESS_KEY, or let AWS's own tools find credentials here";
            r.problem(ID, Invalid::new(what).with_remedy(remedy));
        }
    }
}

/// Reads the attributes of the queue. Transient errors are left to the pollers.
async fn look(queue: &Queue, endpoint: &'static str) -> Result<(), Failure> {
    match queue.about().await {
        Ok(About { waiting, redrive, .. }) => {
            tracing::info!(waiting, "consuming");
            if redrive == Redrive::Missing {
                tracing::warn!(
                    "the queue has no redrive policy: messages that cannot be parsed come back until their retention ends"
                );
            }
            Ok(())
        }
        Err(error) if error.kind() == QueueErrorKind::Transient => {
            // The pollers log it if it persists.
            tracing::debug!(%error, "the queue does not answer yet");
            Ok(())
        }
        Err(error) => Err(refused(&error, endpoint)),
    }
}

fn refused(error: &QueueError, endpoint: &'static str) -> Failure {
    let failure = Failure::new(queue_kind(error), format_args!("the queue: {error}"));
    let failure = match error.kind() {
        QueueErrorKind::Refused => failure,
        QueueErrorKind::Unusable => failure.of_setting(QUEUE_URL.spec.name),
        QueueErrorKind::Transient => failure.of_setting(endpoint),
    };
    failure.with_remedy(queue_remedy(error, endpoint))
}

async fn listen(address: SocketAddr, limits: Limits) -> Result<Health, Failure> {
    let health = Health::listen(address, limits).await.map_err(|error| failure::listener(&error, LISTEN))?;
    if let Ok(address) = health.address() {
        tracing::info!(%address, "/healthz and /metrics");
    }
    Ok(health)
}

/// Why every key failed, where that is no matter of single keys.
fn failure_of_all(worker: &Worker, totals: &Totals, ends: &EngineEnds) -> Option<Failure> {
    let failed = usize::try_from(totals.failed).ok().filter(|_| totals.accepted == 0)?;
    let cause = worker.cause();
    let cause = cause.of_all(failed).filter(|cause| ends.outage(cause).is_none());
    cause.map(|cause| ends.failure(cause))
}

async fn work(args: &ConsumeArgs, worker: &Worker, health: Option<Health>, ends: &EngineEnds) -> Ended {
    let started = Instant::now();
    let (stop, mut interrupts) = (Stop::default(), Interrupts::of_process());
    // Copies that end at a part are recorded, and a replay resumes them.
    let end_at_parts = |_| worker.pipeline().engine().stop(StopLevel::EndAtParts);
    let told = async {
        match health {
            Some(health) => health.serve(worker.clone()).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = worker.run(stop.reached(StopLevel::BeginNothing)) => Some(ended),
        never = stop.raise_at(async || interrupts.next().await, end_at_parts) => match never {},
        () = told => return Err(Failure::internal("the listener for /healthz and /metrics ended")),
        () = stop.reached(StopLevel::Now) => None,
    };
    let engine = worker.pipeline().engine();
    let summary = ConsumeSummary {
        totals: worker.totals(),
        requests: engine.requests(),
        elapsed_s: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    };
    let failure = match &ended {
        Some(Err(error)) => Some(refused(error, args.endpoint())),
        Some(Ok(())) if args.drain => failure_of_all(worker, &summary.totals, ends),
        Some(Ok(())) | None => None,
    };
    if args.json {
        print_result(&summary, failure.as_ref());
    } else {
        let Totals { received, deleted, accepted, failed, .. } = summary.totals;
        print(&format!(
            "{} received, {} deleted; {} accepted, {} failed, {}",
            counted(received, "message"),
            count(deleted),
            counted(accepted, "key"),
            count(failed),
            effort(engine, summary.requests, summary.elapsed_s)
        ));
    }
    match (failure, ended) {
        (Some(failure), _) => Err(failure),
        (None, None) => {
            super::say("interrupted: unfinished messages return to the queue by themselves");
            Ok(Exit::Interrupted)
        }
        (None, Some(_)) => Ok(exit_of(args, &summary.totals)),
    }
}

/// A worker that was stopped exits with 0; one that drained its queue reports whether everything arrived.
fn exit_of(args: &ConsumeArgs, totals: &Totals) -> Exit {
    let Totals { failed, poison, released, not_deleted, .. } = *totals;
    if args.drain && failed + poison + released + not_deleted > 0 { Exit::SomeFailed } else { Exit::Done }
}
