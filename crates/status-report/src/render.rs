//! The status as text.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::arrivals;
use super::oms::OmsReport;
use super::records::{Latest, RecordCounts};
use super::rounds;
use super::status::Status;
use bridge_core::oms::task::Statistics;
use object_copy::outcome::FailureClass;
use settings::text::printable;
use terminal::layout::{Align, paragraph, table};
use terminal::numbers::{bytes, count, counted, duration};

/// Reasons that are shown.
const REASONS: usize = 5;

impl Status {
    /// As text, wrapped at `width` columns.
    pub fn text(&self, width: Option<usize>) -> String {
        let mut text = Page { text: String::new(), width };
        // Writing to a string does not fail.
        let _ = text.status(self);
        text.text
    }
}

/// The text so far.
struct Page {
    text: String,
    width: Option<usize>,
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

impl Page {
    fn status(&mut self, status: &Status) -> fmt::Result {
        match &status.oms {
            Some(report) => {
                writeln!(self, "sync task   {}", status.task)?;
                self.oms(report)?;
            }
            None => writeln!(self, "journal of  {}, OMS is not used", status.task)?,
        }
        self.paragraph("log bucket  ", &format!("{}, checked at {}", status.log_bucket, status.checked_at))?;
        self.write_char('\n')?;
        arrivals::write(&mut self.text, &status.arrivals, self.width)?;
        if let Some(state) = &status.reconcile {
            rounds::write(&mut self.text, state)?;
        }
        let oms_fails = status.oms.as_ref().is_some_and(OmsReport::fails);
        self.records(&status.records, oms_fails)
    }

    fn paragraph(&mut self, first: &str, text: &str) -> fmt::Result {
        let text = paragraph(first, text, self.width);
        writeln!(self, "{text}")
    }

    fn table<const N: usize>(&mut self, align: [Align; N], rows: &[[String; N]]) -> fmt::Result {
        let text = table(align, rows, self.width);
        self.write_str(&text)
    }

    fn oms(&mut self, oms: &OmsReport) -> fmt::Result {
        if let Some(task) = &oms.task {
            let ends = format!(
                "{}, from oss://{} ({}) to obs://{} ({})",
                printable(&task.status),
                printable(&task.src_bucket),
                printable(&task.src_region),
                printable(&task.dst_bucket),
                printable(&task.dst_region)
            );
            self.paragraph("            ", &ends)?;
        }
        let mut rows = vec![["OMS", "received", "copied", "failed", "skipped", "bytes"].map(str::to_owned)];
        rows.extend(oms.last_day.map(|day| counters("last 24 hours", day)));
        rows.extend(oms.task.as_ref().map(|task| counters("this month", task.month())));
        if rows.len() > 1 {
            let right = Align::Right;
            self.write_char('\n')?;
            self.table([Align::Left, right, right, right, right, right], &rows)?;
        }
        for note in &oms.notes {
            self.paragraph("  ", &printable(note))?;
        }
        self.write_char('\n')
    }

    /// `oms_fails`: a replay would fail as OMS does now.
    fn records(&mut self, records: &RecordCounts, oms_fails: bool) -> fmt::Result {
        match records.failed {
            0 => writeln!(self, "no key waits for a replay")?,
            1 => self.one(records, oms_fails)?,
            _ => self.many(records, oms_fails)?,
        }
        if records.dead > 0 {
            writeln!(self, "\n{} set aside after too many attempts", counted(records.dead, "key"))?;
        }
        if records.failed > 1 && !records.latest.is_empty() {
            writeln!(self, "\nlatest failures")?;
            records.latest.iter().try_for_each(|latest| self.failure(latest))?;
        }
        let mut next = Vec::new();
        match records.failed {
            0 => {}
            1 if !oms_fails => next.push(("send it again", "oms-bridge replay")),
            1 => next.push((ONCE_MENDED, "oms-bridge replay")),
            _ => {
                next.push(("list them all", "oms-bridge replay --dry-run"));
                next.push((if oms_fails { ONCE_MENDED } else { "send them again" }, "oms-bridge replay"));
            }
        }
        if records.dead > 0 {
            next.push(("send what was set aside again, once its cause is fixed", "oms-bridge replay --dead"));
        }
        if !next.is_empty() {
            self.write_char('\n')?;
        }
        next.iter().try_for_each(|(what, command)| writeln!(self, "{what}: {command}"))
    }

    /// A single failure is described, not counted.
    fn one(&mut self, records: &RecordCounts, oms_fails: bool) -> fmt::Result {
        write!(self, "1 key failed and waits for a replay")?;
        if records.records > 1 {
            write!(self, ", with {}", counted(records.records, "record"))?;
        }
        self.write_char('\n')?;
        if let Some(oldest) = &records.oldest {
            writeln!(self, "  for {}, since {}", age(oldest.age_s), oldest.since)?;
        }
        records.latest.iter().try_for_each(|latest| self.failure(latest))?;
        let latest = records.latest.first();
        if records.read > 0 {
            let class = latest.and_then(|latest| latest.class);
            match latest.map_or(0, |latest| latest.attempts) {
                attempts @ 2.. if class == Some(FailureClass::Permanent) => self.paragraph(
                    "      ",
                    &format!(
                        "refused {} times: read the error (oms-bridge explain KEY)",
                        count(attempts.into())
                    ),
                )?,
                _ => self.paragraph("      ", advice(class, oms_fails))?,
            }
        }
        self.unreadable(records)
    }

    fn many(&mut self, records: &RecordCounts, oms_fails: bool) -> fmt::Result {
        let least = if records.complete { "" } else { "at least " };
        write!(self, "{least}{} failed and wait for a replay", counted(records.failed, "key"))?;
        if records.records > records.failed {
            write!(self, ", with {}", counted(records.records, "record"))?;
        }
        self.write_char('\n')?;
        if let Some(oldest) = &records.oldest {
            let (age, key) = (age(oldest.age_s), printable(&oldest.key));
            self.paragraph("  ", &format!("the oldest for {age}, since {}: {key}", oldest.since))?;
        }
        if !records.complete {
            self.paragraph("  ", "there are more: --list 0 counts all, one request per thousand")?;
        }
        self.classes(records, oms_fails)?;
        self.reasons(records)?;
        self.ages(records)
    }

    fn classes(&mut self, records: &RecordCounts, oms_fails: bool) -> fmt::Result {
        if records.read == 0 {
            return Ok(());
        }
        let counted = &records.by_class;
        let rows: Vec<[String; 3]> = [
            (Some(FailureClass::Transient), counted.transient),
            (Some(FailureClass::Throttled), counted.throttled),
            (Some(FailureClass::Auth), counted.auth),
            (Some(FailureClass::Permanent), counted.permanent),
            (None, counted.unknown),
        ]
        .into_iter()
        .filter(|(_, keys)| *keys > 0)
        .map(|(class, keys)| [name(class).to_owned(), count(keys), advice(class, oms_fails).to_owned()])
        .collect();
        match records.read {
            read if read == records.failed => writeln!(self, "\nby class")?,
            read => writeln!(self, "\nby class, {} of {} read", count(read), count(records.failed))?,
        }
        self.table([Align::Left, Align::Right, Align::Left], &rows)?;
        self.unreadable(records)
    }

    fn unreadable(&mut self, records: &RecordCounts) -> fmt::Result {
        match &records.unreadable {
            Some(error) => {
                self.paragraph("  ", &format!("some records cannot be read: {}", printable(error)))
            }
            None => Ok(()),
        }
    }

    fn reasons(&mut self, records: &RecordCounts) -> fmt::Result {
        let said = || records.reasons.iter().filter(|reason| !reason.error.is_empty());
        let mut rows: Vec<[String; 2]> = said()
            .take(REASONS)
            .map(|reason| [count(reason.keys), printable(&reason.error).into_owned()])
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let others = records.other_reasons + said().skip(REASONS).map(|reason| reason.keys).sum::<u64>();
        if others > 0 {
            rows.push([count(others), "for other reasons".to_owned()]);
        }
        writeln!(self, "\nby reason, with an example")?;
        self.table([Align::Right, Align::Left], &rows)
    }

    fn ages(&mut self, records: &RecordCounts) -> fmt::Result {
        let counted = &records.by_age;
        let rows = [
            ("under 10 minutes", counted.under_10_minutes),
            ("under 1 hour", counted.under_1_hour),
            ("under 1 day", counted.under_1_day),
            ("under 1 week", counted.under_1_week),
            ("older", counted.older),
        ]
        .map(|(age, keys)| [age.to_owned(), count(keys)]);
        writeln!(self, "\nby time since the last failure")?;
        self.table([Align::Left, Align::Right], &rows)
    }

    fn failure(&mut self, latest: &Latest) -> fmt::Result {
        let at = latest.at.as_deref().unwrap_or("at an unknown time");
        writeln!(self, "  {at}  {:9}  {}", name(latest.class), printable(&latest.key))?;
        if let Some(error) = &latest.error {
            let mut text = printable(&error.to_string()).into_owned();
            if latest.attempts > 1 {
                let _ = write!(text, " ({} attempts)", count(latest.attempts.into()));
            }
            self.paragraph("      ", &text)?;
        }
        Ok(())
    }
}

fn counters(name: &str, counted: Statistics) -> [String; 6] {
    let Statistics { requested, succeeded, failed, skipped, bytes: size } = counted;
    let [requested, succeeded, failed, skipped] = [requested, succeeded, failed, skipped].map(count);
    [name.to_owned(), requested, succeeded, failed, skipped, bytes(size)]
}

fn age(seconds: i64) -> String {
    duration(Duration::from_secs(seconds.unsigned_abs()))
}

fn name(class: Option<FailureClass>) -> &'static str {
    match class {
        Some(FailureClass::Transient) => "transient",
        Some(FailureClass::Throttled) => "throttled",
        Some(FailureClass::Auth) => "auth",
        Some(FailureClass::Permanent) => "permanent",
        None => "unknown",
    }
}

/// What precedes the command that sends failed keys again, where OMS would refuse them now.
const ONCE_MENDED: &str = "after the failure of OMS above is mended";

/// What to do about failures of a class. Where OMS fails now, a replay is no use yet.
fn advice(class: Option<FailureClass>, oms_fails: bool) -> &'static str {
    match class {
        Some(FailureClass::Transient) if oms_fails => "network trouble or a service was down",
        Some(FailureClass::Transient) => "network trouble or a service was down: run a replay",
        Some(FailureClass::Throttled) => "too many requests: run a replay, or lower OMS_MAX_RPS",
        Some(FailureClass::Auth) => "oms-bridge doctor says which credentials to check, then replay",
        Some(FailureClass::Permanent) => "refused: read the error (oms-bridge explain KEY)",
        None => "the records do not say why, like those of the vendor's function",
    }
}
