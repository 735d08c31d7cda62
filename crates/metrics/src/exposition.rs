//! Metrics as text.

use std::fmt::{self, Write as _};

use crate::names::{Kind, Metric, PREFIX};
use crate::values::Buckets;

/// Metrics as text, in the order in which they are added. All values of one metric stand together, whenever
/// they were added, as readers require.
#[derive(Debug, Default)]
pub struct Exposition(Vec<Family>);

/// A metric and its values.
#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    samples: String,
}

/// A value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Whole(u64),
    /// An amount, such as of seconds.
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}

impl Exposition {
    /// Adds a metric without labels.
    pub fn add(&mut self, metric: &'static Metric, value: impl Into<Value>) {
        self.add_of(metric, [], value);
    }

    /// Adds a value of a metric with the values of its labels, in the order of [`Metric::labels`].
    pub fn add_of<const N: usize>(
        &mut self,
        metric: &'static Metric,
        labels: [&str; N],
        value: impl Into<Value>,
    ) {
        debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
        let labels: Vec<_> = metric.labels.iter().copied().zip(labels).collect();
        self.sample(metric, "", &labels, value.into());
    }

    /// Adds a histogram without labels.
    pub fn histogram(&mut self, metric: &'static Metric, buckets: &Buckets) {
        self.histogram_of(metric, [], buckets);
    }

    /// Adds a histogram with the values of its labels, in the order of [`Metric::labels`].
    pub fn histogram_of<const N: usize>(
        &mut self,
        metric: &'static Metric,
        labels: [&str; N],
        buckets: &Buckets,
    ) {
        debug_assert_eq!((metric.kind, metric.labels.len()), (Kind::Histogram, N), "{}", metric.name);
        let labels: Vec<_> = metric.labels.iter().copied().zip(labels).collect();
        let mut seen = 0;
        let bounds = buckets.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&buckets.counts) {
            seen += count;
            let labels: Vec<_> = labels.iter().copied().chain([("le", &*bound)]).collect();
            self.sample(metric, "_bucket", &labels, seen.into());
        }
        self.sample(metric, "_sum", &labels, buckets.sum.into());
        self.sample(metric, "_count", &labels, seen.into());
    }

    fn sample(&mut self, metric: &'static Metric, suffix: &str, labels: &[(&str, &str)], value: Value) {
        let place = self.0.iter().position(|family| family.metric.name == metric.name);
        let place = place.unwrap_or_else(|| {
            self.0.push(Family { metric, samples: String::new() });
            self.0.len() - 1
        });
        let text = &mut self.0[place].samples;
        // Writing to a string does not fail.
        let _ = write!(text, "{PREFIX}{}{suffix}", metric.name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(text, "{before}{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// The text.
    pub fn into_text(self) -> String {
        let mut text = String::new();
        for Family { metric: Metric { name, kind, help, .. }, samples } in self.0 {
            let _ = writeln!(text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
            text.push_str(&samples);
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{BUILD_INFO, EVENT_TO_ACCEPTED, KEYS_ACCEPTED, MESSAGES_IN_FLIGHT, RUN_KEYS};

    #[test]
    fn each_metric_has_help_and_type() {
        let mut metrics = Exposition::default();
        metrics.add(&KEYS_ACCEPTED, 42_u64);
        metrics.add(&MESSAGES_IN_FLIGHT, 3_usize);
        assert_eq!(
            metrics.into_text(),
            "# HELP oms_bridge_keys_accepted_total Keys accepted by the engine.\n\
             # TYPE oms_bridge_keys_accepted_total counter\n\
             oms_bridge_keys_accepted_total 42\n\
             # HELP oms_bridge_messages_in_flight Messages being worked on.\n\
             # TYPE oms_bridge_messages_in_flight gauge\n\
             oms_bridge_messages_in_flight 3\n"
        );
    }

    #[test]
    fn values_of_one_metric_stand_together_and_labels_are_escaped() {
        let mut metrics = Exposition::default();
        metrics.add_of(&RUN_KEYS, ["copy", "photos", "copied"], 2_u64);
        metrics.add_of(&BUILD_INFO, ["1\"\\\n"], 1_u64);
        metrics.add_of(&RUN_KEYS, ["copy", "photos", "failed"], 0_u64);
        let text = metrics.into_text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "oms_bridge_run_keys{command=\"copy\",run=\"photos\",outcome=\"copied\"} 2",
                "oms_bridge_run_keys{command=\"copy\",run=\"photos\",outcome=\"failed\"} 0",
                r#"oms_bridge_build_info{version="1\"\\\n"} 1"#,
            ]
        );
        assert_eq!(text.matches("# TYPE oms_bridge_run_keys ").count(), 1);
    }

    #[test]
    fn the_buckets_of_a_histogram_add_up() {
        let mut metrics = Exposition::default();
        let buckets = Buckets { bounds: vec![0.5, 900.0], counts: vec![1, 2, 3], sum: 5000.25 };
        metrics.histogram(&EVENT_TO_ACCEPTED, &buckets);
        let text = metrics.into_text();
        let lines: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("oms_bridge_event_to_accepted_seconds"))
            .collect();
        let expected = [
            "_bucket{le=\"0.5\"} 1",
            "_bucket{le=\"900\"} 3",
            "_bucket{le=\"+Inf\"} 6",
            "_sum 5000.25",
            "_count 6",
        ];
        assert_eq!(lines, expected);
    }
}
