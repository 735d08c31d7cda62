//! What a line, or the message of a bar, says of the progress.

use std::collections::VecDeque;
use std::time::Duration;

use console::{measure_text_width, truncate_str};
use serde_json::{Map, Value};
use settings::text::printable;
use tokio::time::Instant;

use crate::numbers::{byte_rate, bytes, count, duration, plural, rate};

/// Rates are averages over this time, or over the interval of the lines if that is longer.
const WINDOW: Duration = Duration::from_secs(15);

/// Columns that a note has at least, if it is longer.
const NOTE: usize = 24;

/// The progress at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) doing: &'static str,
    pub(super) noun: &'static str,
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) bytes: u64,
    pub(super) total_bytes: Option<u64>,
    /// Steps of the work that are done, where the work is measured in them.
    pub(super) steps: u64,
    pub(super) total_steps: Option<u64>,
    pub(super) note: String,
}

/// In what the work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Things,
    Bytes,
    Steps,
}

impl Snapshot {
    fn has_bytes(&self) -> bool {
        self.bytes > 0 || self.total_bytes.is_some()
    }

    /// In what the work is measured: in steps or bytes if their total is known, else in items.
    fn measure(&self) -> Measure {
        match (self.total_steps, self.total_bytes) {
            (Some(_), _) => Measure::Steps,
            (None, Some(1..)) => Measure::Bytes,
            _ => Measure::Things,
        }
    }

    /// Position of the bar.
    pub(super) fn position(&self) -> (u64, Option<u64>) {
        match self.measure() {
            Measure::Steps => (self.steps, self.total_steps),
            Measure::Bytes => (self.bytes, self.total_bytes),
            Measure::Things => (self.done, self.total),
        }
    }

    /// `copying: 1,234 of 5,678 objects, 1.2 of 3.4 GiB, 45.6 MiB/s, ETA 9s`
    pub(super) fn line(&self, pace: &Pace) -> String {
        self.line_within(pace, usize::MAX)
    }

    /// The same in no more than `room` columns, as far as that goes: what matters least is left out. No
    /// number is cut; the note is, where half of it fits.
    pub(super) fn line_within(&self, pace: &Pace, room: usize) -> String {
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
            (Some(of(bytes(self.bytes), self.total_bytes.map(bytes))), byte_rate(pace.of(Measure::Bytes)))
        } else {
            (None, rate(pace.of(Measure::Things), self.noun))
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
        let per_second = pace.of(self.measure());
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let left = total?.saturating_sub(position) as f64;
        if left == 0.0 || per_second <= 0.0 {
            return None;
        }
        Duration::try_from_secs_f64((left / per_second).ceil()).ok()
    }

    pub(super) fn fields(&self, pace: &Pace) -> Map<String, Value> {
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
pub(super) struct Pace(VecDeque<(Instant, Done)>);

/// What was done at one moment.
#[derive(Clone, Copy, Debug)]
struct Done {
    things: u64,
    bytes: u64,
    steps: u64,
}

impl Pace {
    /// Adds a snapshot.
    pub(super) fn add(&mut self, now: Instant, snapshot: &Snapshot) {
        let Snapshot { done: things, bytes, steps, .. } = *snapshot;
        self.0.push_back((now, Done { things, bytes, steps }));
        // The newest snapshot that is older than the window is kept, as the start of the average.
        while self.0.get(1).is_some_and(|(then, ..)| now - *then >= WINDOW) {
            self.0.pop_front();
        }
    }

    /// Things, bytes or steps per second.
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    fn of(&self, measure: Measure) -> f64 {
        let number = |done: &Done| match measure {
            Measure::Things => done.things,
            Measure::Bytes => done.bytes,
            Measure::Steps => done.steps,
        };
        match (self.0.front(), self.0.back()) {
            (Some((then, first)), Some((now, last))) if now > then => {
                number(last).saturating_sub(number(first)) as f64 / (*now - *then).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Shape;

    fn at(done: u64, total: Option<u64>, bytes: u64, total_bytes: Option<u64>) -> Snapshot {
        let note = String::new();
        let (steps, total_steps) = (0, None);
        Snapshot {
            doing: "copying",
            noun: "object",
            done,
            total,
            bytes,
            total_bytes,
            steps,
            total_steps,
            note,
        }
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
    fn steps_give_the_remaining_time_of_what_is_counted_in_something_else() {
        // They do not begin at 0: an earlier run did some.
        let before = Snapshot { steps: 50_000, ..at(0, None, 0, None) };
        let mut now = Snapshot { steps: 60_000, ..at(4000, None, 0, None) };
        let pace = pace(&before, &now);
        assert_eq!(now.line(&pace), "copying: 4,000 objects, 400 objects/s");
        now.total_steps = Some(90_000);
        assert_eq!(now.line(&pace), "copying: 4,000 objects, 400 objects/s, ETA 30s");
        assert_eq!(now.position(), (60_000, Some(90_000)));
        // There was more than was known: then how much is left is not known either.
        now.total_steps = Some(59_000);
        assert_eq!(now.line(&pace), "copying: 4,000 objects, 400 objects/s");
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
        assert!((pace.of(Measure::Things) - 100.0 / 29.0).abs() < 1e-9, "{pace:?}");
    }
}
