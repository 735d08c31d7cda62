//! Progress of a command: a bar on a terminal, a line at intervals elsewhere.

mod line;

use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::{Mutex, MutexGuard};
use settings::Invalid;
use tokio::time::{Instant, sleep};

use self::line::{Pace, Snapshot};
use crate::stderr::{self, Level};
use crate::style::Stream;

/// How often the bar is redrawn.
const FRAME: Duration = Duration::from_millis(100);

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
    steps: AtomicU64,
    total_steps: AtomicU64,
    hides_remaining: AtomicBool,
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
        let [done, bytes, steps] = [0; 3].map(AtomicU64::new);
        let [total, total_bytes, total_steps] = [UNKNOWN; 3].map(AtomicU64::new);
        let hides_remaining = AtomicBool::new(false);
        let inner = Inner {
            bar,
            every,
            noun,
            done,
            total,
            bytes,
            total_bytes,
            steps,
            total_steps,
            hides_remaining,
            words,
        };
        Self(Arc::new(inner))
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

    /// Sets how many steps of the work are done, where that is not measured in items or bytes. They are not
    /// shown themselves; bar and remaining time come from them once their total is known.
    pub fn set_steps(&self, steps: u64) {
        self.0.steps.store(steps, Ordering::Relaxed);
    }

    /// Sets the total number of steps.
    pub fn set_total_steps(&self, total: u64) {
        self.0.total_steps.store(total, Ordering::Relaxed);
    }

    /// Waits until it is shown for the first time: at once as a bar, after the first interval as lines, and
    /// without end where it is not shown. What only serves to show more can be asked for then.
    pub async fn first_shown(&self) {
        match self.0.every {
            _ if self.is_a_bar() => {}
            Interval(Some(every)) => sleep(every).await,
            Interval(None) => future::pending().await,
        }
    }

    /// Shows no bar or remaining time of steps, or shows them again: for work in between that is not measured
    /// in these steps.
    pub fn hide_remaining(&self, hides: bool) {
        self.0.hides_remaining.store(hides, Ordering::Relaxed);
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
            steps: get(&self.0.steps),
            total_steps: known(&self.0.total_steps)
                .filter(|_| !self.0.hides_remaining.load(Ordering::Relaxed)),
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn steps_say_nothing_of_work_that_is_not_measured_in_them() {
        let progress = Progress::new("comparing", "object", Interval(None));
        progress.set_total_steps(9);
        progress.hide_remaining(true);
        assert_eq!(progress.snapshot().total_steps, None);
        progress.hide_remaining(false);
        assert_eq!(progress.snapshot().total_steps, Some(9));
    }
}
