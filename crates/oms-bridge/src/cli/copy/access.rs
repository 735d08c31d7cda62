//! How both ends are reached.

use clap::Args;

/// Where the services listen and what opens them: each an environment variable and a flag of the same name.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Access")]
pub(super) struct AccessArgs {
    /// Host or URL of OSS.
    #[arg(long, env = "OSS_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub(super) oss_endpoint: Option<String>,
    /// Region id of OSS for V4 signatures [default: that of the endpoint].
    #[arg(long, env = "OSS_REGION", value_name = "REGION", hide_env_values = true)]
    pub(super) oss_region: Option<String>,
    /// OSS signature version: v4 or v1 [default: v4].
    #[arg(long, env = "OSS_SIGNATURE", value_name = "VERSION", hide_env_values = true)]
    pub(super) oss_signature: Option<String>,
    /// Host or URL of the source's service [default for OSS: the one above; for S3: that of the AWS settings].
    #[arg(long, env = "SOURCE_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub(super) source_endpoint: Option<String>,
    /// Host or URL of the destination's service [default for OSS: the one above].
    #[arg(long, env = "DEST_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub(super) dest_endpoint: Option<String>,
    /// Region id of a destination in OSS [default: that of its endpoint].
    #[arg(long, env = "DEST_REGION", value_name = "REGION", hide_env_values = true)]
    pub(super) dest_region: Option<String>,
    /// Access key of the destination [default: the Huawei one for OBS, that of the source for OSS].
    #[arg(long, env = "DEST_AK", value_name = "AK", hide_env_values = true)]
    pub(super) dest_ak: Option<String>,
    /// Secret key of the destination. Prefer the environment: flags show in the process list.
    #[arg(long, env = "DEST_SK", value_name = "SK", hide_env_values = true)]
    pub(super) dest_sk: Option<String>,
    /// Token of temporary credentials of the destination. Prefer the environment.
    #[arg(long, env = "DEST_SECURITY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) dest_security_token: Option<String>,
    /// Region of a source in Amazon S3 [default: that of the AWS settings].
    #[cfg(feature = "aws")]
    #[arg(long, env = "AWS_REGION", value_name = "REGION", hide_env_values = true)]
    pub(super) aws_region: Option<String>,
    /// Huawei access key, for OBS.
    #[arg(long, env = "HW_AK", value_name = "AK", hide_env_values = true)]
    pub(super) hw_ak: Option<String>,
    /// Huawei secret key. Prefer the environment.
    #[arg(long, env = "HW_SK", value_name = "SK", hide_env_values = true)]
    pub(super) hw_sk: Option<String>,
    /// Token of temporary Huawei credentials. Prefer the environment.
    #[arg(long, env = "HW_SECURITY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) hw_security_token: Option<String>,
}
