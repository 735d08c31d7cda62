//! Caches credentials, since a provider may have to send a request for them.
//!
//! The SDK's own cache keeps
//! credentials until they expire by this machine's clock. Here they are also replaced when a service refuses
//! them ([`Cached::renew`]): because the clock is slow, a token was revoked, or another program has updated
//! the profile file.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// New credentials are fetched this long before the old ones expire.
const EARLY: Duration = Duration::from_mins(5);

/// Shortest time between two requests to a provider, even if its credentials look expired by this machine's
/// clock.
const AGAIN: Duration = Duration::from_mins(1);

/// Timeout of a provider, which may be a program or a service.
const PATIENCE: Duration = Duration::from_mins(1);

type Find = Box<dyn Fn() -> BoxFuture<'static, Option<SharedCredentialsProvider>> + Send + Sync>;

/// The credentials of one provider, kept for as long as they are valid.
pub struct Cached {
    find: Find,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    provider: Option<SharedCredentialsProvider>,
    kept: Option<Kept>,
    generation: Generation,
    /// Time and result of the last unsuccessful renewal.
    in_vain: Option<(Instant, Renewed)>,
}

struct Kept {
    credentials: Credentials,
    /// When they were fetched.
    fetched: Instant,
    /// When new ones were last requested.
    asked: Instant,
}

/// Result of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// There are new credentials.
    Others,
    /// There are no others.
    Same,
    /// Unknown: the provider failed.
    Unknown,
}

/// Number of the credentials that a [`Cached`] has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generation(u64);

impl Cached {
    /// `find` selects the provider: at the start, and whenever a service refuses its credentials.
    pub fn new(
        find: impl Fn() -> BoxFuture<'static, Option<SharedCredentialsProvider>> + Send + Sync + 'static,
    ) -> Self {
        Self { find: Box::new(find), state: Mutex::default() }
    }

    /// Credentials that are valid at `now`. Callers wait while new ones are being fetched.
    ///
    /// # Errors
    ///
    /// When the provider has none, and the cached ones have expired.
    pub async fn at(&self, now: SystemTime) -> Result<Credentials, CredentialsError> {
        let mut state = self.state.lock().await;
        if let Some(kept) = &state.kept
            && (is_good(&kept.credentials, now + EARLY)
                || kept.fetched.elapsed() < AGAIN
                || (is_good(&kept.credentials, now) && kept.asked.elapsed() < AGAIN))
        {
            return Ok(kept.credentials.clone());
        }
        match self.fetch(&mut state).await {
            Ok(fetched) => Ok(state.keep(fetched)),
            Err(error) => match &mut state.kept {
                Some(kept) if is_good(&kept.credentials, now) => {
                    kept.asked = Instant::now();
                    Ok(kept.credentials.clone())
                }
                _ => Err(error),
            },
        }
    }

    /// The generation that a request is signed with now, for [`Cached::renew`].
    pub async fn generation(&self) -> Generation {
        self.state.lock().await.generation
    }

    /// Call this when a service refused these credentials as expired or unknown. Resolves credentials from
    /// the start: the environment, files and services are read again.
    pub async fn renew(&self, refused: Generation) -> Renewed {
        let mut state = self.state.lock().await;
        if state.generation != refused {
            return Renewed::Others;
        }
        // Thousands of objects may be refused for the same reason.
        if let Some((when, renewed)) = state.in_vain
            && when.elapsed() < AGAIN
        {
            return renewed;
        }
        state.provider = None;
        let renewed = match self.fetch(&mut state).await {
            Ok(fetched) => {
                state.keep(fetched);
                if state.generation == refused { Renewed::Same } else { Renewed::Others }
            }
            Err(error) => {
                tracing::debug!(%error, "no other AWS credentials");
                Renewed::Unknown
            }
        };
        state.in_vain = (renewed != Renewed::Others).then(|| (Instant::now(), renewed));
        renewed
    }

    async fn fetch(&self, state: &mut State) -> Result<Credentials, CredentialsError> {
        let provider = if let Some(provider) = &state.provider {
            provider.clone()
        } else {
            let found = (self.find)().await;
            let found = found.ok_or_else(|| CredentialsError::not_loaded("no provider"))?;
            state.provider.insert(found).clone()
        };
        timeout(PATIENCE, provider.provide_credentials())
            .await
            .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(PATIENCE)))
    }
}

impl State {
    fn keep(&mut self, fetched: Credentials) -> Credentials {
        let same = |kept: &Kept| {
            kept.credentials.access_key_id() == fetched.access_key_id()
                && kept.credentials.secret_access_key() == fetched.secret_access_key()
                && kept.credentials.session_token() == fetched.session_token()
        };
        if !self.kept.as_ref().is_some_and(same) {
            self.generation.0 += 1;
        }
        let now = Instant::now();
        self.kept = Some(Kept { credentials: fetched.clone(), fetched: now, asked: now });
        fetched
    }
}

fn is_good(credentials: &Credentials, until: SystemTime) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > until)
}

impl ProvideCredentials for Cached {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.at(SystemTime::now()))
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Hands out credentials for an hour, numbered, and fails from the third on.
    #[derive(Clone, Debug, Default)]
    struct Role(Arc<AtomicU64>);

    impl Role {
        fn cached(&self) -> Cached {
            let role = self.clone();
            Cached::new(move || {
                let role = role.clone();
                Box::pin(async move { Some(SharedCredentialsProvider::new(role)) })
            })
        }
    }

    impl ProvideCredentials for Role {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(if number < 2 {
                let end = SystemTime::UNIX_EPOCH + Duration::from_hours(number + 1);
                Ok(Credentials::new(format!("key-{number}"), "topsecret", None, Some(end), "test"))
            } else {
                Err(CredentialsError::provider_error("gone"))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_are_fetched_before_they_expire_and_kept_while_they_are_valid() {
        let cached = Role::default().cached();
        for (minute, key) in
            [(0, Some("key-0")), (54, Some("key-0")), (56, Some("key-1")), (118, Some("key-1")), (121, None)]
        {
            tokio::time::advance(AGAIN).await;
            let now = SystemTime::UNIX_EPOCH + Duration::from_mins(minute);
            let found = cached.at(now).await.ok();
            assert_eq!(found.as_ref().map(Credentials::access_key_id), key, "minute {minute}");
        }
        assert!(!format!("{cached:?}").contains("topsecret"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_days_ahead_asks_for_credentials_once_a_minute_and_uses_them() {
        let role = Role::default();
        let (cached, now) = (role.cached(), SystemTime::UNIX_EPOCH + Duration::from_hours(100));
        for (key, asked) in [("key-0", 1), ("key-0", 1)] {
            assert_eq!(cached.at(now).await.unwrap().access_key_id(), key);
            assert_eq!(role.0.load(Ordering::Relaxed), asked);
        }
        tokio::time::advance(AGAIN).await;
        assert_eq!(cached.at(now).await.unwrap().access_key_id(), "key-1");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_service_refuses_is_replaced_once_if_there_is_something_else() {
        let role = Role::default();
        let (cached, now) = (role.cached(), SystemTime::UNIX_EPOCH);
        cached.at(now).await.unwrap();
        let first = cached.generation().await;
        // Two requests with the same credentials were refused; others are looked for once.
        assert_eq!(cached.renew(first).await, Renewed::Others);
        assert_eq!(cached.renew(first).await, Renewed::Others);
        assert_eq!(role.0.load(Ordering::Relaxed), 2);
        assert_eq!(cached.at(now).await.unwrap().access_key_id(), "key-1");
        let second = cached.generation().await;
        for (minutes, asked) in [(0, 3), (0, 3), (1, 4)] {
            tokio::time::advance(Duration::from_mins(minutes)).await;
            assert_eq!(cached.renew(second).await, Renewed::Unknown);
            assert_eq!(role.0.load(Ordering::Relaxed), asked);
        }
        assert_eq!(cached.at(now).await.unwrap().access_key_id(), "key-1");
    }
}
