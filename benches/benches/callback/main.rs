//! How many callbacks a desk answers, beside what its database can do.
//!
//! `cargo bench -p bench --bench callback [-- [--short] [--json] [--program FILE]]`. `benches/README.md` says what is measured and
//! how to read it. Without `BENCH_MYSQL_URL` (`mysql://user:password@host:port`, a server where databases may be made) a private
//! MariaDB is started if there is one, else only SQLite is measured. Fails when a callback fails or takes as long as OSS waits.
//!
//! | module | concern |
//! |---|---|
//! | `database` | databases, with rows that wait for their callback |
//! | `mariadb` | the private server |
//! | `floor` | the same changes of rows, and nothing else |
//! | `desk` | the product as a process |
//! | `load` | callbacks, signed beforehand, over many connections |
//! | `bucket` | what the desk looks at afterwards |
//! | `rounds` | all sides by turns, and their medians |
//! | `report` | tables, bounds, JSON |

#![expect(clippy::cast_precision_loss, reason = "counts and times lie far below 2^52")]

mod bucket;
mod database;
mod desk;
mod floor;
mod load;
mod mariadb;
mod report;
mod rounds;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Rows that change in a round.
    pub(crate) rows: usize,
    /// As long as each is a commit of its own.
    pub(crate) alone: usize,
    pub(crate) rounds: usize,
}

const FULL: Scale = Scale { rows: 12_800, alone: 2000, rounds: 5 };
const SHORT: Scale = Scale { rows: 1280, alone: 400, rounds: 1 };

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let scale = if given("--short") { SHORT } else { FULL };
    let program = arguments.iter().skip_while(|argument| *argument != "--program").nth(1);
    match run(scale, program.map(PathBuf::from)) {
        Ok(report) => {
            if given("--json") {
                println!("{}", report.json());
            } else {
                report.print();
            }
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

fn run(scale: Scale, program: Option<PathBuf>) -> Result<report::Report> {
    let program = program.map_or_else(desk::build, Ok)?;
    let server = mariadb::Server::find()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(rounds::run(scale, &program, server.as_ref().map(mariadb::Server::url)))
}
