//! The table for people and the object for programs.

use serde_json::{Value, json};

use crate::load::Cost;
use crate::measure::{CONNECTIONS, Figures, ROUNDS, STARTS};

/// Aims, as multiples of the floor and as bounds.
const START_AIM: f64 = 1.6;
const CPU_AIM: f64 = 1.35;
const BINARY_AIM: f64 = 8.0;
const MEMORY_AIM: f64 = 16.0;

/// All that was measured.
pub(crate) struct Report {
    pub(crate) product: Figures,
    pub(crate) floor: Figures,
    /// One after another, and at once.
    pub(crate) local_cloud: [Cost; 2],
    /// Niceness of everything that took part.
    pub(crate) niceness: i32,
}

impl Report {
    pub(crate) fn json(&self) -> Value {
        let cost =
            |cost: &Cost| json!({"cpu_per_event_us": cost.cpu_micros(), "events_per_second": cost.rate()});
        let [sequential, concurrent] = &self.local_cloud;
        json!({
            "product": self.product,
            "floor": self.floor,
            "ratio": {
                "start_to_first_reply": self.ratio(|figures| figures.start_to_first_reply_ms),
                "start_cpu": self.ratio(|figures| figures.start_cpu_ms),
                "cpu_per_event": self.ratio(|figures| figures.cpu_per_event_us),
                "cpu_per_event_concurrent": self.ratio(|figures| figures.cpu_per_event_concurrent_us),
            },
            "local_cloud": {"sequential": cost(sequential), "concurrent": cost(concurrent)},
            "niceness": self.niceness,
        })
    }

    pub(crate) fn print(&self) {
        println!(
            "Medians of {STARTS} starts and of {ROUNDS} servers under load, by turns, after one dry run each."
        );
        println!(
            "Servers on a CPU of their own, load and sinks on another; niceness {}; {CONNECTIONS} connections where concurrent.\n",
            self.niceness
        );
        println!("{:<44}{:>10}{:>10}{:>8}  aim", "", "product", "floor", "ratio");
        self.row("exec to first reply, ms", |f| f.start_to_first_reply_ms, Some(START_AIM));
        self.row("  the best of all, ms", |f| f.start_to_first_reply_best_ms, None);
        self.row("  exec to listening, ms", |f| f.start_to_listening_ms, None);
        self.row("  CPU until idle after it, ms", |f| f.start_cpu_ms, None);
        self.row("CPU per event, us", |f| f.cpu_per_event_us, Some(CPU_AIM));
        self.row("  the best of all, us", |f| f.cpu_per_event_best_us, None);
        self.row("  concurrent, us", |f| f.cpu_per_event_concurrent_us, Some(CPU_AIM));
        self.row("events per second", |f| f.events_per_second, None);
        self.row("  concurrent", |f| f.events_per_second_concurrent, None);
        self.row("requests to OMS per event", |f| f.oms_requests_per_event, None);
        self.row("  concurrent", |f| f.oms_requests_per_event_concurrent, None);
        self.row("requests to OSS per event", |f| f.oss_requests_per_event, None);
        self.row("bytes sent per event", |f| f.bytes_sent_per_event, None);
        self.row("connections opened", |f| f.connections, None);
        self.row("  once concurrent", |f| f.connections_concurrent, None);
        self.bound("binary, MiB", |f| f.binary_mib, BINARY_AIM);
        self.bound("peak memory, MiB", |f| f.peak_memory_mib, MEMORY_AIM);
        println!("\nProduct against a local cloud that verifies every signature, on the CPU of the load:");
        for (how, cost) in ["one after another", "concurrent"].iter().zip(&self.local_cloud) {
            println!(
                "  {how:<20}{:>8.1} us CPU per event{:>10.0} events per second",
                cost.cpu_micros(),
                cost.rate()
            );
        }
    }

    fn ratio(&self, pick: fn(&Figures) -> f64) -> f64 {
        pick(&self.product) / pick(&self.floor)
    }

    fn row(&self, name: &str, pick: fn(&Figures) -> f64, aim: Option<f64>) {
        let ratio = self.ratio(pick);
        let aim = aim.map(|aim| verdict(ratio <= aim, &format!("{aim} x floor"))).unwrap_or_default();
        let (product, floor) = (pick(&self.product), pick(&self.floor));
        println!("{name:<44}{product:>10.2}{floor:>10.2}{ratio:>8.2}  {aim}");
    }

    fn bound(&self, name: &str, pick: fn(&Figures) -> f64, aim: f64) {
        let (product, floor) = (pick(&self.product), pick(&self.floor));
        let aim = verdict(product < aim, &format!("under {aim}"));
        println!("{name:<44}{product:>10.2}{floor:>10.2}{:>8}  {aim}", "");
    }
}

fn verdict(met: bool, aim: &str) -> String {
    format!("{aim}: {}", if met { "met" } else { "MISSED" })
}
