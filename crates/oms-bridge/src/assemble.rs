//! Builds a [`Pipeline`], parts of it, or a desk from the settings.

#[cfg(feature = "desk")]
mod desk;

use std::sync::Arc;

use oss_lite::{BucketName, Client, Endpoint, Error};

use arrival::confirm::Confirmer;
use arrival::ends::{DestinationConfig, SourceConfig};
use arrival::rounds::{Reconciler, SourceBucket};
use bridge_config::{
    CopySettings, DestinationSettings, IngestSettings, Mode, OmsSettings, Settings, SourceSettings,
};
use bridge_core::engine::Engine;
use bridge_core::engine::copy::{CopyConfig, CopyEngine, Deletes, OBJECTS_IN_FLIGHT};
use bridge_core::engine::oms::{OmsConfig, OmsEngine};
use bridge_core::journal::{Journal, Pair, system_unique};
use bridge_core::pipeline::Pipeline;
use bridge_core::policy::{KeyFilter, Policy};
use function_host::function::{Arrivals, Unset};
use object_copy::clock;
use object_copy::egress::{Guard, Resolver};
#[cfg(feature = "aws")]
use object_copy::transfer::{S3, S3Options};
use object_copy::transfer::{Unmarked, Web};
use object_events::change::Provider;
use signature_breaker::Breakers;

#[cfg(feature = "desk")]
pub(crate) use self::desk::desk;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Builds the pipeline that the settings describe. Opens no connection.
///
/// # Errors
///
/// When the settings do not fit together for OSS or OBS, or TLS cannot be set up.
pub(crate) fn pipeline(settings: Settings, http: &reqwest::Client) -> Result<Pipeline, BoxError> {
    pipeline_through(settings, http, &Breakers::new(clock::system))
}

/// The same, with what sees to it that objects arrive, as far as the settings name both ends.
///
/// # Errors
///
/// As [`pipeline`].
pub(crate) fn confirming(
    settings: Settings,
    http: &reqwest::Client,
) -> Result<(Pipeline, Arrivals), BoxError> {
    let breakers = Breakers::new(clock::system);
    let (to, source, watch) = (settings.destination().cloned(), settings.source.clone(), settings.watch);
    let only_looked_at = settings.mirror.is_some();
    let aws_region = settings.aws_region.clone();
    let task = settings.mode.oms().map(|oms| oms.sync_url.task().to_owned());
    let pipeline = pipeline_through(settings, http, &breakers)?;
    let Some(to) = to else {
        let unset = Unset("DEST and DEST_ENDPOINT are not set: they say where copies are".to_owned());
        return Ok((pipeline, Arrivals { confirmer: Err(unset.clone()), reconciler: Err(unset) }));
    };
    let engine = pipeline.engine().clone();
    let copies = if only_looked_at {
        // What OMS did not copy is copied with the keys that the settings name for the destination.
        let (deletes, in_flight) = (Deletes::Ignored, OBJECTS_IN_FLIGHT);
        let copy = CopySettings { destination: to.clone(), deletes, in_flight };
        let copy = copy_engine(
            copy,
            Unmarked::Removed,
            source.clone(),
            None,
            aws_region.as_deref(),
            http,
            &breakers,
        )?;
        Some(Engine::Copy(copy))
    } else {
        engine.copies_behind_oms()
    };
    let destination = DestinationConfig {
        client: destination(&to, http, &breakers)?,
        prefix: to.place.folder(),
        bucket: to.place.bucket,
        credentials: to.credentials,
    };
    let reconciler = source_bucket(&source, aws_region.as_deref(), http)?.map(|source| Reconciler {
        source,
        destination: destination.clone(),
        watch,
    });
    let source = SourceConfig { client: self::source(&source, http)?, bucket: source.bucket };
    let confirmer = Ok(Confirmer { engine, copies, destination, source, task, watch });
    Ok((pipeline, Arrivals { confirmer, reconciler }))
}

/// The bucket whose objects are compared, if it is known and can be listed.
fn source_bucket(
    source: &SourceSettings,
    aws_region: Option<&str>,
    http: &reqwest::Client,
) -> Result<Result<SourceBucket, Unset>, BoxError> {
    #[cfg(not(feature = "aws"))]
    let _ = aws_region;
    Ok(match (&source.bucket, &source.only) {
        (Some(bucket), _) => {
            let client = self::source(source, http)?;
            Ok(SourceBucket::Store { client, bucket: bucket.clone() })
        }
        #[cfg(feature = "aws")]
        (None, Some((Provider::AmazonS3, name))) => {
            let bucket = s3(aws_region, http).bucket(name)?;
            Ok(SourceBucket::S3 { name: name.clone(), bucket })
        }
        #[cfg(not(feature = "aws"))]
        (None, Some((Provider::AmazonS3, _))) => {
            Err(Unset(crate::features::missing("aws", "listing SOURCE_BUCKET")))
        }
        (None, Some((provider, _))) => {
            Err(Unset(format!("SOURCE_BUCKET is a bucket of {}, which cannot be listed", provider.name())))
        }
        (None, None) => Err(Unset("SOURCE_BUCKET is not set: it says what is compared".to_owned())),
    })
}

#[cfg(feature = "aws")]
fn s3(region: Option<&str>, http: &reqwest::Client) -> S3 {
    S3::new(http.clone(), S3Options { region: region.map(str::to_owned), endpoint: None })
}

fn pipeline_through(
    settings: Settings,
    http: &reqwest::Client,
    breakers: &Breakers,
) -> Result<Pipeline, BoxError> {
    let journal = journal(&settings, http)?;
    let Settings { mode, log_bucket, oss, keys, source, ingest, aws_region, .. } = settings;
    let policy = policy(&log_bucket, &oss.endpoint, keys, mode.copy(), &source);
    let web = match (&ingest, mode.copy()) {
        (Some(ingest), Some(_)) => Some(web(ingest)?),
        _ => None,
    };
    let copy =
        |copy, unmarked| copy_engine(copy, unmarked, source, web, aws_region.as_deref(), http, breakers);
    let engine = match mode {
        Mode::Oms(settings) => Engine::Oms(oms_engine(settings, http, breakers)),
        Mode::Copy(settings) => Engine::Copy(copy(*settings, Unmarked::OlderCopies)?),
        Mode::OmsThenCopy(oms, settings) => {
            Engine::OmsThenCopy(oms_engine(oms, http, breakers), copy(*settings, Unmarked::Removed)?)
        }
    };
    Ok(Pipeline::new(policy, engine, journal).with_breakers(breakers.clone()))
}

/// The source for objects of the web, which passes the guard.
fn web(ingest: &IngestSettings) -> Result<Web, BoxError> {
    let http = http_client::resolving_by(Resolver::system(ingest.guard.reach()))?;
    Ok(Web::guarded(http, Arc::<Guard>::clone(&ingest.guard)))
}

fn policy(
    log_bucket: &BucketName,
    log_endpoint: &Endpoint,
    keys: KeyFilter,
    copy: Option<&CopySettings>,
    source: &SourceSettings,
) -> Policy {
    let policy = Policy::new(keys);
    let policy =
        if source.is_at(log_endpoint) { policy.refusing_log_bucket(log_bucket.as_str()) } else { policy };
    let policy = match &source.only {
        Some((provider, bucket)) => policy.taking_only(*provider, bucket.as_str()),
        None => policy,
    };
    let Some(copy) = copy else { return policy };
    let policy = policy.forwarding_removed_versions();
    let policy = match copy.deletes {
        Deletes::Ignored => policy,
        Deletes::Propagated { .. } => policy.forwarding_removals(),
    };
    if copy.destination.is_beside(source) {
        let place = &copy.destination.place;
        policy.writing_to(place.bucket.as_str(), place.folder())
    } else {
        policy
    }
}

fn oms_engine(settings: OmsSettings, http: &reqwest::Client, breakers: &Breakers) -> OmsEngine {
    let OmsSettings { sync_url, huawei, batch, max_rps, in_flight } = settings;
    let config = OmsConfig {
        target: sync_url,
        breaker: breakers.of_oms(&huawei),
        credentials: huawei,
        batch,
        max_rps,
        in_flight,
        clock: clock::system,
        random: fastrand::f64,
    };
    OmsEngine::new(http.clone(), config)
}

fn copy_engine(
    settings: CopySettings,
    unmarked: Unmarked,
    source: SourceSettings,
    web: Option<Web>,
    aws_region: Option<&str>,
    http: &reqwest::Client,
    breakers: &Breakers,
) -> Result<CopyEngine, Error> {
    #[cfg(not(feature = "aws"))]
    let _ = aws_region;
    let CopySettings { destination: to, deletes, in_flight } = settings;
    Ok(CopyEngine::new(CopyConfig {
        source: self::source(&source, http)?,
        source_bucket: source.bucket,
        only_source: source.only,
        web,
        #[cfg(feature = "aws")]
        s3: s3(aws_region, http),
        #[cfg(not(feature = "aws"))]
        without_s3: crate::features::missing("aws", "reading Amazon S3"),
        destination: destination(&to, http, breakers)?,
        prefix: to.place.folder(),
        bucket: to.place.bucket,
        credentials: to.credentials,
        deletes,
        unmarked,
        clock: clock::system,
        in_flight,
        random: fastrand::f64,
    }))
}

/// Builds the client of the source.
///
/// # Errors
///
/// When the settings do not fit together for OSS.
pub(crate) fn source(source: &SourceSettings, http: &reqwest::Client) -> Result<Client, Error> {
    Client::new(http.clone(), source.service.client_config())
}

/// Builds the client of the destination, whose requests pass the breakers of their credentials.
///
/// # Errors
///
/// When the settings do not fit together for OSS or OBS.
pub(crate) fn destination(
    destination: &DestinationSettings,
    http: &reqwest::Client,
    breakers: &Breakers,
) -> Result<Client, Error> {
    let config = destination.service.client_config();
    Client::new(http.clone(), config.with_signature_gate(breakers.gates()))
}

/// Builds the journal that the settings describe.
///
/// # Errors
///
/// When the settings do not fit together for OSS.
pub(crate) fn journal(settings: &Settings, http: &reqwest::Client) -> Result<Journal, Error> {
    let store = Client::new(http.clone(), settings.oss.client_config())?;
    let destination = settings.destination().map(|to| to.place.folder_address());
    let pair = Pair::new(settings.source.only.clone(), destination);
    Ok(Journal::new(store, settings.log_bucket.clone(), &settings.task, pair, clock::system, system_unique))
}
