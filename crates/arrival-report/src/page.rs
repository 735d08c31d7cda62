//! The page.

mod summary;
mod tables;

use std::time::Duration;

use arrival::stats::{Arrivals, Hour};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use settings::text;
use texts::language::Language;

use self::summary::summary;
use self::tables::{ages, classes, compared, proofs, round};
use crate::html::Html;
use crate::plot::{self, Caption, Series};
use crate::report::{HOURS, Report};
use crate::words;

const STYLE: &str = include_str!("page/page.css");

/// The page of a report in a language.
pub fn page(report: &Report, language: Language) -> String {
    let code = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let title = words::TITLE.of(language);
    let head = Html::default()
        .raw("<meta charset=\"utf-8\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
        .labelled("title", "", &format!("{title} – {}", report.task))
        .raw("<style>\n")
        .raw(STYLE)
        .raw("</style>\n");
    let body = Html::default().element("header", "", header(report, language)).element(
        "main",
        "",
        main(report, language),
    );
    Html::default()
        .raw("<!DOCTYPE html>\n<html lang=\"")
        .raw(code)
        .raw("\">\n")
        .element("head", "", head)
        .element("body", "", body)
        .raw("</html>\n")
        .into_text()
}

fn header(report: &Report, language: Language) -> Html {
    let checked_at = text::time(report.checked_at);
    let mut list = Html::default();
    for (name, value) in [
        (words::TASK, &report.task),
        (words::LOG_BUCKET, &report.log_bucket),
        (words::CHECKED_AT, &checked_at),
    ] {
        let pair = Html::default().labelled("dt", "", name.of(language)).labelled("dd", "", value);
        list = list.element("div", "", pair);
    }
    let header = Html::default().labelled("h1", "", words::TITLE.of(language)).element("dl", "facts", list);
    if report.arrivals.complete && report.failures.complete {
        header
    } else {
        header.labelled("p", "notice", words::INCOMPLETE.of(language))
    }
}

fn main(report: &Report, language: Language) -> Html {
    let hours = hours(report);
    let mut main = summary(report, language);
    if let Some(compared) = report.reconciled.as_ref().map(|found| compared(found, language)) {
        main = main.and(&compared);
    }
    if let Some(last) = report.reconcile.as_ref().and_then(|state| state.last.as_ref()) {
        main = main.and(&round(last, language));
    }
    main = main
        .and(&lag(&report.arrivals, &hours, language))
        .and(&outcomes(report, &hours, language))
        .and(&classes(&report.failures, language))
        .and(&ages(&report.failures, language))
        .and(&proofs(&report.arrivals, language));
    if hours.len() == HOURS {
        main = main.labelled("p", "faint", words::LAST_HOURS.of(language));
    }
    main
}

/// The hours of the plots, without gaps: from the first in which something happened to the one of the report.
fn hours(report: &Report) -> Vec<DateTime<Utc>> {
    let hour = TimeDelta::hours(1);
    let Ok(last) = report.checked_at.duration_trunc(hour) else { return Vec::new() };
    let known = report.arrivals.hours.keys().chain(report.failures.hours.keys());
    let first = known.filter(|hour| **hour <= last).min().copied().unwrap_or(last);
    let count = usize::try_from((last - first).num_hours() + 1).unwrap_or(1).min(HOURS);
    let back = |at: usize| i32::try_from(count - 1 - at).unwrap_or_default();
    (0..count).map(|at| last - hour * back(at)).collect()
}

fn lag(arrivals: &Arrivals, hours: &[DateTime<Utc>], language: Language) -> Html {
    let quantile = |share: f64| {
        let of = |hour: &DateTime<Utc>| arrivals.hours.get(hour)?.latency.quantile(share);
        hours.iter().map(of).collect::<Vec<Option<Duration>>>()
    };
    let series = [
        Series { name: words::MEDIAN, class: "p50", values: quantile(0.5) },
        Series { name: words::P99, class: "p99", values: quantile(0.99) },
    ];
    let caption = Caption { id: "lag", title: words::LAG_BY_HOUR, description: words::LAG_DESCRIPTION };
    plot::lines(caption, hours, &series, arrivals.threshold, language)
}

fn outcomes(report: &Report, hours: &[DateTime<Utc>], language: Language) -> Html {
    let nothing = Hour::default();
    let counts = |of: &dyn Fn(&Hour) -> u64| {
        hours.iter().map(|hour| of(report.arrivals.hours.get(hour).unwrap_or(&nothing))).collect()
    };
    let failed = |hour: &DateTime<Utc>| report.failures.hours.get(hour).copied().unwrap_or_default();
    let series = [
        Series {
            name: words::IN_TIME,
            class: "good",
            values: counts(&|hour| hour.confirmed.saturating_sub(hour.late)),
        },
        Series { name: words::LATE, class: "late", values: counts(&|hour| hour.late) },
        Series { name: words::RESENT, class: "resent", values: counts(&|hour| hour.resent) },
        Series { name: words::COPIED, class: "copied", values: counts(&|hour| hour.copied) },
        Series { name: words::REMOVED, class: "removed", values: counts(&|hour| hour.removed) },
        Series { name: words::FAILED_IN_HOUR, class: "failed", values: hours.iter().map(failed).collect() },
        Series { name: words::GIVEN_UP, class: "dead", values: counts(&|hour| hour.dead) },
    ];
    let caption =
        Caption { id: "outcomes", title: words::OUTCOMES_BY_HOUR, description: words::OUTCOMES_DESCRIPTION };
    plot::bars(caption, hours, &series, language)
}

#[cfg(test)]
mod tests;
