//! How long accepted keys took to arrive, for people.

use std::fmt::{self, Write};
use std::time::Duration;

use arrival::stats::{Arrivals, GOAL, Histogram};
use settings::text::printable;
use terminal::layout::{Align, table};
use terminal::numbers::{counted, duration, elapsed};

/// Writes what is known of arrivals, if anything was ever confirmed, sent again or given up.
pub(super) fn write(text: &mut String, arrivals: &Arrivals, width: Option<usize>) -> fmt::Result {
    if arrivals.hours.is_empty() {
        return Ok(());
    }
    let least = if arrivals.complete { "" } else { "at least " };
    writeln!(text, "{least}{} confirmed to have arrived", counted(arrivals.confirmed, "key"))?;
    let rows: Vec<[String; 4]> = [
        ("event to arrival", &arrivals.replication_latency),
        ("event to acceptance", &arrivals.event_to_accepted),
        ("acceptance to arrival", &arrivals.accepted_to_arrived),
    ]
    .into_iter()
    .filter_map(|(name, times)| row(name, times))
    .collect();
    text.write_str(&table([Align::Left, Align::Left, Align::Left, Align::Left], &rows, width))?;
    let within = duration(arrivals.threshold);
    if let Some(share) = arrivals.share_within_threshold {
        writeln!(text, "  {} within {within}; the goal is {}", percent(share), percent(GOAL))?;
    }
    let pending = arrivals.operations_pending_replication;
    if pending > 0 {
        write!(text, "{} accepted and not confirmed yet", counted(pending, "key"))?;
        let late = arrivals.operations_missed_threshold;
        if late > 0 {
            write!(text, ", {} late", counted(late, "key"))?;
        }
        text.write_char('\n')?;
    }
    if let Some(oldest) = &arrivals.oldest_unconfirmed {
        let age = duration(Duration::from_secs(oldest.age_s.unsigned_abs()));
        writeln!(text, "  the oldest for {age}, since {}: {}", oldest.since, printable(&oldest.key))?;
    }
    for (keys, what) in [
        (arrivals.arrived_at_unknown_time, "arrived, and it is not known whether in time"),
        (arrivals.resent, "sent again, since they had not arrived"),
        (arrivals.copied, "copied directly after that"),
        (arrivals.removed, "gone from the source before they arrived"),
        (arrivals.dead, "given up, since they did not arrive"),
    ] {
        if keys > 0 {
            writeln!(text, "{} {what}", counted(keys, "key"))?;
        }
    }
    text.write_char('\n')
}

fn row(name: &str, times: &Histogram) -> Option<[String; 4]> {
    let quantile = |name, share| Some(format!("{name} {}", elapsed(times.quantile(share)?.as_secs_f64())));
    let max = format!("max {}", elapsed(times.max().as_secs_f64()));
    Some([name.to_owned(), quantile("p50", 0.5)?, quantile("p99", 0.99)?, max])
}

/// A share in hundredths of a percent, never rounded up: 100 % are all.
fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0 + 1e-6).floor();
    format!("{:.2} %", hundredths / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_are_a_hundred_percent() {
        let shares = [1.0, 0.999_999, GOAL, 0.5, 0.0].map(percent);
        assert_eq!(shares, ["100.00 %", "99.99 %", "99.99 %", "50.00 %", "0.00 %"]);
    }
}
