//! The numbers at the top of the page.

use std::time::Duration;

use arrival::stats::GOAL;
use texts::language::Language;

use crate::amounts::{bytes, count, share, time};
use crate::html::Html;
use crate::report::Report;
use crate::words::{self, Words};

/// A number, what it is, and what is said below it.
struct Card {
    class: &'static str,
    name: Words,
    value: String,
    notes: Vec<Html>,
}

pub(super) fn summary(report: &Report, language: Language) -> Html {
    let cards = cards(report, language);
    let mut list = Html::default();
    for Card { class, name, value, notes } in cards {
        let mut card = Html::default().labelled("dt", "", name.of(language)).labelled("dd", "value", &value);
        for note in notes {
            card = card.element("dd", "note", note);
        }
        list = list.element("div", class, card);
    }
    Html::default()
        .raw("<section aria-labelledby=\"summary\"><h2 id=\"summary\">")
        .text(words::SUMMARY.of(language))
        .raw("</h2>\n")
        .element("dl", "cards", list)
        .raw("</section>\n")
}

fn cards(report: &Report, language: Language) -> Vec<Card> {
    let Report { arrivals, failures, .. } = report;
    let text = |text: &str| Html::default().text(text);
    let said = |words: Words| text(words.of(language));
    let alarming = |count: u64| if count > 0 { "bad" } else { "" };
    let goal = format!("{} {}", words::GOAL.of(language), share(GOAL));
    let within = format!("{} {}", words::WITHIN.of(language), time(arrivals.threshold, language));
    let (verdict, class) = match arrivals.share_within_threshold {
        Some(share) if share >= GOAL => (Some(words::GOAL_MET), "good"),
        Some(_) => (Some(words::GOAL_MISSED), "bad"),
        None => (None, ""),
    };
    let in_time = arrivals.share_within_threshold.map_or_else(|| "–".to_owned(), share);
    let latency = &arrivals.replication_latency;
    let quantile = |share| latency.quantile(share).map(|found| time(found, language));
    let lag = quantile(0.99).map_or_else(|| "–".to_owned(), |p99| format!("p99 {p99}"));
    let lags = match quantile(0.5) {
        Some(p50) => format!("p50 {p50}, {} {}", words::LONGEST.of(language), time(latency.max(), language)),
        None => words::NONE_YET.of(language).to_owned(),
    };
    let pending_bytes = arrivals.bytes_pending_replication.map(bytes);
    let oldest = arrivals.oldest_unconfirmed.as_ref().map(|oldest| (oldest.age_s, &*oldest.key));
    let waiting = failures.oldest.as_ref().map(|oldest| (oldest.age_s, &*oldest.key));
    let late = arrivals.operations_replicated_after_threshold;
    let escalated =
        [(words::RESENT, arrivals.resent), (words::COPIED, arrivals.copied), (words::ARRIVED_LATE, late)]
            .map(|(words, keys)| format!("{} {}", count(keys), words.of(language)))
            .join(", ");
    vec![
        Card {
            class,
            name: words::SHARE,
            value: in_time,
            notes: [Some(text(&goal)), Some(text(&within)), verdict.map(said)]
                .into_iter()
                .flatten()
                .collect(),
        },
        Card { class: "", name: words::LAG, value: lag, notes: vec![text(&lags)] },
        Card {
            class: alarming(arrivals.operations_missed_threshold),
            name: words::MISSED,
            value: count(arrivals.operations_missed_threshold),
            notes: vec![said(words::MISSED_KEYS)],
        },
        Card {
            class: alarming(failures.dead),
            name: words::DEAD,
            value: count(failures.dead),
            notes: vec![said(words::DEAD_KEYS)],
        },
        Card {
            class: "",
            name: words::CONFIRMED,
            value: count(arrivals.confirmed),
            notes: vec![said(words::CONFIRMED_KEYS), text(&escalated)],
        },
        Card {
            class: "",
            name: words::PENDING,
            value: count(arrivals.operations_pending_replication),
            notes: [Some(said(words::PENDING_KEYS)), pending_bytes.as_deref().map(text)]
                .into_iter()
                .flatten()
                .collect(),
        },
        Card {
            class: "",
            name: words::FAILED,
            value: count(failures.waiting),
            notes: vec![said(words::FAILED_KEYS)],
        },
        aged(words::OLDEST_UNCONFIRMED, oldest, language),
        aged(words::OLDEST_WAITING, waiting, language),
    ]
}

/// How long a key has been waiting, and which.
fn aged(name: Words, oldest: Option<(i64, &str)>, language: Language) -> Card {
    let (value, notes) = match oldest {
        Some((age_s, key)) => {
            let age = Duration::from_secs(u64::try_from(age_s).unwrap_or_default());
            (time(age, language), vec![Html::default().labelled("code", "", key)])
        }
        None => (words::NOBODY.of(language).to_owned(), Vec::new()),
    };
    Card { class: "", name, value, notes }
}
