//! Writes a page of made-up numbers to stdout, or the numbers:
//! `cargo run -p arrival-report --example arrival_page en|zh|json`.

use std::env;
use std::time::Duration;

use arrival::stats::{Arrivals, GOAL, Hour};
use arrival_report::{AgeBand, FailureKind, Failures, Report, page};
use chrono::{DateTime, TimeDelta, Utc};
use texts::language::Language;

fn main() {
    let report = made_up();
    match env::args().nth(1).as_deref() {
        Some("json") => println!("{}", serde_json::to_string(&report).unwrap_or_default()),
        Some("zh") => print!("{}", page(&report, Language::Chinese)),
        _ => print!("{}", page(&report, Language::English)),
    }
}

/// Two days: most keys take seconds, one in a hundred ten minutes more; every fifth hour some are late, every
/// fourth some fail.
fn made_up() -> Report {
    let now: DateTime<Utc> = DateTime::from_timestamp(1_767_607_200, 0).unwrap_or_default();
    let mut arrivals = Arrivals { complete: true, threshold: Duration::from_mins(15), ..Arrivals::default() };
    let mut failures = Failures { waiting: 120, complete: true, ..Failures::default() };
    failures.by_class = vec![(FailureKind::Transient, 110), (FailureKind::Permanent, 10)];
    failures.by_age = vec![(AgeBand::Under1Hour, 10), (AgeBand::Under1Day, 50), (AgeBand::Under1Week, 60)];
    for ago in 0..48_i32 {
        let hour = now - TimeDelta::hours(1) * ago;
        let late = if ago % 5 == 0 { 20 } else { 0 };
        let mut counts = Hour { confirmed: 100, late, ..Hour::default() };
        for key in 0..100_u64 {
            let time = Duration::from_secs(2 + key % 7 * 5 + if key >= 98 { 600 } else { 0 });
            counts.latency.record(time);
            arrivals.replication_latency.record(time);
        }
        arrivals.confirmed += counts.confirmed;
        arrivals.hours.insert(hour, counts);
        if ago % 4 == 0 {
            failures.hours.insert(hour, 10);
        }
    }
    arrivals.confirmed_by.crc64 = arrivals.confirmed;
    arrivals.share_within_threshold = Some(GOAL);
    let (task, log_bucket) = ("0123456789abcdef".to_owned(), "logs".to_owned());
    Report { checked_at: now, task, log_bucket, arrivals, failures, reconciled: None, reconcile: None }
}
