//! What a comparison of two buckets costs, beside two bare listings and beside `rclone check`.
//!
//! `cargo bench -p bench --bench reconcile [-- [--short] [--keys N] [--runs N] [--program FILE]]`. `benches/README.md` says what is
//! measured. Fails when a difference is missed or made up, when it takes more memory than it may, or many more
//! requests than the listings have pages.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | the rounds, the table, the bounds |
//! | `scene` | two buckets |
//! | `side` | product, floor and `rclone` |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod scene;
mod side;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::process::{Precedence, Usage};
use bench::{Result, build};

use self::scene::Scene;
use self::side::Side;

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

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
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

async fn run() -> Result<()> {
    let Arguments { keys, runs, short, program } = arguments()?;
    let product = if let Some(program) = program {
        program
    } else {
        let [product, _] = build(["oms-bridge", "cloud-twin"])?;
        product
    };
    let _precedence = Precedence::take();
    println!("{keys} keys on both sides; medians of {runs} runs by turns");
    println!(
        "{:30}{:>9}{:>11}{:>8}{:>9}{:>10}{:>7}",
        "", "seconds", "keys/s", "CPU s", "RSS MiB", "requests", "ratio"
    );
    for (title, from, sides) in [
        ("OSS to OBS", scene::From::Oss, &[Side::Floor, Side::Product][..]),
        ("OBS to OBS", scene::From::Obs, &[Side::Floor, Side::Product, Side::RcloneFast, Side::Rclone]),
    ] {
        let sides = if short { &[Side::Floor, Side::Product] } else { sides };
        let scene = Scene::fill(from, keys).await?;
        println!("{title}");
        let rows = measure(&scene, sides, &product, runs)?;
        for row in &rows {
            print(row, keys);
        }
        check(&scene, &rows)?;
    }
    Ok(())
}

fn measure(scene: &Scene, sides: &[Side], product: &Path, runs: usize) -> Result<Vec<Row>> {
    let mut taken: Vec<Vec<(Usage, u64)>> = vec![Vec::new(); sides.len()];
    for _ in 0..runs {
        for (side, taken) in sides.iter().zip(&mut taken) {
            if !side.is_installed() {
                continue;
            }
            let before = scene.requests();
            let usage = tokio::task::block_in_place(|| side.run(scene, product))?;
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
    println!("{name:30}{seconds:>9.2}{rate:>11.0}{cpu_s:>8.2}{peak_rss_mib:>9.1}{requests:>10}{ratio:>7.2}");
}

/// The bounds of the product.
fn check(scene: &Scene, rows: &[Row]) -> Result<()> {
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
    scene.check()
}
