//! `explain`: everything about one key.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use oss_lite::{BucketName, Dialect};
use tokio::time::Instant;

use super::{Ended, Exit, Prepared, exit, journal, print, print_result};
use crate::assemble;
use crate::explain::{DestinationBucket, Explanation, Sources, explain};
use crate::failure::Failure;
use bridge_config::table::copy::{DEST, DEST_ENDPOINT};
use bridge_config::{Settings, SettingsOf, WithSettings};
use bridge_core::oms::task::OmsApi;
use object_copy::clock;
use settings::Reader;
use settings::lenient::{self, KeyBucket};
use signature_breaker::Breakers;

/// Explains one key: the object on both sides, its records, the request that would be sent, what to do next.
///
/// Nothing is sent and nothing is changed. The request is shown up to what is signed, without secrets.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge explain photos/a.jpg
  oms-bridge explain 'photos/b c.jpg' --dest obs://mirror \\
    --dest-endpoint obs.cn-north-4.myhuaweicloud.com"))]
pub(super) struct ExplainArgs {
    /// Object key.
    #[arg(value_name = "KEY")]
    key: String,
    /// Source bucket [default: that of the key's record, else `SOURCE_BUCKET`, else that of the sync task].
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ExplainArgs>,
}

impl WithSettings for ExplainArgs {
    const NAME: &'static str = "explain";
}

/// Time limit of the whole command.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn run(args: &ExplainArgs, mut reader: Reader) -> Ended {
    let settings = Settings::read_with_destination(&mut reader);
    let named = args.bucket.as_deref().map(|name| lenient::bucket(name, Dialect::Oss));
    let named: Option<BucketName> = named.and_then(|name| reader.accept("--bucket", name));
    let source = bridge_config::source_bucket(&mut reader);
    let bucket = named.as_ref().or(source.as_ref());
    let setting = if named.is_some() { "--bucket" } else { "SOURCE_BUCKET" };
    let of = bucket.map(|bucket| KeyBucket { scheme: "oss", name: bucket.as_str(), setting });
    let key = lenient::named_key(args.key.clone(), of);
    let key = reader.accept("KEY", key);
    let Prepared { settings, credentials, http } = Prepared::with(reader, settings)?;
    // An invalid name is reported already.
    let Some(key) = key else { return Ok(Exit::Usage) };
    let source = &settings.source;
    let breakers = Breakers::new(clock::system);
    let built = assemble::journal(&settings, &http).and_then(|journal| {
        let source = assemble::source(source, &http)?;
        let destination = settings.destination().map(|destination| {
            let client = assemble::destination(destination, &http, &breakers)?;
            Ok::<_, oss_lite::Error>(DestinationBucket::new(destination, &client, &credentials))
        });
        Ok((journal, source, destination.transpose()?))
    });
    let (records, source, destination) = built.map_err(Failure::configuration)?;
    let records = records.open(Arc::clone(&credentials), Instant::now() + PATIENCE);
    let api = settings
        .mode
        .oms()
        .map(|oms| OmsApi::new(http, &oms.sync_url, oms.huawei.clone(), breakers.of_oms(&oms.huawei)));
    let reader = Reader::new(args.settings.values());
    let unset = [&DEST.spec, &DEST_ENDPOINT.spec].into_iter().filter(|spec| !reader.is_set(spec));
    let sources = Sources {
        settings: &settings,
        unset: unset.map(|spec| spec.name).collect(),
        journal: &records,
        source: &source,
        credentials,
        destination: destination.as_ref(),
        api: api.as_ref(),
    };
    match explain(&sources, &key, named, clock::system()).await {
        Ok(explanation) => tell(&explanation, args.json),
        Err(error) => Err(journal(&error, &settings, error.action().unwrap_or("GetObject"))),
    }
}

fn tell(explanation: &Explanation, json: bool) -> Ended {
    let failure = explanation.failure().cloned().map(|failure| match failure.remedy() {
        Some(remedy) if remedy.contains("doctor") => failure,
        _ => failure.and_then("oms-bridge doctor says more"),
    });
    if json {
        print_result(explanation, failure.as_ref());
    } else {
        print(explanation.to_string().trim_end());
    }
    failure.map_or(Ok(Exit::Done), Err)
}
