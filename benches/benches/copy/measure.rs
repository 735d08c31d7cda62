//! The rounds: all sides by turns, so that whatever else the machine does meets each of them.

use bench::juicefs;
use bench::process::Usage;
use http_client::Proxies;
use oss_lite::Dialect;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Result;
use crate::cloud::Cloud;
use crate::requests;
use crate::scale::{SMALL, Scale};
use crate::scene::{self, Load};
use crate::side::{Programs, Route, Side, rclone_version};

/// The buckets of both clouds.
pub(crate) const SOURCE: &str = "source";
pub(crate) const DESTINATION: &str = "destination";

/// Both clouds, filled, and all that copies between them.
pub(crate) struct Bench {
    scale: Scale,
    http: reqwest::Client,
    programs: Programs,
    source: Cloud,
    destination: Cloud,
    /// The version of `rclone`, if it is installed.
    rclone: Option<String>,
    /// For configuration and requests.
    folder: TempDir,
}

/// Medians of all sides at one task.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    #[serde(skip)]
    pub(crate) task: Task,
    pub(crate) title: String,
    pub(crate) objects: usize,
    pub(crate) bytes: u64,
    /// What others are compared with comes first.
    pub(crate) rows: Vec<Row>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) load: Load,
    pub(crate) from: Dialect,
    sides: &'static [Side],
}

/// Medians of one side.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    #[serde(skip)]
    pub(crate) side: Side,
    pub(crate) name: &'static str,
    pub(crate) usage: Usage,
    /// CPU time of both clouds meanwhile.
    pub(crate) cloud_cpu_s: f64,
    /// Requests that the clouds answered.
    pub(crate) requests: u64,
    /// Rate as a multiple of the first side's: the median of the ratios of each round.
    pub(crate) ratio: f64,
}

struct Run {
    usage: Usage,
    cloud_cpu_s: f64,
    requests: u64,
}

const AGAINST_FLOORS: [Task; 3] = [
    Task {
        load: Load::Large,
        from: Dialect::Oss,
        sides: &[Side::Floor, Side::ClientFloor, Side::OneStream, Side::Product],
    },
    Task { load: Load::Small, from: Dialect::Oss, sides: &[Side::Floor, Side::ClientFloor, Side::Product] },
    Task { load: Load::Sparse, from: Dialect::Oss, sides: &[Side::Product] },
];

const AGAINST_RCLONE: [Task; 2] = [
    Task {
        load: Load::Large,
        from: Dialect::Obs,
        sides: &[Side::Rclone, Side::RcloneDefault, Side::Product],
    },
    Task {
        load: Load::Small,
        from: Dialect::Obs,
        sides: &[Side::Rclone, Side::RcloneDefault, Side::Product],
    },
];

const AGAINST_JUICEFS: [Task; 2] = [
    Task {
        load: Load::Large,
        from: Dialect::Oss,
        sides: &[Side::Juicefs, Side::JuicefsDefault, Side::Product],
    },
    Task {
        load: Load::Small,
        from: Dialect::Oss,
        sides: &[Side::Juicefs, Side::JuicefsDefault, Side::Product],
    },
];

impl Bench {
    pub(crate) fn prepare(programs: Programs, scale: Scale, runtime: &Runtime) -> Result<Self> {
        let by_names = programs.juicefs.is_some();
        let listen = |dialect, address| by_names.then_some((dialect, address));
        let source = Cloud::start(&programs.cloud, SOURCE, listen(Dialect::Oss, juicefs::OSS))?;
        let destination = Cloud::start(&programs.cloud, DESTINATION, listen(Dialect::Obs, juicefs::OBS))?;
        let bench = Self {
            scale,
            http: http_client::build(Proxies::None)?,
            programs,
            source,
            destination,
            rclone: rclone_version(),
            folder: TempDir::new()?,
        };
        for dialect in [Dialect::Oss, Dialect::Obs] {
            let bucket = bench.source.service(dialect)?.open(&bench.http)?;
            runtime.block_on(scene::fill(&bucket, scale))?;
        }
        Ok(bench)
    }

    /// All that is measured here.
    pub(crate) fn tasks(&self) -> Vec<Task> {
        let rclone = if self.rclone.is_some() { &AGAINST_RCLONE[..] } else { &[] };
        let juicefs = if self.programs.juicefs.is_some() { &AGAINST_JUICEFS[..] } else { &[] };
        [&AGAINST_FLOORS, rclone, juicefs].concat()
    }

    pub(crate) fn table(&self, task: Task, runtime: &Runtime) -> Result<Table> {
        let rounds = if task.load == Load::Sparse { 1 } else { self.scale.rounds };
        let mut runs: Vec<(Side, Vec<Run>)> = task.sides.iter().map(|side| (*side, Vec::new())).collect();
        for _ in 0..rounds {
            for (side, runs) in &mut runs {
                let run = self.run(*side, task, runtime);
                runs.push(run.map_err(|error| format!("{}: {error}", side.name()))?);
            }
        }
        let (objects, bytes) = match task.load {
            Load::Large => (1, self.scale.large),
            Load::Small => (self.scale.objects, (self.scale.objects * SMALL) as u64),
            Load::Sparse => (1, self.scale.sparse),
        };
        let first: Vec<f64> = runs[0].1.iter().map(|run| run.usage.seconds).collect();
        Ok(Table {
            task,
            title: self.title(task, objects, bytes),
            objects,
            bytes,
            rows: runs.iter().map(|(side, runs)| row(*side, runs, &first)).collect(),
        })
    }

    fn run(&self, side: Side, task: Task, runtime: &Runtime) -> Result<Run> {
        let Task { load, from, .. } = task;
        let (source, destination) = (self.source.service(from)?, self.destination.service(Dialect::Obs)?);
        let (from_bucket, to_bucket) = (source.open(&self.http)?, destination.open(&self.http)?);
        let route = Route { from, source: &self.source, destination: &self.destination };
        let requests = match side {
            Side::Floor | Side::ClientFloor => {
                let objects = runtime.block_on(scene::list(&from_bucket, load))?;
                Some(requests::all(load, &objects, &source, &destination)?)
            }
            _ => None,
        };
        let (cpu, count) = (self.cpu()?, runtime.block_on(self.requests())?);
        let usage = match &requests {
            Some(requests) => self.programs.floor(side, load, requests, &route, self.folder.path())?,
            None => self.programs.run(side, load, &route, self.folder.path())?,
        };
        let run = Run {
            usage,
            cloud_cpu_s: self.cpu()? - cpu,
            requests: runtime.block_on(self.requests())? - count,
        };
        runtime.block_on(scene::check(&from_bucket, &to_bucket, load))?;
        runtime.block_on(scene::remove(&to_bucket, load))?;
        Ok(run)
    }

    fn title(&self, task: Task, objects: usize, bytes: u64) -> String {
        let from = if task.from == Dialect::Oss { "OSS" } else { "OBS" };
        let what = match task.load {
            Load::Large => format!("1 object of {} MiB", bytes >> 20),
            Load::Small => format!("{objects} objects of {} KiB", SMALL >> 10),
            Load::Sparse => format!("1 object of {} MiB of zeros", bytes >> 20),
        };
        let beside = match (task.load, task.from) {
            (Load::Sparse, _) => "once",
            (_, Dialect::Oss) if task.sides.contains(&Side::Juicefs) => "beside juicefs sync",
            (_, Dialect::Oss) => "beside the floors",
            (_, Dialect::Obs) => &format!("beside {}", self.rclone.as_deref().unwrap_or_default()),
        };
        format!("{what}, {from} to OBS, {beside}")
    }

    fn cpu(&self) -> Result<f64> {
        Ok(self.source.cpu()? + self.destination.cpu()?)
    }

    async fn requests(&self) -> Result<u64> {
        Ok(self.source.requests(&self.http).await? + self.destination.requests(&self.http).await?)
    }
}

fn row(side: Side, runs: &[Run], first: &[f64]) -> Row {
    let of = |pick: fn(&Run) -> f64| median(runs.iter().map(pick).collect());
    let usage = Usage {
        seconds: of(|run| run.usage.seconds),
        cpu_s: of(|run| run.usage.cpu_s),
        // Of memory the worst counts.
        peak_rss_mib: runs.iter().map(|run| run.usage.peak_rss_mib).fold(0.0, f64::max),
    };
    let mut requests: Vec<u64> = runs.iter().map(|run| run.requests).collect();
    requests.sort_unstable();
    Row {
        side,
        name: side.name(),
        usage,
        cloud_cpu_s: of(|run| run.cloud_cpu_s),
        requests: requests[runs.len() / 2],
        ratio: median(first.iter().zip(runs).map(|(first, run)| first / run.usage.seconds).collect()),
    }
}

/// The middle value; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
