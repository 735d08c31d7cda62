//! The failed records, counted as they are listed: memory does not grow with their number, and neither do
//! requests beyond [`Limits`].

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::Error;
use serde::Serialize;

use bridge_core::journal::{FailedKey, FailureRef, OpenJournal, ReadError, Record, RecordStatus};
use object_copy::outcome::{EngineError, FailureClass};
use settings::text;
use terminal::progress::Progress;

/// Records read at once.
const READS: usize = 64;

/// Failures shown one by one.
const LATEST: usize = 5;

/// Reasons that are listed; the others are counted together.
const REASONS: usize = 10;

/// Reasons that are counted separately while records are read, to bound memory.
const REASONS_KEPT: usize = 500;

/// Days whose hours are counted, to bound memory.
const DAYS: i64 = 14;

/// Longest text of a reason in characters.
const LONGEST_REASON: usize = 200;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Keys that are counted. A thousand of their records take a request.
    pub list: usize,
    /// Records that are read for their class and reason. Each takes a request.
    pub read: usize,
}

/// Counts of the failed records in the log bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordCounts {
    /// Keys that failed and wait for a replay.
    pub failed: u64,
    /// Whether all were counted.
    pub complete: bool,
    /// Their records: one for each failure, so a key that failed for several events has several.
    pub records: u64,
    /// Keys whose newest record was read: only these have a class.
    pub read: u64,
    /// These keys by class of their last failure.
    pub by_class: ByClass,
    /// The most frequent reasons, at most ten.
    pub reasons: Vec<Reason>,
    /// The keys that failed for any other reason.
    pub other_reasons: u64,
    /// All failed keys, by the time since their last failure.
    pub by_age: ByAge,
    /// Failed keys by the hour of their last failure, of the last `DAYS` days. For the page of `report`.
    #[serde(skip)]
    pub hours: BTreeMap<DateTime<Utc>, u64>,
    /// The key that has been waiting longest.
    pub oldest: Option<Oldest>,
    /// Keys that were set aside after too many attempts.
    pub dead: u64,
    /// The latest failures, newest first.
    pub latest: Vec<Latest>,
    /// Why records could not be read, if some could not.
    pub unreadable: Option<String>,
}

/// A reason: failures of one class, status and code, or of one message if there is no code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Class of the failure.
    pub class: Option<FailureClass>,
    /// The service's error for one of them.
    pub error: String,
    /// Number of keys.
    pub keys: u64,
    /// One of the keys.
    pub example: String,
}

/// Counts by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByClass {
    /// [`FailureClass::Transient`]
    pub transient: u64,
    /// [`FailureClass::Throttled`]
    pub throttled: u64,
    /// [`FailureClass::Auth`]
    pub auth: u64,
    /// [`FailureClass::Permanent`]
    pub permanent: u64,
    /// No class in the record, as in the vendor's empty markers.
    pub unknown: u64,
}

/// Counts by the time since the last failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByAge {
    /// Less than 10 minutes.
    pub under_10_minutes: u64,
    /// Less than an hour.
    pub under_1_hour: u64,
    /// Less than a day.
    pub under_1_day: u64,
    /// Less than a week.
    pub under_1_week: u64,
    /// A week and more.
    pub older: u64,
}

/// The key that has been waiting longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// The key, or the name of its record if only the key's hash is known.
    pub key: String,
    /// Time of the first failure if its record was read, else of the last.
    pub since: String,
    /// Seconds since then.
    pub age_s: i64,
}

/// One of the latest failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latest {
    /// The key, or the name of its record if only the key's hash is known.
    pub key: String,
    /// When it failed last.
    pub at: Option<String>,
    /// Class of the failure.
    pub class: Option<FailureClass>,
    /// Attempts so far; 0 if the record does not say.
    pub attempts: u32,
    /// The service's error.
    pub error: Option<EngineError>,
    /// Request id at the service.
    pub request_id: Option<String>,
}

impl ByClass {
    fn add(&mut self, class: Option<FailureClass>) {
        *match class {
            Some(FailureClass::Transient) => &mut self.transient,
            Some(FailureClass::Throttled) => &mut self.throttled,
            Some(FailureClass::Auth) => &mut self.auth,
            Some(FailureClass::Permanent) => &mut self.permanent,
            None => &mut self.unknown,
        } += 1;
    }
}

impl ByAge {
    fn add(&mut self, age: Option<TimeDelta>) {
        *match age {
            Some(age) if age < TimeDelta::minutes(10) => &mut self.under_10_minutes,
            Some(age) if age < TimeDelta::hours(1) => &mut self.under_1_hour,
            Some(age) if age < TimeDelta::days(1) => &mut self.under_1_day,
            Some(age) if age < TimeDelta::weeks(1) => &mut self.under_1_week,
            _ => &mut self.older,
        } += 1;
    }
}

/// Lists keys, reads the newest record of the first of them.
pub(super) async fn collect(
    journal: &OpenJournal,
    Limits { list, read }: Limits,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<RecordCounts, Error> {
    let dead = journal.failed_keys(RecordStatus::Dead).take(list);
    let dead = dead.try_fold(0, |count, _| async move { Ok(count + 1) });
    let failed = async {
        let mut tally = Tally::new(now);
        // One more than is counted, to see whether there is one.
        let keys = journal.failed_keys(RecordStatus::Failed).take(list.saturating_add(1)).enumerate();
        let mut seen = std::pin::pin!(
            keys.map(|(index, key)| async move {
                let key = key?;
                let record = if index < read { Some(journal.read(&key.newest).await) } else { None };
                Ok::<_, Error>((key, record))
            })
            .buffered(READS)
        );
        while let Some((key, record)) = seen.try_next().await? {
            if tally.records.failed == list as u64 {
                tally.records.complete = false;
                break;
            }
            progress.add(1);
            tally.add(key, record);
        }
        Ok(tally.finish(journal).await)
    };
    let (dead, records) = tokio::try_join!(dead, failed)?;
    Ok(RecordCounts { dead, ..records })
}

struct Tally {
    now: DateTime<Utc>,
    records: RecordCounts,
    oldest: Option<(DateTime<Utc>, String)>,
    reasons: Reasons,
    /// Newest first.
    latest: Vec<FailureRef>,
}

impl Tally {
    fn new(now: DateTime<Utc>) -> Self {
        let (records, reasons) =
            (RecordCounts { complete: true, ..RecordCounts::default() }, Reasons::default());
        Self { now, records, oldest: None, reasons, latest: Vec::with_capacity(LATEST + 1) }
    }

    fn add(&mut self, key: FailedKey, record: Option<Result<Record, ReadError>>) {
        let FailedKey { newest, since, records } = key;
        let failed_at = newest.written();
        self.records.failed += 1;
        self.records.records += records;
        self.records.by_age.add(failed_at.map(|at| self.now - at));
        let recent = failed_at.filter(|at| self.now - at < TimeDelta::days(DAYS));
        if let Some(hour) = recent.and_then(|at| at.duration_trunc(TimeDelta::hours(1)).ok()) {
            *self.records.hours.entry(hour).or_default() += 1;
        }
        let record = record.map(|record| {
            self.records.read += 1;
            record.unwrap_or_else(|error| {
                self.records.unreadable.get_or_insert_with(|| error.to_string());
                Record::default()
            })
        });
        if let Some(record) = &record {
            self.records.by_class.add(record.class);
            self.reasons.add(record, || name(&newest, Some(record)));
        }
        let first = record.as_ref().and_then(|record| parse(record.first_failed_at.as_deref()?));
        let first = [first, since].into_iter().flatten().min();
        if let Some(since) = first.or(failed_at) {
            self.wait(since, &newest, record.as_ref());
        }
        let newer = |other: &FailureRef| other.written() >= failed_at;
        let place = self.latest.partition_point(newer);
        if place < LATEST {
            self.latest.insert(place, newest);
            self.latest.truncate(LATEST);
        }
    }

    fn wait(&mut self, since: DateTime<Utc>, failure: &FailureRef, record: Option<&Record>) {
        if self.oldest.as_ref().is_none_or(|(oldest, _)| since < *oldest) {
            self.oldest = Some((since, name(failure, record)));
        }
    }

    async fn finish(self, journal: &OpenJournal) -> RecordCounts {
        let now = self.now;
        let oldest = self.oldest.map(|(since, key)| Oldest {
            key,
            since: text::time(since),
            age_s: (now - since).num_seconds(),
        });
        let latest = stream::iter(&self.latest)
            .map(|failure| async move { latest(failure, journal.read(failure).await.unwrap_or_default()) })
            .buffered(LATEST)
            .collect()
            .await;
        let (reasons, other_reasons) = self.reasons.most_frequent();
        RecordCounts { reasons, other_reasons, oldest, latest, ..self.records }
    }
}

/// The reasons of the records that were read.
#[derive(Default)]
struct Reasons {
    found: HashMap<(Option<FailureClass>, String), Reason>,
    others: u64,
}

impl Reasons {
    fn add(&mut self, record: &Record, name: impl FnOnce() -> String) {
        let error = record.error.clone().unwrap_or_default();
        let which = match (&error.code, error.status) {
            (Some(code), _) => code.clone(),
            (None, Some(status)) => status.to_string(),
            // Without the key, or each failure would be a reason of its own.
            (None, None) if record.key.is_empty() => shortened(&error.message),
            (None, None) => shortened(&error.message.replace(&record.key, "KEY")),
        };
        let room = self.found.len() < REASONS_KEPT;
        let which = (record.class, which);
        if let Some(reason) = self.found.get_mut(&which) {
            reason.keys += 1;
        } else if room {
            let error = shortened(&error.to_string());
            let reason = Reason { class: record.class, error, keys: 1, example: name() };
            self.found.insert(which, reason);
        } else {
            self.others += 1;
        }
    }

    fn most_frequent(self) -> (Vec<Reason>, u64) {
        let mut reasons: Vec<Reason> = self.found.into_values().collect();
        reasons.sort_by(|a, b| b.keys.cmp(&a.keys).then_with(|| a.error.cmp(&b.error)));
        let others = reasons.iter().skip(REASONS).map(|reason| reason.keys).sum::<u64>();
        reasons.truncate(REASONS);
        (reasons, self.others + others)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn latest(failure: &FailureRef, record: Record) -> Latest {
    let at = parse(record.last_failed_at.as_deref().unwrap_or_default()).or(failure.written());
    Latest {
        key: name(failure, Some(&record)),
        at: at.map(text::time),
        class: record.class,
        attempts: record.attempts,
        error: record.error,
        request_id: record.request_id,
    }
}

fn name(failure: &FailureRef, record: Option<&Record>) -> String {
    let recorded = record.map(|record| &*record.key).filter(|key| !key.is_empty());
    failure.key().or(recorded).unwrap_or(failure.name()).to_owned()
}

fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(key: &str, code: Option<&str>, message: &str) -> Record {
        let error = EngineError { status: None, code: code.map(str::to_owned), message: message.to_owned() };
        Record {
            key: key.to_owned(),
            class: Some(FailureClass::Permanent),
            error: Some(error),
            ..Record::default()
        }
    }

    #[test]
    fn reasons_are_counted_by_code_or_else_by_message_without_the_key() {
        let mut reasons = Reasons::default();
        for number in 0..3 {
            let key = format!("photos/{number}");
            reasons.add(&failed(&key, Some("OMS.1"), &format!("of {key}")), || key.clone());
            reasons.add(&failed(&key, None, &format!("{key} is not reached")), || key.clone());
        }
        reasons.add(&failed("a", Some("OMS.1"), "of a"), || "a".to_owned());
        let (reasons, others) = reasons.most_frequent();
        let shown: Vec<(u64, &str)> = reasons.iter().map(|reason| (reason.keys, &*reason.error)).collect();
        assert_eq!((shown, others), (vec![(4, "OMS.1 of photos/0"), (3, "photos/0 is not reached")], 0));
    }

    #[test]
    fn the_memory_for_reasons_is_bounded() {
        let mut reasons = Reasons::default();
        for number in 0..REASONS_KEPT * 2 {
            reasons.add(&failed("a", None, &format!("{number} {}", "x".repeat(1000))), || "a".to_owned());
        }
        assert_eq!(reasons.found.len(), REASONS_KEPT);
        let (reasons, others) = reasons.most_frequent();
        assert_eq!((reasons.len(), others), (REASONS, (REASONS_KEPT * 2 - REASONS) as u64));
        assert!(reasons.iter().all(|reason| reason.error.chars().count() <= LONGEST_REASON + 1));
    }

    #[test]
    fn ages_fall_into_their_buckets() {
        let mut ages = ByAge::default();
        for age in [
            Some(TimeDelta::seconds(-5)),
            Some(TimeDelta::seconds(599)),
            Some(TimeDelta::minutes(10)),
            Some(TimeDelta::hours(1)),
            Some(TimeDelta::days(1)),
            Some(TimeDelta::weeks(1)),
            None,
        ] {
            ages.add(age);
        }
        let expected =
            ByAge { under_10_minutes: 2, under_1_hour: 1, under_1_day: 1, under_1_week: 1, older: 2 };
        assert_eq!(ages, expected);
    }
}
