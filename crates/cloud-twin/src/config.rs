//! Settings of a twin.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_listener::Limits;

use crate::clock::{Clock, SystemClock};
use crate::policy::AccessPolicy;
use crate::service::Service;

/// Keys of one cloud identity. The built-in ones are made up and work nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Access key id, sent in the clear with every request.
    pub access_key: String,
    /// Secret the signatures are made with.
    pub secret_key: String,
    /// Token of temporary credentials; requests must carry exactly this one, or none when `None`.
    pub security_token: Option<String>,
}

impl Account {
    /// A permanent key pair.
    pub fn permanent(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { access_key: access_key.into(), secret_key: secret_key.into(), security_token: None }
    }

    /// A temporary key pair with its security token.
    pub fn temporary(
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
        security_token: impl Into<String>,
    ) -> Self {
        Self { security_token: Some(security_token.into()), ..Self::permanent(access_key, secret_key) }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("access_key", &self.access_key)
            .field("secret_key", &"***")
            .field("security_token", &self.security_token.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Whether OSS takes signature V1, which it no longer does for new accounts and buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureV1 {
    /// As for accounts opened before 2025-03.
    #[default]
    Accepted,
    /// `403` with EC `0002-00000080`.
    Refused,
}

/// Whether OBS knows of CRC-64 checksums. Its public API reference does not mention them; its SDKs use them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObsCrc64 {
    /// Shown in replies, and checked where a client announces one.
    #[default]
    Present,
    /// Neither shown nor looked at.
    Absent,
}

/// Whether OBS encrypts what it stores, by the default encryption of its buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObsEncryption {
    /// It does not.
    #[default]
    Off,
    /// Under a key of KMS. The `ETag` of an object or part is no MD5 then, and another one each time that the
    /// same bytes are written.
    Kms,
}

/// Which credential headers an invoked function receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialHeaders {
    /// Key id, secret and security token.
    #[default]
    All,
    /// Key id and secret only, as on the `custom.debian11` runtime.
    WithoutToken,
    /// None of the three.
    Withheld,
}

/// How functions are invoked for bucket events, after Function Compute's asynchronous invocation.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// Value of `x-fc-function-name`.
    pub name: String,
    /// Value of `x-fc-account-id`, also the bucket owner in events.
    pub account_id: String,
    /// Which credential headers are sent.
    pub credentials: CredentialHeaders,
    /// Further tries after a failed first one (`maxAsyncRetryAttempts`, 0–8 in the cloud).
    pub retries: u32,
    /// Pause before the first retry, doubled for each further one.
    pub backoff: Duration,
    /// Time one invocation may take; also sent, in whole seconds, as `x-fc-function-timeout`.
    pub timeout: Duration,
    /// Invocations under way at the same time; more wait in a queue.
    pub concurrency: usize,
}

impl Default for FunctionSettings {
    fn default() -> Self {
        Self {
            name: "oms-bridge".to_owned(),
            account_id: "1000000000000001".to_owned(),
            credentials: CredentialHeaders::All,
            retries: 3,
            backoff: Duration::from_millis(50),
            timeout: Duration::from_mins(1),
            concurrency: 100,
        }
    }
}

/// Settings of a [`Twin`](crate::Twin), each with a default that suits tests; also its builder.
#[derive(Clone, Debug)]
pub struct TwinConfig {
    pub(crate) addresses: BTreeMap<Service, SocketAddr>,
    pub(crate) admin_addr: SocketAddr,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) seed: u64,
    pub(crate) region: String,
    pub(crate) oss_accounts: Vec<Account>,
    pub(crate) huawei_accounts: Vec<Account>,
    pub(crate) signature_v1: SignatureV1,
    pub(crate) obs_crc64: ObsCrc64,
    pub(crate) obs_encryption: ObsEncryption,
    pub(crate) oms_max_keys: usize,
    pub(crate) copy_delay: Duration,
    pub(crate) restore_time: Duration,
    pub(crate) function: FunctionSettings,
    pub(crate) callback_timeout: Duration,
    pub(crate) custom_domains: BTreeMap<String, String>,
    pub(crate) limits: Limits,
    /// By access key.
    pub(crate) policies: BTreeMap<String, Vec<AccessPolicy>>,
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Default for TwinConfig {
    fn default() -> Self {
        Self {
            addresses: Service::ALL.into_iter().map(|service| (service, ANY_PORT)).collect(),
            admin_addr: ANY_PORT,
            clock: Arc::new(SystemClock),
            seed: 0,
            region: "cn-hangzhou".to_owned(),
            oss_accounts: vec![
                Account::permanent("LTAItwinFakeAccessKey01", "TwinFakeOssSecretKey0123456789"),
                Account::temporary(
                    "STS.TwinFakeTemporaryKey01",
                    "TwinFakeTemporarySecretKey0123456789",
                    "CAIStwin+/fake==SecurityToken",
                ),
            ],
            huawei_accounts: vec![Account::permanent(
                "TWINFAKEHUAWEIKEY001",
                "TwinFakeHuaweiSecretKey0123456789abcdef",
            )],
            signature_v1: SignatureV1::default(),
            obs_crc64: ObsCrc64::default(),
            obs_encryption: ObsEncryption::default(),
            oms_max_keys: 10,
            copy_delay: Duration::ZERO,
            restore_time: Duration::from_secs(1),
            function: FunctionSettings::default(),
            callback_timeout: Duration::from_secs(5),
            custom_domains: BTreeMap::new(),
            limits: Limits::of_a_store(),
            policies: BTreeMap::new(),
        }
    }
}

impl TwinConfig {
    /// Where OSS listens; must be a loopback address, port 0 picks a free one.
    #[must_use]
    pub fn oss_addr(self, address: SocketAddr) -> Self {
        self.listen(Service::Oss, address)
    }

    /// Where OBS listens; must be a loopback address, port 0 picks a free one.
    #[must_use]
    pub fn obs_addr(self, address: SocketAddr) -> Self {
        self.listen(Service::Obs, address)
    }

    /// Where OMS listens; must be a loopback address, port 0 picks a free one.
    #[must_use]
    pub fn oms_addr(self, address: SocketAddr) -> Self {
        self.listen(Service::Oms, address)
    }

    /// Where the admin API listens; must be a loopback address, port 0 picks a free one.
    #[must_use]
    pub fn admin_addr(mut self, address: SocketAddr) -> Self {
        self.admin_addr = address;
        self
    }

    fn listen(mut self, service: Service, address: SocketAddr) -> Self {
        self.addresses.insert(service, address);
        self
    }

    /// The time the services go by; the machine's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Seed of the dice behind fault probabilities.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Region of the OSS buckets; a V4 signature for another one is refused. `cn-hangzhou` by default.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Replaces the OSS accounts. The first is [`crate::Twin::oss_account`]; functions receive the first
    /// temporary one.
    #[must_use]
    pub fn oss_accounts(mut self, accounts: impl IntoIterator<Item = Account>) -> Self {
        self.oss_accounts = accounts.into_iter().collect();
        self
    }

    /// Replaces the Huawei accounts, valid at OBS and OMS. The first is [`crate::Twin::huawei_account`].
    #[must_use]
    pub fn huawei_accounts(mut self, accounts: impl IntoIterator<Item = Account>) -> Self {
        self.huawei_accounts = accounts.into_iter().collect();
        self
    }

    /// Whether OSS takes signature V1.
    #[must_use]
    pub fn signature_v1(mut self, policy: SignatureV1) -> Self {
        self.signature_v1 = policy;
        self
    }

    /// Whether OBS knows of CRC-64 checksums.
    #[must_use]
    pub fn obs_crc64(mut self, support: ObsCrc64) -> Self {
        self.obs_crc64 = support;
        self
    }

    /// Whether OBS encrypts what it stores.
    #[must_use]
    pub fn obs_encryption(mut self, encryption: ObsEncryption) -> Self {
        self.obs_encryption = encryption;
        self
    }

    /// Keys one OMS request may carry: 10 as documented, at most 100.
    #[must_use]
    pub fn oms_max_keys(mut self, keys: usize) -> Self {
        self.oms_max_keys = keys.clamp(1, 100);
        self
    }

    /// Time between the acceptance of a key by OMS and its copy; none by default.
    #[must_use]
    pub fn copy_delay(mut self, delay: Duration) -> Self {
        self.copy_delay = delay;
        self
    }

    /// How long it takes to restore an archived object; a second by default, minutes to hours in the cloud.
    #[must_use]
    pub fn restore_time(mut self, time: Duration) -> Self {
        self.restore_time = time;
        self
    }

    /// What clients of each listener may take in time and connections.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How functions are invoked for bucket events.
    #[must_use]
    pub fn function(mut self, settings: FunctionSettings) -> Self {
        self.function = settings;
        self
    }

    /// Time a callback server has for its answer; 5 seconds as documented. Measured by the clock of tokio.
    #[must_use]
    pub fn callback_timeout(mut self, timeout: Duration) -> Self {
        self.callback_timeout = timeout;
        self
    }

    /// Requests whose `Host` is `domain` address `bucket` (a custom domain, CNAME).
    #[must_use]
    pub fn custom_domain(mut self, domain: impl Into<String>, bucket: impl Into<String>) -> Self {
        self.custom_domains.insert(domain.into(), bucket.into());
        self
    }

    /// Attaches a policy to an access key, which may do from then on only what its policies together allow.
    /// Without one a key may do everything.
    #[must_use]
    pub fn policy(mut self, access_key: impl Into<String>, policy: AccessPolicy) -> Self {
        self.policies.entry(access_key.into()).or_default().push(policy);
        self
    }

    /// Attaches a policy to all access keys of its cloud.
    #[must_use]
    pub fn policy_for_all(self, policy: &AccessPolicy) -> Self {
        let accounts = if policy.is_of_huawei() { &self.huawei_accounts } else { &self.oss_accounts };
        let access_keys: Vec<_> = accounts.iter().map(|account| account.access_key.clone()).collect();
        access_keys.into_iter().fold(self, |config, access_key| config.policy(access_key, policy.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn debug_output_shows_no_secret() {
        let text = format!("{:?}", Account::temporary("the-id", "the-secret", "the-token"));
        assert!(text.contains("the-id"), "{text}");
        assert!(!text.contains("the-secret") && !text.contains("the-token"), "{text}");
    }
}
