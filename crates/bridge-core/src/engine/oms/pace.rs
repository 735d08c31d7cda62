//! When the next request may go: `OMS_MAX_RPS` and the windows that 429 replies state.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A limit that a 429 stated: `limit:20,time:1 minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatedLimit {
    pub(super) requests: u32,
    pub(super) window: Duration,
}

/// Spaces requests evenly. One instance of the function sees only its own requests, so this is an upper bound, not a
/// guarantee against 429.
#[derive(Debug)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Time between two requests: the longer of our own ceiling and the stated limit.
    interval: Duration,
    /// No request before.
    next: Option<Instant>,
}

/// The next free slot lies behind the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate {
    pub(super) wait: Duration,
}

impl Pace {
    /// `max_rps`: our own ceiling in requests per second.
    pub(super) fn new(max_rps: Option<f64>) -> Self {
        let interval = max_rps.map_or(Duration::ZERO, |rps| Duration::from_secs_f64(1.0 / rps));
        Self(Mutex::new(State { interval, next: None }))
    }

    /// Waits for the next free slot and takes it. Returns at once, taking none, when that would be past `deadline`.
    pub(super) async fn slot(&self, deadline: Instant) -> Result<(), TooLate> {
        let now = Instant::now();
        let slot = {
            let mut state = self.state();
            let slot = state.next.map_or(now, |next| next.max(now));
            if slot >= deadline && slot > now {
                return Err(TooLate { wait: slot - now });
            }
            state.next = (!state.interval.is_zero()).then(|| slot + state.interval).or(state.next);
            slot
        };
        // The runtime's timer rounds up to its next millisecond, even a sleep that is over already.
        if slot > now {
            tokio::time::sleep_until(slot).await;
        }
        Ok(())
    }

    /// A 429 came: nobody sends for the whole window it states, and afterwards at most as fast as it states. Without a
    /// stated window nobody sends for `fallback`.
    pub(super) fn throttled(&self, stated: Option<StatedLimit>, fallback: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        let pause = stated.map_or(fallback, |limit| limit.window);
        if let Some(limit) = stated {
            state.interval = state.interval.max(limit.window / limit.requests.max(1));
        }
        state.next = state.next.max(Some(now + pause));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `limit:20,time:1 minute` out of a gateway message.
pub(super) fn stated_limit(message: &str) -> Option<StatedLimit> {
    let (_, rest) = message.split_once("limit:")?;
    let (requests, rest) = rest.split_once(',')?;
    let (_, rest) = rest.split_once("time:")?;
    let mut words = rest.split_ascii_whitespace();
    let count: u32 = words.next()?.parse().ok()?;
    let unit = match words.next()?.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).trim_end_matches('s')
    {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let window = Duration::from_secs(u64::from(count) * unit);
    (!window.is_zero()).then_some(StatedLimit { requests: requests.trim().parse().ok()?, window })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const FAR: Duration = Duration::from_hours(1);

    #[test]
    fn windows_are_read_from_gateway_messages() {
        let limit = |text| stated_limit(text).map(|limit| (limit.requests, limit.window.as_secs()));
        let text =
            "The throttling threshold has been reached: policy user over ratelimit,limit:20,time:1 minute";
        assert_eq!(limit(text), Some((20, 60)));
        assert_eq!(limit("policy api over ratelimit,limit:200,time:1 second"), Some((200, 1)));
        assert_eq!(limit("limit:5, time:2 minutes."), Some((5, 120)));
        for none in [
            "too many requests",
            "limit:x,time:1 minute",
            "limit:5,time:1 fortnight",
            "limit:5,time:0 second",
        ] {
            assert_eq!(limit(none), None, "{none}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn own_ceiling_spaces_requests_evenly() {
        let pace = Pace::new(Some(4.0));
        let start = Instant::now();
        for expected in [0, 250, 500] {
            pace.slot(start + FAR).await.unwrap();
            assert_eq!((Instant::now() - start).as_millis(), expected);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        let later = Instant::now();
        pace.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now(), later, "unused slots are not saved up, but cost no wait either");
    }

    #[tokio::test(start_paused = true)]
    async fn a_free_slot_is_taken_without_waiting_for_a_timer() {
        // Within a millisecond, where a timer would wait for the rest of it.
        tokio::time::advance(Duration::from_micros(300)).await;
        let pace = Pace::new(None);
        assert_eq!(pace.slot(Instant::now() + FAR).now_or_never(), Some(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stated_window_is_waited_out_and_then_kept() {
        let pace = Pace::new(None);
        let start = Instant::now();
        let stated = StatedLimit { requests: 20, window: Duration::from_mins(1) };
        pace.throttled(Some(stated), Duration::ZERO);
        pace.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now() - start, Duration::from_mins(1));
        pace.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now() - start, Duration::from_secs(63));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_past_the_deadline_is_not_waited_for() {
        let pace = Pace::new(None);
        let start = Instant::now();
        pace.throttled(None, Duration::from_secs(5));
        let late = pace.slot(start + Duration::from_secs(4)).await.unwrap_err();
        assert_eq!((late.wait, Instant::now()), (Duration::from_secs(5), start));
        pace.slot(start + Duration::from_secs(6)).await.unwrap();
    }
}
