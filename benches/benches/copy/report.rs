//! Tables for people, an object for programs, and what is so far off that it must not pass.

use oss_lite::Dialect;
use serde_json::json;

use crate::measure::{Row, Table};
use crate::scale::Scale;
use crate::scene::Load;
use crate::side::{CONCURRENCY, Side};

/// Rates as multiples of the floor's, or of a peer's with the same settings.
const LARGE_AIM: f64 = 0.9;
const SMALL_AIM: f64 = 0.8;
const RCLONE_AIM: f64 = 1.0;
const JUICEFS_AIM: f64 = 1.0;

/// Less is a defect and not the neighbours' noise.
const FAR_OFF: f64 = 0.5;

/// The memory of a copy: so much for each stream, and for the rest.
const STREAM_MIB: usize = 1;
const REST_MIB: usize = 16;

/// More memory is a defect.
const MOST_MIB: f64 = 48.0;

/// All that was measured.
pub(crate) struct Report {
    tables: Vec<Table>,
    scale: Scale,
    /// Niceness of everything that took part.
    niceness: i32,
    output: Output,
}

/// What goes to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

impl Report {
    pub(crate) fn new(scale: Scale, niceness: i32, output: Output) -> Self {
        if output == Output::Text {
            println!("Medians of {} runs by turns; niceness {niceness}.", scale.rounds);
        }
        Self { tables: Vec::new(), scale, niceness, output }
    }

    /// Takes a table, and shows it.
    pub(crate) fn add(&mut self, table: Table) {
        if self.output == Output::Text {
            println!("\n{}", table.title);
            println!(
                "{:<34}{:>9}{:>11}{:>9}{:>11}{:>9}{:>10}{:>8}  aim",
                "",
                "seconds",
                if table.objects == 1 { "MiB/s" } else { "objects/s" },
                "CPU s",
                "cloud CPU",
                "RSS MiB",
                "requests",
                "ratio"
            );
            for row in &table.rows {
                print(&table, row);
            }
        }
        self.tables.push(table);
    }

    pub(crate) fn finish(&self) {
        match self.output {
            Output::Json => {
                let Self { tables, scale, niceness, .. } = self;
                println!("{}", json!({"tables": tables, "scale": scale, "niceness": niceness}));
            }
            Output::Text if self.tables.iter().all(|table| table.task.from == Dialect::Oss) => {
                println!("\nrclone is not installed: no comparison.");
            }
            Output::Text => {}
        }
    }

    /// What must not pass.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for table in &self.tables {
            for row in table.rows.iter().filter(|row| row.side.is_product()) {
                // What the HTTP client costs is no defect of the product.
                let client = table.rows.iter().find(|row| row.side == Side::ClientFloor);
                let beside = client.unwrap_or(&table.rows[0]);
                let rate = beside.usage.seconds / row.usage.seconds;
                if rate < FAR_OFF {
                    broken.push(format!(
                        "{}: {} has {rate:.2} x the rate of {}",
                        table.title, row.name, beside.name
                    ));
                }
                if row.usage.peak_rss_mib > MOST_MIB {
                    let mib = row.usage.peak_rss_mib;
                    broken.push(format!("{}: {} took {mib:.1} MiB of memory", table.title, row.name));
                }
            }
        }
        broken
    }
}

fn aim(table: &Table, row: &Row) -> Option<f64> {
    let beside_juicefs = table.rows[0].side == Side::Juicefs;
    match (table.task.from, table.task.load, row.side) {
        (_, Load::Sparse, _) => None,
        (_, _, Side::Product) if beside_juicefs => Some(JUICEFS_AIM),
        (Dialect::Oss, Load::Large, Side::OneStream | Side::Product) => Some(LARGE_AIM),
        (Dialect::Oss, Load::Small, Side::Product) => Some(SMALL_AIM),
        (Dialect::Obs, _, Side::Product) => Some(RCLONE_AIM),
        _ => None,
    }
}

fn print(table: &Table, row: &Row) {
    let Row { name, usage, cloud_cpu_s, requests, ratio, .. } = row;
    let amount =
        if table.objects == 1 { table.bytes as f64 / f64::from(1 << 20) } else { table.objects as f64 };
    let mut aims: Vec<String> =
        aim(table, row).map(|aim| verdict(*ratio >= aim, &format!("{aim} x"))).into_iter().collect();
    if row.side.is_product() {
        let bound = CONCURRENCY * STREAM_MIB + REST_MIB;
        aims.push(verdict(usage.peak_rss_mib <= bound as f64, &format!("{bound} MiB")));
    }
    println!(
        "{name:<34}{:>9.2}{:>11.0}{:>9.2}{cloud_cpu_s:>11.2}{:>9.1}{requests:>10}{ratio:>8.2}  {}",
        usage.seconds,
        amount / usage.seconds,
        usage.cpu_s,
        usage.peak_rss_mib,
        aims.join(", ")
    );
}

fn verdict(met: bool, aim: &str) -> String {
    format!("{aim}: {}", if met { "met" } else { "MISSED" })
}
