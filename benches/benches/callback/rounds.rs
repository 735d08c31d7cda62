//! All sides by turns, so that whatever else the machine does meets each of them; and their medians.

use std::path::Path;
use std::time::{Duration, Instant};

use cloud_twin::{Twin, TwinConfig};
use serde::Serialize;

use crate::bucket::Bucket;
use crate::database::{Database, Engine};
use crate::desk::Desk;
use crate::floor::{self, Commits};
use crate::load;
use crate::report::Report;
use crate::{Result, Scale};

/// What changes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Floor(Commits),
    /// The desk while the bucket does not answer: its worker soon waits, and callbacks are all that there is.
    Callbacks,
    /// The desk as it is: its worker looks at each object, and writes that down.
    Desk,
}

/// Medians of one side.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// Of a callback.
    pub(crate) median_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) longest_ms: Option<f64>,
    /// CPU time of the desk for a callback.
    pub(crate) cpu_us: Option<f64>,
    /// Rows answered and seen to, per second from the first callback.
    pub(crate) settled_per_second: Option<f64>,
}

const SQLITE: [Side; 4] =
    [Side::Floor(Commits::Alone), Side::Floor(Commits::Grouped), Side::Callbacks, Side::Desk];
const MARIADB: [Side; 5] = [
    Side::Floor(Commits::Alone),
    Side::Floor(Commits::Parallel),
    Side::Floor(Commits::Grouped),
    Side::Callbacks,
    Side::Desk,
];

/// What all rounds share.
struct Bench<'b> {
    scale: Scale,
    program: &'b Path,
    server: Option<&'b str>,
    twin: Twin,
    bucket: Bucket,
}

pub(crate) async fn run(scale: Scale, program: &Path, server: Option<&str>) -> Result<Report> {
    let (twin, bucket) = (Twin::start(TwinConfig::default()).await?, Bucket::start().await?);
    let bench = Bench { scale, program, server, twin, bucket };
    let mut sides: Vec<(Engine, Side)> = SQLITE.iter().map(|side| (Engine::Sqlite, *side)).collect();
    if server.is_some() {
        sides.extend(MARIADB.iter().map(|side| (Engine::MariaDb, *side)));
    }
    let mut seen: Vec<Vec<Figures>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..scale.rounds {
        for ((engine, side), seen) in sides.iter().zip(&mut seen) {
            seen.push(bench.round(*engine, *side).await?);
        }
    }
    let rows = sides.into_iter().zip(seen);
    Ok(Report { scale, rows: rows.map(|((engine, side), seen)| (engine, side, medians(&seen))).collect() })
}

impl Bench<'_> {
    async fn round(&self, engine: Engine, side: Side) -> Result<Figures> {
        let database = Database::make(engine, self.server).await?;
        self.bucket.silence(side == Side::Callbacks);
        let desk = Desk::start(self.program, &database, &self.bucket, &self.twin)?;
        let figures = match side {
            Side::Floor(commits) => {
                drop(desk);
                self.floor(&database, commits).await?
            }
            Side::Callbacks | Side::Desk => self.desk(&database, desk, side).await?,
        };
        database.end().await?;
        Ok(figures)
    }

    async fn floor(&self, database: &Database, commits: Commits) -> Result<Figures> {
        let rows = if commits == Commits::Alone { self.scale.alone } else { self.scale.rows };
        let waiting = database.fill(rows).await?;
        let took = floor::run(database, waiting, commits).await?;
        Ok(Figures {
            per_second: rows as f64 / took.as_secs_f64(),
            median_ms: None,
            p99_ms: None,
            longest_ms: None,
            cpu_us: None,
            settled_per_second: None,
        })
    }

    async fn desk(&self, database: &Database, desk: Desk, side: Side) -> Result<Figures> {
        let waiting = database.fill(self.scale.rows).await?;
        let requests = load::requests(&self.twin, &waiting);
        let count = requests.len() as f64;
        let (cpu, begun) = (desk.cpu()?, Instant::now());
        let answers = load::run(desk.address, requests).await?;
        let cpu = desk.cpu()? - cpu;
        let settled = match side {
            Side::Desk => Some(count / self.settled(database, begun).await?.as_secs_f64()),
            _ => None,
        };
        let (_, stored) = database.left_and_stored().await?;
        if usize::try_from(stored)? != self.scale.rows {
            return Err(format!("{stored} rows are stored of {}", self.scale.rows).into());
        }
        let at = |share: f64| {
            let place = (share * (count - 1.0)).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
            let place = place as usize;
            Some(answers.latencies[place].as_secs_f64() * 1e3)
        };
        Ok(Figures {
            per_second: count / answers.took.as_secs_f64(),
            median_ms: at(0.5),
            p99_ms: at(0.99),
            longest_ms: at(1.0),
            cpu_us: Some(cpu / count * 1e6),
            settled_per_second: settled,
        })
    }

    /// How long it takes until nothing is left to do.
    async fn settled(&self, database: &Database, begun: Instant) -> Result<Duration> {
        while database.left_and_stored().await?.0 > 0 {
            if begun.elapsed() > Duration::from_mins(5) {
                return Err("the worker does not come to an end".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(begun.elapsed())
    }
}

fn medians(seen: &[Figures]) -> Figures {
    let of = |pick: fn(&Figures) -> Option<f64>| {
        let mut values: Vec<f64> = seen.iter().filter_map(pick).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Figures {
        per_second: of(|figures| Some(figures.per_second)).unwrap_or_default(),
        median_ms: of(|figures| figures.median_ms),
        p99_ms: of(|figures| figures.p99_ms),
        longest_ms: of(|figures| figures.longest_ms),
        cpu_us: of(|figures| figures.cpu_us),
        settled_per_second: of(|figures| figures.settled_per_second),
    }
}
