//! All ranges of a run, several at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_copy::stop::{Stop, StopLevel};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::checkpoint::{Checkpoint, KeyRange, Progress};
use crate::error::CompareError;
use crate::merge::Finding;
use crate::range::{self, Done, Event, Range, Shared};
use crate::report::Report;
use crate::side::Comparison;
use crate::totals::Totals;

/// Time between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// Events of ranges that wait to be recorded.
const WAITING: usize = 4;

/// Is given what a comparison finds, once it is in the report.
pub trait Observer: Send {
    /// These keys were compared, in no order among ranges. The comparison goes on when this returns, so
    /// memory stays bounded. Equal keys only come where [`Comparison::wants_equal`] says so.
    fn found(&mut self, findings: Vec<Finding>) -> impl Future<Output = ()> + Send;

    /// So far this was counted.
    fn counted(&mut self, totals: &Totals);
}

/// How a comparison ended.
#[derive(Debug)]
pub struct Outcome {
    /// What it counted, including what runs before counted that it resumed.
    pub totals: Totals,
    /// Why it ended early, if it did.
    pub stopped: Option<CompareError>,
}

/// Where a comparison is recorded.
#[derive(Debug, Default)]
pub struct Records {
    /// A line for each key.
    pub report: Option<Report>,
    /// How far it is. It is removed once the comparison is through.
    pub checkpoint: Option<Checkpoint>,
    /// Where an earlier run was.
    pub resumed: Option<Progress>,
}

/// Compares two sides. Ends early where `stop` says so; the checkpoint, where there is one, knows the rest.
pub async fn run(
    comparison: Comparison,
    records: Records,
    observer: &mut impl Observer,
    stop: &Stop,
) -> Outcome {
    let Records { report, checkpoint, resumed } = records;
    let places = (comparison.requests / 2).max(1);
    let shared = Shared::new(comparison, places);
    let (sender, events) = mpsc::channel(WAITING);
    let Progress { totals, ranges, .. } = resumed.unwrap_or_default();
    let mut run = Run {
        shared: Arc::new(shared),
        sender,
        tasks: JoinSet::new(),
        open: BTreeMap::new(),
        waiting: Vec::new(),
        next: 0,
        totals,
        report,
        checkpoint,
        saved: None,
        is_ahead: false,
    };
    for KeyRange { after, until } in ranges.into_iter().rev() {
        let id = run.number();
        run.waiting.push(Range { id, after, until });
    }
    let stopped = run.run(events, observer, stop).await.err();
    let kept = match stopped {
        // What is not in the report is not in the checkpoint either.
        Some(CompareError::Report(_) | CompareError::Checkpoint(_)) => Ok(()),
        Some(_) => run.save(),
        None => run.close(),
    };
    Outcome { totals: run.totals, stopped: stopped.or(kept.err()) }
}

struct Run {
    shared: Arc<Shared>,
    sender: mpsc::Sender<Event>,
    tasks: JoinSet<()>,
    /// What is left of the ranges that were begun.
    open: BTreeMap<u64, Range>,
    /// Ranges of an earlier run that wait for a place.
    waiting: Vec<Range>,
    next: u64,
    totals: Totals,
    report: Option<Report>,
    checkpoint: Option<Checkpoint>,
    saved: Option<Instant>,
    /// Whether there is something that the checkpoint does not know yet.
    is_ahead: bool,
}

impl Run {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    async fn run(
        &mut self,
        mut events: mpsc::Receiver<Event>,
        observer: &mut impl Observer,
        stop: &Stop,
    ) -> Result<(), CompareError> {
        // Whether it can be written is known before anything is listed.
        self.save()?;
        self.begin();
        let mut stopped = std::pin::pin!(stop.reached(StopLevel::BeginNothing));
        while !(self.open.is_empty() && self.waiting.is_empty()) {
            let due = self.saved.map_or_else(Instant::now, |saved| saved + CHECKPOINT_EVERY);
            tokio::select! {
                biased;
                () = &mut stopped => return Err(CompareError::Interrupted),
                event = events.recv() => match event {
                    Some(event) => self.take(event, observer).await?,
                    // There is a sender in `self`.
                    None => return Ok(()),
                },
                // It may be long until the next page.
                () = sleep_until(due), if self.is_ahead && self.checkpoint.is_some() => self.save()?,
                // A range that ended well has said so; one that panicked says nothing more.
                joined = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Some(Err(error)) = joined {
                        return Err(CompareError::Internal(error.to_string()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Begins the ranges that wait, as far as there are places.
    fn begin(&mut self) {
        while let Ok(place) = Arc::clone(&self.shared.ranges).try_acquire_owned() {
            let Some(range) = self.waiting.pop() else { return };
            self.spawn(range, place);
        }
    }

    fn spawn(&mut self, range: Range, place: tokio::sync::OwnedSemaphorePermit) {
        self.open.insert(range.id, range.clone());
        self.tasks.spawn(range::compare(Arc::clone(&self.shared), range, place, self.sender.clone()));
    }

    async fn take(&mut self, event: Event, observer: &mut impl Observer) -> Result<(), CompareError> {
        self.is_ahead = true;
        match event {
            Event::Done { range, done, findings, totals } => {
                if let Some(report) = &mut self.report {
                    report.add(&findings)?;
                }
                self.totals.add(&totals);
                match (done, self.open.get_mut(&range)) {
                    (Done::UpTo(key), Some(open)) => open.after = key,
                    // At once: a checkpoint in between would have the names behind its last key still to do.
                    (Done::All, _) => drop(self.open.remove(&range)),
                    (Done::UpTo(_), None) => {}
                }
                observer.counted(&self.totals);
                if !findings.is_empty() {
                    observer.found(findings).await;
                }
                if self.saved.is_none_or(|saved| saved.elapsed() >= CHECKPOINT_EVERY) {
                    self.save()?;
                }
            }
            Event::Cut { range, at, place } => {
                let id = self.number();
                if let Some(open) = self.open.get_mut(&range) {
                    let until = open.until.replace(at.clone());
                    self.spawn(Range { id, after: Some(at), until }, place);
                }
            }
            Event::Over => self.begin(),
            Event::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes the checkpoint: first what it counts must be in the report.
    fn save(&mut self) -> Result<(), CompareError> {
        (self.saved, self.is_ahead) = (Some(Instant::now()), false);
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let report = self.report.as_mut().map(Report::sync).transpose()?;
        let ranges = self.open.values().chain(self.waiting.iter().rev());
        let ranges = ranges.map(|range| KeyRange { after: range.after.clone(), until: range.until.clone() });
        checkpoint.save(&Progress {
            totals: self.totals.clone(),
            ranges: ranges.collect(),
            report,
            started: self.shared.comparison.started,
            since: self.shared.comparison.since,
        })?;
        Ok(())
    }

    fn close(&mut self) -> Result<(), CompareError> {
        self.save()?;
        if let Some(report) = &mut self.report {
            report.sync()?;
        }
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.remove()?;
        }
        Ok(())
    }
}
