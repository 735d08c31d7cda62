//! Compares, makes both sides equal, and compares again.

use std::fmt;
use std::time::Duration;

use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use bridge_core::progress::Log;
use object_copy::clock::Clock;
use object_copy::stop::{Stop, StopLevel};
use oss_lite::Versioning;
use reconcile::{Check, CompareError, Comparison, Finding, Observer, Outcome, Records, Totals};
use tokio::time::{Instant, sleep};

use crate::extras::{Deletion, Extras, Refusal};
use crate::forwarding::Forwarding;
use crate::repaired::{Found, Repaired};
use crate::sides::{Unsuitable, check_overlap};
use crate::task::{ObjectLists, TaskCount, TaskError, TaskForwarder, TaskObserver, Work, bucket_of};

/// First and longest wait between two comparisons while OMS copies.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The pipeline of events, which brings missing and different objects over.
pub struct Forwarder {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// What opens the source.
    pub credentials: SourceCredentials,
    /// What stands before the keys of findings, in the source bucket.
    pub prefix: String,
    /// Whether an accepted key is copied later: by OMS.
    pub copies_later: bool,
}

/// Who brings missing and different objects over.
#[derive(Debug)]
pub enum Fix {
    /// The pipeline.
    Pipeline(Box<Forwarder>),
    /// Migration tasks of OMS.
    Tasks(Box<TaskForwarder>),
}

/// What is done about differences.
#[derive(Debug)]
pub struct Repair {
    /// Who brings missing and different objects over; without it nobody does.
    pub fix: Option<Fix>,
    /// How many extra keys may be deleted; without it none are.
    pub max_delete: Option<usize>,
    /// Whether extra keys are deleted although the source is empty.
    pub may_source_be_empty: bool,
    /// How long accepted keys are waited for.
    pub wait: Duration,
    /// Whether nothing is changed.
    pub is_dry: bool,
    /// Tells the time.
    pub clock: Clock,
}

/// What happens, beside what comparisons find.
#[derive(Debug)]
pub enum RepairEvent<'e> {
    /// A dry run would delete this key.
    WouldDelete(&'e str),
    /// What became of an extra key.
    Deletion(&'e str, &'e Deletion),
    /// Nothing is deleted.
    NothingDeleted(Refusal),
    /// The bucket keeps what is deleted as earlier versions.
    KeepsVersions,
    /// Both sides are compared again.
    ComparesAgain,
    /// OMS has accepted keys that are not there yet.
    WaitsFor(u64),
}

/// Is given what happens.
pub trait RepairObserver: Observer + TaskObserver {
    /// Something happened.
    fn happened(&mut self, event: RepairEvent<'_>);
}

/// Why a repair ended early, beside what ends a comparison.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// These sides cannot be made equal in this way. Nothing was done.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
    /// A task was not followed to a good end, or none was created.
    #[error(transparent)]
    Task(#[from] TaskError),
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Repair {
    /// Passes an interrupt on.
    pub fn stop(&self, level: StopLevel) {
        if let Some(Fix::Pipeline(forwarder)) = &self.fix {
            forwarder.pipeline.engine().stop(level);
        }
    }

    /// Compares, makes equal, and compares again. The outcome is that of the last comparison.
    ///
    /// # Errors
    ///
    /// [`RepairError`].
    pub async fn run(
        &self,
        comparison: Comparison,
        records: Records,
        observer: &mut impl RepairObserver,
        stop: &Stop,
    ) -> Result<(Outcome, Repaired), RepairError> {
        let Comparison { source, destination, .. } = &comparison;
        check_overlap(source, destination)?;
        let extras = self.max_delete.map(|most| Extras::new(source, destination, most)).transpose()?;
        let forwarder = match &self.fix {
            Some(Fix::Tasks(forwarder)) if !self.is_dry => forwarder,
            _ => return Box::pin(self.work(None, comparison, records, extras, observer, stop)).await,
        };
        let bucket = bucket_of(destination).ok_or(Unsuitable::NoTask)?.clone();
        let work = Work::begin(forwarder, &bucket, self.clock).await?;
        let repair = Box::pin(self.work(Some(&work), comparison, records, extras, observer, stop));
        let held = work.hold(repair).await;
        let done = held.unwrap_or_else(|lost| Err(lost.into()));
        if !matches!(done, Err(RepairError::Task(TaskError::Lost))) {
            work.end().await;
        }
        done
    }

    /// The same, once the right to work with `tasks` is obtained, where there are any.
    async fn work(
        &self,
        tasks: Option<&Work<'_>>,
        comparison: Comparison,
        records: Records,
        extras: Option<Extras>,
        observer: &mut impl RepairObserver,
        stop: &Stop,
    ) -> Result<(Outcome, Repaired), RepairError> {
        let mut repaired = Repaired::default();
        let mut lists = None;
        if let Some(tasks) = tasks {
            match tasks.settle(observer, stop).await {
                Ok(totals) => totals.into_iter().for_each(|totals| repaired.add_tasks(totals)),
                Err(error) => return interrupted(error, repaired),
            }
            lists = Some(tasks.lists(&comparison, stop).ok_or(Unsuitable::NoTask)?);
        }
        let (forwarding, counting) = match &self.fix {
            Some(Fix::Pipeline(forwarder)) if !self.is_dry => {
                let Forwarder { pipeline, credentials, prefix, .. } = &**forwarder;
                (Some(Forwarding::new(pipeline, credentials, &Log, stop, prefix)), None)
            }
            Some(Fix::Tasks(forwarder)) if self.is_dry => {
                (None, Some(TaskCount::new(forwarder.limits, &comparison.source.prefix)))
            }
            _ => (None, None),
        };
        let again = Comparison { wants_equal: false, ..comparison.clone() };
        let mut repairing = Repairing { observer, forwarding, lists, counting, extras };
        let first = reconcile::run(comparison, records, &mut repairing, stop).await;
        let Repairing { observer, forwarding, lists, counting, extras } = repairing;
        if let Some(forwarding) = forwarding {
            repaired.forwarded = Some(forwarding.finish().await);
        } else if self.is_dry && self.fix.is_some() {
            repaired.would_forward = Some(first.totals.missing + first.totals.different);
            repaired.would_start_tasks = counting.map(|counting| counting.tasks());
        }
        // Nothing is concluded from a comparison that ended early.
        if first.stopped.is_some() {
            if let Some(lists) = lists {
                lists.discard().await;
            }
            return Ok((first, repaired));
        }
        let mut may_differ = repaired.has_forwarded();
        if let Some((tasks, lists)) = tasks.zip(lists) {
            match tasks.copy(lists, observer, stop).await {
                Ok(None) => {}
                Ok(Some(totals)) => {
                    repaired.add_tasks(totals);
                    may_differ = true;
                }
                Err(error) => return interrupted(error, repaired),
            }
        }
        let found = Found::from(&first.totals);
        let mut last = None;
        if may_differ {
            repaired.found = Some(found);
            let outcome = self.compare_again(&again, &repaired, observer, stop).await;
            if outcome.stopped.is_some() {
                return Ok((outcome, repaired));
            }
            last = Some(outcome);
        }
        if let Some(extras) = extras {
            // An object that has another name at the source by now is deleted once it is there under that name.
            let is_fixed = match &self.fix {
                Some(_) if !self.is_dry => {
                    let totals = &last.as_ref().unwrap_or(&first).totals;
                    extras.check_fixed(totals, repaired.not_accepted())
                }
                _ => Ok(()),
            };
            let may_delete = extras.check(&first.totals, self.may_source_be_empty).and(is_fixed);
            match may_delete {
                Ok(()) => self.delete(extras, again.requests, &mut repaired, observer, stop).await,
                Err(refusal) => observer.happened(RepairEvent::NothingDeleted(refusal)),
            }
            if repaired.has_deleted() {
                repaired.found = Some(found);
                observer.happened(RepairEvent::ComparesAgain);
                last = Some(self.compare(&again, again.check, observer, stop).await);
            }
        }
        Ok((last.unwrap_or(first), repaired))
    }

    async fn delete(
        &self,
        extras: Extras,
        at_once: usize,
        repaired: &mut Repaired,
        observer: &mut impl RepairObserver,
        stop: &Stop,
    ) {
        if self.is_dry {
            let mut count = 0;
            for key in extras.keys() {
                observer.happened(RepairEvent::WouldDelete(&key));
                count += 1;
            }
            repaired.would_delete = Some(count);
            return;
        }
        // Without the right to ask nothing is said about it.
        if !extras.is_empty()
            && let Ok(Versioning::Enabled | Versioning::Suspended) = extras.bucket().versioning().await
        {
            observer.happened(RepairEvent::KeepsVersions);
        }
        repaired.deleted = Some(0);
        let done = |key: &str, deletion: Deletion| {
            repaired.add_deletion(&deletion);
            observer.happened(RepairEvent::Deletion(key, &deletion));
        };
        extras.delete(at_once, stop, done).await;
    }

    /// Compares until both sides are equal, as far as what was forwarded can make them so, or the time for
    /// that is up.
    async fn compare_again(
        &self,
        comparison: &Comparison,
        repaired: &Repaired,
        observer: &mut impl RepairObserver,
        stop: &Stop,
    ) -> Outcome {
        let is_under_way = matches!(&self.fix, Some(Fix::Pipeline(forwarder)) if forwarder.copies_later);
        // Objects are read once, at the end.
        let reads = comparison.check == Check::Content;
        let while_waiting = if reads && is_under_way { Check::Full } else { comparison.check };
        let (until, mut wait) = (Instant::now() + self.wait, FIRST_WAIT);
        loop {
            observer.happened(RepairEvent::ComparesAgain);
            let began = Instant::now();
            let outcome = self.compare(comparison, while_waiting, observer, stop).await;
            let open = outcome.totals.missing + outcome.totals.different;
            let left = until.saturating_duration_since(Instant::now());
            let is_last = !is_under_way || open <= repaired.not_accepted() || left.is_zero();
            if outcome.stopped.is_some() || (is_last && while_waiting == comparison.check) {
                return outcome;
            }
            if is_last {
                observer.happened(RepairEvent::ComparesAgain);
                return self.compare(comparison, comparison.check, observer, stop).await;
            }
            observer.happened(RepairEvent::WaitsFor(open));
            // A large bucket is not listed all the time.
            tokio::select! {
                () = sleep(wait.max(began.elapsed()).min(left)) => {}
                () = stop.reached(StopLevel::BeginNothing) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn compare(
        &self,
        comparison: &Comparison,
        check: Check,
        observer: &mut impl RepairObserver,
        stop: &Stop,
    ) -> Outcome {
        let comparison = Comparison { started: (self.clock)(), check, ..comparison.clone() };
        reconcile::run(comparison, Records::default(), observer, stop).await
    }
}

/// The end of a run that the user interrupted: what it had done is said, and a task goes on. Other errors
/// stay what they are.
fn interrupted(error: TaskError, repaired: Repaired) -> Result<(Outcome, Repaired), RepairError> {
    match error {
        TaskError::Interrupted(task) => {
            let outcome = Outcome { totals: Totals::default(), stopped: Some(CompareError::Interrupted) };
            Ok((outcome, Repaired { task_under_way: task, ..repaired }))
        }
        other => Err(other.into()),
    }
}

/// Shows progress, and hands differences to what makes them go away.
struct Repairing<'o, 'p, O> {
    observer: &'o mut O,
    forwarding: Option<Forwarding<'p>>,
    lists: Option<ObjectLists>,
    counting: Option<TaskCount>,
    extras: Option<Extras>,
}

impl<O: RepairObserver> Observer for Repairing<'_, '_, O> {
    async fn found(&mut self, findings: Vec<Finding>) {
        if let Some(extras) = &mut self.extras {
            extras.take(&findings);
        }
        if let Some(forwarding) = &mut self.forwarding {
            forwarding.take(&findings).await;
        }
        if let Some(lists) = &mut self.lists {
            lists.take(&findings).await;
        }
        if let Some(counting) = &mut self.counting {
            counting.take(&findings);
        }
        self.observer.found(findings).await;
    }

    fn counted(&mut self, totals: &Totals) {
        self.observer.counted(totals);
    }
}
