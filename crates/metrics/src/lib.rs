//! Counters, and the text format of Prometheus,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
//!
//! Not by the crate `prometheus-client`: it writes `OpenMetrics`, where the type of a counter is declared
//! under another name and the text ends with a line of its own.

#![warn(missing_docs)]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The media type of the text format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The number by now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicUsize);

/// Keeps a [`Gauge`] up.
#[derive(Debug)]
pub struct Raised<'g> {
    gauge: &'g Gauge,
    by: usize,
}

impl Gauge {
    /// Raises it until the guard is dropped.
    pub fn add(&self, by: usize) -> Raised<'_> {
        self.0.fetch_add(by, Ordering::Relaxed);
        Raised { gauge: self, by }
    }

    /// The number by now.
    pub fn value(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.by, Ordering::Relaxed);
    }
}

/// Metrics as text, in the order in which they are added.
#[derive(Debug)]
pub struct Exposition {
    prefix: &'static str,
    text: String,
}

impl Exposition {
    /// No metrics yet; the name of each will start with `prefix`.
    pub fn new(prefix: &'static str) -> Self {
        Self { prefix, text: String::new() }
    }

    /// Adds a number that only grows. Its name ends with `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric("counter", &format!("{name}_total"), help, value);
    }

    /// Adds a number that may fall.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.metric("gauge", name, help, value);
    }

    fn metric(&mut self, kind: &str, name: &str, help: &str, value: u64) {
        let prefix = self.prefix;
        let lines = format_args!(
            "# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}\n{prefix}{name} {value}"
        );
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{lines}");
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_help_and_type() {
        let requests = Counter::default();
        requests.increment();
        requests.add(41);
        let mut metrics = Exposition::new("bridge_");
        metrics.counter("requests", "Requests made.", requests.value());
        metrics.gauge("in_flight", "Messages in flight.", 3);
        assert_eq!(
            metrics.into_text(),
            "# HELP bridge_requests_total Requests made.\n\
             # TYPE bridge_requests_total counter\n\
             bridge_requests_total 42\n\
             # HELP bridge_in_flight Messages in flight.\n\
             # TYPE bridge_in_flight gauge\n\
             bridge_in_flight 3\n"
        );
    }
}
