//! `explain`: everything about one key.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use oss_lite::{BucketName, Credentials, Endpoint};
use tokio::time::Instant;

use super::{Exit, Prepared, exit, print, print_json, store, usage};
use crate::config::SettingsArgs;
use crate::explain::{Destination, DestinationArgs, Explanation, Identity, Sources, explain};
use crate::oms_api::OmsApi;
use crate::{assemble, clock};

/// Explains one key: the object on both sides, its records, the request that would be sent, what to do next.
///
/// Nothing is sent and nothing is changed. The request is shown up to what is signed, without secrets.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge explain photos/a.jpg
  DEST=obs://mirror DEST_ENDPOINT=obs.cn-north-4.myhuaweicloud.com oms-bridge explain 'photos/b c.jpg'"))]
pub(super) struct ExplainArgs {
    /// Object key.
    #[arg(value_name = "KEY")]
    key: String,
    /// Source bucket [default: that of the key's record, else that of the sync task].
    #[arg(long, value_name = "NAME")]
    bucket: Option<BucketName>,
    /// Host or URL of OSS for the source bucket [default: that for the log bucket].
    #[arg(long, env = "SOURCE_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    source_endpoint: Option<String>,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    destination: DestinationArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Time for all of it.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn run(args: ExplainArgs) -> Exit {
    let huawei = Arc::new(huawei(&args.settings));
    let Prepared { settings, credentials, http } = match Prepared::from(args.settings) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let source_endpoint = match args.source_endpoint.filter(|text| !text.trim().is_empty()) {
        None => Ok(settings.oss_endpoint.clone()),
        Some(text) => text.trim().parse::<Endpoint>(),
    };
    let built = source_endpoint.and_then(|endpoint| {
        Ok((assemble::journal(&settings, &http)?, assemble::store(&settings, endpoint, &http)?))
    });
    let (journal, source) = match built {
        Ok(built) => built,
        Err(error) => return usage(&error),
    };
    let identity = Identity { huawei, source: Arc::clone(&credentials), signature: settings.oss_signature };
    let destination = match Destination::resolve(args.destination, &identity, &http) {
        Ok(destination) => destination,
        Err(error) => return usage(&error),
    };
    let journal = journal.open(Arc::clone(&credentials), Instant::now() + PATIENCE);
    let api = OmsApi::new(http, &settings.sync_url, settings.huawei.clone());
    let sources = Sources {
        settings: &settings,
        journal: &journal,
        source: &source,
        credentials,
        destination: destination.as_ref(),
        api: &api,
    };
    match explain(&sources, &args.key, args.bucket, clock::system()).await {
        Ok(explanation) => tell(&explanation, args.json),
        Err(error) => store(&error),
    }
}

/// The Huawei credentials once more, for OBS.
fn huawei(args: &SettingsArgs) -> Credentials {
    let value = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let credentials = Credentials::new(value(&args.hw_ak), value(&args.hw_sk));
    match value(&args.hw_security_token) {
        token if token.is_empty() => credentials,
        token => credentials.with_security_token(token),
    }
}

fn tell(explanation: &Explanation, json: bool) -> Exit {
    if json {
        print_json(explanation);
    } else {
        print(explanation.to_string().trim_end());
    }
    if explanation.credentials_refused { Exit::CredentialsRefused } else { Exit::Done }
}
