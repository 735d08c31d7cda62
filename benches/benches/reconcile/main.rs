//! What a comparison of two buckets costs, beside two bare listings, `rclone check` and `juicefs sync`.
//!
//! `cargo bench -p bench --bench reconcile [-- [--short] [--keys N] [--runs N] [--program FILE]]`. `benches/README.md` says what is
//! measured. Fails when a difference is missed or made up, when it takes more memory than it may, or many more
//! requests than the listings have pages.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | the rounds, the table, the bounds |
//! | `scene` | two buckets |
//! | `side` | product, floor, `rclone` and `juicefs` |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod scene;
mod side;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::juicefs::Juicefs;
use bench::process::{Precedence, Usage};
use bench::{Result, build};

use self::scene::{From, MIRROR, SOURCE, Scene, Sides};
use self::side::{Programs, Side};

/// Most memory of a comparison in MiB.
const MEMORY: f64 = 64.0;

/// What a comparison may do besides listing each page once, as a share of the pages and in addition: it looks for
/// the middles of ranges, and each range may end within a page.
const MORE: (u64, u64) = (10, 400);

struct Arguments {
    keys: usize,
    runs: usize,
    /// Only what has bounds.
    short: bool,
    program: Option<PathBuf>,
}

/// What one program took for one scene: medians.
struct Row {
    side: Side,
    usage: Usage,
    requests: u64,
    ratio: f64,
}

/// What is compared, and by whom.
struct Task {
    title: &'static str,
    from: From,
    sides: Sides,
    /// One in so many of the keys that are asked for.
    share: usize,
    by: &'static [Side],
}

/// Where the contents are read, each key costs two requests.
const TASKS: [Task; 3] = [
    Task {
        title: "OSS to OBS",
        from: From::Oss,
        sides: Sides::OneOfAThousandDiffers,
        share: 1,
        by: &[Side::Floor, Side::Product, Side::Juicefs, Side::JuicefsThreads],
    },
    Task {
        title: "OBS to OBS",
        from: From::Obs,
        sides: Sides::OneOfAThousandDiffers,
        share: 1,
        by: &[
            Side::Floor,
            Side::Product,
            Side::RcloneFast,
            Side::Rclone,
            Side::Juicefs,
            Side::JuicefsThreads,
        ],
    },
    Task {
        title: "OSS to OBS, the contents of equal objects",
        from: From::Oss,
        sides: Sides::Equal,
        share: 25,
        by: &[Side::ProductContent, Side::JuicefsContent],
    },
];

fn main() -> ExitCode {
    match prepare().and_then(|(arguments, programs)| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(&arguments, &programs))
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Before any thread runs: the process may start again.
fn prepare() -> Result<(Arguments, Programs)> {
    let arguments = arguments()?;
    let product = match &arguments.program {
        Some(program) => program.clone(),
        None => build(["oms-bridge", "cloud-twin"])?[0].clone(),
    };
    let juicefs = if arguments.short { None } else { Juicefs::find(&[SOURCE, MIRROR])? };
    Ok((arguments, Programs { product, juicefs }))
}

fn arguments() -> Result<Arguments> {
    let given: Vec<String> = env::args().skip(1).collect();
    let short = given.iter().any(|argument| argument == "--short");
    let value = |name: &str| given.iter().skip_while(|argument| *argument != name).nth(1);
    let number = |name: &str, default: usize| value(name).map_or(Ok(default), |value| value.parse());
    let (keys, runs) = if short { (50_000, 1) } else { (1_000_000, 5) };
    let program = value("--program").map(PathBuf::from);
    Ok(Arguments { keys: number("--keys", keys)?, runs: number("--runs", runs)?, short, program })
}

async fn run(arguments: &Arguments, programs: &Programs) -> Result<()> {
    let Arguments { keys, runs, short, .. } = *arguments;
    let _precedence = Precedence::take();
    println!("medians of {runs} runs by turns");
    println!(
        "{:32}{:>9}{:>11}{:>8}{:>9}{:>10}{:>7}",
        "", "seconds", "keys/s", "CPU s", "RSS MiB", "requests", "ratio"
    );
    for task in TASKS {
        let bounded = |side: &Side| matches!(side, Side::Floor | Side::Product);
        let by: Vec<Side> = task.by.iter().copied().filter(|side| !short || bounded(side)).collect();
        if by.is_empty() {
            continue;
        }
        let keys = keys / task.share;
        let scene = Scene::fill(task.from, keys, task.sides, programs.juicefs.is_some()).await?;
        println!("{}: {keys} keys on both sides", task.title);
        let rows = measure(&scene, &by, programs, runs)?;
        for row in &rows {
            print(row, keys);
        }
        if by.iter().any(bounded) {
            check_costs(&rows)?;
        }
        scene.check()?;
    }
    Ok(())
}

fn measure(scene: &Scene, sides: &[Side], programs: &Programs, runs: usize) -> Result<Vec<Row>> {
    let mut taken: Vec<Vec<(Usage, u64)>> = vec![Vec::new(); sides.len()];
    for _ in 0..runs {
        for (side, taken) in sides.iter().zip(&mut taken) {
            if !side.is_installed(programs) {
                continue;
            }
            let before = scene.requests();
            let usage = tokio::task::block_in_place(|| side.run(scene, programs))
                .map_err(|error| format!("{}: {error}", side.name()))?;
            taken.push((usage, scene.requests() - before));
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (side, taken) in sides.iter().zip(taken).filter(|(_, taken)| !taken.is_empty()) {
        let median = |of: &dyn Fn(&(Usage, u64)) -> f64| {
            let mut values: Vec<f64> = taken.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let usage = Usage {
            seconds: median(&|(usage, _)| usage.seconds),
            cpu_s: median(&|(usage, _)| usage.cpu_s),
            peak_rss_mib: median(&|(usage, _)| usage.peak_rss_mib),
        };
        let requests = taken.iter().map(|(_, requests)| *requests).max().unwrap_or_default();
        let floor = rows.first().map_or(usage.seconds, |floor| floor.usage.seconds);
        rows.push(Row { side: *side, usage, requests, ratio: floor / usage.seconds });
    }
    Ok(rows)
}

fn print(row: &Row, keys: usize) {
    let Row { side, usage: Usage { seconds, cpu_s, peak_rss_mib }, requests, ratio } = row;
    let (name, rate) = (side.name(), keys as f64 / seconds);
    println!("{name:32}{seconds:>9.2}{rate:>11.0}{cpu_s:>8.2}{peak_rss_mib:>9.1}{requests:>10}{ratio:>7.2}");
}

/// The bounds of the product.
fn check_costs(rows: &[Row]) -> Result<()> {
    let of = |side: Side| rows.iter().find(|row| row.side == side).ok_or("a row is missing");
    let (floor, product) = (of(Side::Floor)?, of(Side::Product)?);
    let (share, more) = MORE;
    if product.requests > floor.requests + floor.requests / share + more {
        return Err(
            format!("{} requests, and the listings have {} pages", product.requests, floor.requests).into()
        );
    }
    if product.usage.peak_rss_mib > MEMORY {
        return Err(format!("{:.1} MiB of memory, more than {MEMORY}", product.usage.peak_rss_mib).into());
    }
    Ok(())
}
