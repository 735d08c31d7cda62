//! What the environment of the instance says.

use std::sync::Arc;

use crate::credentials::{FcCredentials, Found};

/// Values of the instance that stand in for request headers that are absent.
///
/// Names of the variables: [environment
/// variables](https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FcEnvironment {
    /// `FC_REGION`.
    pub region: Option<Arc<str>>,
    /// `FC_ACCOUNT_ID`.
    pub account_id: Option<Arc<str>>,
    /// `FC_FUNCTION_NAME`.
    pub function_name: Option<Arc<str>>,
    /// `FC_QUALIFIER`.
    pub qualifier: Option<Arc<str>>,
    /// `FC_FUNCTION_VERSION`, on older runtimes `FC_VER_ID`.
    pub version_id: Option<Arc<str>>,
    /// `FC_FUNCTION_MEMORY_SIZE`, in MB.
    pub memory_mb: Option<Arc<str>>,
    /// `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_SECURITY_TOKEN`.
    pub credentials: Option<FcCredentials>,
}

impl FcEnvironment {
    /// Reads the environment of this process.
    pub fn from_process() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`; an empty value counts as absent.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let shared = |name: &str| get(name).map(Arc::<str>::from);
        let [id, secret, token] = [
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_SECURITY_TOKEN",
        ]
        .map(get);
        let parts = [id.as_deref(), secret.as_deref(), token.as_deref()];
        Self {
            region: shared("FC_REGION"),
            account_id: shared("FC_ACCOUNT_ID"),
            function_name: shared("FC_FUNCTION_NAME"),
            qualifier: shared("FC_QUALIFIER"),
            version_id: shared("FC_FUNCTION_VERSION").or_else(|| shared("FC_VER_ID")),
            memory_mb: shared("FC_FUNCTION_MEMORY_SIZE"),
            credentials: FcCredentials::from_source(parts).map(Found::to_credentials),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn environment_is_read_from_the_documented_variables() {
        let environment = FcEnvironment::from_lookup(lookup(&[
            ("FC_REGION", "cn-hangzhou"),
            ("FC_ACCOUNT_ID", "123"),
            ("FC_FUNCTION_NAME", "sync"),
            ("FC_VER_ID", "7"),
            ("FC_FUNCTION_MEMORY_SIZE", "512"),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
        ]));
        assert_eq!(environment.region.as_deref(), Some("cn-hangzhou"));
        assert_eq!(environment.account_id.as_deref(), Some("123"));
        assert_eq!(environment.function_name.as_deref(), Some("sync"));
        assert_eq!(environment.version_id.as_deref(), Some("7"));
        assert_eq!(environment.memory_mb.as_deref(), Some("512"));
        let credentials = environment.credentials.unwrap();
        assert_eq!(credentials.access_key_id, "id");
        assert_eq!(credentials.access_key_secret.expose_secret(), "secret");
        assert!(credentials.security_token.is_none());
    }
}
