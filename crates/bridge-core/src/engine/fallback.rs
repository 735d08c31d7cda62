//! Jobs that the first engine does not accept go to the second.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{Failure, Job, Outcome, OutcomeSender, Outcomes};
use object_copy::outcome::Attempt;

/// Jobs that the first engine has, and where they go from there. `S` submits jobs to the second engine.
pub(super) struct Fallback<S> {
    waiting: HashMap<usize, Job>,
    /// Failures at the first engine of jobs that are at the second.
    refused: HashMap<usize, Failure>,
    second: S,
    outcomes: OutcomeSender,
}

impl<S> Fallback<S>
where
    S: Fn(Vec<(usize, Job)>, &OutcomeSender),
{
    pub(super) fn new(waiting: HashMap<usize, Job>, second: S, outcomes: OutcomeSender) -> Self {
        Self { waiting, refused: HashMap::new(), second, outcomes }
    }

    /// Passes on the outcomes of `first`. Jobs that fail there, and those without an outcome at `half`, go to
    /// the second engine.
    pub(super) async fn run(mut self, mut first: Outcomes, half: Instant) {
        let (sender, mut second) = mpsc::unbounded_channel();
        // `Some` while jobs may still go to the second engine, which is also how long the first one is
        // listened to. Each job that is handed over gets a clone. Dropping ours leaves only those, so
        // `second.recv()` returns `None` exactly when the last handed-over job has ended: that is the only
        // way out of the loop but the caller's own.
        let mut sender = Some(sender);
        loop {
            tokio::select! {
                outcome = timeout_at(half, first.next()), if sender.is_some() => match (outcome, &sender) {
                    (Ok(Some((index, outcome))), Some(sender)) => self.take_from_first(index, outcome, sender),
                    // Half of the time is over, or the first engine has ended.
                    (_, open) => {
                        if let Some(sender) = open {
                            self.hand_over_rest(sender);
                        }
                        sender = None;
                    }
                },
                outcome = second.recv() => match outcome {
                    Some((index, outcome)) => self.take_from_second(index, outcome),
                    None => return,
                },
                () = self.outcomes.closed() => return,
            }
        }
    }

    fn take_from_first(&mut self, index: usize, outcome: Outcome, sender: &OutcomeSender) {
        let Some(job) = self.waiting.remove(&index) else { return };
        match outcome {
            // Nothing more is begun, here or there.
            outcome @ Outcome::Failed(Failure { attempt: Attempt::NotBegun, .. }) => {
                self.report(index, outcome);
            }
            Outcome::Failed(failure) if !failure.is_about_the_key() => {
                tracing::debug!(key = job.key(), error = %failure.error, "OMS did not accept the key; copying it");
                (self.second)(vec![(index, job)], sender);
                self.refused.insert(index, failure);
            }
            outcome => self.report(index, outcome),
        }
    }

    fn hand_over_rest(&mut self, sender: &OutcomeSender) {
        let mut rest: Vec<(usize, Job)> = self.waiting.drain().collect();
        if rest.is_empty() {
            return;
        }
        rest.sort_unstable_by_key(|(index, _)| *index);
        tracing::debug!(keys = rest.len(), "OMS did not respond within half of the time; copying");
        (self.second)(rest, sender);
    }

    fn take_from_second(&mut self, index: usize, outcome: Outcome) {
        let refused = self.refused.remove(&index);
        // If the second engine did not get to the key, the failure of the first one is what counts.
        let untried = matches!(
            &outcome,
            Outcome::Failed(Failure { attempt: Attempt::NotMade | Attempt::NotBegun, open: None, .. })
        );
        match refused {
            Some(failure) if untried => self.report(index, Outcome::Failed(failure)),
            _ => self.report(index, outcome),
        }
    }

    fn report(&self, index: usize, outcome: Outcome) {
        // A caller that stopped listening has decided about the job without us.
        let _ = self.outcomes.send((index, outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::{Acceptance, EngineName};
    use object_copy::outcome::{EngineError, FailureClass};
    use object_copy::transfer::Concern;
    use object_events::change::ObjectChange;

    const HALF: Duration = Duration::from_secs(5);

    /// Both engines are played by the test.
    struct Scene {
        first: OutcomeSender,
        /// What the second engine is handed: index and key of each job, and where to settle them.
        second: mpsc::UnboundedReceiver<(Vec<String>, OutcomeSender)>,
        outcomes: Outcomes,
    }

    fn scene(keys: &[&str]) -> Scene {
        let (first, settled) = mpsc::unbounded_channel();
        let (sender, receiver) = mpsc::unbounded_channel();
        let (handed, second) = mpsc::unbounded_channel();
        let submit = move |jobs: Vec<(usize, Job)>, outcomes: &OutcomeSender| {
            let jobs = jobs.iter().map(|(index, job)| format!("{index}:{}", job.key())).collect();
            handed.send((jobs, outcomes.clone())).unwrap();
        };
        let job = |key: &str| Job::new(Arc::new(ObjectChange::of_key(key)));
        let waiting = keys.iter().copied().map(job).enumerate().collect();
        let half = Instant::now() + HALF;
        tokio::spawn(Fallback::new(waiting, submit, sender).run(Outcomes::new(settled), half));
        Scene { first, second, outcomes: Outcomes::new(receiver) }
    }

    fn accepted(engine: EngineName) -> Outcome {
        Outcome::Accepted(Acceptance { engine, ..Acceptance::default() })
    }

    fn failed(engine: EngineName, class: FailureClass, status: Option<u16>, attempt: Attempt) -> Outcome {
        let error = EngineError { status, code: None, message: "no".into() };
        Outcome::Failed(Failure {
            engine,
            class,
            error,
            request_id: None,
            attempt,
            open: None,
            concern: Concern::Object,
            request: None,
            unreached: None,
        })
    }

    fn by_oms(class: FailureClass, status: Option<u16>) -> Outcome {
        failed(EngineName::Oms, class, status, Attempt::Made)
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_first_engine_accepts_is_not_tried_twice() {
        let Scene { first, mut second, mut outcomes } = scene(&["a"]);
        first.send((0, accepted(EngineName::Oms))).unwrap();
        assert_eq!(outcomes.next().await, Some((0, accepted(EngineName::Oms))));
        drop(first);
        assert_eq!(outcomes.next().await, None);
        assert!(second.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_fails_for_reasons_of_the_service_or_the_task_goes_on() {
        for (class, status) in [
            (FailureClass::Transient, Some(503)),
            (FailureClass::Transient, None),
            (FailureClass::Throttled, Some(429)),
            (FailureClass::Auth, Some(401)),
            (FailureClass::Auth, Some(403)),
            (FailureClass::Permanent, Some(404)),
        ] {
            let Scene { first, mut second, mut outcomes } = scene(&["a"]);
            first.send((0, by_oms(class, status))).unwrap();
            let (jobs, settle) = second.recv().await.unwrap();
            assert_eq!(jobs, ["0:a"], "{class} {status:?}");
            settle.send((0, accepted(EngineName::Copy))).unwrap();
            assert_eq!(outcomes.next().await, Some((0, accepted(EngineName::Copy))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_refused_for_its_own_sake_stays_failed() {
        for status in [Some(400), None] {
            let Scene { first, mut second, mut outcomes } = scene(&["a"]);
            first.send((0, by_oms(FailureClass::Permanent, status))).unwrap();
            assert_eq!(outcomes.next().await, Some((0, by_oms(FailureClass::Permanent, status))));
            drop(first);
            assert!(second.recv().await.is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_settled_at_half_time_goes_on_and_a_late_answer_counts_for_nothing() {
        let begun = Instant::now();
        let Scene { first, mut second, mut outcomes } = scene(&["a", "b", "c"]);
        first.send((1, accepted(EngineName::Oms))).unwrap();
        assert_eq!(outcomes.next().await, Some((1, accepted(EngineName::Oms))));
        let (jobs, settle) = second.recv().await.unwrap();
        assert_eq!((jobs, begun.elapsed().as_secs()), (vec!["0:a".into(), "2:c".into()], HALF.as_secs()));
        let _ = first.send((0, accepted(EngineName::Oms)));
        settle.send((2, accepted(EngineName::Copy))).unwrap();
        drop(settle);
        assert_eq!(outcomes.next().await, Some((2, accepted(EngineName::Copy))));
        assert_eq!(outcomes.next().await, None, "the late answer is not heard");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_engine_that_was_tried_is_the_one_that_counts() {
        for (attempt, counts) in [(Attempt::NotMade, EngineName::Oms), (Attempt::Made, EngineName::Copy)] {
            let Scene { first, mut second, mut outcomes } = scene(&["a"]);
            first.send((0, by_oms(FailureClass::Transient, Some(503)))).unwrap();
            let (_, settle) = second.recv().await.unwrap();
            settle.send((0, failed(EngineName::Copy, FailureClass::Auth, None, attempt))).unwrap();
            let outcome = outcomes.next().await.map(|(_, outcome)| outcome.engine());
            assert_eq!(outcome, Some(counts), "{attempt:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_when_nobody_listens() {
        let Scene { first, mut second, outcomes } = scene(&["a"]);
        drop(outcomes);
        assert!(second.recv().await.is_none());
        assert!(first.is_closed());
    }
}
