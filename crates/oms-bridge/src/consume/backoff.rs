//! Stops receipts while nothing can be settled, so that messages wait in the queue and do not use up the receipts after
//! which it sets them aside.
//!
//! A run of which nothing is settled, neither accepted by the engine nor in the journal, closes it: the engine and the log bucket are
//! both down. From then on the log bucket is asked whether it takes anything, and no message is received until it does. Seldom one
//! message is received all the same, as a trial: the engine may be there again, and needs no journal for what it accepts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

use object_copy::backoff::{Backoff, Random};

/// Between two looks at the log bucket.
const LOOK: Backoff = Backoff { base: Duration::from_secs(5), cap: Duration::from_mins(1) };

/// Between two trials with a message.
const TRIAL: Backoff = Backoff { base: Duration::from_mins(2), cap: Duration::from_hours(1) };

/// A worker that is to drain its queue and end gives up after so many looks. Any other goes on.
const LOOKS_OF_A_DRAIN: u32 = 2;

/// Lets pollers pass.
#[derive(Debug, Default)]
pub(super) struct Brake {
    state: watch::Sender<State>,
    looks: Arc<Mutex<Looks>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    closed: bool,
    /// Nobody waits any more.
    over: bool,
    /// How often something was settled after nothing could be.
    epoch: u64,
}

/// Who has it, looks. One poller at a time.
#[derive(Debug, Default)]
struct Looks {
    epoch: u64,
    /// How often the log bucket was asked.
    asked: u32,
    /// How often a message was tried.
    tried: u32,
    next_trial: Option<Instant>,
}

/// What a poller may do.
#[derive(Debug)]
pub(super) enum Pass {
    /// Receive what it has room for.
    Free,
    /// Receive one message, and find out.
    Trial(Trial),
    /// Nothing more: nothing can be settled, and the worker does not wait for that to change.
    Over,
}

/// There is one at a time, until it is dropped.
#[derive(Debug)]
pub(super) struct Trial(#[expect(dead_code, reason = "held")] OwnedMutexGuard<Looks>);

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Came {
    /// Changes that were accepted, or failed and are in the journal.
    pub(super) settled: usize,
    /// Changes that failed and are not.
    pub(super) unsettled: usize,
}

impl Brake {
    /// A run ended.
    pub(super) fn ran(&self, came: Came) {
        self.state.send_if_modified(|state| {
            let before = *state;
            match came {
                Came { settled: 1.., .. } if state.closed => {
                    state.closed = false;
                    state.epoch += 1;
                    tracing::info!("messages can be settled again: receiving all of them");
                }
                Came { settled: 0, unsettled: 1.. } if !state.closed => {
                    state.closed = true;
                    tracing::warn!(
                        "neither the engine nor the log bucket takes anything: messages stay in the queue until one of them does"
                    );
                }
                _ => {}
            }
            *state != before
        });
    }

    /// Whether nothing but a trial is received.
    pub(super) fn is_closed(&self) -> bool {
        self.state.borrow().closed
    }

    /// Ends all waiting: there is nothing more to try.
    pub(super) fn give_up(&self) {
        self.state.send_modify(|state| state.over = true);
    }

    /// Waits until a poller may receive something; `journal` asks whether the log bucket takes anything. One that `drains` does not
    /// wait without end.
    pub(super) async fn pass<F>(&self, drains: bool, random: Random, journal: impl Fn() -> F) -> Pass
    where
        F: Future<Output = bool>,
    {
        let mut state = self.state.subscribe();
        loop {
            let State { closed, over, epoch } = *state.borrow_and_update();
            if over {
                return Pass::Over;
            }
            if !closed {
                return Pass::Free;
            }
            tokio::select! {
                _ = state.changed() => {}
                trial = self.look(epoch, drains, random, &journal) => {
                    if let Some(trial) = trial {
                        return Pass::Trial(trial);
                    }
                }
            }
        }
    }

    /// Looks until the log bucket takes something again, a message is to be tried, or a drain has looked often enough.
    async fn look<F>(
        &self,
        epoch: u64,
        drains: bool,
        random: Random,
        journal: &impl Fn() -> F,
    ) -> Option<Trial>
    where
        F: Future<Output = bool>,
    {
        let mut looks = Arc::clone(&self.looks).lock_owned().await;
        if looks.epoch != epoch {
            *looks = Looks { epoch, ..Looks::default() };
        }
        loop {
            let next = looks.next_trial.unwrap_or_else(|| Instant::now() + TRIAL.equal_jitter(0, random));
            looks.next_trial = Some(next);
            tokio::time::sleep(LOOK.equal_jitter(looks.asked, random)).await;
            looks.asked = looks.asked.saturating_add(1);
            if journal().await {
                tracing::info!("the log bucket answers again: receiving messages");
                // What was learnt of pauses stays, should nothing be settled all the same.
                self.state.send_modify(|state| state.closed = false);
                return None;
            }
            if drains && looks.asked >= LOOKS_OF_A_DRAIN {
                self.give_up();
                return None;
            }
            if Instant::now() >= next {
                looks.tried = looks.tried.saturating_add(1);
                looks.next_trial = Some(Instant::now() + TRIAL.equal_jitter(looks.tried, random));
                return Some(Trial(looks));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    const LOST: Came = Came { settled: 0, unsettled: 3 };
    const SETTLED: Came = Came { settled: 1, unsettled: 1 };

    /// A log bucket.
    #[derive(Default)]
    struct Log {
        takes: AtomicBool,
        asked: AtomicU32,
    }

    impl Log {
        async fn pass(&self, brake: &Brake, drains: bool) -> Pass {
            let ask = || async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.takes.load(Ordering::Relaxed)
            };
            brake.pass(drains, || 1.0, ask).await
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_received_but_a_message_now_and_then_until_something_is_settled() {
        let (brake, log, started) = (Brake::default(), Log::default(), Instant::now());
        assert!(matches!(log.pass(&brake, false).await, Pass::Free));
        // Ten runs at the same moment are one reason.
        for _ in 0..10 {
            brake.ran(LOST);
        }
        let mut minutes = Vec::new();
        for _ in 0..7 {
            assert!(matches!(log.pass(&brake, false).await, Pass::Trial(_)));
            minutes.push(started.elapsed().as_secs() / 60);
            brake.ran(LOST);
        }
        assert_eq!(minutes, [2, 6, 14, 30, 62, 122, 182]);
        // Five, ten, twenty, forty seconds, and each minute.
        assert!((182..188).contains(&log.asked()), "{}", log.asked());
        // There was nothing in the message that was tried.
        brake.ran(Came::default());
        assert!(brake.is_closed());
        brake.ran(SETTLED);
        assert!(matches!(log.pass(&brake, false).await, Pass::Free));
    }

    #[tokio::test(start_paused = true)]
    async fn all_go_on_as_soon_as_the_log_bucket_answers_and_wait_longer_if_that_was_not_true() {
        let (brake, log) = (Brake::default(), Log::default());
        log.takes.store(true, Ordering::Relaxed);
        for pause in [5, 10, 20, 40, 60, 60] {
            let before = Instant::now();
            brake.ran(LOST);
            assert!(matches!(log.pass(&brake, false).await, Pass::Free));
            assert_eq!(before.elapsed().as_secs(), pause);
        }
        brake.ran(LOST);
        brake.ran(SETTLED);
        let before = Instant::now();
        brake.ran(LOST);
        assert!(matches!(log.pass(&brake, false).await, Pass::Free));
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn one_looks_and_the_others_go_on_with_its_success() {
        let (brake, log) = (Arc::new(Brake::default()), Log::default());
        brake.ran(LOST);
        let Pass::Trial(trial) = log.pass(&brake, false).await else { panic!() };
        let (other, asked) = (Arc::clone(&brake), log.asked());
        let other = tokio::spawn(async move { Log::default().pass(&other, false).await });
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(!other.is_finished());
        assert_eq!(log.asked(), asked);
        brake.ran(SETTLED);
        assert!(matches!(other.await.unwrap(), Pass::Free));
        drop(trial);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_gives_up_in_the_end_and_all_its_pollers_with_it() {
        let (brake, log) = (Brake::default(), Log::default());
        brake.ran(LOST);
        assert!(matches!(log.pass(&brake, true).await, Pass::Over));
        assert_eq!(log.asked(), LOOKS_OF_A_DRAIN);
        assert!(matches!(log.pass(&brake, true).await, Pass::Over));
        assert_eq!(log.asked(), LOOKS_OF_A_DRAIN);
    }
}
