//! How far the round is, and what the last one found: the content of the objects in `reconcile_run/`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Rounds of other sides that are kept at most.
const PARKED: usize = 16;

/// How far comparisons are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundState {
    /// Everything up to this key of the source is done; `None`: nothing of the round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_key: Option<String>,
    /// The round that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Round>,
    /// The last one that saw all keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Round>,
    /// Rounds of other sides that are under way, the one that was left last at the end: those of other
    /// timers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<Parked>,
}

/// A round that is under way while another one works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parked {
    /// Everything up to this key of the source is done; `None`: nothing of the round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_key: Option<String>,
    /// What it found and did so far.
    #[serde(flatten)]
    pub round: Round,
}

/// One comparison of all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Round {
    /// What was compared.
    #[serde(flatten)]
    pub scope: Scope,
    /// When it began, by the log bucket's clock.
    pub began: Option<DateTime<Utc>>,
    /// When it ended, likewise; not yet without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// How many slices it took.
    pub slices: u64,
    /// What it found and did.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What is compared, and which question is asked of it. A round is one of the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// `oss://photos/2024/`.
    pub source: String,
    /// `obs://mirror/2024/`.
    pub destination: String,
    /// What keys end with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// `INCLUDE`; none: all keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// `EXCLUDE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Where the source is reached; not known of Amazon S3.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source_endpoint: String,
    /// Where the destination is reached; not known of rounds of earlier versions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_endpoint: String,
}

impl Scope {
    fn has_the_sides_of(&self, other: &Self) -> bool {
        (&self.source, &self.destination, &self.suffix) == (&other.source, &other.destination, &other.suffix)
    }

    /// Whether an earlier version began it, which did not say which question it asked.
    fn is_of_an_earlier_version(&self) -> bool {
        self.destination_endpoint.is_empty()
    }
}

/// What was found and done, in keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Compared.
    pub compared: u64,
    /// Both sides hold the same object.
    pub equal: u64,
    /// Both hold one of the same size, the copy is not older, and nothing else could be compared.
    pub undecided: u64,
    /// Only the source had them, and nobody knew of it.
    pub missing: u64,
    /// Both held different ones, and nobody knew of it.
    pub different: u64,
    /// Only the destination has them. They stay.
    pub extra: u64,
    /// Of the missing and different ones: the engine accepted them.
    pub sent: u64,
    /// Of the missing and different ones: the engine did not. They have a record of failure.
    pub failed: u64,
    /// Written a short time ago: their events may be on their way.
    pub young: u64,
    /// Accepted and not confirmed yet: left to confirmations.
    pub watched: u64,
    /// They failed before, and wait for a replay.
    pub waiting: u64,
    /// They were given up, and wait for a person.
    pub given_up: u64,
    /// They could not be looked at.
    pub unknown: u64,
    /// They were removed from the source since it was listed.
    pub gone: u64,
    /// Left out by `INCLUDE`, `EXCLUDE`, or a suffix of the trigger.
    pub filtered: u64,
    /// Left out, since they are OMS's or this program's own.
    pub left_out: u64,
    /// Looked at one by one.
    pub looked_at: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        let Self {
            compared,
            equal,
            undecided,
            missing,
            different,
            extra,
            sent,
            failed,
            young,
            watched,
            waiting,
            given_up,
            unknown,
            gone,
            filtered,
            left_out,
            looked_at,
        } = other;
        for (sum, part) in [
            (&mut self.compared, compared),
            (&mut self.equal, equal),
            (&mut self.undecided, undecided),
            (&mut self.missing, missing),
            (&mut self.different, different),
            (&mut self.extra, extra),
            (&mut self.sent, sent),
            (&mut self.failed, failed),
            (&mut self.young, young),
            (&mut self.watched, watched),
            (&mut self.waiting, waiting),
            (&mut self.given_up, given_up),
            (&mut self.unknown, unknown),
            (&mut self.gone, gone),
            (&mut self.filtered, filtered),
            (&mut self.left_out, left_out),
            (&mut self.looked_at, looked_at),
        ] {
            *sum += part;
        }
    }
}

/// What a slice begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// The round that was under way.
    GoesOn,
    /// A round of its own.
    Anew,
    /// A round of its own, while one of the same sides was under way that asks another question: this one.
    InsteadOf(Scope),
}

impl Round {
    /// One that begins now.
    pub(super) fn begun(scope: Scope, now: DateTime<Utc>) -> Self {
        Self { scope, began: Some(now), ..Self::default() }
    }
}

impl RoundState {
    /// A slice goes on with the round of the same scope that is under way, or begins `next` if there is none.
    pub(super) fn begin_slice(&mut self, next: Round) -> Begun {
        let mut begun = Begun::GoesOn;
        if self.current.as_ref().is_none_or(|current| current.scope != next.scope) {
            begun = Begun::Anew;
            if let Some(round) = self.current.take() {
                let after_key = self.after_key.take();
                if round.scope.has_the_sides_of(&next.scope) {
                    begun = Begun::InsteadOf(round.scope.clone());
                }
                if !round.scope.is_of_an_earlier_version() {
                    self.parked.push(Parked { after_key, round });
                }
            }
            let ours = self.parked.iter().position(|parked| parked.round.scope == next.scope);
            let ours = ours.map(|at| self.parked.remove(at));
            if ours.is_some() {
                begun = Begun::GoesOn;
            }
            let Parked { after_key, round } = ours.unwrap_or(Parked { after_key: None, round: next });
            (self.current, self.after_key) = (Some(round), after_key);
            self.parked.drain(..self.parked.len().saturating_sub(PARKED));
        }
        if let Some(current) = &mut self.current {
            current.slices += 1;
        }
        begun
    }

    pub(super) fn count(&mut self, counts: &Counts) {
        if let Some(current) = &mut self.current {
            current.counts.add(counts);
        }
    }

    /// All keys were seen.
    pub(super) fn end_round(&mut self, now: DateTime<Utc>) {
        self.after_key = None;
        if let Some(current) = self.current.take() {
            self.last = Some(Round { ended: Some(now), ..current });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(source: &str) -> Round {
        let scope = Scope {
            source: source.to_owned(),
            destination_endpoint: "https://obs.example".to_owned(),
            ..Scope::default()
        };
        Round::begun(scope, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_slice_goes_on_with_its_round_and_begins_another_one_of_other_sides() {
        let mut state = RoundState::default();
        state.begin_slice(round("a"));
        state.after_key = Some("k".to_owned());
        state.count(&Counts { compared: 2, ..Counts::default() });
        state.begin_slice(round("a"));
        let current = state.current.as_ref().unwrap();
        assert_eq!((current.slices, current.counts.compared), (2, 2));
        assert_eq!(state.after_key.as_deref(), Some("k"));
        state.begin_slice(round("b"));
        let current = state.current.as_ref().unwrap();
        assert_eq!((current.slices, current.counts.compared, &state.after_key), (1, 0, &None));
    }

    #[test]
    fn rounds_of_two_timers_leave_each_other_where_they_are() {
        let mut state = RoundState::default();
        for slices in 1..=3 {
            for sides in ["a", "b"] {
                state.begin_slice(round(sides));
                let current = state.current.as_ref().unwrap();
                let before = (slices > 1).then(|| format!("{sides}{}", slices - 1));
                assert_eq!((current.slices, &state.after_key), (slices, &before), "{sides}");
                state.after_key = Some(format!("{sides}{slices}"));
            }
        }
        assert_eq!(state.parked.len(), 1);
        state.end_round(DateTime::UNIX_EPOCH);
        state.begin_slice(round("a"));
        assert_eq!((state.after_key.as_deref(), state.parked.len()), (Some("a3"), 0));
        for number in 0..=2 * PARKED {
            state.begin_slice(round(&number.to_string()));
        }
        assert_eq!(state.parked.len(), PARKED);
    }

    #[test]
    fn another_question_to_the_same_sides_is_another_round() {
        let mut state = RoundState::default();
        assert_eq!(state.begin_slice(round("a")), Begun::Anew);
        state.after_key = Some("k".to_owned());
        let mut other = round("a");
        other.scope.include = vec!["*.jpg".to_owned()];
        assert_eq!(state.begin_slice(other.clone()), Begun::InsteadOf(round("a").scope));
        assert_eq!(state.after_key, None, "the position was made for another question");
        assert_eq!(state.begin_slice(other), Begun::GoesOn);
        assert_eq!(state.begin_slice(round("a")), Begun::GoesOn);
        assert_eq!(state.after_key.as_deref(), Some("k"), "that of another function, which asks it still");
    }

    #[test]
    fn what_an_earlier_version_began_is_begun_once_more() {
        let mut earlier = round("a");
        earlier.scope.destination_endpoint.clear();
        let mut state = RoundState {
            after_key: Some("k".to_owned()),
            current: Some(earlier.clone()),
            ..RoundState::default()
        };
        assert_eq!(state.begin_slice(round("a")), Begun::InsteadOf(earlier.scope));
        assert_eq!((&state.after_key, state.parked.len()), (&None, 0));
    }

    #[test]
    fn only_a_round_that_saw_all_keys_is_the_last_one() {
        let mut state = RoundState::default();
        state.begin_slice(round("a"));
        assert_eq!(state.last, None);
        state.after_key = Some("k".to_owned());
        state.end_round(DateTime::UNIX_EPOCH);
        assert_eq!((&state.after_key, &state.current), (&None, &None));
        let last = state.last.clone().unwrap();
        assert_eq!((last.ended, last.slices), (Some(DateTime::UNIX_EPOCH), 1));
        state.begin_slice(round("b"));
        assert_eq!(state.last, Some(last), "while the next one is under way");
    }

    #[test]
    fn the_state_is_read_as_it_was_written() {
        let mut state = RoundState::default();
        state.begin_slice(round("a"));
        state.end_round(DateTime::UNIX_EPOCH);
        state.begin_slice(round("a"));
        state.count(&Counts { compared: 3, sent: 1, ..Counts::default() });
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<RoundState>(&json).unwrap(), state, "{json}");
        // One of a later version, or none.
        let other: RoundState = serde_json::from_str(r#"{"later":1,"current":{"compared":2}}"#).unwrap();
        assert_eq!(other.current.unwrap().counts.compared, 2);
    }
}
