//! Where the other side is.

use std::fmt;
use std::sync::Arc;

use clap::Args;
use oss_lite::{Bucket, BucketName, Client, ClientConfig, Credentials, Dialect, Endpoint, SignatureVersion};

use super::Side;

/// Settings of the destination. Without the first two it is not looked at.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Destination")]
pub struct DestinationArgs {
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
}

impl fmt::Debug for DestinationArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationArgs").finish_non_exhaustive()
    }
}

/// Credentials to fall back on.
#[derive(Clone, Debug)]
pub struct Identity {
    /// For OBS.
    pub huawei: Arc<Credentials>,
    /// For OSS.
    pub source: Arc<Credentials>,
    /// How requests to OSS are signed.
    pub signature: SignatureVersion,
}

/// What is wrong with the settings of the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDestination(String);

impl fmt::Display for BadDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadDestination {}

/// A bucket, and what stands before the keys in it.
#[derive(Clone, Debug)]
pub struct Destination {
    scheme: &'static str,
    bucket: Bucket,
    prefix: String,
}

impl Destination {
    /// The destination that the settings name, if they do.
    ///
    /// # Errors
    ///
    /// [`BadDestination`] with the setting at fault; no secret is part of it.
    pub fn resolve(
        args: DestinationArgs,
        identity: &Identity,
        http: &reqwest::Client,
    ) -> Result<Option<Self>, BadDestination> {
        let given = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
        let (Some(dest), Some(endpoint)) = (given(args.dest), given(args.dest_endpoint)) else {
            return Ok(None);
        };
        let bad = |name: &str, what: &dyn fmt::Display| BadDestination(format!("{name}: {what}"));
        let (scheme, dialect, name, prefix) = parse(&dest).map_err(|what| bad("DEST", &what))?;
        let endpoint: Endpoint = endpoint.trim().parse().map_err(|error| bad("DEST_ENDPOINT", &error))?;
        let mut config = ClientConfig::new(endpoint, dialect);
        if dialect == Dialect::Oss {
            config = config.with_signature(identity.signature);
        }
        if let Some(region) = given(args.dest_region) {
            config = config.with_region(region);
        }
        let client = Client::new(http.clone(), config).map_err(|error| bad("DEST_ENDPOINT", &error))?;
        let credentials = match (given(args.dest_ak), given(args.dest_sk)) {
            (Some(ak), Some(sk)) => {
                let credentials = Credentials::new(ak, sk);
                Arc::new(match given(args.dest_security_token) {
                    Some(token) => credentials.with_security_token(token),
                    None => credentials,
                })
            }
            (None, None) if dialect == Dialect::Obs => Arc::clone(&identity.huawei),
            (None, None) => Arc::clone(&identity.source),
            _ => return Err(bad("DEST_AK and DEST_SK", &"only one of the two is set")),
        };
        Ok(Some(Self { scheme, bucket: client.bucket(&name, credentials), prefix }))
    }

    pub(super) async fn look(&self, key: &str) -> Side {
        Side::look(self.scheme, &self.bucket, &[&self.prefix, key].concat()).await
    }
}

fn parse(text: &str) -> Result<(&'static str, Dialect, BucketName, String), String> {
    let (scheme, dialect, rest) = match text.trim().split_once("://") {
        Some(("obs", rest)) => ("obs", Dialect::Obs, rest),
        Some(("oss", rest)) => ("oss", Dialect::Oss, rest),
        _ => return Err(format!("{text:?} is neither obs://bucket[/prefix] nor oss://bucket[/prefix]")),
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let bucket = bucket.parse().map_err(|error: oss_lite::Error| error.to_string())?;
    let prefix = match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    Ok((scheme, dialect, bucket, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_bucket_and_perhaps_a_prefix() {
        let parsed =
            |text| parse(text).map(|(scheme, _, bucket, prefix)| (scheme, bucket.to_string(), prefix));
        assert_eq!(parsed("obs://mirror").unwrap(), ("obs", "mirror".to_owned(), String::new()));
        assert_eq!(parsed("oss://mirror/a/b/").unwrap(), ("oss", "mirror".to_owned(), "a/b/".to_owned()));
        for text in ["mirror", "s3://mirror", "obs://", "obs://Bad_Name"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
