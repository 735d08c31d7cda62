//! Settings: environment and flags in, one typed value or all problems at once out.

use std::fmt;
use std::str::FromStr;

use apig_signer::Credentials;
use clap::Args;
use oss_lite::{BucketName, Endpoint, SignatureVersion};

use crate::engine::oms::{IN_FLIGHT, SyncUrl};
use crate::event::KeyEncoding;
use crate::policy::KeyFilter;

/// Settings as given: each an environment variable and a flag of the same name. An empty one counts as unset.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// OMS "synchronization request receiving address" of the sync task.
    #[arg(long, env = "SYNC_URL", value_name = "URL", hide_env_values = true)]
    pub sync_url: Option<String>,
    /// Huawei access key.
    #[arg(long, env = "HW_AK", value_name = "AK", hide_env_values = true)]
    pub hw_ak: Option<String>,
    /// Huawei secret key. Prefer the environment: flags show in the process list.
    #[arg(long, env = "HW_SK", value_name = "SK", hide_env_values = true)]
    pub hw_sk: Option<String>,
    /// Token of temporary Huawei credentials. Prefer the environment.
    #[arg(long, env = "HW_SECURITY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub hw_security_token: Option<String>,
    /// OSS bucket of the journal; must not be the source bucket.
    #[arg(long, env = "LOG_BUCKET", value_name = "BUCKET", hide_env_values = true)]
    pub log_bucket: Option<String>,
    /// Host or URL of OSS for the log bucket.
    #[arg(long, env = "OSS_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub oss_endpoint: Option<String>,
    /// Region id for V4 signatures, such as cn-hangzhou [default: that of the function, else of the endpoint].
    #[arg(long, env = "OSS_REGION", value_name = "REGION", hide_env_values = true)]
    pub oss_region: Option<String>,
    /// OSS signature version: v4 or v1 [default: v4].
    #[arg(long, env = "OSS_SIGNATURE", value_name = "VERSION", hide_env_values = true)]
    pub oss_signature: Option<String>,
    /// Engine: oms [default: oms].
    #[arg(long, env = "FORWARD_MODE", value_name = "MODE", hide_env_values = true)]
    pub forward_mode: Option<String>,
    /// Keys per OMS request, 1 to 100 [default: 10].
    #[arg(long, env = "OMS_BATCH", value_name = "N", hide_env_values = true)]
    pub oms_batch: Option<String>,
    /// Own ceiling on OMS requests per second [default: none].
    #[arg(long, env = "OMS_MAX_RPS", value_name = "RPS", hide_env_values = true)]
    pub oms_max_rps: Option<String>,
    /// How keys arrive in OSS events: raw or percent [default: raw].
    #[arg(long, env = "KEY_ENCODING", value_name = "ENCODING", hide_env_values = true)]
    pub key_encoding: Option<String>,
    /// Comma-separated globs: only keys that match one are forwarded.
    #[arg(long, env = "INCLUDE", value_name = "GLOBS", hide_env_values = true)]
    pub include: Option<String>,
    /// Comma-separated globs: keys that match one are not forwarded.
    #[arg(long, env = "EXCLUDE", value_name = "GLOBS", hide_env_values = true)]
    pub exclude: Option<String>,
}

impl fmt::Debug for SettingsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most of them are harmless, but which ones hold a secret is not a question to answer twice.
        f.debug_struct("SettingsArgs").finish_non_exhaustive()
    }
}

/// Settings that are good.
#[derive(Debug)]
pub struct Settings {
    /// Where OMS listens.
    pub sync_url: SyncUrl,
    /// Huawei credentials.
    pub huawei: Credentials,
    /// Keys per OMS request.
    pub batch: usize,
    /// Own ceiling on OMS requests per second.
    pub max_rps: Option<f64>,
    /// OMS requests under way at once.
    pub in_flight: usize,
    /// Bucket of the journal.
    pub log_bucket: BucketName,
    /// Where OSS listens.
    pub oss_endpoint: Endpoint,
    /// Region of OSS, when known.
    pub oss_region: Option<String>,
    /// How requests to OSS are signed.
    pub oss_signature: SignatureVersion,
    /// How keys arrive in events.
    pub key_encoding: KeyEncoding,
    /// Which keys are forwarded.
    pub keys: KeyFilter,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    /// One line for each problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// Collects problems while values are read, so that one message names them all.
struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn problem(&mut self, name: &str, what: impl fmt::Display) {
        self.problems.push(format!("{name}: {what}"));
    }

    fn required(&mut self, name: &str, value: Option<String>) -> Option<String> {
        let value = given(value);
        if value.is_none() {
            self.problem(name, "missing");
        }
        value
    }

    fn read<T, E: fmt::Display>(
        &mut self,
        name: &str,
        value: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(&value?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }
}

fn given(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

impl Settings {
    /// Checks everything.
    ///
    /// `fc_region`: the region that Function Compute tells, used where `OSS_REGION` is not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every problem; no secret is part of it.
    pub fn resolve(args: SettingsArgs, fc_region: Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { problems: Vec::new() };
        let r = &mut reader;
        r.read("FORWARD_MODE", given(args.forward_mode), forward_mode);
        let sync_url = r.required("SYNC_URL", args.sync_url);
        let sync_url = r.read("SYNC_URL", sync_url, SyncUrl::parse);
        let ak = r.required("HW_AK", args.hw_ak);
        let sk = r.required("HW_SK", args.hw_sk);
        let log_bucket = r.required("LOG_BUCKET", args.log_bucket);
        let log_bucket = r.read("LOG_BUCKET", log_bucket, BucketName::from_str);
        let endpoint = r.required("OSS_ENDPOINT", args.oss_endpoint);
        let endpoint = r.read("OSS_ENDPOINT", endpoint, |text| Endpoint::from_str(text.trim()));
        let signature =
            r.read("OSS_SIGNATURE", given(args.oss_signature), signature).unwrap_or(SignatureVersion::V4);
        let region = given(args.oss_region)
            .or_else(|| given(fc_region))
            .or_else(|| endpoint.as_ref().and_then(Endpoint::region_hint).map(str::to_owned));
        if endpoint.is_some() && region.is_none() && signature == SignatureVersion::V4 {
            r.problem("OSS_REGION", "missing: V4 signatures need it and OSS_ENDPOINT does not tell");
        }
        let batch = r.read("OMS_BATCH", given(args.oms_batch), batch);
        let max_rps = r.read("OMS_MAX_RPS", given(args.oms_max_rps), rps);
        let key_encoding = r.read("KEY_ENCODING", given(args.key_encoding), key_encoding);
        let (include, exclude) = (given(args.include), given(args.exclude));
        let keys = KeyFilter::new(include.as_deref(), exclude.as_deref());
        let keys = keys.map_err(|error| r.problem("INCLUDE or EXCLUDE", error)).ok();
        match (sync_url, ak, sk, log_bucket, endpoint, keys) {
            (Some(sync_url), Some(ak), Some(sk), Some(log_bucket), Some(oss_endpoint), Some(keys))
                if reader.problems.is_empty() =>
            {
                Ok(Self {
                    sync_url,
                    huawei: huawei(&ak, &sk, given(args.hw_security_token)),
                    batch: batch.unwrap_or(10),
                    max_rps,
                    in_flight: IN_FLIGHT,
                    log_bucket,
                    oss_endpoint,
                    oss_region: region,
                    oss_signature: signature,
                    key_encoding: key_encoding.unwrap_or_default(),
                    keys,
                })
            }
            _ => Err(ConfigError { problems: reader.problems }),
        }
    }
}

fn huawei(ak: &str, sk: &str, token: Option<String>) -> Credentials {
    let credentials = Credentials::new(ak.trim(), sk.trim());
    match token {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    }
}

fn forward_mode(text: &str) -> Result<(), String> {
    match text {
        "oms" => Ok(()),
        "copy" | "oms-then-copy" => Err(format!("{text:?} is not available in this version, only \"oms\"")),
        _ => Err(format!("{text:?} is not a mode; this version knows \"oms\"")),
    }
}

fn signature(text: &str) -> Result<SignatureVersion, String> {
    match text {
        "v4" => Ok(SignatureVersion::V4),
        "v1" => Ok(SignatureVersion::V1),
        _ => Err(format!("{text:?} is neither \"v4\" nor \"v1\"")),
    }
}

fn key_encoding(text: &str) -> Result<KeyEncoding, String> {
    match text {
        "raw" => Ok(KeyEncoding::Raw),
        "percent" => Ok(KeyEncoding::Percent),
        _ => Err(format!("{text:?} is neither \"raw\" nor \"percent\"")),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(batch @ 1..=100) => Ok(batch),
        _ => Err(format!("{text:?} is not a number from 1 to 100")),
    }
}

fn rps(text: &str) -> Result<f64, String> {
    // The lower bound keeps the time between two requests within a day.
    match text.trim().parse::<f64>() {
        Ok(rps) if (0.0001..=1_000_000.0).contains(&rps) => Ok(rps),
        _ => Err(format!("{text:?} is not a number of requests per second above 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> SettingsArgs {
        let some = |text: &str| Some(text.to_owned());
        SettingsArgs {
            sync_url: some("https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events"),
            hw_ak: some("AK"),
            hw_sk: some("hush-hush"),
            log_bucket: some("logs"),
            oss_endpoint: some("oss-cn-hangzhou-internal.aliyuncs.com"),
            ..SettingsArgs::default()
        }
    }

    fn problems(args: SettingsArgs) -> Vec<String> {
        Settings::resolve(args, None).unwrap_err().problems
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = Settings::resolve(good(), None).unwrap();
        assert_eq!((settings.batch, settings.max_rps), (10, None));
        assert_eq!(settings.oss_region.as_deref(), Some("cn-hangzhou"));
        assert_eq!(settings.oss_signature, SignatureVersion::V4);
        assert_eq!(settings.key_encoding, KeyEncoding::Raw);
    }

    #[test]
    fn one_message_names_every_problem_and_no_secret() {
        let mut args = good();
        args.sync_url = Some("nonsense".to_owned());
        args.hw_ak = Some("  ".to_owned());
        args.log_bucket = Some("Bad_Name".to_owned());
        args.oms_batch = Some("101".to_owned());
        args.oms_max_rps = Some("0".to_owned());
        args.key_encoding = Some("base64".to_owned());
        args.exclude = Some("a[".to_owned());
        args.oss_signature = Some("v2".to_owned());
        args.forward_mode = Some("copy".to_owned());
        let found = problems(args);
        for name in [
            "SYNC_URL",
            "HW_AK: missing",
            "LOG_BUCKET",
            "OMS_BATCH",
            "OMS_MAX_RPS",
            "KEY_ENCODING",
            "EXCLUDE",
            "OSS_SIGNATURE",
            "FORWARD_MODE",
        ] {
            assert_eq!(found.iter().filter(|problem| problem.contains(name)).count(), 1, "{name}: {found:?}");
        }
        let shown = ConfigError { problems: found }.to_string();
        assert!(!shown.contains("hush") && shown.lines().count() == 10, "{shown}");
    }

    #[test]
    fn nothing_set_names_all_that_is_required() {
        assert_eq!(
            problems(SettingsArgs::default()),
            [
                "SYNC_URL: missing",
                "HW_AK: missing",
                "HW_SK: missing",
                "LOG_BUCKET: missing",
                "OSS_ENDPOINT: missing"
            ]
        );
    }

    #[test]
    fn the_region_comes_from_the_first_that_tells() {
        let region = |oss: Option<&str>, fc: Option<&str>, endpoint: &str| {
            let mut args = good();
            args.oss_region = oss.map(str::to_owned);
            args.oss_endpoint = Some(endpoint.to_owned());
            Settings::resolve(args, fc.map(str::to_owned)).map(|settings| settings.oss_region)
        };
        let endpoint = "oss-cn-hangzhou.aliyuncs.com";
        assert_eq!(region(Some("a"), Some("b"), endpoint).unwrap().as_deref(), Some("a"));
        assert_eq!(region(Some(""), Some("b"), endpoint).unwrap().as_deref(), Some("b"));
        assert_eq!(region(None, None, endpoint).unwrap().as_deref(), Some("cn-hangzhou"));
        let error = region(None, None, "http://127.0.0.1:9000").unwrap_err();
        assert!(error.to_string().contains("OSS_REGION: missing"), "{error}");
    }

    #[test]
    fn settings_do_not_show_secrets() {
        assert!(!format!("{:?}", Settings::resolve(good(), None).unwrap()).contains("hush"));
    }
}
