//! One breaker for each set of credentials, whichever services they are used at.
//!
//! Huawei's gateway locks an access key for five minutes after more than five bad signatures in a row, for
//! everybody who uses it, and OBS blocks keys likewise. So of a secret key that is wrong from the start at
//! most two bad signatures are made in five minutes (`WINDOW`), over OMS, OBS, both engines and all commands
//! of a process:
//!
//! - Until a service has accepted a signature, requests to it go one at a time.
//! - After two refusals (`REFUSALS`), by one service or by several, with no acceptance since, nothing is sent
//!   for five minutes. Then one request at a time tries again, and one refusal shuts it again.
//! - The same goes for the refusals of one service alone, whatever another accepts: a gateway counts its own.
//! - Once the service says that the key is locked, nothing is sent for five minutes, with none of the key's
//!   secrets.
//! - Only an accepted signature proves anything, to the service that accepted it, and its proof is good for
//!   five minutes: a secret key may have been replaced while an instance was frozen. An acceptance of a
//!   request that was sent before a later one was refused proves nothing.
//! - Time is kept by the wall clock and by the monotonic one, whichever says more (`Moment`).
//!
//! # The verdict of an answer on the signature
//!
//! OBS and OSS: see [`oss_lite::SignatureGate`]. OMS: success that is believed is an acceptance, and so is a
//! 4xx (but 401, 408, 429) with a code `OMS.…`, which comes from behind the gateway that checks signatures.
//! 401 is a refusal, or by its text the lock. Codes `APIGW.…` of other statuses, 408, 429, 5xx and no answer
//! say nothing.
//!
//! # Which keys
//!
//! All of Huawei's (`HW_AK`, `DEST_AK`; OMS, OBS), those that write copies to OSS, and both ends of the
//! command `copy`. Of the function and of replays those that open the log bucket and the source on OSS are
//! not held back, nor those of Amazon S3: these services lock no key, and events that cannot be recorded for
//! five minutes are worse than a refused request. Two secrets of one access key have a breaker each, since
//! one of them may be right: together at most four bad signatures. Temporary credentials have access keys of
//! their own, so renewed ones begin afresh.
//!
//! Not held back: requests in flight when a good secret is replaced are all signed with the old one, up to as
//! many as run at once. To replace a secret, let the function come to rest, or keep both valid for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::{Entering, SignatureGate, SignaturePass, SignatureVerdict, Withheld};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use object_copy::clock::{Clock, Moment};
use settings::text::{self, masked};

/// How long nothing is sent once credentials are refused: the length of the gateway's own lock.
pub(crate) const WINDOW: Duration = Duration::from_mins(5);

/// How many refusals in a row shut a breaker.
const REFUSALS: u32 = 2;

/// Access keys that are remembered at least. Those of temporary credentials come and go.
const REMEMBERED: usize = 64;

/// Sets fingerprints of credentials apart from other uses of such digests.
const LABEL: &[u8] = b"oms-bridge breaker";

/// The breakers of a process. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Breakers(Arc<Registry>);

struct Registry {
    clock: Clock,
    keys: Mutex<HashMap<String, Key>>,
}

/// An access key, and what it is used with.
struct Key {
    lock: Lock,
    secrets: Vec<(Fingerprint, Arc<BreakerShared>)>,
}

type Fingerprint = [u8; 32];

/// When a service last said that the access key is locked.
type Lock = Arc<Mutex<Option<Moment>>>;

impl Breakers {
    /// None is shut. `clock` is the wall clock.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Registry { clock, keys: Mutex::default() }))
    }

    /// The breaker of credentials as OMS takes them.
    pub fn of_oms(&self, credentials: &apig_signer::Credentials) -> Breaker {
        self.breaker(Service::Oms, credentials.access_key(), credentials.fingerprint(LABEL))
    }

    /// The breaker of credentials as OBS and OSS take them.
    pub fn of_store(&self, credentials: &oss_lite::Credentials) -> Breaker {
        self.breaker(Service::Store, credentials.access_key_id(), credentials.fingerprint(LABEL))
    }

    /// Gates for the requests of a client.
    pub fn gates(&self) -> impl Fn(&oss_lite::Credentials) -> Arc<dyn SignatureGate> + Send + Sync + 'static {
        let breakers = self.clone();
        move |credentials| Arc::new(breakers.of_store(credentials))
    }

    fn breaker(&self, service: Service, access_key: &str, fingerprint: Fingerprint) -> Breaker {
        let clock = self.0.clock;
        let mut keys = self.0.keys.lock();
        if keys.len() >= REMEMBERED && !keys.contains_key(access_key) {
            let now = Moment::now(clock);
            keys.retain(|_, key| key.secrets.iter().any(|(_, inner)| matters(inner, &now)));
        }
        let key = keys
            .entry(access_key.to_owned())
            .or_insert_with(|| Key { lock: Lock::default(), secrets: Vec::new() });
        if let Some((_, inner)) = key.secrets.iter().find(|(known, _)| *known == fingerprint) {
            return Breaker { inner: Arc::clone(inner), service };
        }
        let inner = Arc::new(BreakerShared {
            clock,
            name: masked(access_key),
            lock: Arc::clone(&key.lock),
            state: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        });
        key.secrets.push((fingerprint, Arc::clone(&inner)));
        Breaker { inner, service }
    }
}

/// Whether to forget it would change anything.
fn matters(inner: &Arc<BreakerShared>, now: &Moment) -> bool {
    let (lock, refused) = (*inner.lock.lock(), inner.state.lock().all.last);
    // One reference is the registry's own.
    Arc::strong_count(inner) > 1 || [lock, refused].iter().flatten().any(|moment| moment.age(now) < WINDOW)
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers").field("keys", &self.0.keys.lock().len()).finish_non_exhaustive()
    }
}

/// The breaker of one set of credentials, as one service sees it. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Breaker {
    inner: Arc<BreakerShared>,
    service: Service,
}

#[derive(Debug)]
struct BreakerShared {
    clock: Clock,
    /// The access key, masked.
    name: String,
    lock: Lock,
    state: Mutex<KeyState>,
    /// One request at a time while the credentials are unproven.
    turn: Arc<Semaphore>,
}

/// The services that credentials are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
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
    pub(crate) fn is_proven(&self) -> bool {
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
        let locked = *self.inner.lock.lock();
        let state = *self.inner.state.lock();
        let shut = [locked, state.all.too_many(), state.each[self.service as usize].too_many()];
        let shut = shut.into_iter().flatten().filter(lately).min_by_key(|moment| moment.age(&now));
        if let Some(moment) = shut {
            let left = TimeDelta::from_std(WINDOW.saturating_sub(moment.age(&now))).unwrap_or_default();
            return Standing::Shut(Shut { name: self.inner.name.clone(), resumes: now.wall() + left });
        }
        match &state.accepted[self.service as usize] {
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
