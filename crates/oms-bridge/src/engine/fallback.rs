//! What the first engine does not take goes to the second.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{Attempt, Failure, FailureClass, Job, OpenUpload, Outcome, Outcomes};
use crate::change::Effect;

/// A [`Job`] that outlives its submission.
#[derive(Debug)]
pub(super) struct OwnedJob {
    key: String,
    bucket: Option<String>,
    effect: Effect,
    open: Option<OpenUpload>,
}

impl From<Job<'_>> for OwnedJob {
    fn from(job: Job<'_>) -> Self {
        Self {
            key: job.key.to_owned(),
            bucket: job.bucket.map(str::to_owned),
            effect: job.effect,
            open: job.open.cloned(),
        }
    }
}

impl OwnedJob {
    fn borrow(&self) -> Job<'_> {
        Job { key: &self.key, bucket: self.bucket.as_deref(), effect: self.effect, open: self.open.as_ref() }
    }
}

type Sender = mpsc::UnboundedSender<(usize, Outcome)>;

/// Jobs that the first engine has, and where they go from there. `S` submits jobs to the second engine.
pub(super) struct Fallback<S> {
    waiting: HashMap<usize, OwnedJob>,
    /// What the first engine said of those that went on.
    refused: HashMap<usize, Failure>,
    second: S,
    outcomes: Sender,
}

impl<S> Fallback<S>
where
    S: Fn(Vec<(usize, Job<'_>)>, &Sender),
{
    pub(super) fn new(waiting: HashMap<usize, OwnedJob>, second: S, outcomes: Sender) -> Self {
        Self { waiting, refused: HashMap::new(), second, outcomes }
    }

    /// Passes on what `first` settles. What it fails, and what it has not settled at `half`, goes to the second engine.
    pub(super) async fn run(mut self, mut first: Outcomes, half: Instant) {
        let (sender, mut settled) = mpsc::unbounded_channel();
        // Dropped once nothing more goes to the second engine, so that its outcomes come to an end.
        let mut sender = Some(sender);
        loop {
            tokio::select! {
                outcome = timeout_at(half, first.next()), if sender.is_some() => match (outcome, &sender) {
                    (Ok(Some((index, outcome))), Some(sender)) => self.first_settled(index, outcome, sender),
                    (_, rest) => {
                        if let Some(sender) = rest {
                            self.hand_over_rest(sender);
                        }
                        sender = None;
                    }
                },
                outcome = settled.recv() => match outcome {
                    Some((index, outcome)) => self.second_settled(index, outcome),
                    None => return,
                },
                () = self.outcomes.closed() => return,
            }
        }
    }

    fn first_settled(&mut self, index: usize, outcome: Outcome, sender: &Sender) {
        let Some(job) = self.waiting.remove(&index) else { return };
        match outcome {
            Outcome::Failed(failure) if is_no_fault_of_the_key(&failure) => {
                tracing::debug!(key = job.key, error = %failure.error, "OMS did not take the key; copying it");
                (self.second)(vec![(index, job.borrow())], sender);
                self.refused.insert(index, failure);
            }
            outcome => self.settle(index, outcome),
        }
    }

    fn hand_over_rest(&mut self, sender: &Sender) {
        let mut rest: Vec<(usize, Job<'_>)> =
            self.waiting.iter().map(|(index, job)| (*index, job.borrow())).collect();
        if rest.is_empty() {
            return;
        }
        rest.sort_unstable_by_key(|(index, _)| *index);
        tracing::debug!(keys = rest.len(), "OMS took half of the time and did not answer; copying");
        (self.second)(rest, sender);
        self.waiting.clear();
    }

    fn second_settled(&mut self, index: usize, outcome: Outcome) {
        let refused = self.refused.remove(&index);
        // Where the second engine did not get to the key, the first is the last that was tried.
        let untried =
            matches!(&outcome, Outcome::Failed(Failure { attempt: Attempt::NotMade, open: None, .. }));
        match refused {
            Some(failure) if untried => self.settle(index, Outcome::Failed(failure)),
            _ => self.settle(index, outcome),
        }
    }

    fn settle(&self, index: usize, outcome: Outcome) {
        // Whoever stopped listening has settled the key without us.
        let _ = self.outcomes.send((index, outcome));
    }
}

/// Whether another engine may succeed with the key. OMS says 400 of a single key, and of no more, when it is the key that
/// it does not like; a permanent failure without a status is a key that it cannot take at all.
fn is_no_fault_of_the_key(failure: &Failure) -> bool {
    failure.class != FailureClass::Permanent || failure.error.status.is_some_and(|status| status != 400)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::engine::{Acceptance, EngineError, EngineName};

    const HALF: Duration = Duration::from_secs(5);

    /// Both engines, played by the test.
    struct Scene {
        first: Option<Sender>,
        second: Sender,
        handed: Arc<Mutex<Vec<String>>>,
        outcomes: Outcomes,
    }

    fn scene(keys: &[&str]) -> Scene {
        let (first, settled) = mpsc::unbounded_channel();
        let (outcomes, receiver) = mpsc::unbounded_channel();
        let (second, mut played) = mpsc::unbounded_channel();
        let handed = Arc::new(Mutex::new(Vec::new()));
        let (seen, sender) = (Arc::clone(&handed), Arc::new(Mutex::new(None)));
        let keep = Arc::clone(&sender);
        let submit = move |jobs: Vec<(usize, Job<'_>)>, outcomes: &Sender| {
            seen.lock().unwrap().extend(jobs.iter().map(|(index, job)| format!("{index}:{}", job.key)));
            *keep.lock().unwrap() = Some(outcomes.clone());
        };
        tokio::spawn(async move {
            while let Some(outcome) = played.recv().await {
                let sender: Option<Sender> = sender.lock().unwrap().clone();
                sender.unwrap().send(outcome).unwrap();
            }
            sender.lock().unwrap().take();
        });
        let job = |key: &&str| Job { key, bucket: None, effect: Effect::Changed, open: None };
        let waiting = keys.iter().map(job).map(OwnedJob::from).enumerate().collect();
        tokio::spawn(
            Fallback::new(waiting, submit, outcomes).run(Outcomes::new(settled), Instant::now() + HALF),
        );
        Scene { first: Some(first), second, handed, outcomes: Outcomes::new(receiver) }
    }

    impl Scene {
        fn first(&self, index: usize, outcome: Outcome) {
            self.first.as_ref().unwrap().send((index, outcome)).unwrap();
        }

        fn handed(&self) -> Vec<String> {
            self.handed.lock().unwrap().clone()
        }
    }

    fn failed(class: FailureClass, status: Option<u16>) -> Outcome {
        Outcome::Failed(Failure {
            engine: EngineName::Oms,
            class,
            error: EngineError { status, code: None, message: "no".into() },
            request_id: None,
            attempt: Attempt::Made,
            open: None,
        })
    }

    fn copied() -> Outcome {
        Outcome::Accepted(Acceptance { engine: EngineName::Copy, ..Acceptance::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_first_engine_accepts_is_not_tried_twice() {
        let mut scene = scene(&["a"]);
        scene.first(0, Outcome::Accepted(Acceptance::default()));
        assert_eq!(scene.outcomes.next().await, Some((0, Outcome::Accepted(Acceptance::default()))));
        scene.first.take();
        assert_eq!(scene.outcomes.next().await, None);
        assert!(scene.handed().is_empty());
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
            let mut scene = scene(&["a"]);
            scene.first(0, failed(class, status));
            scene.second.send((0, copied())).unwrap_or_default();
            assert_eq!(scene.outcomes.next().await, Some((0, copied())), "{class} {status:?}");
            assert_eq!(scene.handed(), ["0:a"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_refused_for_its_own_sake_stays_failed() {
        for status in [Some(400), None] {
            let mut scene = scene(&["a"]);
            scene.first(0, failed(FailureClass::Permanent, status));
            let outcome = failed(FailureClass::Permanent, status);
            assert_eq!(scene.outcomes.next().await, Some((0, outcome)));
            assert!(scene.handed().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_settled_at_half_time_goes_on_and_a_late_answer_counts_for_nothing() {
        let mut scene = scene(&["a", "b", "c"]);
        scene.first(1, Outcome::Accepted(Acceptance::default()));
        assert_eq!(scene.outcomes.next().await.map(|(index, _)| index), Some(1));
        assert!(scene.handed().is_empty());
        tokio::time::sleep(HALF + Duration::from_millis(1)).await;
        assert_eq!(scene.handed(), ["0:a", "2:c"]);
        let late = scene.first.take().unwrap().send((0, Outcome::Accepted(Acceptance::default())));
        assert!(late.is_err(), "nobody listens to the first engine any more");
        scene.second.send((2, copied())).unwrap();
        assert_eq!(scene.outcomes.next().await, Some((2, copied())));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_engine_that_was_tried_is_the_one_that_counts() {
        let mut scene = scene(&["a", "b"]);
        for index in [0, 1] {
            scene.first(index, failed(FailureClass::Transient, Some(503)));
        }
        let second = |attempt| {
            Outcome::Failed(Failure {
                engine: EngineName::Copy,
                class: FailureClass::Auth,
                error: EngineError::local("x"),
                request_id: None,
                attempt,
                open: None,
            })
        };
        tokio::task::yield_now().await;
        scene.second.send((0, second(Attempt::NotMade))).unwrap();
        assert_eq!(scene.outcomes.next().await, Some((0, failed(FailureClass::Transient, Some(503)))));
        scene.second.send((1, second(Attempt::Made))).unwrap();
        assert_eq!(scene.outcomes.next().await, Some((1, second(Attempt::Made))));
    }
}
