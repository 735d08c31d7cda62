//! What is done to the function and to the clouds, and when.

use std::ops::Range;

/// How large a run is.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) uploads: u32,
    /// Minutes over which they come.
    pub(crate) minutes: u32,
    pub(crate) kills: usize,
    /// Minutes in which OMS is down.
    pub(crate) outage: Range<u32>,
    pub(crate) seed: u64,
}

/// Share of the events that never reach the function.
pub(crate) const DROPPED: f64 = 0.05;

/// Share of the copies that OMS accepts and does not make.
pub(crate) const SILENT: f64 = 0.05;

/// Share of the uploads that replace an earlier object.
pub(crate) const REPLACED: f64 = 0.02;

impl Scale {
    pub(crate) const FULL: Self =
        Self { uploads: 100_000, minutes: 300, kills: 20, outage: 120..150, seed: 1 };
    pub(crate) const SHORT: Self = Self { uploads: 2000, minutes: 130, kills: 5, outage: 40..50, seed: 1 };

    /// Uploads of this minute: in an outage a tenth of what else comes, since each of them is tried for ten
    /// seconds by the machine's clock.
    pub(crate) fn uploads_in(&self, minute: u32) -> Range<u32> {
        self.uploads_before(minute)..self.uploads_before(minute + 1)
    }

    fn uploads_before(&self, minute: u32) -> u32 {
        let weight = |minute: u32| {
            let down = minute.min(self.outage.end).saturating_sub(self.outage.start);
            u64::from(minute) * 10 - u64::from(down) * 9
        };
        let before = u64::from(self.uploads) * weight(minute.min(self.minutes)) / weight(self.minutes);
        u32::try_from(before).unwrap_or(self.uploads)
    }
}

/// What a timer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Replay,
    Confirm,
    Reconcile,
}

impl Action {
    pub(crate) const ALL: [Self; 3] = [Self::Replay, Self::Confirm, Self::Reconcile];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Confirm => "confirm",
            Self::Reconcile => "reconcile",
        }
    }

    /// The message of the log line with which it ends.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Replay => "replayed",
            Self::Confirm => "confirmed",
            Self::Reconcile => "compared",
        }
    }

    /// Minutes between two of them, as in `s.yaml`.
    pub(crate) fn interval(self) -> u32 {
        match self {
            Self::Replay => 10,
            Self::Confirm => 5,
            Self::Reconcile => 60,
        }
    }

    pub(crate) fn is_due(self, minute: u32) -> bool {
        minute.is_multiple_of(self.interval())
    }
}

/// When the function is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) minute: u32,
    /// In this timer's invocation; without one, while events are delivered.
    pub(crate) action: Option<Action>,
    /// How far the work is by then, in thousandths.
    at: u64,
}

impl Kill {
    /// How many of these requests have been answered by then.
    pub(crate) fn after(self, requests: u64) -> u64 {
        1 + requests * self.at / 1000
    }
}

impl Scale {
    /// Kills by turns while events are delivered and in each of the timers' invocations, no two in one minute.
    pub(crate) fn plan_kills(&self, dice: &mut fastrand::Rng) -> Vec<Kill> {
        let turns = [None, Some(Action::Confirm), Some(Action::Reconcile), None, Some(Action::Replay)];
        let mut kills: Vec<Kill> = Vec::new();
        // Some minutes are taken, and the comparison has few.
        for action in turns.into_iter().cycle().take(4 * self.kills) {
            let due: Vec<u32> = (1..self.minutes)
                .filter(|minute| {
                    action.is_none_or(|action| action.is_due(*minute) && !self.outage.contains(minute))
                })
                .filter(|&minute| kills.iter().all(|kill| kill.minute != minute))
                .collect();
            let minute = dice.choice(due).filter(|_| kills.len() < self.kills);
            kills.extend(minute.map(|minute| Kill { minute, action, at: dice.u64(..1000) }));
        }
        kills
    }
}
