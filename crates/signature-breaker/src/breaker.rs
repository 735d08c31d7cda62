//! The state of one set of credentials, and the permits that it gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use object_copy::clock::{Clock, Moment};
use oss_lite::{Entering, SignatureGate, SignaturePass, SignatureVerdict, Withheld};
use parking_lot::Mutex;
use settings::text;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How long nothing is sent once credentials are refused: the length of the gateway's own lock.
pub const WINDOW: Duration = Duration::from_mins(5);

/// How many refusals in a row shut a breaker.
const REFUSALS: u32 = 2;

/// The breaker of one set of credentials, as one service sees it. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Breaker {
    inner: Arc<BreakerShared>,
    service: Service,
}

/// When a service last said that the access key is locked.
pub(super) type Lock = Arc<Mutex<Option<Moment>>>;

#[derive(Debug)]
pub(super) struct BreakerShared {
    clock: Clock,
    /// The access key, masked.
    name: String,
    lock: Lock,
    state: Mutex<KeyState>,
    /// One request at a time while the credentials are unproven.
    turn: Arc<Semaphore>,
}

impl BreakerShared {
    pub(super) fn new(clock: Clock, name: String, lock: &Lock) -> Arc<Self> {
        let turn = Arc::new(Semaphore::new(1));
        Arc::new(Self { clock, name, lock: Arc::clone(lock), state: Mutex::default(), turn })
    }

    /// Whether nothing is signed with the credentials now, for at least one service.
    pub(super) fn is_shut(&self, now: &Moment) -> bool {
        self.shut_since(now, &[Service::Oms, Service::Store]).is_some()
    }

    /// The latest moment that keeps them from being used for one of `services`.
    fn shut_since(&self, now: &Moment, services: &[Service]) -> Option<Moment> {
        let locked = *self.lock.lock();
        let state = *self.state.lock();
        let each = services.iter().map(|service| state.each[*service as usize].too_many());
        let shut = [locked, state.all.too_many()].into_iter().chain(each).flatten();
        shut.filter(|moment| moment.age(now) < WINDOW).min_by_key(|moment| moment.age(now))
    }

    /// Whether a service refused the credentials lately, or said that the key is locked.
    pub(super) fn was_refused(&self, now: &Moment) -> bool {
        let (locked, refused) = (*self.lock.lock(), self.state.lock().all.last);
        [locked, refused].iter().flatten().any(|moment| moment.age(now) < WINDOW)
    }
}

/// The services that credentials are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Oms,
    Store,
}

#[derive(Clone, Copy, Debug, Default)]
struct KeyState {
    /// Refusals by any service since the last acceptance by any.
    all: Refusals,
    /// The same of each service alone.
    each: [Refusals; 2],
    /// The last acceptance by each service, if nothing was refused since.
    accepted: [Option<Moment>; 2],
    /// Refusals ever, by which requests that were sent before one are known.
    ever: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Refusals {
    /// How many in a row.
    count: u32,
    /// The last.
    last: Option<Moment>,
}

impl Refusals {
    fn and(self, now: Moment) -> Self {
        Self { count: self.count.saturating_add(1), last: Some(now) }
    }

    /// When they were too many.
    fn too_many(self) -> Option<Moment> {
        self.last.filter(|_| self.count >= REFUSALS)
    }
}

/// Permission to send one request. While the credentials are unproven it also holds the turn. Dropped, it
/// says nothing of the signature.
#[derive(Debug)]
pub struct Permit {
    breaker: Breaker,
    turn: Option<OwnedSemaphorePermit>,
    ever: u64,
}

/// Why a request must not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPermit {
    /// The credentials were refused.
    Shut(Shut),
    /// Time was up before it was known whether the credentials are good.
    TimeUp,
}

/// The breaker is shut. `Display` says so for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shut {
    name: String,
    /// When sending resumes.
    pub resumes: DateTime<Utc>,
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, resumes } = self;
        write!(
            f,
            "not sent: access key {name} was refused a moment ago; sending resumes at {}",
            text::time(*resumes)
        )
    }
}

enum Standing {
    Proven,
    Unproven,
    Shut(Shut),
}

impl Breaker {
    pub(super) fn new(shared: &Arc<BreakerShared>, service: Service) -> Self {
        Self { inner: Arc::clone(shared), service }
    }

    /// Waits for permission to send a request, until `deadline` if there is one.
    ///
    /// # Errors
    ///
    /// [`NoPermit`], and then the request must not be sent.
    pub async fn permit(&self, deadline: Option<Instant>) -> Result<Permit, NoPermit> {
        if let Some(decided) = self.decide() {
            return decided;
        }
        let turn = Arc::clone(&self.inner.turn).acquire_owned();
        let turn = match deadline {
            Some(deadline) => timeout_at(deadline, turn).await.map_err(|_| NoPermit::TimeUp)?,
            None => turn.await,
        };
        // The request before may have proved the credentials, or shut the breaker.
        self.decide().unwrap_or_else(|| Ok(self.grant(turn.ok())))
    }

    /// Whether a signature was accepted lately, and none was refused since.
    pub fn is_proven(&self) -> bool {
        matches!(self.standing(), Standing::Proven)
    }

    fn decide(&self) -> Option<Result<Permit, NoPermit>> {
        match self.standing() {
            Standing::Proven => Some(Ok(self.grant(None))),
            Standing::Unproven => None,
            Standing::Shut(shut) => Some(Err(NoPermit::Shut(shut))),
        }
    }

    fn grant(&self, turn: Option<OwnedSemaphorePermit>) -> Permit {
        Permit { breaker: self.clone(), turn, ever: self.inner.state.lock().ever }
    }

    fn standing(&self) -> Standing {
        let now = Moment::now(self.inner.clock);
        let lately = |moment: &Moment| moment.age(&now) < WINDOW;
        if let Some(moment) = self.inner.shut_since(&now, &[self.service]) {
            let left = TimeDelta::from_std(WINDOW.saturating_sub(moment.age(&now))).unwrap_or_default();
            return Standing::Shut(Shut { name: self.inner.name.clone(), resumes: now.wall() + left });
        }
        match &self.inner.state.lock().accepted[self.service as usize] {
            Some(moment) if lately(moment) => Standing::Proven,
            _ => Standing::Unproven,
        }
    }

    fn note_acceptance(&self, ever: u64) {
        let mut state = self.inner.state.lock();
        if state.ever == ever {
            state.all = Refusals::default();
            state.each[self.service as usize] = Refusals::default();
            state.accepted[self.service as usize] = Some(Moment::now(self.inner.clock));
        }
    }

    fn note_refusal(&self) {
        let now = Moment::now(self.inner.clock);
        let mut state = self.inner.state.lock();
        let KeyState { all, mut each, accepted: _, ever } = *state;
        each[self.service as usize] = each[self.service as usize].and(now);
        *state = KeyState { all: all.and(now), each, accepted: [None; 2], ever: ever + 1 };
        if state.all.count == REFUSALS {
            tracing::warn!(
                access_key = self.inner.name,
                seconds = WINDOW.as_secs(),
                "an access key is refused; nothing is signed with it for a while, so that it does not get locked"
            );
        }
    }

    fn note_lock(&self) {
        let access_key = &self.inner.name;
        tracing::warn!(access_key, "an access key is locked; nothing is signed with it for a while");
        let now = Moment::now(self.inner.clock);
        *self.inner.lock.lock() = Some(now);
        let mut state = self.inner.state.lock();
        // Afterwards one refusal suffices.
        let all = Refusals { count: REFUSALS, last: Some(now) };
        *state = KeyState { all, accepted: [None; 2], ever: state.ever + 1, ..*state };
    }
}

impl Permit {
    /// Takes the verdict of the answer on the signature.
    pub fn answered(self, verdict: SignatureVerdict) {
        match verdict {
            SignatureVerdict::Accepted => self.breaker.note_acceptance(self.ever),
            SignatureVerdict::Refused => self.breaker.note_refusal(),
            SignatureVerdict::Locked => self.breaker.note_lock(),
            SignatureVerdict::Unknown => {}
        }
        // Only now, so that the next in turn knows.
        drop(self.turn);
    }
}

impl SignatureGate for Breaker {
    fn enter(&self) -> Entering<'_> {
        Box::pin(async {
            match self.permit(None).await {
                Ok(permit) => Ok(Box::new(permit) as Box<dyn SignaturePass>),
                Err(NoPermit::Shut(shut)) => Err(Withheld(shut.to_string())),
                // There is no deadline here: the client ends the wait itself.
                Err(NoPermit::TimeUp) => Err(Withheld("not sent: time was up".to_owned())),
            }
        })
    }
}

impl SignaturePass for Permit {
    fn answered(self: Box<Self>, verdict: SignatureVerdict) {
        Self::answered(*self, verdict);
    }
}

#[cfg(test)]
mod tests;
