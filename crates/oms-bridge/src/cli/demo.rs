//! `demo`: shows the main job without an account.

use std::time::Duration;

use clap::Args;
use fc_adapter::Limits;

use super::{Ended, Exit, exit, print_json, say};
use crate::demo::cloud::{Addresses, LocalCloud};
use crate::demo::story;
use crate::failure::Failure;
use terminal::interrupts::Interrupts;
use terminal::numbers::elapsed;
use terminal::screen::Screen;

/// Shows the main job on a local cloud: uploads, real events, an OMS outage, a replay, and a check that
/// nothing is missing.
///
/// Needs no account. Exits with 0 only if every object arrived.
#[derive(Args)]
#[command(after_help = exit::help("Example:
  oms-bridge demo
  oms-bridge demo --json | jq .arrived"))]
pub(super) struct DemoArgs {
    /// Print one JSON object as the result; the commentary goes to stderr.
    #[arg(long)]
    json: bool,
}

/// Time that the function has for one event: short, so that the outage does not take long.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn run(args: DemoArgs) -> Ended {
    let mut interrupts = Interrupts::of_process();
    let screen = if args.json { Screen::Stderr } else { Screen::Stdout };
    let told = async {
        let cloud = LocalCloud::start(Addresses::from_port(0), Limits::default(), TIMEOUT).await?;
        story::tell(&cloud, screen).await
    };
    let told = tokio::select! {
        told = told => told,
        () = interrupts.next() => {
            say("interrupted: the local cloud is removed with all its data");
            return Ok(Exit::Interrupted);
        }
    };
    let ending = told.map_err(Failure::internal)?;
    screen.line("");
    if ending.is_happy() {
        let (objects, resent, took) = (ending.objects, ending.resent, elapsed(ending.elapsed_s));
        let told = format!("All {objects} objects arrived, {resent} of them after an outage, in {took}.");
        screen.paragraph("", &told);
    } else {
        screen.line(&format!("Only {} of {} objects arrived.", ending.arrived, ending.objects));
    }
    if args.json {
        print_json(&ending);
    }
    Ok(if ending.is_happy() { Exit::Done } else { Exit::SomeFailed })
}
