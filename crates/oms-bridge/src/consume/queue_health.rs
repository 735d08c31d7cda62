//! What is said of trouble with the queue.
//!
//! Several pollers meet the same trouble, and meet it again with each poll. It is said once, and something new only when it is of
//! another kind. It is over when every poller could have had an answer: one answer among many failures would make it begin
//! again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::QueueError;

/// Trouble of this length makes a worker unhealthy.
const UNHEALTHY_AFTER: Duration = Duration::from_mins(1);

/// More kinds of trouble at a time are not said.
const KINDS: usize = 16;

/// The trouble there is, if there is any.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when no poll was answered, and why.
    silent: Option<(Instant, QueueError)>,
    /// The kinds that were said since all was well.
    said: Vec<String>,
    /// Polls answered since the last failure.
    answered: usize,
}

impl Trouble {
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

    /// Another request failed, and `consequence` is what comes of that.
    pub(super) fn failed(&self, error: &QueueError, messages: usize, consequence: &str) {
        let mut state = self.lock();
        state.answered = 0;
        if state.is_news(error) {
            tracing::warn!(%error, messages, "{consequence}");
        } else {
            tracing::debug!(%error, messages, "{consequence}");
        }
    }

    /// A poll of one of so many pollers was answered.
    pub(super) fn poll_answered(&self, pollers: usize) {
        let mut state = self.lock();
        state.silent = None;
        state.answered += 1;
        if state.answered >= pollers && !state.said.is_empty() {
            state.said.clear();
            tracing::info!("the queue answers again");
        }
    }

    /// What makes the worker unhealthy, if anything does: the queue has not answered for a minute.
    pub(super) fn unhealthy(&self) -> Option<String> {
        let state = self.lock();
        let (since, error) = state.silent.as_ref()?;
        (since.elapsed() >= UNHEALTHY_AFTER)
            .then(|| format!("the queue has not answered for {} s: {error}", since.elapsed().as_secs()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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
        let trouble = Trouble::default();
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
        let trouble = Trouble::default();
        let news = |why| trouble.lock().is_news(&QueueError::transient("Receive", why));
        assert!(news("refused") && !news("refused") && news("no answer") && !news("refused"));
        trouble.poll_answered(2);
        assert!(!news("refused"));
        trouble.poll_answered(2);
        assert!(news("refused"));
    }
}
