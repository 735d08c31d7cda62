//! Rankings: failures, their age, proofs, what a comparison found.

use arrival::rounds::Round;
use arrival::stats::Arrivals;
use settings::text;
use texts::language::Language;

use crate::amounts::count;
use crate::html::Html;
use crate::plot::{self, Caption};
use crate::reconciled::{Finding, Reconciled};
use crate::report::{AgeBand, FailureKind, Failures};
use crate::words::{self, Words};

pub(super) fn classes(failures: &Failures, language: Language) -> Html {
    let row = |(kind, keys): &(FailureKind, u64)| {
        let words = match kind {
            FailureKind::Transient => words::TRANSIENT,
            FailureKind::Throttled => words::THROTTLED,
            FailureKind::Auth => words::AUTH,
            FailureKind::Permanent => words::PERMANENT,
            FailureKind::Unknown => words::UNKNOWN,
        };
        (words.of(language).to_owned(), "failed", *keys)
    };
    let rows: Vec<_> = failures.by_class.iter().filter(|(_, keys)| *keys > 0).map(row).collect();
    let caption = Caption { id: "classes", title: words::CLASSES, description: words::CLASSES_DESCRIPTION };
    let mut html = plot::ranking(caption, words::CLASS, &rows, language);
    if !failures.reasons.is_empty() {
        let mut list = Html::default();
        for (reason, keys) in &failures.reasons {
            let item = Html::default().labelled("b", "", &count(*keys)).raw(" ").text(reason);
            list = list.element("li", "", item);
        }
        html = html.and(&titled(
            "reasons",
            words::REASONS,
            &Html::default().element("ul", "plain", list),
            language,
        ));
    }
    html
}

pub(super) fn ages(failures: &Failures, language: Language) -> Html {
    let row = |(band, keys): &(AgeBand, u64)| {
        let words = match band {
            AgeBand::Under10Minutes => words::UNDER_10_MINUTES,
            AgeBand::Under1Hour => words::UNDER_1_HOUR,
            AgeBand::Under1Day => words::UNDER_1_DAY,
            AgeBand::Under1Week => words::UNDER_1_WEEK,
            AgeBand::Older => words::OLDER,
        };
        (words.of(language).to_owned(), "failed", *keys)
    };
    let rows: Vec<_> = failures.by_age.iter().map(row).collect();
    let caption = Caption { id: "ages", title: words::AGES, description: words::AGES_DESCRIPTION };
    plot::ranking(caption, words::AGE, &rows, language)
}

pub(super) fn proofs(arrivals: &Arrivals, language: Language) -> Html {
    let by = arrivals.confirmed_by;
    let rows: Vec<_> = [
        (words::PROOF_CRC64, by.crc64),
        (words::PROOF_MD5, by.md5),
        (words::PROOF_SOURCE_ETAG, by.source_etag),
        (words::PROOF_SIZE, by.size),
        (words::PROOF_PRESENCE, by.presence),
        (words::PROOF_ABSENCE, by.absence),
    ]
    .into_iter()
    .filter(|(_, keys)| *keys > 0)
    .map(|(words, keys)| (words.of(language).to_owned(), "good", keys))
    .collect();
    let caption = Caption { id: "proofs", title: words::PROOFS, description: words::CONFIRMED_KEYS };
    plot::ranking(caption, words::PROOF, &rows, language)
}

pub(super) fn compared(found: &Reconciled, language: Language) -> Html {
    let rows: Vec<_> = [
        (Finding::Equal, "good", found.equal),
        (Finding::Different, "dead", found.different),
        (Finding::Missing, "dead", found.missing),
        (Finding::Extra, "late", found.extra),
        (Finding::Undecided, "removed", found.undecided),
        (Finding::Failed, "failed", found.failed),
    ]
    .map(|(finding, class, keys)| (name(finding).of(language).to_owned(), class, keys))
    .into();
    let caption =
        Caption { id: "compared", title: words::COMPARED, description: words::COMPARED_DESCRIPTION };
    let mut html = plot::ranking(caption, words::FINDING, &rows, language);
    let by: Vec<_> = found
        .equal_by
        .iter()
        .filter(|(by, _)| !by.is_empty())
        .map(|(by, keys)| format!("{by} {}", count(*keys)))
        .collect();
    if !by.is_empty() {
        let text = format!("{}: {}", words::JUDGED_BY.of(language), by.join(", "));
        html = html.labelled("p", "faint", &text);
    }
    if !found.examples.is_empty() {
        let mut list = Html::default();
        for example in &found.examples {
            let item = Html::default()
                .labelled("b", "", name(example.result).of(language))
                .raw(" ")
                .labelled("code", "", &example.key);
            list = list.element("li", "", item);
        }
        html = html.and(&titled(
            "not-equal",
            words::NOT_EQUAL,
            &Html::default().element("ul", "plain", list),
            language,
        ));
    }
    html
}

/// What the timer found in its last whole round.
pub(super) fn round(round: &Round, language: Language) -> Html {
    let counts = &round.counts;
    let rows: Vec<_> = [
        (words::EQUAL, "good", counts.equal),
        (words::UNDECIDED, "removed", counts.undecided),
        (words::FOUND_AND_SENT, "resent", counts.sent),
        (words::FOUND_AND_FAILED, "failed", counts.failed),
        (words::EXTRA, "late", counts.extra),
        (words::LEFT_TO_OTHERS, "copied", counts.young + counts.watched + counts.waiting),
        (words::GIVEN_UP, "dead", counts.given_up),
        (words::NOT_LOOKED_AT, "failed", counts.unknown),
    ]
    .map(|(words, class, keys)| (words.of(language).to_owned(), class, keys))
    .into();
    let caption = Caption { id: "round", title: words::ROUND, description: words::ROUND_DESCRIPTION };
    let html = plot::ranking(caption, words::FINDING, &rows, language);
    let sides = [&round.scope.source, &round.scope.destination];
    // Without their schemes, which would look as if something was loaded.
    let sides = sides.map(|name| name.split_once("://").map_or(&**name, |(_, place)| place));
    let sides = sides.join(" → ");
    let html = html.labelled("p", "faint", &sides);
    let Some((began, ended)) = round.began.zip(round.ended) else { return html };
    html.labelled("p", "faint", &format!("{} – {}", text::time(began), text::time(ended)))
}

fn name(finding: Finding) -> Words {
    match finding {
        Finding::Equal => words::EQUAL,
        Finding::Different => words::DIFFERENT,
        Finding::Missing => words::MISSING,
        Finding::Extra => words::EXTRA,
        Finding::Undecided => words::UNDECIDED,
        Finding::Failed => words::NOT_LOOKED_AT,
    }
}

fn titled(id: &str, title: Words, content: &Html, language: Language) -> Html {
    Html::default()
        .raw("<section aria-labelledby=\"")
        .text(id)
        .raw("\"><h2 id=\"")
        .text(id)
        .raw("\">")
        .text(title.of(language))
        .raw("</h2>\n")
        .and(content)
        .raw("</section>\n")
}
