//! The page of made-up numbers.

use arrival::rounds::{Counts, Round, RoundState, Scope};
use arrival::stats::OldestUnconfirmed;

use super::*;
use crate::reconciled::Reconciled;
use crate::report::{AgeBand, FailureKind, Failures, OldestWaiting};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&\u{202e}";

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn full() -> Report {
    let mut arrivals = Arrivals { complete: true, threshold: Duration::from_mins(15), ..Arrivals::default() };
    for (hour, seconds) in [("2026-01-05T07:00:00Z", [3, 4]), ("2026-01-05T09:00:00Z", [30, 1800])] {
        let mut counts = Hour { confirmed: 2, resent: 1, ..Hour::default() };
        for seconds in seconds {
            let time = Duration::from_secs(seconds);
            counts.latency.record(time);
            counts.late += u64::from(time > arrivals.threshold);
            arrivals.replication_latency.record(time);
            arrivals.confirmed += 1;
        }
        arrivals.hours.insert(at(hour), counts);
    }
    arrivals.confirmed_by.crc64 = 4;
    arrivals.share_within_threshold = Some(0.75);
    arrivals.operations_missed_threshold = 1;
    arrivals.oldest_unconfirmed =
        Some(OldestUnconfirmed { key: HOSTILE.to_owned(), since: String::new(), age_s: 3700 });
    let failures = Failures {
        waiting: 3,
        complete: true,
        dead: 1,
        by_class: vec![(FailureKind::Auth, 3)],
        by_age: vec![(AgeBand::Under1Hour, 3)],
        oldest: Some(OldestWaiting { key: HOSTILE.to_owned(), age_s: 60 }),
        reasons: vec![(HOSTILE.to_owned(), 3)],
        hours: [(at("2026-01-05T08:00:00Z"), 3)].into(),
    };
    let reconciled = Reconciled::read(format!("= a\n+ {HOSTILE}\n").as_bytes()).unwrap();
    let round = Round {
        scope: Scope {
            source: format!("oss://photos/{HOSTILE}"),
            destination: "obs://mirror/".to_owned(),
            ..Scope::default()
        },
        began: Some(at("2026-01-05T08:00:00Z")),
        ended: Some(at("2026-01-05T09:00:00Z")),
        slices: 2,
        counts: Counts { compared: 1250, equal: 1234, missing: 16, sent: 16, ..Counts::default() },
    };
    Report {
        checked_at: at("2026-01-05T10:20:30Z"),
        task: "0123abcd".to_owned(),
        log_bucket: "logs".to_owned(),
        arrivals,
        failures,
        reconciled: Some(reconciled),
        reconcile: Some(RoundState { last: Some(round), ..RoundState::default() }),
    }
}

#[test]
fn nothing_is_loaded_and_no_key_becomes_markup() {
    for language in [Language::English, Language::Chinese] {
        let page = page(&full(), language);
        for part in ["http", "//", "url(", "<script", "<link", "<img", "@import", "onerror=alert(1)>"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\\u{202e}"), "{page}");
    }
}

#[test]
fn hours_have_no_gaps_and_an_end() {
    let mut report = full();
    let shown: Vec<_> = hours(&report).iter().map(|hour| hour.format("%H").to_string()).collect();
    assert_eq!(shown, ["07", "08", "09", "10"]);
    report.failures.hours.insert(at("2020-01-05T08:00:00Z"), 1);
    // A clock that was ahead.
    report.failures.hours.insert(at("2030-01-05T08:00:00Z"), 1);
    assert_eq!(hours(&report).len(), HOURS);
    assert_eq!(hours(&report).last(), Some(&at("2026-01-05T10:00:00Z")));
    let empty = Report { arrivals: Arrivals::default(), failures: Failures::default(), ..full() };
    assert_eq!(hours(&empty), [at("2026-01-05T10:00:00Z")]);
}

#[test]
fn each_plot_has_a_title_a_description_and_its_numbers() {
    let page = page(&full(), Language::English);
    assert_eq!(page.matches("<svg role=\"img\"").count(), 2, "{page}");
    for id in ["lag", "outcomes"] {
        for part in [format!("<title id=\"{id}-title\">"), format!("<desc id=\"{id}-description\">")] {
            assert!(page.contains(&part), "{part}");
        }
    }
    // By hour: p50 and p99 of 07 and 09, and outcomes of 07, 08 and 09.
    assert_eq!(page.matches("<th scope=\"row\">01-05 0").count(), 5, "{page}");
    for value in ["75 %", "goal missed", "within 15 min", "1 h 1 min", "p50 4."] {
        assert!(page.contains(value), "{value}");
    }
}

#[test]
fn the_last_round_of_the_timer_is_shown() {
    let english = page(&full(), Language::English);
    for value in ["1,234", "missing or different, sent", "mirror/", "2026-01-05T09:00:00Z"] {
        assert!(english.contains(value), "{value}: {english}");
    }
    assert!(page(&full(), Language::Chinese).contains("缺失或不同，已发送"));
    // One that is not over says nothing of all keys.
    let current = full().reconcile.and_then(|state| state.last);
    let state = RoundState { current, ..RoundState::default() };
    let begun = Report { reconcile: Some(state), ..full() };
    assert!(!page(&begun, Language::English).contains("missing or different, sent"));
}

#[test]
fn a_page_of_nothing_says_so() {
    let report = Report {
        arrivals: Arrivals { complete: true, ..Arrivals::default() },
        failures: Failures { complete: true, ..Failures::default() },
        reconciled: None,
        reconcile: None,
        ..full()
    };
    let page = page(&report, Language::Chinese);
    assert!(page.contains("<html lang=\"zh-CN\">") && !page.contains("<svg"), "{page}");
    assert!(page.contains("没有可显示的内容。") && page.contains("尚无已确认的键"), "{page}");
    assert!(!page.contains("notice\""), "{page}");
}

#[test]
fn numbers_that_are_lower_bounds_are_called_so() {
    let report = Report { failures: Failures { complete: false, ..full().failures }, ..full() };
    assert!(page(&report, Language::English).contains("the numbers are lower bounds"));
}
