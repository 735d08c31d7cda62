//! What direct copies cost, beside what they must cost at least, and beside `rclone` and `juicefs sync`.
//!
//! `cargo bench -p bench --bench copy [-- [--short] [--json] [--programs FOLDER]]`. `benches/README.md` says what is measured
//! and how to read it. Fails when a copy is not what its source is, when the product is far from its aims, or takes too much memory.
//!
//! | module | concern |
//! |---|---|
//! | `scale` | how much is copied, how often |
//! | `cloud` | source and destination, each a local cloud in a process of its own |
//! | `scene` | what there is to copy; whether it arrived |
//! | `requests` | requests of the floor, signed beforehand |
//! | `side` | product, floor, `rclone` and `juicefs`: built, configured |
//! | `measure` | the rounds and their medians |
//! | `report` | tables, aims, JSON |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod cloud;
mod measure;
mod report;
mod requests;
mod scale;
mod scene;
mod side;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use bench::juicefs::Juicefs;
use bench::process::Precedence;

use self::measure::{Bench, DESTINATION, SOURCE};
use self::report::{Output, Report};
use self::scale::Scale;
use self::side::Programs;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let scale = if given("--short") { Scale::SHORT } else { Scale::FULL };
    let output = if given("--json") { Output::Json } else { Output::Text };
    let folder = arguments.iter().skip_while(|argument| *argument != "--programs").nth(1);
    match run(scale, output, folder.map(Path::new)) {
        Ok(report) => {
            let broken = report.broken();
            for bound in &broken {
                eprintln!("error: {bound}");
            }
            if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(scale: Scale, output: Output, programs: Option<&Path>) -> Result<Report> {
    let mut programs = match programs {
        Some(folder) => Programs::in_folder(folder)?,
        None => Programs::build()?,
    };
    if scale != Scale::SHORT {
        programs.juicefs = Juicefs::find(&[SOURCE, DESTINATION])?;
    }
    let precedence = Precedence::take();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bench = Bench::prepare(programs, scale, &runtime)?;
    let mut report = Report::new(scale, precedence.niceness, output);
    for task in bench.tasks() {
        report.add(bench.table(task, &runtime)?);
    }
    report.finish();
    Ok(report)
}
