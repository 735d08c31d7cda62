//! Progress of a command: a bar on a terminal, a line at intervals elsewhere.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use console::{measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value};
use settings::Invalid;
use settings::text::printable;
use tokio::time::{Instant, sleep};

use crate::numbers::{byte_rate, bytes, count, duration, plural, rate};
use crate::stderr::{self, Level};
use crate::style::Stream;

/// How often the bar is redrawn.
const FRAME: Duration = Duration::from_millis(100);

/// Rates are averages over this time, or over the interval of the lines if that is longer.
const WINDOW: Duration = Duration::from_secs(15);

/// Columns that a note has at least, if it is longer.
const NOTE: usize = 24;

/// The total is not known yet.
const UNKNOWN: u64 = u64::MAX;

/// How often a line is printed where there is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(Option<Duration>);

impl Interval {
    /// Reads `1m`, `30s`, `500ms`, `2h`, or `0` for never.
    ///
    /// # Errors
    ///
    /// When `text` has another form; the message names the accepted ones.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(format_args!("{text:?} is not a time such as 30s or 1m, or 0 for none"));
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        let unit = match &text[digits.len()..] {
            _ if number == 0 => return Ok(Self(None)),
            "ms" => Duration::from_millis(1),
            "s" | "" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(wrong()),
        };
        unit.checked_mul(number).map(|every| Self(Some(every))).ok_or_else(wrong)
    }
}

/// Progress of a command. Cheap to clone; clones share the counts.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bar: ProgressBar,
    every: Interval,
    noun: &'static str,
    done: AtomicU64,
    total: AtomicU64,
    bytes: AtomicU64,
    total_bytes: AtomicU64,
    words: Mutex<Words>,
}

#[derive(Debug)]
struct Words {
    doing: &'static str,
    note: String,
}

impl Progress {
    /// The progress of a command that is `doing` something with items called `noun`. On a terminal it is a
    /// bar, elsewhere a line every interval.
    pub fn new(doing: &'static str, noun: &'static str, every: Interval) -> Self {
        let bar = if Stream::Stderr.is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let words = Mutex::new(Words { doing, note: String::new() });
        let [done, bytes] = [0, 0].map(AtomicU64::new);
        let [total, total_bytes] = [UNKNOWN, UNKNOWN].map(AtomicU64::new);
        Self(Arc::new(Inner { bar, every, noun, done, total, bytes, total_bytes, words }))
    }

    /// Whether it is a bar, so that a remaining time is worth finding out.
    pub fn is_a_bar(&self) -> bool {
        !self.0.bar.is_hidden()
    }

    /// Whether it is shown at all; if not, totals need not be found out.
    pub fn is_shown(&self) -> bool {
        self.is_a_bar() || self.0.every.0.is_some()
    }

    /// Sets what is being done: `listing`, `copying`.
    pub fn doing(&self, doing: &'static str) {
        self.words().doing = doing;
    }

    /// Sets the note, such as the last error.
    pub fn note(&self, note: impl Into<String>) {
        self.words().note = note.into();
    }

    /// Adds `done` finished items.
    pub fn add(&self, done: u64) {
        self.0.done.fetch_add(done, Ordering::Relaxed);
    }

    /// Sets the bytes done so far.
    pub fn set_bytes(&self, bytes: u64) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Sets the total number of items.
    pub fn set_total(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Sets the total number of bytes.
    pub fn set_total_bytes(&self, total: u64) {
        self.0.total_bytes.store(total, Ordering::Relaxed);
    }

    /// Finished items.
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// The total number of items, if it is known.
    pub fn total(&self) -> Option<u64> {
        Some(self.0.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    /// The bytes done so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Shows it for as long as this is awaited. `update` is called before each redraw.
    pub async fn show(&self, update: impl Fn(&Self)) -> Infallible {
        let inner = &*self.0;
        let mut pace = Pace::default();
        if !self.is_a_bar() {
            let Interval(Some(every)) = inner.every else {
                return future::pending().await;
            };
            loop {
                pace.add(Instant::now(), &self.snapshot());
                sleep(every).await;
                update(self);
                let now = self.snapshot();
                pace.add(Instant::now(), &now);
                stderr::message(Level::Info, &now.line(&pace), now.fields(&pace));
            }
        }
        stderr::shown(Some(inner.bar.clone()));
        let mut shown = None;
        loop {
            update(self);
            let now = self.snapshot();
            pace.add(Instant::now(), &now);
            let (position, length) = now.position();
            // A terminal may change its width at any time.
            let columns = Stream::Stderr.columns();
            let shape = Shape::of(length.is_some(), columns);
            if shown != Some(shape) {
                shown = Some(shape);
                inner.bar.set_style(shape.style());
            }
            if let Some(length) = length {
                inner.bar.set_length(length);
            }
            inner.bar.set_position(position);
            let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(shape.width()));
            inner.bar.set_message(now.line_within(&pace, room));
            sleep(FRAME).await;
        }
    }

    /// Removes the bar from the terminal.
    pub fn finish(&self) {
        stderr::shown(None);
        self.0.bar.finish_and_clear();
    }

    fn words(&self) -> MutexGuard<'_, Words> {
        self.0.words.lock()
    }

    fn snapshot(&self) -> Snapshot {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let known = |number: &AtomicU64| Some(get(number)).filter(|number| *number != UNKNOWN);
        let words = self.words();
        Snapshot {
            doing: words.doing,
            noun: self.0.noun,
            done: get(&self.0.done),
            total: known(&self.0.total),
            bytes: get(&self.0.bytes),
            total_bytes: known(&self.0.total_bytes),
            note: words.note.clone(),
        }
    }
}

/// What stands before the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A bar of this many columns.
    Bar(usize),
    /// Something that moves, where there is no total.
    Spinner,
    /// Nothing: the terminal is too narrow for more than numbers.
    Message,
}

impl Shape {
    fn of(has_length: bool, columns: Option<usize>) -> Self {
        match (has_length, columns) {
            (_, Some(..40)) => Self::Message,
            (true, Some(..80)) => Self::Bar(8),
            (true, _) => Self::Bar(20),
            (false, _) => Self::Spinner,
        }
    }

    /// Columns before the message, and one behind it: some terminals wrap a line that fills them.
    fn width(self) -> usize {
        match self {
            Self::Bar(columns) => columns + 2,
            Self::Spinner => 3,
            Self::Message => 1,
        }
    }

    fn style(self) -> ProgressStyle {
        let template = match self {
            Self::Bar(columns) => format!("{{bar:{columns}}} {{msg}}"),
            Self::Spinner => "{spinner} {msg}".to_owned(),
            Self::Message => "{msg}".to_owned(),
        };
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }
}

/// The progress at one moment.
#[derive(Clone, Debug)]
struct Snapshot {
    doing: &'static str,
    noun: &'static str,
    done: u64,
    total: Option<u64>,
    bytes: u64,
    total_bytes: Option<u64>,
    note: String,
}

impl Snapshot {
    fn has_bytes(&self) -> bool {
        self.bytes > 0 || self.total_bytes.is_some()
    }

    /// Position of the bar: in bytes if their total is known, else in items.
    fn position(&self) -> (u64, Option<u64>) {
        match (self.total_bytes, self.total) {
            (Some(total), _) if total > 0 => (self.bytes, Some(total)),
            (_, total) => (self.done, total),
        }
    }

    /// `copying: 1,234 of 5,678 objects, 1.2 of 3.4 GiB, 45.6 MiB/s, ETA 9s`
    fn line(&self, pace: &Pace) -> String {
        self.line_within(pace, usize::MAX)
    }

    /// The same in no more than `room` columns, as far as that goes: what matters least is left out. No
    /// number is cut; the note is, where half of it fits.
    fn line_within(&self, pace: &Pace, room: usize) -> String {
        let of = |done: String, total: Option<String>| match total {
            Some(total) => format!("{done} of {total}"),
            None => done,
        };
        let number = of(count(self.done), self.total.map(count));
        let things = format!("{number} {}", plural(self.total.unwrap_or(self.done), self.noun));
        // The first that fits; a share of the whole stands for numbers that do not.
        let share = self
            .total
            .filter(|total| *total > 0)
            .map(|total| format!("{}%", u128::from(self.done.min(total)) * 100 / u128::from(total)));
        let firsts = [Some(format!("{}: {things}", self.doing)), Some(things), Some(number), share];
        let fits = |text: &String| measure_text_width(text) <= room;
        let mut forms = firsts.into_iter().flatten();
        let mut last = String::new();
        let first = forms.by_ref().find(|form| {
            last.clone_from(form);
            fits(form)
        });
        let mut line = first.unwrap_or(last);
        let (amount, speed) = if self.has_bytes() {
            (Some(of(bytes(self.bytes), self.total_bytes.map(bytes))), byte_rate(pace.of_bytes()))
        } else {
            (None, rate(pace.of_things(), self.noun))
        };
        // In the order of the line, each with its rank: the fields of the lowest ranks that fit are shown.
        let fields = [
            (amount, 1),
            (Some(speed), 2),
            (self.left(pace).map(|left| format!("ETA {}", duration(left))), 0),
        ];
        let width = |text: &str| measure_text_width(text) + ", ".len();
        let mut left = room.saturating_sub(measure_text_width(&line));
        let mut shown = [false; 3];
        for rank in 0..fields.len() {
            let field = fields.iter().enumerate().find(|(_, (_, of))| *of == rank);
            if let Some((at, (Some(text), _))) = field
                && width(text) <= left
            {
                left -= width(text);
                shown[at] = true;
            }
        }
        for (text, _) in fields.iter().zip(shown).filter_map(|(field, shown)| shown.then_some(field)) {
            line.extend([", ", text.as_deref().unwrap_or_default()]);
        }
        let note = printable(&self.note);
        let room = left.saturating_sub(", ".len());
        if !note.is_empty() && room >= measure_text_width(&note).min(NOTE) {
            line.extend([", ", &truncate_str(&note, room, "…")]);
        }
        line
    }

    /// The remaining time, if it can be estimated.
    fn left(&self, pace: &Pace) -> Option<Duration> {
        let (position, total) = self.position();
        let per_second =
            if self.total_bytes.is_some_and(|total| total > 0) { pace.of_bytes() } else { pace.of_things() };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let left = total?.saturating_sub(position) as f64;
        if left == 0.0 || per_second <= 0.0 {
            return None;
        }
        Duration::try_from_secs_f64((left / per_second).ceil()).ok()
    }

    fn fields(&self, pace: &Pace) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut add = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value.into());
            }
        };
        add("done", Some(self.done));
        add("total", self.total);
        add("bytes", self.has_bytes().then_some(self.bytes));
        add("total_bytes", self.total_bytes);
        add("eta_s", self.left(pace).map(|left| left.as_secs()));
        fields
    }
}

/// The recent rate.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Instant, u64, u64)>);

impl Pace {
    /// Adds a snapshot.
    fn add(&mut self, now: Instant, snapshot: &Snapshot) {
        self.0.push_back((now, snapshot.done, snapshot.bytes));
        // The newest snapshot that is older than the window is kept, as the start of the average.
        while self.0.get(1).is_some_and(|(then, ..)| now - *then >= WINDOW) {
            self.0.pop_front();
        }
    }

    fn of_things(&self) -> f64 {
        self.per_second(|(_, done, _)| *done)
    }

    fn of_bytes(&self) -> f64 {
        self.per_second(|(.., bytes)| *bytes)
    }

    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    fn per_second(&self, number: impl Fn(&(Instant, u64, u64)) -> u64) -> f64 {
        match (self.0.front(), self.0.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => {
                number(last).saturating_sub(number(first)) as f64 / (last.0 - first.0).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, total: Option<u64>, bytes: u64, total_bytes: Option<u64>) -> Snapshot {
        let note = String::new();
        Snapshot { doing: "copying", noun: "object", done, total, bytes, total_bytes, note }
    }

    /// The pace of two snapshots that are ten seconds apart.
    fn pace(first: &Snapshot, second: &Snapshot) -> Pace {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.add(now, first);
        pace.add(now + Duration::from_secs(10), second);
        pace
    }

    #[test]
    fn a_line_has_counts_rate_and_remaining_time() {
        let (before, now) = (at(0, None, 0, None), at(1234, Some(5678), 1 << 30, Some(3 << 30)));
        let line = now.line(&pace(&before, &now));
        assert_eq!(line, "copying: 1,234 of 5,678 objects, 1.0 GiB of 3.0 GiB, 102.3 MiB/s, ETA 20s");
        let (before, now) = (at(0, None, 0, None), at(177_000, Some(336_000), 0, None));
        let line = now.line(&pace(&before, &now));
        assert_eq!(line, "copying: 177,000 of 336,000 objects, 17.7k objects/s, ETA 9s");
    }

    #[test]
    fn what_matters_least_is_left_out_where_the_terminal_is_narrow() {
        let before = at(0, None, 0, None);
        let mut large = at(12_345_678, Some(98_765_432), 3 << 40, Some(24 << 40));
        large.note = "last error: photos/a.jpg: the destination is out of reach (503, SlowDown)".to_owned();
        for now in [
            at(1234, Some(5678), 1 << 30, Some(3 << 30)),
            at(177_000, Some(336_000), 0, None),
            at(12_345_678, None, 0, None),
            large,
        ] {
            let pace = pace(&before, &now);
            let whole = now.line(&pace);
            let known: Vec<&str> = whole.split([' ', ',']).collect();
            let mut longest = 0;
            for columns in 20..=200 {
                let shape = Shape::of(now.position().1.is_some(), Some(columns));
                let room = columns - shape.width();
                let line = now.line_within(&pace, room);
                let width = measure_text_width(&line);
                assert!(width <= room, "{columns}: {line:?}");
                let numbers =
                    line.strip_suffix('…').map_or(&*line, |cut| cut.rsplit_once(", last").unwrap().0);
                for word in numbers.split([' ', ',']).filter(|word| !word.ends_with('%')) {
                    assert!(known.contains(&word), "{columns}: {word:?} of {line:?} is cut");
                }
                // It comes before anything but the count.
                let has_more = numbers.contains("iB") || numbers.contains("/s");
                assert!(!has_more || line.contains("ETA") || !whole.contains("ETA"), "{columns}: {line:?}");
                longest = longest.max(width);
            }
            assert_eq!(longest, whole.len(), "at 200 columns all of it is there");
        }
        let now = at(1234, Some(5678), 1 << 30, Some(3 << 30));
        let line = |room| now.line_within(&pace(&before, &now), room);
        assert_eq!(line(50), "copying: 1,234 of 5,678 objects, ETA 20s");
        assert_eq!(line(62), "copying: 1,234 of 5,678 objects, 1.0 GiB of 3.0 GiB, ETA 20s");
        assert_eq!(line(30), "1,234 of 5,678 objects");
        assert_eq!(line(14), "1,234 of 5,678");
        assert_eq!(line(13), "21%, ETA 20s");
    }

    #[test]
    fn unknown_values_are_left_out() {
        let (before, mut now) = (at(0, None, 0, None), at(1, None, 0, None));
        now.note = "last error: a\u{1b}[2J".to_owned();
        let line = now.line(&pace(&before, &now));
        assert_eq!(line, "copying: 1 object, 0.1 objects/s, last error: a\\u{1b}[2J");
        let stuck = at(1, Some(5), 0, None);
        assert_eq!(stuck.left(&pace(&stuck, &stuck)), None);
        let names: Vec<String> = stuck.fields(&Pace::default()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["done", "total"]);
    }

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for (second, done) in [(0, 0), (1, 1000), (20, 1000), (30, 1100)] {
            pace.add(start + Duration::from_secs(second), &at(done, None, 0, None));
        }
        assert!((pace.of_things() - 100.0 / 29.0).abs() < 1e-9, "{pace:?}");
    }

    #[test]
    fn intervals_are_parsed_and_zero_means_never() {
        let every = |text| Interval::parse(text).map(|Interval(every)| every);
        assert_eq!(every("1m"), Ok(Some(Duration::from_mins(1))));
        assert_eq!(every("500ms"), Ok(Some(Duration::from_millis(500))));
        assert_eq!(every("30"), Ok(Some(Duration::from_secs(30))));
        assert_eq!((every("0"), every("0s")), (Ok(None), Ok(None)));
        for text in ["", "m", "-1s", "1.5s", "1d", "soon"] {
            assert!(every(text).is_err(), "{text}");
        }
    }
}
