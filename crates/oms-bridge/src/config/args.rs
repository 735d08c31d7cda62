//! Settings as they are given.

use std::fmt;

use clap::Args;

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
    /// Engine: oms, copy, or oms-then-copy [default: oms].
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
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would stand in the help text")]
    pub copy: CopyArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would stand in the help text")]
    pub ingest: IngestArgs,
}

/// Settings of what is taken over HTTP.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Ingest over HTTP")]
pub struct IngestArgs {
    /// Bearer token of POST /objects, 16 characters or more; without one there is no such path. Prefer the environment.
    #[arg(long, env = "INGEST_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub ingest_token: Option<String>,
    /// Comma-separated host names that objects are fetched from; *.example.com for all below example.com.
    #[arg(long, env = "INGEST_DOMAINS", value_name = "NAMES", hide_env_values = true)]
    pub ingest_domains: Option<String>,
    /// Whether private addresses, http and ports are allowed too: for tests and private networks [default: false].
    #[arg(long, env = "INGEST_ALLOW_PRIVATE", value_name = "BOOL", hide_env_values = true)]
    pub ingest_allow_private: Option<String>,
}

impl fmt::Debug for IngestArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngestArgs").finish_non_exhaustive()
    }
}

/// Settings of the copy engine. Those of the destination also say where `explain` looks.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Direct copy")]
pub struct CopyArgs {
    /// Bucket that objects are copied to, in OBS or OSS, and what stands before their keys there.
    #[arg(long, env = "DEST", value_name = "obs://BUCKET[/PREFIX]", hide_env_values = true)]
    pub dest: Option<String>,
    /// Host or URL of the destination's service.
    #[arg(long, env = "DEST_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub dest_endpoint: Option<String>,
    /// Region id of a destination in OSS [default: that of its endpoint].
    #[arg(long, env = "DEST_REGION", value_name = "REGION", hide_env_values = true)]
    pub dest_region: Option<String>,
    /// Access key of the destination [default: the Huawei one for OBS, that of the source for OSS].
    #[arg(long, env = "DEST_AK", value_name = "AK", hide_env_values = true)]
    pub dest_ak: Option<String>,
    /// Secret key of the destination. Prefer the environment.
    #[arg(long, env = "DEST_SK", value_name = "SK", hide_env_values = true)]
    pub dest_sk: Option<String>,
    /// Token of temporary credentials of the destination. Prefer the environment.
    #[arg(long, env = "DEST_SECURITY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub dest_security_token: Option<String>,
    /// Host or URL of OSS for the source bucket [default: that for the log bucket].
    #[arg(long, env = "SOURCE_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub source_endpoint: Option<String>,
    /// The source bucket: of keys that come without one, and the only one whose events are taken [default: any].
    #[arg(long, env = "SOURCE_BUCKET", value_name = "[s3://]BUCKET", hide_env_values = true)]
    pub source_bucket: Option<String>,
    /// Whether an object that is removed at the source is removed at the destination: true or false [default: false].
    #[arg(long, env = "PROPAGATE_DELETES", value_name = "BOOL", hide_env_values = true)]
    pub propagate_deletes: Option<String>,
    /// Objects that an instance may remove in ten minutes at most [default: 100].
    #[arg(long, env = "MAX_DELETES", value_name = "N", hide_env_values = true)]
    pub max_deletes: Option<String>,
}

impl fmt::Debug for CopyArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyArgs").finish_non_exhaustive()
    }
}

impl fmt::Debug for SettingsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most of them are harmless, but which ones hold a secret is not a question to answer twice.
        f.debug_struct("SettingsArgs").finish_non_exhaustive()
    }
}
