//! The breakers of a process, by credentials.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use object_copy::clock::{Clock, Moment};
use oss_lite::SignatureGate;
use parking_lot::Mutex;
use settings::text::masked;

use super::breaker::{Breaker, BreakerShared, Lock, Service};

/// Access keys that are remembered at least. Those of temporary credentials come and go.
pub(super) const REMEMBERED: usize = 64;

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

    /// How many sets of credentials are held back now, since a service refused them.
    pub fn open(&self) -> usize {
        let now = Moment::now(self.0.clock);
        let keys = self.0.keys.lock();
        keys.values().flat_map(|key| &key.secrets).filter(|(_, shared)| shared.is_shut(&now)).count()
    }

    /// How many access keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.0.keys.lock().len()
    }

    fn breaker(&self, service: Service, access_key: &str, fingerprint: Fingerprint) -> Breaker {
        let clock = self.0.clock;
        let mut keys = self.0.keys.lock();
        if keys.len() >= REMEMBERED && !keys.contains_key(access_key) {
            let now = Moment::now(clock);
            keys.retain(|_, key| key.secrets.iter().any(|(_, shared)| matters(shared, &now)));
        }
        let key = keys
            .entry(access_key.to_owned())
            .or_insert_with(|| Key { lock: Lock::default(), secrets: Vec::new() });
        if let Some((_, shared)) = key.secrets.iter().find(|(known, _)| *known == fingerprint) {
            return Breaker::new(shared, service);
        }
        let shared = BreakerShared::new(clock, masked(access_key), &key.lock);
        key.secrets.push((fingerprint, Arc::clone(&shared)));
        Breaker::new(&shared, service)
    }
}

/// Whether it would make a difference to forget a breaker.
fn matters(shared: &Arc<BreakerShared>, now: &Moment) -> bool {
    // One reference is the registry's own.
    Arc::strong_count(shared) > 1 || shared.was_refused(now)
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers").field("keys", &self.len()).finish_non_exhaustive()
    }
}
