//! The rounds: product and floor by turns, so that whatever else the machine does meets both.

use std::fs;
use std::io;

use serde::Serialize;

use crate::load::{Cost, invoke};
use crate::process::{Server, Start};
use crate::subject::{Subject, local_cloud};
use bench::function::event::{self, Role};
use bench::function::{Sink, Traffic};

/// Starts of each side.
pub(crate) const STARTS: usize = 61;
/// Servers of each side that are put under load.
pub(crate) const ROUNDS: usize = 15;
/// Invocations before anything is measured.
const WARM_UP: usize = 300;
/// Invocations in a row, over one connection.
const SEQUENTIAL: usize = 2000;
/// Connections at once, and invocations over each.
pub(crate) const CONNECTIONS: usize = 20;
const EACH: usize = 200;

/// Medians of one side.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Figures {
    pub(crate) start_to_first_reply_ms: f64,
    pub(crate) start_to_first_reply_best_ms: f64,
    pub(crate) start_to_listening_ms: f64,
    pub(crate) start_cpu_ms: f64,
    pub(crate) cpu_per_event_us: f64,
    pub(crate) cpu_per_event_best_us: f64,
    pub(crate) cpu_per_event_concurrent_us: f64,
    pub(crate) events_per_second: f64,
    pub(crate) events_per_second_concurrent: f64,
    pub(crate) oms_requests_per_event: f64,
    pub(crate) oms_requests_per_event_concurrent: f64,
    pub(crate) oss_requests_per_event: f64,
    pub(crate) bytes_sent_per_event: f64,
    pub(crate) connections: f64,
    pub(crate) connections_concurrent: f64,
    pub(crate) peak_memory_mib: f64,
    pub(crate) binary_mib: f64,
}

/// Both sinks.
pub(crate) struct Sinks {
    pub(crate) oms: Sink,
    pub(crate) oss: Sink,
}

#[derive(Clone, Copy)]
struct Both {
    oms: Traffic,
    oss: Traffic,
}

impl Sinks {
    pub(crate) fn start() -> io::Result<Self> {
        Ok(Self { oms: Sink::oms()?, oss: Sink::oss()? })
    }

    fn take(&self) -> Both {
        Both { oms: self.oms.take(), oss: self.oss.take() }
    }
}

/// One server under load.
struct Round {
    sequential: Cost,
    sequential_traffic: Both,
    concurrent: Cost,
    concurrent_traffic: Both,
    peak_memory: u64,
}

/// Everything seen of one side.
struct Series<'s> {
    subject: &'s Subject,
    starts: Vec<Start>,
    rounds: Vec<Round>,
}

/// Measures every subject; the figures come in the order of the subjects.
pub(crate) fn compare<const N: usize>(
    subjects: [&Subject; N],
    sinks: &Sinks,
    role: &Role,
) -> io::Result<[Figures; N]> {
    let mut series = subjects.map(|subject| Series { subject, starts: Vec::new(), rounds: Vec::new() });
    let requests = requests(role);
    for _ in 0..STARTS {
        for series in &mut series {
            series.starts.push(series.subject.start(&requests[0])?.1);
        }
    }
    for _ in 0..ROUNDS {
        for series in &mut series {
            series.rounds.push(round(series.subject, sinks, &requests)?);
        }
    }
    let mut figures = Vec::with_capacity(N);
    for series in &series {
        figures.push(series.figures()?);
    }
    figures.try_into().map_err(|_| io::Error::other("a side has no figures"))
}

/// CPU per event and events per second against services that verify every signature: one after another, and at once.
pub(crate) fn against_local_cloud(product: &std::path::Path) -> io::Result<[Cost; 2]> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let twin = runtime.block_on(cloud_twin::Twin::builder().start())?;
    let (role, services) = local_cloud(&twin);
    twin.create_oss_bucket(&services.log_bucket);
    twin.create_obs_bucket("holiday-photos-copy");
    for number in 0..CONNECTIONS {
        twin.oss().put(event::BUCKET, &event::key(number), "pixels");
    }
    let subject = Subject::product(product, services);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(stopped));
        let requests = requests(&role);
        let costs = subject.start(&requests[0]).and_then(|(server, _)| {
            warm_up(&server, &requests)?;
            Ok([invoke(&server, &requests[..1], SEQUENTIAL)?, invoke(&server, &requests, EACH)?])
        });
        drop(stop);
        costs
    })
}

fn requests(role: &Role) -> Vec<Vec<u8>> {
    (0..CONNECTIONS).map(|number| event::request(number, role)).collect()
}

fn warm_up(server: &Server, requests: &[Vec<u8>]) -> io::Result<Cost> {
    invoke(server, &requests[..1], WARM_UP)
}

fn round(subject: &Subject, sinks: &Sinks, requests: &[Vec<u8>]) -> io::Result<Round> {
    sinks.take();
    let (server, _) = subject.start(&requests[0])?;
    warm_up(&server, requests)?;
    let warm = sinks.take();
    let sequential = invoke(&server, &requests[..1], SEQUENTIAL)?;
    let mut sequential_traffic = sinks.take();
    sequential_traffic.oms.connections += warm.oms.connections;
    sequential_traffic.oss.connections += warm.oss.connections;
    let concurrent = invoke(&server, requests, EACH)?;
    let mut concurrent_traffic = sinks.take();
    concurrent_traffic.oms.connections += sequential_traffic.oms.connections;
    concurrent_traffic.oss.connections += sequential_traffic.oss.connections;
    let peak_memory = server.peak_memory()?;
    Ok(Round { sequential, sequential_traffic, concurrent, concurrent_traffic, peak_memory })
}

impl Series<'_> {
    fn figures(&self) -> io::Result<Figures> {
        let milliseconds = |pick: fn(&Start) -> std::time::Duration| {
            self.starts.iter().map(|start| pick(start).as_secs_f64() * 1e3).collect::<Vec<f64>>()
        };
        let answered = milliseconds(|start| start.answered);
        let of = |pick: fn(&Round) -> f64| median(self.rounds.iter().map(pick).collect());
        Ok(Figures {
            start_to_first_reply_best_ms: least(answered.iter().copied()),
            start_to_first_reply_ms: median(answered),
            start_to_listening_ms: median(milliseconds(|start| start.listening)),
            start_cpu_ms: median(milliseconds(|start| start.cpu)),
            cpu_per_event_us: of(|round| round.sequential.cpu_micros()),
            cpu_per_event_best_us: least(self.rounds.iter().map(|round| round.sequential.cpu_micros())),
            cpu_per_event_concurrent_us: of(|round| round.concurrent.cpu_micros()),
            events_per_second: of(|round| round.sequential.rate()),
            events_per_second_concurrent: of(|round| round.concurrent.rate()),
            oms_requests_per_event: of(|round| {
                per(round.sequential_traffic.oms.requests, round.sequential.invocations)
            }),
            oms_requests_per_event_concurrent: of(|round| {
                per(round.concurrent_traffic.oms.requests, round.concurrent.invocations)
            }),
            oss_requests_per_event: of(|round| {
                per(round.sequential_traffic.oss.requests, round.sequential.invocations)
            }),
            bytes_sent_per_event: of(|round| {
                let Both { oms, oss } = round.sequential_traffic;
                per(oms.bytes + oss.bytes, round.sequential.invocations)
            }),
            connections: of(|round| round.sequential_traffic.connections()),
            connections_concurrent: of(|round| round.concurrent_traffic.connections()),
            peak_memory_mib: of(|round| mebibytes(round.peak_memory)),
            binary_mib: mebibytes(fs::metadata(&self.subject.program)?.len()),
        })
    }
}

impl Both {
    fn connections(&self) -> f64 {
        (self.oms.connections + self.oss.connections) as f64
    }
}

fn per(count: u64, invocations: usize) -> f64 {
    count as f64 / invocations as f64
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

/// The middle value; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
