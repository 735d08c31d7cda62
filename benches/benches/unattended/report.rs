//! The figures of a run.

use chrono::TimeDelta;

use crate::drive::Driven;
use crate::proof::{Proof, failed_silently};
use crate::scale::{Action, Scale};

pub(crate) fn print(scale: &Scale, driven: &Driven, proof: &Proof) {
    let row = |name: &str, value: String| println!("{name:<52}{value:>12}");
    let count = |name: &str, value: u64| row(name, value.to_string());
    let (ledger, usage) = (&driven.ledger, driven.usage);
    println!(
        "{} uploads in {} minutes by the clouds' clock, seed {}",
        scale.uploads, scale.minutes, scale.seed
    );
    println!("what was done");
    count("  keys", proof.sides.keys);
    count("  events that never reached the function", driven.dropped);
    count("  accepted by OMS", ledger.sum(|seen| seen.accepted));
    count("    of these not copied, without a word", ledger.sum(|seen| seen.silent));
    count("    keys that this happened to", failed_silently(ledger));
    count("  minutes in which OMS was down", scale.outage.len() as u64);
    count("  kills of the function", driven.kills.all);
    count("    while it waited for an answer", driven.kills.under_way);
    count("  invocations for events that failed", ledger.event_retries);
    count("  events that the platform gave up", ledger.events_failed);
    println!("what the timers did");
    for action in Action::ALL {
        let timer = driven.timers[action as usize];
        let runs = format!("  {}: runs, requests, keys sent", action.name());
        row(&runs, format!("{}, {}, {}", timer.runs, timer.requests, timer.sent));
    }
    println!("how it ended");
    count("  equal, by the content of both buckets", proof.sides.keys - proof.sides.wrong() as u64);
    count("  equal by `reconcile --check content`", proof.reconciled["equal"].as_u64().unwrap_or_default());
    row("  after the last upload", minutes(TimeDelta::minutes(i64::from(driven.minutes - scale.minutes))));
    count("  sent again by `confirm`", proof.arrivals("resent"));
    count("  copied directly by `confirm`", proof.arrivals("copied"));
    count("  given up", proof.arrivals("dead"));
    count("  late, by the times of both buckets", proof.sides.late.len() as u64);
    count("    and sent by a replay, which does not know how late", proof.unknown);
    count("  late, by `status` and the page", proof.arrivals("operations_replicated_after_threshold"));
    row("  lag: median, p99, longest", proof.sides.lags.map(minutes).join(", "));
    println!("what it cost");
    count("  requests while events came", driven.requests_of_events);
    row("  CPU of the function, seconds", format!("{:.1}", usage.cpu_s));
    row("  most memory of the function, MiB", format!("{:.1}", usage.peak_rss_mib));
    row("  seconds by the machine's clock", format!("{:.0}", driven.seconds));
}

fn minutes(time: TimeDelta) -> String {
    format!("{} min", time.num_minutes())
}
