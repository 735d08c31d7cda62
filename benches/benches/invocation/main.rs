//! What an invocation costs, beside what it must cost at least.
//!
//! `cargo bench -p bench --bench invocation [-- [--json] [--programs FOLDER]]`. `benches/README.md` says what is measured and
//! how to read it.
//!
//! | module | concern |
//! |---|---|
//! | `subject` | product and floor: built, configured |
//! | `process` | a server under measurement |
//! | `load` | invocations, of `bench::function` |
//! | `measure` | the rounds and their medians |
//! | `report` | table and JSON |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod cpu;
mod load;
mod measure;
mod process;
mod report;
mod subject;

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use bench::function::event::{self, Role};

use self::measure::Sinks;
use self::report::Report;
use self::subject::{Programs, Services, Subject};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let folder = arguments.iter().skip_while(|argument| *argument != "--programs").nth(1);
    match run(folder.map(Path::new)) {
        Ok(report) if arguments.iter().any(|argument| argument == "--json") => {
            println!("{}", report.json());
            ExitCode::SUCCESS
        }
        Ok(report) => {
            report.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(programs: Option<&Path>) -> io::Result<Report> {
    if !cpu::two_available()? {
        return Err(io::Error::other("needs CPUs 0 and 1: one for the servers, one for the load"));
    }
    let programs = match programs {
        Some(folder) => Programs::in_folder(folder),
        None => Programs::build()?,
    };
    let niceness = cpu::take_precedence();
    cpu::pin(cpu::LOAD)?;
    let sinks = Sinks::start()?;
    let role = Role::example();
    let product = Subject::product(&programs.product, Services::sinks(&sinks.oms, &sinks.oss));
    // The dry run also gives the requests that the floor repeats.
    product.start(&event::request(0, &role))?;
    let floor = Subject::floor(&programs.floor, &sinks.oms, &sinks.oss)?;
    floor.start(&event::request(0, &role))?;
    let [product, floor] = measure::compare([&product, &floor], &sinks, &role)?;
    let local_cloud = measure::against_local_cloud(&programs.product)?;
    Ok(Report { product, floor, local_cloud, niceness })
}
