//! Public keys, fetched once and kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::error::{CallbackError, CallbackErrorKind};
use super::key_url::{KeyUrl, TRUSTED, key_url};
use super::public_key::PublicKey;
use super::verify::{CallbackParts, signature, verify_signature};

/// OSS waits 5 seconds for the answer to its callback.
const PATIENCE: Duration = Duration::from_secs(3);
/// For which a fetch that failed is not made again.
const HELD_BACK: Duration = Duration::from_secs(1);
const MOST_KEYS: usize = 16;
const LARGEST: usize = 8 * 1024;

/// Verifies callbacks, with the public keys that it needs for it. Cheap to clone; clones share the keys.
///
/// The key that OSS has published is known from the start, under its `http` and its `https` URL. Any other is
/// fetched when a callback names it, from the host of OSS only, once, and kept for good, as what such a URL
/// has never changes. Calls that need a key which is being fetched wait for it together. A fetch takes at
/// most 3 seconds and 8 KiB; one that fails is not repeated for a second. At most 16 keys are known or tried
/// at a time: the caller chooses the URL.
#[derive(Clone)]
pub struct CallbackKeys {
    keys: Keys,
}

#[derive(Clone)]
enum Keys {
    Pinned(Arc<PublicKey>),
    Fetched(Arc<Store>),
}

struct Store {
    http: reqwest::Client,
    slots: Mutex<HashMap<KeyUrl, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    key: OnceLock<Arc<PublicKey>>,
    /// Held while the key is fetched.
    failure: tokio::sync::Mutex<Option<FetchFailure>>,
}

struct FetchFailure {
    at: Instant,
    message: String,
}

impl CallbackKeys {
    /// Fetches keys by this client, which must be built with `redirect::Policy::none()`.
    pub fn new(http: reqwest::Client) -> Self {
        let published = Arc::new(PublicKey::published());
        let urls = TRUSTED.map(KeyUrl::published);
        let slots = urls.into_iter().map(|url| (url, Arc::new(Slot::known(Arc::clone(&published)))));
        let slots = Mutex::new(slots.collect());
        Self { keys: Keys::Fetched(Arc::new(Store { http, slots })) }
    }

    /// Uses this one key and ignores the URL that a callback names: for private clouds, and for servers that
    /// cannot reach the host of OSS. Nothing is fetched.
    pub fn with_key(key: PublicKey) -> Self {
        Self { keys: Keys::Pinned(Arc::new(key)) }
    }

    /// Checks what can be checked before the body is there: whether path and headers are such as OSS sends,
    /// and name a key that would be used. Everybody can send such ones; what they are good for is to read no
    /// body without them. [`verify`](Self::verify) checks all of it again.
    pub fn check_head(&self, parts: &CallbackParts<'_>) -> Result<(), CallbackError> {
        signature(parts)?;
        match &self.keys {
            Keys::Pinned(_) => Ok(()),
            Keys::Fetched(_) => key_url(parts.pub_key_url).map(drop),
        }
    }

    /// Checks that OSS made this call. See the [module](super#what-a-good-signature-proves) on how little it
    /// proves.
    pub async fn verify(&self, parts: &CallbackParts<'_>) -> Result<(), CallbackError> {
        let signature = signature(parts)?;
        let key = match &self.keys {
            Keys::Pinned(key) => Arc::clone(key),
            Keys::Fetched(store) => store.key(&key_url(parts.pub_key_url)?).await?,
        };
        verify_signature(&key, parts, &signature)
    }
}

impl Store {
    async fn key(&self, url: &KeyUrl) -> Result<Arc<PublicKey>, CallbackError> {
        let slot = self.slot(url).ok_or_else(|| unavailable(url, "too many others are being fetched"))?;
        if let Some(key) = slot.key.get() {
            return Ok(Arc::clone(key));
        }
        let mut failure = slot.failure.lock().await;
        if let Some(key) = slot.key.get() {
            return Ok(Arc::clone(key));
        }
        if let Some(failure) = failure.as_ref().filter(|failure| failure.holds_back()) {
            return Err(CallbackError::new(CallbackErrorKind::KeyUnavailable, failure.message.clone()));
        }
        let fetched = timeout(PATIENCE, fetch(&self.http, url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(unavailable(url, "no answer in time")));
        match fetched {
            Ok(key) => Ok(Arc::clone(slot.key.get_or_init(|| Arc::new(key)))),
            Err(error) => {
                *failure = Some(FetchFailure { at: Instant::now(), message: error.to_string() });
                Err(error)
            }
        }
    }

    /// The place of a key, made if there is room.
    fn slot(&self, url: &KeyUrl) -> Option<Arc<Slot>> {
        let mut slots = self.slots.lock();
        if let Some(slot) = slots.get(url) {
            return Some(Arc::clone(slot));
        }
        if slots.len() >= MOST_KEYS {
            slots.retain(|_, slot| slot.is_in_use());
        }
        if slots.len() >= MOST_KEYS {
            return None;
        }
        let slot = Arc::<Slot>::default();
        slots.insert(url.clone(), Arc::clone(&slot));
        Some(slot)
    }
}

impl Slot {
    fn known(key: Arc<PublicKey>) -> Self {
        Self { key: OnceLock::from(key), failure: tokio::sync::Mutex::default() }
    }

    /// It has a key, is being fetched, or failed just now.
    fn is_in_use(self: &Arc<Self>) -> bool {
        let failed = || match self.failure.try_lock() {
            Ok(failure) => failure.as_ref().is_some_and(FetchFailure::holds_back),
            Err(_) => true,
        };
        self.key.get().is_some() || Arc::strong_count(self) > 1 || failed()
    }
}

impl FetchFailure {
    fn holds_back(&self) -> bool {
        self.at.elapsed() < HELD_BACK
    }
}

async fn fetch(http: &reqwest::Client, url: &KeyUrl) -> Result<PublicKey, CallbackError> {
    let failed = |error: reqwest::Error| unavailable(url, "the connection failed").with_source(error);
    let address = url.url().ok_or_else(|| unavailable(url, "it is no URL"))?;
    let mut answer = http.get(address).send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK || answer.url().as_str() != url.as_str() {
        return Err(unavailable(url, &format!("the answer has status {}", answer.status().as_u16())));
    }
    let mut pem = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if pem.len() + chunk.len() > LARGEST {
            return Err(unavailable(url, "the answer is too long for a key"));
        }
        pem.extend_from_slice(&chunk);
    }
    let pem = String::from_utf8(pem)
        .map_err(|error| unavailable(url, "the answer is not text").with_source(error))?;
    PublicKey::from_pem(&pem).map_err(|error| unavailable(url, &error.to_string()).with_source(error))
}

fn unavailable(url: &KeyUrl, why: &str) -> CallbackError {
    let message = format!("the public key of OSS at {url} cannot be had: {why}");
    CallbackError::new(CallbackErrorKind::KeyUnavailable, message)
}

impl fmt::Debug for CallbackKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.keys {
            Keys::Pinned(key) => write!(f, "CallbackKeys(pinned {key:?})"),
            Keys::Fetched(_) => f.write_str("CallbackKeys(fetched)"),
        }
    }
}
