//! Plots: geometry as SVG that is as wide as the page, with its numbers as HTML around it.
//!
//! A picture with text in it would shrink the text with the picture; on a phone nobody could read it. So an
//! SVG here holds no text but its title and description, is stretched, and its lines keep their width.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use texts::language::Language;

use crate::amounts;
use crate::html::{Html, number};
use crate::words::{self, Words};

/// Coordinates of the picture.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;

/// Times that a logarithmic scale is marked at, in seconds.
const MARKS: [u64; 10] = [0, 1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000];

/// Class of the line across, which has no numbers.
const LIMIT: &str = "limit";

/// What is said of a plot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caption {
    /// A name for links within the page.
    pub(crate) id: &'static str,
    /// The title.
    pub(crate) title: Words,
    /// What is to be seen.
    pub(crate) description: Words,
}

/// Numbers of one kind, one for each hour of the plot.
#[derive(Clone, Debug)]
pub(crate) struct Series<T> {
    /// What they are.
    pub(crate) name: Words,
    /// Class of its colour.
    pub(crate) class: &'static str,
    /// The numbers.
    pub(crate) values: Vec<T>,
}

/// Lines of times by hour, on a logarithmic scale, with a limit across.
pub(crate) fn lines(
    caption: Caption,
    hours: &[DateTime<Utc>],
    series: &[Series<Option<Duration>>],
    limit: Duration,
    language: Language,
) -> Html {
    let all = || series.iter().flat_map(|series| series.values.iter().flatten());
    let (Some(least), Some(most)) = (all().min(), all().max().map(|most| limit.max(*most))) else {
        return nothing(caption, language);
    };
    let seconds = |mark: u64| Duration::from_secs(mark);
    let low = MARKS.iter().rposition(|mark| seconds(*mark) <= *least).unwrap_or(0);
    let high = MARKS.iter().position(|mark| seconds(*mark) >= most).unwrap_or(MARKS.len() - 1).max(low + 1);
    let marks = &MARKS[low..=high];
    // A second more, so that nothing is the logarithm of nothing.
    let scale = |time: Duration| (time.as_secs_f64() + 1.0).ln();
    let (bottom, top) = (scale(seconds(marks[0])), scale(seconds(marks[marks.len() - 1])));
    let height = |time: Duration| HEIGHT - (scale(time) - bottom) / (top - bottom) * HEIGHT;
    let mut drawn = String::new();
    for mark in marks {
        line(&mut drawn, "grid", height(seconds(*mark)));
    }
    line(&mut drawn, LIMIT, height(limit));
    for Series { class, values, .. } in series {
        let mut pen = String::new();
        let mut is_down = false;
        for (at, value) in values.iter().enumerate() {
            let Some(time) = value else {
                is_down = false;
                continue;
            };
            let x = middle(at, values.len());
            pen.push(if is_down { 'L' } else { 'M' });
            number(&mut pen, x);
            pen.push(' ');
            number(&mut pen, height(*time));
            // One hour alone is a dot, which a line of no length with round ends is.
            if !is_down {
                pen.push_str("h0.01");
            }
            is_down = true;
        }
        let _ = writeln!(drawn, "<path class=\"line {class}\" d=\"{pen}\"/>");
    }
    let mut names: Vec<(Words, &str)> = series.iter().map(|series| (series.name, series.class)).collect();
    names.push((words::LIMIT, LIMIT));
    let marks = marks.iter().map(|mark| {
        let place = height(seconds(*mark)) / HEIGHT;
        (place, amounts::time(seconds(*mark), language))
    });
    let rows = hours.iter().enumerate().map(|(at, hour)| {
        let cells = series.iter().map(move |series| match series.values[at] {
            Some(time) => amounts::time(time, language),
            None => "–".to_owned(),
        });
        (*hour, cells.collect::<Vec<_>>())
    });
    let rows = rows.filter(|(_, cells)| cells.iter().any(|cell| cell != "–"));
    figure(caption, &drawn, marks, hours, &names, rows, language)
}

/// Stacked bars of counts by hour.
pub(crate) fn bars(
    caption: Caption,
    hours: &[DateTime<Utc>],
    series: &[Series<u64>],
    language: Language,
) -> Html {
    let total = |at: usize| series.iter().map(|series| series.values[at]).sum::<u64>();
    let most = (0..hours.len()).map(total).max().unwrap_or_default();
    if most == 0 {
        return nothing(caption, language);
    }
    let top = round_up(most);
    let height = |count: u64| real(count) / real(top) * HEIGHT;
    let width = WIDTH / real(hours.len() as u64);
    let mut drawn = String::new();
    for share in [0.0, 0.5, 1.0] {
        line(&mut drawn, "grid", HEIGHT * share);
    }
    for Series { class, .. } in series {
        let _ = write!(drawn, "<g class=\"{class}\">");
        let place = series.iter().position(|other| other.class == *class).unwrap_or_default();
        for at in 0..hours.len() {
            let count = series[place].values[at];
            if count == 0 {
                continue;
            }
            let below: u64 = series[..place].iter().map(|series| series.values[at]).sum();
            rectangle(
                &mut drawn,
                (real(at as u64) * width + width * 0.08, HEIGHT - height(below + count)),
                (width * 0.84, height(count)),
            );
        }
        drawn.push_str("</g>\n");
    }
    let names: Vec<(Words, &str)> = series.iter().map(|series| (series.name, series.class)).collect();
    let mut marks = vec![(0.0, amounts::count(top)), (1.0, amounts::count(0))];
    if top.is_multiple_of(2) {
        marks.push((0.5, amounts::count(top / 2)));
    }
    let rows = hours.iter().enumerate().filter(|(at, _)| total(*at) > 0).map(|(at, hour)| {
        (*hour, series.iter().map(|series| amounts::count(series.values[at])).collect::<Vec<_>>())
    });
    figure(caption, &drawn, marks.into_iter(), hours, &names, rows, language)
}

/// A bar for each name, with its number beside it: a table that is its own plot.
pub(crate) fn ranking(
    caption: Caption,
    head: Words,
    rows: &[(String, &'static str, u64)],
    language: Language,
) -> Html {
    let most = rows.iter().map(|(_, _, count)| *count).max().unwrap_or_default();
    if most == 0 {
        return nothing(caption, language);
    }
    let mut body = Html::default();
    for (name, class, count) in rows {
        let mut drawn = String::new();
        rectangle(&mut drawn, (0.0, 0.0), (real(*count) / real(most) * WIDTH, HEIGHT));
        let bar = Html::default()
            .raw(
                "<svg aria-hidden=\"true\" preserveAspectRatio=\"none\" viewBox=\"0 0 1000 100\"><g class=\"",
            )
            .text(class)
            .raw("\">")
            .raw(&drawn)
            .raw("</g></svg>");
        let row = Html::default()
            .raw("<th scope=\"row\">")
            .text(name)
            .raw("</th>\n")
            .labelled("td", "number", &amounts::count(*count))
            .element("td", "bar", bar);
        body = body.element("tr", "", row);
    }
    let heads = Html::default()
        .raw("<th scope=\"col\">")
        .text(head.of(language))
        .raw("</th><th scope=\"col\" class=\"number\">")
        .text(words::KEYS.of(language))
        .raw("</th><td></td>");
    let table = Html::default()
        .labelled("caption", "hidden", caption.description.of(language))
        .element("thead", "", Html::default().element("tr", "", heads))
        .element("tbody", "", body);
    section(caption, Html::default().element("table", "ranking", table), language)
}

/// The section of a plot.
fn section(caption: Caption, content: Html, language: Language) -> Html {
    Html::default()
        .raw("<section aria-labelledby=\"")
        .text(caption.id)
        .raw("\"><h2 id=\"")
        .text(caption.id)
        .raw("\">")
        .text(caption.title.of(language))
        .raw("</h2>\n")
        .raw(&content.into_text())
        .raw("</section>\n")
}

fn nothing(caption: Caption, language: Language) -> Html {
    section(caption, Html::default().labelled("p", "nothing", words::NOTHING.of(language)), language)
}

/// A plot by hour: the picture, marks at its left, hours below, what the colours mean, and a table.
fn figure(
    caption: Caption,
    drawn: &str,
    marks: impl Iterator<Item = (f64, String)>,
    hours: &[DateTime<Utc>],
    names: &[(Words, &str)],
    rows: impl Iterator<Item = (DateTime<Utc>, Vec<String>)>,
    language: Language,
) -> Html {
    let Caption { id, title, description } = caption;
    let picture = Html::default()
        .raw("<svg role=\"img\" preserveAspectRatio=\"none\" viewBox=\"0 0 1000 100\" aria-labelledby=\"")
        .text(id)
        .raw("-title ")
        .text(id)
        .raw("-description\"><title id=\"")
        .text(id)
        .raw("-title\">")
        .text(title.of(language))
        .raw("</title><desc id=\"")
        .text(id)
        .raw("-description\">")
        .text(description.of(language))
        .raw("</desc>\n")
        .raw(drawn)
        .raw("</svg>\n");
    let mut scale = Html::default();
    for (place, text) in marks {
        scale = scale.raw(&format!("<span style=\"top:{:.2}%\">", place * 100.0)).text(&text).raw("</span>");
    }
    let mut axis = Html::default();
    for hour in [hours.first(), hours.get(hours.len() / 2).filter(|_| hours.len() > 2), hours.last()] {
        axis = axis.labelled("span", "", &hour.map(|hour| short(*hour)).unwrap_or_default());
    }
    let mut legend = Html::default();
    for (name, class) in names {
        let item = Html::default().raw("<i class=\"").text(class).raw("\"></i>").text(name.of(language));
        legend = legend.element("li", "", item);
    }
    let content = Html::default()
        .labelled("p", "faint", description.of(language))
        .element("ul", "legend", legend)
        .element(
            "div",
            "plot",
            Html::default()
                .raw("<div class=\"scale\" aria-hidden=\"true\">")
                .and(&scale)
                .raw("</div>\n")
                .and(&picture)
                .raw("<div class=\"axis\" aria-hidden=\"true\">")
                .and(&axis)
                .raw("</div>\n"),
        )
        .and(&numbers(title, names, rows, language));
    section(caption, content, language)
}

/// The table with the numbers of a plot.
fn numbers(
    title: Words,
    names: &[(Words, &str)],
    rows: impl Iterator<Item = (DateTime<Utc>, Vec<String>)>,
    language: Language,
) -> Html {
    let mut heads = Html::default().raw("<th scope=\"col\">").text(words::HOUR.of(language)).raw("</th>");
    for (name, _) in names.iter().filter(|(_, class)| *class != LIMIT) {
        heads = heads.raw("<th scope=\"col\" class=\"number\">").text(name.of(language)).raw("</th>");
    }
    let mut body = Html::default();
    for (hour, cells) in rows {
        let mut row = Html::default().raw("<th scope=\"row\">").text(&short(hour)).raw("</th>");
        for cell in cells {
            row = row.labelled("td", "number", &cell);
        }
        body = body.element("tr", "", row);
    }
    let table = Html::default()
        .labelled("caption", "hidden", title.of(language))
        .element("thead", "", Html::default().element("tr", "", heads))
        .element("tbody", "", body);
    // It may be wider than a phone: it scrolls, which the keyboard has to reach.
    let scrolling = Html::default()
        .raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"")
        .text(&format!("{}: {}", title.of(language), words::NUMBERS.of(language)))
        .raw("\">")
        .element("table", "", table)
        .raw("</div>\n");
    let content = Html::default().labelled("summary", "", words::NUMBERS.of(language)).and(&scrolling);
    Html::default().element("details", "", content)
}

/// `01-05 10:00`
fn short(hour: DateTime<Utc>) -> String {
    hour.format("%m-%d %H:%M").to_string()
}

fn middle(at: usize, of: usize) -> f64 {
    (real(at as u64) + 0.5) * WIDTH / real(of as u64)
}

fn line(drawn: &mut String, class: &str, height: f64) {
    let _ = write!(drawn, "<path class=\"{class}\" d=\"M0 ");
    number(drawn, height);
    drawn.push_str("H1000\"/>\n");
}

fn rectangle(drawn: &mut String, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let _ = write!(drawn, "<rect");
    for (name, value) in [("x", x), ("y", y), ("width", width), ("height", height)] {
        let _ = write!(drawn, " {name}=\"");
        number(drawn, value);
        drawn.push('"');
    }
    drawn.push_str("/>");
}

/// The next number of the form 1, 2 or 5 times a power of ten.
fn round_up(most: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for step in [1, 2, 5] {
            let top = power.saturating_mul(step);
            if top >= most {
                return top;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTION: Caption =
        Caption { id: "lag", title: words::LAG_BY_HOUR, description: words::LAG_DESCRIPTION };

    fn hours(count: i64) -> Vec<DateTime<Utc>> {
        (0..count).map(|hour| DateTime::from_timestamp(1_800_000_000 + hour * 3600, 0).unwrap()).collect()
    }

    #[test]
    fn a_line_breaks_where_nothing_was_confirmed() {
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        let series = Series {
            name: words::P99,
            class: "p99",
            values: vec![minutes(1), minutes(2), None, minutes(20)],
        };
        let html = lines(CAPTION, &hours(4), &[series], Duration::from_mins(15), Language::English);
        let html = html.into_text();
        let path = html.lines().find(|line| line.contains("class=\"line p99\"")).unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        // A minute is the lowest mark, an hour the highest.
        assert!(path.contains("M125.00 100.00"), "{path}");
        assert_eq!(html.matches("class=\"grid\"").count(), 3, "{html}");
        assert_eq!(html.matches("<tr>").count(), 4, "{html}");
    }

    #[test]
    fn bars_are_stacked_and_as_high_as_their_share() {
        let series = |class, values: [u64; 2]| Series { name: words::LATE, class, values: values.into() };
        let bars = bars(CAPTION, &hours(2), &[series("a", [6, 0]), series("b", [2, 0])], Language::English);
        let html = bars.into_text();
        assert!(
            html.contains("<g class=\"a\"><rect x=\"40.00\" y=\"40.00\" width=\"420.00\" height=\"60.00\"/>"),
            "{html}"
        );
        assert!(
            html.contains("<g class=\"b\"><rect x=\"40.00\" y=\"20.00\" width=\"420.00\" height=\"20.00\"/>"),
            "{html}"
        );
    }

    #[test]
    fn nothing_is_said_and_not_drawn() {
        let html = bars(CAPTION, &[], &[], Language::English).into_text();
        assert!(html.contains("Nothing to show.") && !html.contains("<svg"), "{html}");
        assert_eq!([0, 1, 3, 7, 11, 5001, u64::MAX].map(round_up), [1, 1, 5, 10, 20, 10_000, u64::MAX]);
    }
}
