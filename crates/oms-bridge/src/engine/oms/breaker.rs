//! The breaker that keeps refused credentials from being tried again and again.
//!
//! Huawei's gateway locks an access key for five minutes after more than five consecutive bad signatures, for
//! everybody who uses it. So until credentials have proved good, requests go one at a time; after two refusals nothing
//! is sent for [`OPEN_FOR`], and then a single request tries again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long nothing is sent once credentials are refused: the length of the gateway's own lock.
pub(super) const OPEN_FOR: Duration = Duration::from_mins(5);

/// How many refusals in a row open the breaker.
const REFUSALS: u8 = 2;

#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    /// One request at a time while the credentials are unproven.
    turn: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// `refusals` in a row so far; requests go one at a time.
    Unproven { refusals: u8 },
    /// The last reply was no refusal; requests go freely.
    Proven,
    /// Nothing is sent before `until`.
    Open { until: Instant },
}

/// Leave to send one request. While the credentials are unproven it also holds the turn.
#[derive(Debug)]
pub(super) struct Leave {
    _turn: Option<OwnedSemaphorePermit>,
}

/// The breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) until: Instant,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::Unproven { refusals: 0 }), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for leave to send a request.
    pub(super) async fn leave(&self) -> Result<Leave, Refused> {
        if let Some(decided) = self.decide() {
            return decided;
        }
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok();
        // Whoever had the turn before may have proved the credentials, or opened the breaker.
        self.decide().unwrap_or(Ok(Leave { _turn: turn }))
    }

    fn decide(&self) -> Option<Result<Leave, Refused>> {
        let mut state = self.state();
        match *state {
            State::Proven => Some(Ok(Leave { _turn: None })),
            State::Unproven { .. } => None,
            State::Open { until } if Instant::now() < until => Some(Err(Refused { until })),
            State::Open { .. } => {
                // Half open: one more refusal opens it again.
                *state = State::Unproven { refusals: REFUSALS - 1 };
                None
            }
        }
    }

    /// A reply came that was no refusal of the credentials.
    pub(super) fn proved(&self) {
        *self.state() = State::Proven;
    }

    /// The credentials were refused. Says whether one more try is left.
    pub(super) fn refused(&self) -> bool {
        let mut state = self.state();
        let refusals = match *state {
            State::Unproven { refusals } => refusals + 1,
            State::Proven => 1,
            State::Open { .. } => return false,
        };
        if refusals >= REFUSALS {
            *state = State::Open { until: Instant::now() + OPEN_FOR };
            return false;
        }
        *state = State::Unproven { refusals };
        true
    }

    /// The gateway says that the access key is locked: every further request is refused anyway.
    pub(super) fn locked(&self) {
        *self.state() = State::Open { until: Instant::now() + OPEN_FOR };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is one plain value: a panic elsewhere cannot leave it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_refusals_open_it_and_after_five_minutes_one_request_tries_again() {
        let breaker = Breaker::new();
        drop(breaker.leave().await.unwrap());
        assert!(breaker.refused());
        drop(breaker.leave().await.unwrap());
        assert!(!breaker.refused());
        let until = breaker.leave().await.unwrap_err().until;
        assert_eq!(until, Instant::now() + OPEN_FOR);
        tokio::time::advance(OPEN_FOR).await;
        drop(breaker.leave().await.unwrap());
        assert!(!breaker.refused(), "half open: one refusal suffices");
        assert!(breaker.leave().await.is_err());
        tokio::time::advance(OPEN_FOR).await;
        drop(breaker.leave().await.unwrap());
        breaker.proved();
        assert!(breaker.leave().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn unproven_credentials_go_one_request_at_a_time() {
        let breaker = Arc::new(Breaker::new());
        let first = breaker.leave().await.unwrap();
        let mut waiting = tokio_test_spawn(&breaker);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        breaker.proved();
        drop(first);
        assert!(waiting.await.is_ok());
        let (_a, _b) = (breaker.leave().await.unwrap(), breaker.leave().await.unwrap());
    }

    fn tokio_test_spawn(
        breaker: &Arc<Breaker>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Leave, Refused>> + '_>> {
        Box::pin(breaker.leave())
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_waited_for_the_turn_are_refused_when_it_opens() {
        let breaker = Arc::new(Breaker::new());
        let first = breaker.leave().await.unwrap();
        let mut waiting = tokio_test_spawn(&breaker);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        breaker.locked();
        drop(first);
        assert!(waiting.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_after_success_returns_to_one_at_a_time() {
        let breaker = Breaker::new();
        breaker.proved();
        assert!(breaker.refused());
        let _turn = breaker.leave().await.unwrap();
        let mut second = Box::pin(breaker.leave());
        assert!(futures_util::poll!(&mut second).is_pending());
    }
}
