//! The next step after a refusal, as a pure function of the situation.

use std::time::Duration;

use crate::oms::{StatedLimit, Verdict};
use object_copy::outcome::FailureClass;

/// How often one request is sent before its keys go to the journal. Waits that a 429 states are not counted.
pub(super) const TRIES: u32 = 6;

/// A request that was refused, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// What the reply means.
    pub(super) verdict: Verdict,
    /// The request was signed with a wrong time, and the right one is known now.
    pub(super) clock_was_wrong: bool,
    /// It was sent again for that reason before.
    pub(super) clock_corrected: bool,
    /// A signature of this access key was accepted lately.
    pub(super) key_is_proven: bool,
    /// Keys in the request.
    pub(super) keys: usize,
    /// Tries that count, this one included.
    pub(super) tries: u32,
    /// The wait before the next try, if it comes to one without a stated limit.
    pub(super) delay: Duration,
    /// Time until the deadline.
    pub(super) left: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The keys have failed.
    Fail(FailureClass),
    /// Some key of the batch is at fault: send its halves.
    Split,
    /// Refused with 403 although the credentials are good: a permission is missing, or some key is at fault.
    Forbidden,
    /// Send the request again at once, signed with the right time.
    CorrectClock,
    /// Hold back every request for the window that the reply states; this one goes after it, without counting
    /// as a try.
    PauseFor(StatedLimit),
    /// Hold back every request for so long.
    Pause(Duration),
    /// Hold back this request for so long.
    Sleep(Duration),
}

impl Situation {
    pub(super) fn next_step(self) -> Step {
        match self.verdict {
            Verdict::Fail(class) => Step::Fail(class),
            Verdict::Split if self.keys > 1 => Step::Split,
            Verdict::Split => Step::Fail(FailureClass::Permanent),
            // Before a signature was accepted, a 403 may be about the credentials: halving would send more of
            // them.
            Verdict::Forbidden if self.key_is_proven => Step::Forbidden,
            // Once more with the right time. Without one, the same signature would only be refused again.
            Verdict::Unauthorized if self.clock_was_wrong && !self.clock_corrected => Step::CorrectClock,
            Verdict::Forbidden | Verdict::Locked | Verdict::Unauthorized => Step::Fail(FailureClass::Auth),
            Verdict::Throttled(Some(limit)) => Step::PauseFor(limit),
            Verdict::Throttled(None) | Verdict::Retry if self.tries >= TRIES || self.delay >= self.left => {
                Step::Fail(self.verdict.class())
            }
            Verdict::Throttled(None) => Step::Pause(self.delay),
            Verdict::Retry => Step::Sleep(self.delay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(300);

    fn refused(verdict: Verdict) -> Situation {
        Situation {
            verdict,
            clock_was_wrong: false,
            clock_corrected: false,
            key_is_proven: true,
            keys: 10,
            tries: 1,
            delay: DELAY,
            left: Duration::from_secs(30),
        }
    }

    #[test]
    fn a_batch_is_split_and_a_single_key_is_not() {
        assert_eq!(refused(Verdict::Split).next_step(), Step::Split);
        let alone = Situation { keys: 1, ..refused(Verdict::Split) };
        assert_eq!(alone.next_step(), Step::Fail(FailureClass::Permanent));
    }

    #[test]
    fn a_403_counts_against_the_keys_only_once_the_access_key_is_proven() {
        assert_eq!(refused(Verdict::Forbidden).next_step(), Step::Forbidden);
        let unproven = Situation { key_is_proven: false, ..refused(Verdict::Forbidden) };
        assert_eq!(unproven.next_step(), Step::Fail(FailureClass::Auth));
    }

    #[test]
    fn a_refused_signature_is_sent_again_once_and_only_with_another_time() {
        let refused = refused(Verdict::Unauthorized);
        assert_eq!(refused.next_step(), Step::Fail(FailureClass::Auth));
        let by_clock = Situation { clock_was_wrong: true, ..refused };
        assert_eq!(by_clock.next_step(), Step::CorrectClock);
        let again = Situation { clock_corrected: true, ..by_clock };
        assert_eq!(again.next_step(), Step::Fail(FailureClass::Auth));
    }

    #[test]
    fn refusals_that_a_retry_cannot_change_fail_at_once() {
        assert_eq!(refused(Verdict::Locked).next_step(), Step::Fail(FailureClass::Auth));
        let class = FailureClass::Permanent;
        assert_eq!(refused(Verdict::Fail(class)).next_step(), Step::Fail(class));
    }

    #[test]
    fn a_stated_limit_is_waited_out_however_many_tries_there_were() {
        let limit = StatedLimit { requests: 20, window: Duration::from_mins(1) };
        let refused = Situation { tries: TRIES + 1, ..refused(Verdict::Throttled(Some(limit))) };
        assert_eq!(refused.next_step(), Step::PauseFor(limit));
    }

    #[test]
    fn other_refusals_are_tried_again_as_long_as_tries_and_time_last() {
        for (verdict, step, class) in [
            (Verdict::Retry, Step::Sleep(DELAY), FailureClass::Transient),
            (Verdict::Throttled(None), Step::Pause(DELAY), FailureClass::Throttled),
        ] {
            let refused = refused(verdict);
            assert_eq!(refused.next_step(), step, "{verdict:?}");
            assert_eq!(Situation { tries: TRIES - 1, ..refused }.next_step(), step, "{verdict:?}");
            assert_eq!(Situation { tries: TRIES, ..refused }.next_step(), Step::Fail(class), "{verdict:?}");
            assert_eq!(Situation { left: DELAY, ..refused }.next_step(), Step::Fail(class), "{verdict:?}");
        }
    }
}
