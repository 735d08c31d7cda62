//! The comparison, in a process of its own, so that its memory is its own.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use inventory::{Files, Inventory, Options, Place};
use object_copy::stop::Stop;
use object_copy::transfer::Flow;
use reconcile::listing::{InventoryListing, Listing};
use reconcile::{Check, Comparison, Finding, Observer, Records, Side, Totals};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::scene::Scene;

/// What the process reports.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Compared {
    pub(crate) seconds: f64,
    /// Most memory that it had at a time.
    pub(crate) memory_kib: u64,
    /// Keys that differ.
    pub(crate) found: u64,
    /// Bytes that were written to temporary files.
    pub(crate) spilled: u64,
}

struct Nobody;

impl Observer for Nobody {
    async fn found(&mut self, _: Vec<Finding>) {}

    fn counted(&mut self, _: &Totals) {}
}

#[tokio::main]
pub(crate) async fn child(scene: Scene, folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let place = Place::Local(folder.join("manifest.json"));
    let inventory = Inventory::open(Files::Local, &place).await?;
    let options = Options { temporary: folder.to_owned(), ..Options::default() };
    let listing = InventoryListing::new(inventory, options);
    let held = listing.clone();
    let comparison = Comparison {
        source: side(Arc::new(listing)),
        destination: side(Arc::new(scene)),
        check: Check::Listing,
        filter: None,
        since: None,
        started: Utc::now(),
        requests: 2,
        wants_equal: false,
        flow: Flow::default(),
    };
    let outcome = reconcile::run(comparison, Records::default(), &mut Nobody, &Stop::default()).await;
    if let Some(error) = outcome.stopped {
        return Err(error.into());
    }
    let Totals { equal, different, missing, extra, .. } = outcome.totals;
    if equal + different != scene.rows || missing + extra > 0 {
        return Err(format!("{:?}", outcome.totals).into());
    }
    let compared = Compared {
        seconds: begun.elapsed().as_secs_f64(),
        memory_kib: memory()?,
        found: different,
        spilled: held.held().unwrap_or_default().summary.spilled,
    };
    serde_json::to_writer(io::stdout().lock(), &compared)?;
    Ok(())
}

fn side(listing: Arc<dyn Listing>) -> Side {
    Side { name: "side".into(), prefix: String::new(), listing, objects: None, own: Vec::new() }
}

fn memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?)
}
