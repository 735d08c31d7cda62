//! Which credentials open the source and the log bucket.
//!
//! The first complete set wins, and sets are never mixed: the invocation's `x-fc-*` headers, then
//! `ALIBABA_CLOUD_ACCESS_KEY_ID`/`_SECRET`/`ALIBABA_CLOUD_SECURITY_TOKEN`, then
//! `OSS_ACCESS_KEY_ID`/`_SECRET`/ `OSS_SESSION_TOKEN`.
//!
//! A token in the environment of a process does not change, and expires. A worker that outlives it fetches
//! new credentials (`renewal`), if the environment holds none itself.

#[cfg(feature = "aws")]
mod renewal;

use std::sync::Arc;

use oss_lite::Credentials;
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

#[cfg(feature = "aws")]
pub use self::renewal::RenewalError;

/// The environment variables of one set of credentials.
struct VariableSet {
    id: &'static str,
    secret: &'static str,
    token: &'static str,
}

const SETS: [VariableSet; 2] = [
    VariableSet {
        id: "ALIBABA_CLOUD_ACCESS_KEY_ID",
        secret: "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        token: "ALIBABA_CLOUD_SECURITY_TOKEN",
    },
    VariableSet { id: "OSS_ACCESS_KEY_ID", secret: "OSS_ACCESS_KEY_SECRET", token: "OSS_SESSION_TOKEN" },
];

/// No source holds a complete set of credentials.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no credentials for OSS: give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and \
     ALIBABA_CLOUD_ACCESS_KEY_SECRET, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"
)]
pub struct NoCredentials;

/// Why a worker has no credentials.
#[cfg(feature = "aws")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The environment neither holds any nor names where to fetch them.
    #[error(transparent)]
    None(#[from] NoCredentials),
    /// They could not be fetched.
    #[error("no credentials for OSS: {0}")]
    Renewal(#[from] RenewalError),
}

/// The credentials that an invocation brings.
#[derive(Clone, Copy, Debug)]
pub struct InvocationCredentials<'a> {
    /// Access key id.
    pub id: &'a str,
    /// Access key secret.
    pub secret: &'a SecretString,
    /// STS token.
    pub token: Option<&'a SecretString>,
}

/// Finds the credentials for each invocation.
///
/// Remembers the last set that an invocation brought: a function's role keeps its temporary credentials for
/// hours, and callers that get the same object again can keep what they derived from it, such as the day's
/// signing key.
#[derive(Debug, Default)]
pub struct SourceCredentials {
    environment: Option<Arc<Credentials>>,
    environment_name: Option<&'static str>,
    environment_has_token: bool,
    last_offered: Mutex<Option<(Offer, Arc<Credentials>)>>,
    #[cfg(feature = "aws")]
    renewal: Option<renewal::Renewal>,
}

#[derive(Debug)]
struct Offer {
    id: String,
    secret: SecretString,
    token: Option<SecretString>,
}

impl SourceCredentials {
    /// Reads the environment through `variable` once; empty variables count as unset.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let found =
            SETS.iter().find_map(|set| Some((set.id, value(set.id)?, value(set.secret)?, value(set.token))));
        let environment_has_token = matches!(&found, Some((.., Some(_))));
        let environment_name = found.as_ref().map(|(name, ..)| *name);
        let environment = found
            .map(|(_, id, secret, token)| Arc::new(credentials(id, secret.into(), token.map(Into::into))));
        Self {
            environment,
            environment_name,
            environment_has_token,
            last_offered: Mutex::default(),
            #[cfg(feature = "aws")]
            renewal: None,
        }
    }

    /// As [`SourceCredentials::new`]. If the environment holds no complete set but names a provider,
    /// credentials are fetched from there, and fetched again before they expire.
    #[cfg(feature = "aws")]
    pub fn renewing(variable: impl Fn(&str) -> Option<String>, http: &reqwest::Client) -> Self {
        let found = Self::new(&variable);
        let renewal = found.environment.is_none().then(|| renewal::Renewal::find(variable, http)).flatten();
        Self { renewal, ..found }
    }

    /// The credentials of the environment, or those of the provider that it names that are valid at `now`.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`].
    #[cfg(feature = "aws")]
    pub async fn current(
        &self,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Arc<Credentials>, CredentialsError> {
        match &self.renewal {
            Some(renewal) => Ok(renewal.at(now).await?),
            None => Ok(self.from_environment()?),
        }
    }

    /// The credentials of the environment.
    ///
    /// # Errors
    ///
    /// [`NoCredentials`] when no set is complete.
    pub fn from_environment(&self) -> Result<Arc<Credentials>, NoCredentials> {
        self.environment.clone().ok_or(NoCredentials)
    }

    /// The variable that holds the access key id of the environment's credentials.
    pub fn environment_name(&self) -> Option<&'static str> {
        self.environment_name
    }

    /// Whether they have a token.
    pub fn environment_is_temporary(&self) -> bool {
        self.environment_has_token
    }

    /// The credentials for an invocation that brings `offered`.
    ///
    /// A set without a token beside an environment with one means that the runtime withholds the token
    /// (`custom.debian11` does): the environment is used.
    ///
    /// # Errors
    ///
    /// [`NoCredentials`] when the invocation brings none and the environment holds no complete set.
    pub fn for_invocation(
        &self,
        offered: Option<InvocationCredentials<'_>>,
    ) -> Result<Arc<Credentials>, NoCredentials> {
        match offered {
            Some(offered) if offered.token.is_some() || !self.environment_has_token => {
                Ok(self.remembered(offered))
            }
            _ => self.from_environment(),
        }
    }

    fn remembered(&self, offered: InvocationCredentials<'_>) -> Arc<Credentials> {
        let mut last = self.last_offered.lock();
        match &*last {
            Some((offer, credentials)) if offer.is(&offered) => Arc::clone(credentials),
            _ => {
                let offer = Offer {
                    id: offered.id.to_owned(),
                    secret: offered.secret.clone(),
                    token: offered.token.cloned(),
                };
                let made = Arc::new(credentials(offer.id.clone(), offer.secret.clone(), offer.token.clone()));
                *last = Some((offer, Arc::clone(&made)));
                made
            }
        }
    }
}

impl Offer {
    fn is(&self, offered: &InvocationCredentials<'_>) -> bool {
        self.id == offered.id
            && self.secret.expose_secret() == offered.secret.expose_secret()
            && self.token.as_ref().map(ExposeSecret::expose_secret)
                == offered.token.map(ExposeSecret::expose_secret)
    }
}

fn credentials(id: String, secret: SecretString, token: Option<SecretString>) -> Credentials {
    let credentials = Credentials::new(id, secret);
    match token {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> SourceCredentials {
        SourceCredentials::new(move |name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn id(credentials: Result<Arc<Credentials>, NoCredentials>) -> Option<String> {
        credentials.ok().map(|credentials| credentials.access_key_id().to_owned())
    }

    const TRIPLE: &[(&str, &str)] = &[
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "env"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "t"),
    ];

    #[test]
    fn the_first_complete_set_of_the_environment_wins() {
        const PART: &[(&str, &str)] = &[
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "half"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
            ("OSS_ACCESS_KEY_ID", "oss"),
            ("OSS_ACCESS_KEY_SECRET", "s"),
        ];
        assert_eq!(id(environment(PART).from_environment()).as_deref(), Some("oss"));
        assert_eq!(id(environment(TRIPLE).from_environment()).as_deref(), Some("env"));
        assert!(environment(&[]).from_environment().is_err());
        let name = |pairs| environment(pairs).environment_name();
        assert_eq!(
            (name(PART), name(TRIPLE)),
            (Some("OSS_ACCESS_KEY_ID"), Some("ALIBABA_CLOUD_ACCESS_KEY_ID"))
        );
    }

    #[test]
    fn an_invocation_with_all_three_headers_wins() {
        let (secret, token) = (SecretString::from("s"), SecretString::from("t"));
        let offered = InvocationCredentials { id: "fc", secret: &secret, token: Some(&token) };
        assert_eq!(id(environment(TRIPLE).for_invocation(Some(offered))).as_deref(), Some("fc"));
    }

    #[test]
    fn a_withheld_token_means_the_environment() {
        let secret = SecretString::from("s");
        let offered = InvocationCredentials { id: "fc", secret: &secret, token: None };
        assert_eq!(id(environment(TRIPLE).for_invocation(Some(offered))).as_deref(), Some("env"));
        assert_eq!(id(environment(&[]).for_invocation(Some(offered))).as_deref(), Some("fc"));
        assert_eq!(id(environment(TRIPLE).for_invocation(None)).as_deref(), Some("env"));
    }

    #[test]
    fn the_same_offer_gives_the_same_object() {
        let source = environment(&[]);
        let (secret, token, other) =
            (SecretString::from("s"), SecretString::from("t"), SecretString::from("u"));
        let offered = InvocationCredentials { id: "fc", secret: &secret, token: Some(&token) };
        let first = source.for_invocation(Some(offered)).unwrap();
        assert!(Arc::ptr_eq(&first, &source.for_invocation(Some(offered)).unwrap()));
        let renewed = InvocationCredentials { token: Some(&other), ..offered };
        assert!(!Arc::ptr_eq(&first, &source.for_invocation(Some(renewed)).unwrap()));
    }

    #[test]
    fn nothing_secret_shows_in_debug() {
        let source = environment(&[("OSS_ACCESS_KEY_ID", "id"), ("OSS_ACCESS_KEY_SECRET", "hush-hush")]);
        let (secret, token) = (SecretString::from("hush-hush"), SecretString::from("hush-token"));
        source
            .for_invocation(Some(InvocationCredentials { id: "fc", secret: &secret, token: Some(&token) }))
            .unwrap();
        assert!(!format!("{source:?}").contains("hush"));
    }
}
