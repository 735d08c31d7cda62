//! Health of the connection to the queue, and what is logged about it.
//!
//! Several pollers meet the same trouble, and meet it again with each poll. Each kind of trouble is logged
//! once. It is over after as many answers in a row as there are pollers: ending it with a single answer among
//! many failures would log it again and again.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::error::QueueError;

/// Silence of this length makes a worker unhealthy.
const UNHEALTHY_AFTER: Duration = Duration::from_mins(1);

/// Kinds of trouble that are logged at most.
const KINDS: usize = 16;

/// The current trouble, if there is any.
#[derive(Debug, Default)]
pub(super) struct QueueHealth(Mutex<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    /// Since when no poll was answered, and why.
    silent: Option<(Instant, QueueError)>,
    /// Kinds of trouble logged since all was well.
    said: Vec<String>,
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
        if state.is_news(error) {
            tracing::warn!(%error, "the queue gives no messages");
        } else {
            tracing::debug!(%error, "the queue still gives no messages");
        }
    }

    /// Another request failed, with this `consequence`.
    pub(super) fn failed(&self, error: &QueueError, messages: usize, consequence: &str) {
        let mut state = self.lock();
        state.answered = 0;
        if state.is_news(error) {
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
        if state.answered >= pollers && !state.said.is_empty() {
            state.said.clear();
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
    fn is_news(&mut self, error: &QueueError) -> bool {
        let news = self.said.len() < KINDS && !self.said.iter().any(|said| said == error.topic());
        if news {
            self.said.push(error.topic().to_owned());
        }
        news
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
        let said = trouble.unhealthy();
        assert_eq!(said.as_deref(), Some("the queue has not answered for 60 s: Receive: second"));
        trouble.poll_answered(8);
        assert_eq!(trouble.unhealthy(), None);
    }

    #[test]
    fn each_kind_of_trouble_is_said_once_until_all_pollers_are_answered() {
        let trouble = QueueHealth::default();
        let news = |why| trouble.lock().is_news(&QueueError::transient("Receive", why));
        assert!(news("refused") && !news("refused") && news("no answer") && !news("refused"));
        trouble.poll_answered(2);
        assert!(!news("refused"));
        trouble.poll_answered(2);
        assert!(news("refused"));
    }
}
