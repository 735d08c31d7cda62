//! Health of the connection to the queue, and what is logged about it.
//!
//! Several pollers see the same error,
//! and see it again with each poll. Each kind of error is logged once. It counts as over after as many
//! consecutive responses as there are pollers: if a single response among many failures ended it, it would be
//! logged again and again.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::error::QueueError;

/// Silence of this length makes a worker unhealthy.
const UNHEALTHY_AFTER: Duration = Duration::from_mins(1);

/// Most kinds of errors that are logged.
const KINDS: usize = 16;

/// The current errors, if any.
#[derive(Debug, Default)]
pub(super) struct QueueHealth(Mutex<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    /// Since when polls have failed, and the last error.
    silent: Option<(Instant, QueueError)>,
    /// Topics of the errors that were logged since the queue last worked.
    logged: Vec<String>,
    /// Polls answered since the last failure.
    answered: usize,
}

impl QueueHealth {
    /// A poll failed.
    pub(super) fn poll_failed(&self, error: &QueueError) {
        let mut state = self.lock();
        state.answered = 0;
        match &mut state.silent {
            Some((_, last)) => *last = error.clone(),
            None => state.silent = Some((Instant::now(), error.clone())),
        }
        if state.is_first(error) {
            let check =
                error.is_of_address().then_some("the host in QUEUE_URL or --endpoint-url, and the network");
            tracing::warn!(%error, check, "the queue gives no messages");
        } else {
            tracing::debug!(%error, "the queue still gives no messages");
        }
    }

    /// Another request failed, with this `consequence`.
    pub(super) fn failed(&self, error: &QueueError, messages: usize, consequence: &str) {
        let mut state = self.lock();
        state.answered = 0;
        if state.is_first(error) {
            tracing::warn!(%error, messages, "{consequence}");
        } else {
            tracing::debug!(%error, messages, "{consequence}");
        }
    }

    /// A poll of one of `pollers` was answered.
    pub(super) fn poll_answered(&self, pollers: usize) {
        let mut state = self.lock();
        state.silent = None;
        state.answered += 1;
        if state.answered >= pollers && !state.logged.is_empty() {
            state.logged.clear();
            tracing::info!("the queue answers again");
        }
    }

    /// Why the worker is unhealthy, if it is: the queue has not answered for a minute.
    pub(super) fn unhealthy(&self) -> Option<String> {
        let state = self.lock();
        let (since, error) = state.silent.as_ref()?;
        (since.elapsed() >= UNHEALTHY_AFTER)
            .then(|| format!("the queue has not answered for {} s: {error}", since.elapsed().as_secs()))
    }

    fn lock(&self) -> MutexGuard<'_, HealthState> {
        self.0.lock()
    }
}

impl HealthState {
    /// Whether an error of this topic is to be logged as a warning: once until the queue works again.
    fn is_first(&mut self, error: &QueueError) -> bool {
        let first = self.logged.len() < KINDS && !self.logged.iter().any(|topic| topic == error.topic());
        if first {
            self.logged.push(error.topic().to_owned());
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_stays_silent_makes_the_worker_unhealthy_until_it_answers() {
        let trouble = QueueHealth::default();
        trouble.poll_failed(&QueueError::transient("Receive", "first"));
        tokio::time::advance(UNHEALTHY_AFTER / 2).await;
        trouble.poll_failed(&QueueError::transient("Receive", "second"));
        assert_eq!(trouble.unhealthy(), None);
        tokio::time::advance(UNHEALTHY_AFTER / 2).await;
        let reason = trouble.unhealthy();
        assert_eq!(reason.as_deref(), Some("the queue has not answered for 60 s: Receive: second"));
        trouble.poll_answered(8);
        assert_eq!(trouble.unhealthy(), None);
    }

    #[test]
    fn each_kind_of_error_is_logged_once_until_all_pollers_are_answered() {
        let trouble = QueueHealth::default();
        let is_first = |why| trouble.lock().is_first(&QueueError::transient("Receive", why));
        assert!(is_first("refused") && !is_first("refused") && is_first("no answer") && !is_first("refused"));
        trouble.poll_answered(2);
        assert!(!is_first("refused"));
        trouble.poll_answered(2);
        assert!(is_first("refused"));
    }
}
