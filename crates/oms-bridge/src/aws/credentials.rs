//! Credentials that are fetched once and again before they end: asking for them may be a request to another service.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use tokio::sync::Mutex;

/// New ones are fetched so long before the old ones end.
const EARLY: Duration = Duration::from_mins(5);

/// The credentials of one provider, kept for as long as they are good.
pub struct Cached {
    provider: SharedCredentialsProvider,
    last: Mutex<Option<Credentials>>,
}

impl Cached {
    /// Asks `provider` when it has to.
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, last: Mutex::default() }
    }

    /// Credentials that are good at `now`. Callers that come while new ones are fetched wait for those.
    ///
    /// # Errors
    ///
    /// When the provider has none, and none are kept that are still good.
    pub async fn at(&self, now: SystemTime) -> Result<Credentials, CredentialsError> {
        let mut last = self.last.lock().await;
        if let Some(kept) = last.as_ref().filter(|kept| is_good(kept, now + EARLY)) {
            return Ok(kept.clone());
        }
        match self.provider.provide_credentials().await {
            Ok(fetched) => Ok(last.insert(fetched).clone()),
            Err(error) => match last.as_ref().filter(|kept| is_good(kept, now)) {
                Some(kept) => Ok(kept.clone()),
                None => Err(error),
            },
        }
    }
}

fn is_good(credentials: &Credentials, until: SystemTime) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > until)
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

    use aws_credential_types::provider::{ProvideCredentials, future};

    use super::*;

    /// Hands out credentials for an hour, numbered, and fails from the third on.
    #[derive(Debug, Default)]
    struct Role(Arc<AtomicU64>);

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

    #[tokio::test]
    async fn credentials_are_fetched_before_they_end_and_kept_while_they_are_good() {
        let cached = Cached::new(SharedCredentialsProvider::new(Role::default()));
        for (minute, key) in
            [(0, Some("key-0")), (54, Some("key-0")), (56, Some("key-1")), (118, Some("key-1")), (121, None)]
        {
            let now = SystemTime::UNIX_EPOCH + Duration::from_mins(minute);
            let found = cached.at(now).await.ok();
            assert_eq!(found.as_ref().map(Credentials::access_key_id), key, "minute {minute}");
        }
        assert!(!format!("{cached:?}").contains("topsecret"));
    }
}
