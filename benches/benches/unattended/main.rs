//! A deployed function that nobody looks after, while nearly everything goes wrong that can.
//!
//! `cargo bench -p bench --bench unattended [-- [--short] [--uploads N] [--minutes N] [--kills N] [--seed N]
//! [--program FILE] [--page FILE]]`. `benches/README.md` says what happens. Fails when at the end source and
//! destination differ in a single byte, or what the product says of it is not what happened.
//!
//! | module | concern |
//! |---|---|
//! | `scale` | what is done, and when |
//! | `objects` | what is uploaded |
//! | `cloud` | OSS, OBS and OMS, and their clock |
//! | `function` | the function: started, killed, invoked by timers |
//! | `ledger` | what happened at the clouds |
//! | `drive` | the run |
//! | `product` | commands of the product |
//! | `proof` | whether both sides are equal, and whether the product says what happened |
//! | `report` | the figures |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod cloud;
mod drive;
mod function;
mod ledger;
mod objects;
mod product;
mod proof;
mod report;
mod scale;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::Result;

use self::product::Product;
use self::scale::Scale;

struct Arguments {
    scale: Scale,
    program: Option<PathBuf>,
    /// Where the page is kept.
    page: Option<PathBuf>,
}

fn arguments() -> Result<Arguments> {
    let mut scale = Scale::FULL;
    let (mut program, mut page) = (None, None);
    let mut given = env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or(format!("{name} needs a value"));
        match &*name {
            "--short" => scale = Scale::SHORT,
            "--uploads" => scale.uploads = value()?.parse()?,
            "--minutes" => scale.minutes = value()?.parse()?,
            "--kills" => scale.kills = value()?.parse()?,
            "--seed" => scale.seed = value()?.parse()?,
            "--program" => program = Some(PathBuf::from(value()?)),
            "--page" => page = Some(PathBuf::from(value()?)),
            // Given by cargo.
            "--bench" => {}
            other => return Err(format!("{other} is not an option").into()),
        }
    }
    if scale.minutes < scale.outage.end {
        return Err(format!("--minutes: at least {}", scale.outage.end).into());
    }
    Ok(Arguments { scale, program, page })
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

async fn run() -> Result<()> {
    let Arguments { scale, program, page } = arguments()?;
    let product = match program {
        Some(program) => Product::at(program),
        None => Product::build()?,
    };
    let driven = drive::run(&product, &scale).await?;
    let proof = proof::of(&product, &scale, &driven, page.as_deref()).await?;
    report::print(&scale, &driven, &proof);
    proof.verdict()
}
