//! The status as people read it.

use std::fmt::{self, Write as _};

use super::{Latest, OmsReport, Records, Status};
use bridge_core::oms::task::Statistics;
use object_copy::outcome::FailureClass;
use settings::text::{Align, bytes, counted, printable, span, table};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.oms {
            Some(report) => {
                writeln!(f, "sync task   {}", self.task)?;
                oms(f, report)?;
            }
            None => writeln!(f, "journal of  {}, where OMS has no part", self.task)?,
        }
        writeln!(f, "log bucket  {}, looked at {}\n", self.log_bucket, self.checked_at)?;
        records(f, &self.records)
    }
}

fn oms(f: &mut fmt::Formatter<'_>, oms: &OmsReport) -> fmt::Result {
    if let Some(task) = &oms.task {
        writeln!(
            f,
            "            {}, from oss://{} ({}) to obs://{} ({})",
            printable(&task.status),
            printable(&task.src_bucket),
            printable(&task.src_region),
            printable(&task.dst_bucket),
            printable(&task.dst_region)
        )?;
    }
    let mut rows = vec![["OMS", "received", "copied", "failed", "skipped", "bytes"].map(str::to_owned)];
    rows.extend(oms.last_day.map(|day| counters("last 24 hours", day)));
    rows.extend(oms.task.as_ref().map(|task| counters("this month", task.month())));
    if rows.len() > 1 {
        let right = Align::Right;
        write!(f, "\n{}", table([Align::Left, right, right, right, right, right], &rows))?;
    }
    for note in &oms.notes {
        writeln!(f, "  {}", printable(note))?;
    }
    f.write_char('\n')
}

fn counters(name: &str, counted: Statistics) -> [String; 6] {
    let Statistics { requested, succeeded, failed, skipped, bytes: size } = counted;
    let [requested, succeeded, failed, skipped] =
        [requested, succeeded, failed, skipped].map(|count| count.to_string());
    [name.to_owned(), requested, succeeded, failed, skipped, bytes(size)]
}

fn records(f: &mut fmt::Formatter<'_>, records: &Records) -> fmt::Result {
    if records.failed == 0 {
        writeln!(f, "no key waits for a replay")?;
    } else {
        let verb = if records.failed == 1 { "waits" } else { "wait" };
        write!(f, "{} failed and {verb} for a replay", counted(records.failed, "key"))?;
        if records.records > records.failed {
            write!(f, ", with {}", counted(records.records, "record"))?;
        }
        f.write_char('\n')?;
        if let Some(oldest) = &records.oldest {
            let age = span(chrono::TimeDelta::seconds(oldest.age_s));
            writeln!(f, "  the oldest for {age}, since {}: {}", oldest.since, printable(&oldest.key))?;
        }
        classes(f, records)?;
        ages(f, records)?;
    }
    if records.dead > 0 {
        writeln!(f, "\n{} set aside after too many attempts", counted(records.dead, "key"))?;
    }
    if !records.latest.is_empty() {
        writeln!(f, "\nlatest failures")?;
        records.latest.iter().try_for_each(|latest| failure(f, latest))?;
    }
    if records.failed > 0 {
        writeln!(f, "\nsend them again: oms-bridge replay")?;
    }
    if records.dead > 0 {
        writeln!(f, "send what was set aside again, once its cause is mended: oms-bridge replay --dead")?;
    }
    Ok(())
}

fn classes(f: &mut fmt::Formatter<'_>, records: &Records) -> fmt::Result {
    if records.read == 0 {
        return Ok(());
    }
    let counted = &records.by_class;
    let rows: Vec<[String; 3]> = [
        ("transient", counted.transient, "network trouble or a service was down: run a replay"),
        ("throttled", counted.throttled, "too many requests: run a replay, or lower OMS_MAX_RPS"),
        ("auth", counted.auth, "oms-bridge doctor says which credentials to check, then replay"),
        ("permanent", counted.permanent, "refused every time: read the error (oms-bridge explain KEY)"),
        ("unknown", counted.unknown, "their records do not say, as those of the vendor's function"),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(class, count, what)| [class.to_owned(), count.to_string(), what.to_owned()])
    .collect();
    match records.read {
        read if read == records.failed => writeln!(f, "\nby class")?,
        read => writeln!(f, "\nby class, {read} of {} read", records.failed)?,
    }
    f.write_str(&table([Align::Left, Align::Right, Align::Left], &rows))?;
    match &records.unreadable {
        Some(error) => writeln!(f, "  some records cannot be read: {}", printable(error)),
        None => Ok(()),
    }
}

fn ages(f: &mut fmt::Formatter<'_>, records: &Records) -> fmt::Result {
    let counted = &records.by_age;
    let rows = [
        ("under 10 minutes", counted.under_10_minutes),
        ("under 1 hour", counted.under_1_hour),
        ("under 1 day", counted.under_1_day),
        ("under 1 week", counted.under_1_week),
        ("older", counted.older),
    ]
    .map(|(age, count)| [age.to_owned(), count.to_string()]);
    writeln!(f, "\nby time since the last failure")?;
    f.write_str(&table([Align::Left, Align::Right], &rows))
}

fn failure(f: &mut fmt::Formatter<'_>, latest: &Latest) -> fmt::Result {
    let at = latest.at.as_deref().unwrap_or("at an unknown time");
    let class = latest.class.map_or("unknown", class);
    writeln!(f, "  {at}  {class:9}  {}", printable(&latest.key))?;
    if let Some(error) = &latest.error {
        write!(f, "      {}", printable(&error.to_string()))?;
        if latest.attempts > 1 {
            write!(f, " ({} attempts)", latest.attempts)?;
        }
        f.write_char('\n')?;
    }
    Ok(())
}

fn class(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Transient => "transient",
        FailureClass::Throttled => "throttled",
        FailureClass::Auth => "auth",
        FailureClass::Permanent => "permanent",
    }
}
