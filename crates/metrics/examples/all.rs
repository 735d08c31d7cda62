//! Prints every metric once, with made-up values: for `promtool check metrics`.

use std::time::Duration;

use metrics::{Exposition, Histogram, Kind, names};

fn main() {
    let histogram = Histogram::default();
    histogram.observe(Duration::from_secs(2));
    let mut metrics = Exposition::default();
    for metric in names::ALL {
        match (metric.kind, metric.labels.len()) {
            (Kind::Histogram, 0) => metrics.histogram(metric, &histogram.buckets()),
            (Kind::Histogram, _) => metrics.histogram_of(metric, ["a"], &histogram.buckets()),
            (_, 0) => metrics.add(metric, 1_u64),
            (_, 1) => metrics.add_of(metric, ["a"], 1_u64),
            (_, 2) => metrics.add_of(metric, ["a", "b"], 1_u64),
            (_, _) => metrics.add_of(metric, ["a", "b", "c"], 1_u64),
        }
    }
    print!("{}", metrics.into_text());
}
