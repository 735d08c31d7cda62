//! Stops receiving while nothing can be acked, so that messages wait in the queue and do not use up the
//! receives after which the queue dead-letters them.
//!
//! A run in which no change is accepted by the engine or recorded in the journal closes it: the engine and
//! the log bucket are both down. From then on the log bucket is probed, and no message is received until it
//! accepts a record. At long intervals one message is received nevertheless, as a trial: the engine may be
//! back, and it needs no journal to accept a key.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

use oss_lite::{Backoff, Random};

/// Wait between two probes of the log bucket.
const PROBE_INTERVAL: Backoff = Backoff { base: Duration::from_secs(5), cap: Duration::from_mins(1) };

/// Wait between two trials with a message.
const TRIAL_INTERVAL: Backoff = Backoff { base: Duration::from_mins(2), cap: Duration::from_hours(1) };

/// Probes after which a worker that drains its queue gives up. Any other worker goes on.
const PROBES_OF_A_DRAIN: u32 = 2;

/// Decides whether pollers may receive.
#[derive(Debug, Default)]
pub(super) struct ReceiveBackoff {
    state: watch::Sender<BackoffState>,
    probes: Arc<Mutex<Probes>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BackoffState {
    closed: bool,
    /// Set once: pollers end instead of waiting.
    over: bool,
    /// How often something could be acked again after an outage.
    epoch: u64,
}

/// State of the probing; the poller that holds the lock probes.
#[derive(Debug, Default)]
struct Probes {
    epoch: u64,
    /// How often the log bucket was probed.
    asked: u32,
    /// How often a message was tried.
    tried: u32,
    next_trial: Option<Instant>,
}

/// What a poller may do.
#[derive(Debug)]
pub(super) enum Permission {
    /// Receive as many messages as there are free slots.
    Free,
    /// Receive one message, to find out whether the engine is back.
    Trial(Trial),
    /// Stop: nothing can be acked, and the worker does not wait for that to change.
    Over,
}

/// Permission for a trial. There is one at a time, until it is dropped.
#[derive(Debug)]
pub(super) struct Trial(#[expect(dead_code, reason = "held")] OwnedMutexGuard<Probes>);

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunResult {
    /// Changes that were accepted, or failed and are in the journal.
    pub(super) acked: usize,
    /// Changes that failed and are not.
    pub(super) nacked: usize,
}

impl ReceiveBackoff {
    /// Notes the result of a run.
    pub(super) fn note_run(&self, result: RunResult) {
        self.state.send_if_modified(|state| {
            let before = *state;
            match result {
                RunResult { acked: 1.., .. } if state.closed => {
                    state.closed = false;
                    state.epoch += 1;
                    tracing::info!("messages can be processed again: receiving");
                }
                RunResult { acked: 0, nacked: 1.. } if !state.closed => {
                    state.closed = true;
                    tracing::warn!(
                        "neither the engine nor the log bucket accepts anything: messages stay in the queue until one of them does"
                    );
                }
                _ => {}
            }
            *state != before
        });
    }

    /// Whether only trials are received.
    pub(super) fn is_closed(&self) -> bool {
        self.state.borrow().closed
    }

    /// Ends all waiting.
    pub(super) fn give_up(&self) {
        self.state.send_modify(|state| state.over = true);
    }

    /// Waits until a poller may receive something; `probe_journal` probes the log bucket. A worker that
    /// `drains` waits for a limited time.
    pub(super) async fn permit<F>(
        &self,
        drains: bool,
        random: Random,
        probe_journal: impl Fn() -> F,
    ) -> Permission
    where
        F: Future<Output = bool>,
    {
        let mut state = self.state.subscribe();
        loop {
            let BackoffState { closed, over, epoch } = *state.borrow_and_update();
            if over {
                return Permission::Over;
            }
            if !closed {
                return Permission::Free;
            }
            tokio::select! {
                _ = state.changed() => {}
                trial = self.probe(epoch, drains, random, &probe_journal) => {
                    if let Some(trial) = trial {
                        return Permission::Trial(trial);
                    }
                }
            }
        }
    }

    /// Probes until the log bucket accepts a record again, a trial is due, or a drain has probed often
    /// enough.
    async fn probe<F>(
        &self,
        epoch: u64,
        drains: bool,
        random: Random,
        probe_journal: &impl Fn() -> F,
    ) -> Option<Trial>
    where
        F: Future<Output = bool>,
    {
        let mut probes = Arc::clone(&self.probes).lock_owned().await;
        if probes.epoch != epoch {
            *probes = Probes { epoch, ..Probes::default() };
        }
        loop {
            let next =
                probes.next_trial.unwrap_or_else(|| Instant::now() + TRIAL_INTERVAL.equal_jitter(0, random));
            probes.next_trial = Some(next);
            tokio::time::sleep(PROBE_INTERVAL.equal_jitter(probes.asked, random)).await;
            probes.asked = probes.asked.saturating_add(1);
            if probe_journal().await {
                tracing::info!("the log bucket answers again: receiving messages");
                // The backoff keeps its state: it continues if still nothing can be acked.
                self.state.send_modify(|state| state.closed = false);
                return None;
            }
            if drains && probes.asked >= PROBES_OF_A_DRAIN {
                self.give_up();
                return None;
            }
            if Instant::now() >= next {
                probes.tried = probes.tried.saturating_add(1);
                probes.next_trial = Some(Instant::now() + TRIAL_INTERVAL.equal_jitter(probes.tried, random));
                return Some(Trial(probes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    const LOST: RunResult = RunResult { acked: 0, nacked: 3 };
    const SETTLED: RunResult = RunResult { acked: 1, nacked: 1 };

    /// A log bucket.
    #[derive(Default)]
    struct Log {
        takes: AtomicBool,
        asked: AtomicU32,
    }

    impl Log {
        async fn permit(&self, backoff: &ReceiveBackoff, drains: bool) -> Permission {
            let ask = || async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.takes.load(Ordering::Relaxed)
            };
            backoff.permit(drains, || 1.0, ask).await
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_trials_are_received_until_something_is_settled() {
        let (backoff, log, started) = (ReceiveBackoff::default(), Log::default(), Instant::now());
        assert!(matches!(log.permit(&backoff, false).await, Permission::Free));
        // Ten runs that end at the same moment close it once.
        for _ in 0..10 {
            backoff.note_run(LOST);
        }
        let mut minutes = Vec::new();
        for _ in 0..7 {
            assert!(matches!(log.permit(&backoff, false).await, Permission::Trial(_)));
            minutes.push(started.elapsed().as_secs() / 60);
            backoff.note_run(LOST);
        }
        assert_eq!(minutes, [2, 6, 14, 30, 62, 122, 182]);
        // Five, ten, twenty, forty seconds, and each minute.
        assert!((182..188).contains(&log.asked()), "{}", log.asked());
        // The message of the trial had no changes.
        backoff.note_run(RunResult::default());
        assert!(backoff.is_closed());
        backoff.note_run(SETTLED);
        assert!(matches!(log.permit(&backoff, false).await, Permission::Free));
    }

    #[tokio::test(start_paused = true)]
    async fn all_pollers_resume_when_the_log_bucket_answers_and_wait_longer_if_nothing_is_acked() {
        let (backoff, log) = (ReceiveBackoff::default(), Log::default());
        log.takes.store(true, Ordering::Relaxed);
        for pause in [5, 10, 20, 40, 60, 60] {
            let before = Instant::now();
            backoff.note_run(LOST);
            assert!(matches!(log.permit(&backoff, false).await, Permission::Free));
            assert_eq!(before.elapsed().as_secs(), pause);
        }
        backoff.note_run(LOST);
        backoff.note_run(SETTLED);
        let before = Instant::now();
        backoff.note_run(LOST);
        assert!(matches!(log.permit(&backoff, false).await, Permission::Free));
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn one_poller_probes_and_all_resume_when_it_succeeds() {
        let (backoff, log) = (Arc::new(ReceiveBackoff::default()), Log::default());
        backoff.note_run(LOST);
        let Permission::Trial(trial) = log.permit(&backoff, false).await else { panic!() };
        let (other, asked) = (Arc::clone(&backoff), log.asked());
        let other = tokio::spawn(async move { Log::default().permit(&other, false).await });
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(!other.is_finished());
        assert_eq!(log.asked(), asked);
        backoff.note_run(SETTLED);
        assert!(matches!(other.await.unwrap(), Permission::Free));
        drop(trial);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_gives_up_after_some_probes_and_ends_all_its_pollers() {
        let (backoff, log) = (ReceiveBackoff::default(), Log::default());
        backoff.note_run(LOST);
        assert!(matches!(log.permit(&backoff, true).await, Permission::Over));
        assert_eq!(log.asked(), PROBES_OF_A_DRAIN);
        assert!(matches!(log.permit(&backoff, true).await, Permission::Over));
        assert_eq!(log.asked(), PROBES_OF_A_DRAIN);
    }
}
