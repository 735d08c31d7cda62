//! What the settings say of the services that SRC and DST lie in, and their clients.

use std::sync::Arc;

#[cfg(not(feature = "aws"))]
use crate::features;
use bridge_core::credentials::{NoCredentials, SourceCredentials};
use object_copy::clock;
use object_copy::transfer::Source;
#[cfg(feature = "aws")]
use object_copy::transfer::{S3, S3Options};
use oss_lite::{Bucket, Client, Credentials, Dialect, Endpoint};
#[cfg(feature = "aws")]
use settings::lenient;
use settings::location::{Place, S3Place, scheme};
use settings::service::Service;
use settings::{Invalid, Reader};
use signature_breaker::Breakers;
use thiserror::Error;

use super::location::Location;
use crate::cli::variable;
use crate::failure::End;
use bridge_config::keys::{self, HUAWEI_NAMES, Opens};
use bridge_config::service::{Role, service};
use bridge_config::table::copy::{AWS_REGION, DEST, DEST_ENDPOINT, DEST_REGION, SOURCE_ENDPOINT};

/// A service as the settings describe it, and what opens it.
#[derive(Clone)]
pub(in crate::cli) struct ConfiguredService {
    service: Service,
    opens: Opens,
}

impl ConfiguredService {
    /// Of SRC. What is wrong with its settings is a problem.
    pub(in crate::cli) fn source(r: &mut Reader, dialect: Dialect) -> Option<Self> {
        let service = service(r, Role::Source(dialect));
        let opens = match dialect {
            Dialect::Oss => {
                need_environment(r);
                Some(Opens::AsSource)
            }
            Dialect::Obs => keys::huawei_for_obs(r).map(|keys| Opens::Keys(keys.for_store(), HUAWEI_NAMES)),
        };
        Some(Self::new(service?, opens?))
    }

    /// Of DST, likewise.
    pub(in crate::cli) fn destination(r: &mut Reader, dialect: Dialect) -> Option<Self> {
        keep_to_its_service(r, dialect);
        let service = service(r, Role::Destination(dialect));
        let opens = keys::destination(r, Some(dialect));
        if matches!(opens, Some(Opens::AsSource)) {
            need_environment(r);
        }
        Some(Self::new(service?, opens?))
    }

    fn new(service: Service, opens: Opens) -> Self {
        let service = match opens {
            Opens::Keys(_, keys) => Service { keys, ..service },
            Opens::AsSource => service,
        };
        Self { service, opens }
    }

    /// A bucket of it, which the argument `named_by` names, for messages.
    pub(in crate::cli) fn end<'a>(&'a self, bucket: &'a str, named_by: &'static str) -> End<'a> {
        End { service: &self.service, bucket, named_by }
    }
}

/// `DEST_ENDPOINT` of the environment is about `DEST`: where that is a bucket of the other service, it is no
/// endpoint of DST.
fn keep_to_its_service(r: &mut Reader, dialect: Dialect) {
    let of_environment = variable(DEST_ENDPOINT.spec.name);
    let given = of_environment.as_deref().is_some_and(|text| r.text(&DEST_ENDPOINT.spec) == Some(text));
    let place = variable(DEST.spec.name).and_then(|text| text.parse::<Place>().ok());
    let Some(place) = place.filter(|place| given && place.dialect != dialect) else { return };
    let what = format!(
        "is the endpoint of DEST, which is {}://, and DST is {}://",
        scheme(place.dialect),
        scheme(dialect)
    );
    let remedy = match dialect {
        Dialect::Oss => "give --dest-endpoint for DST, or unset DEST_ENDPOINT: OSS_ENDPOINT is used then",
        Dialect::Obs => "give --dest-endpoint for DST",
    };
    r.problem(DEST_ENDPOINT.spec.name, Invalid::new(what).with_remedy(remedy));
}

fn need_environment(r: &mut Reader) {
    keys::need_oss(r);
    keys::check_oss(r);
}

/// What is done with DST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum DestinationUse {
    /// Objects are written there.
    Written,
    /// It is only read.
    Read,
}

/// What the settings say of both ends.
pub(in crate::cli) struct Services {
    pub(in crate::cli) source: Option<ConfiguredService>,
    /// SRC and DST, where they are in Amazon S3.
    pub(in crate::cli) s3: [Option<Source>; 2],
    pub(in crate::cli) destination: Option<ConfiguredService>,
}

impl Services {
    /// All that is missing or wrong for what lies in a service is a problem. An address that is wrong comes
    /// with the service that its scheme names all the same, so that everything is told at once.
    pub(in crate::cli) fn read(
        r: &mut Reader,
        [from, to]: [(Option<&Location>, Option<Dialect>); 2],
        of_destination: DestinationUse,
        http: &reqwest::Client,
    ) -> Self {
        let source = match from.1 {
            Some(dialect) => ConfiguredService::source(r, dialect),
            None => None,
        };
        let s3 = match (from.0, to.0) {
            (Some(Location::S3(from)), Some(Location::S3(to))) if of_destination == DestinationUse::Read => {
                [s3(r, S3Names::SOURCE, from, http), s3(r, S3Names::DESTINATION, to, http)]
            }
            (Some(Location::S3(place)), _) => [s3(r, S3Names::SOURCE, place, http), None],
            (_, Some(Location::S3(place))) if of_destination == DestinationUse::Read => {
                [None, s3(r, S3Names::DESTINATION, place, http)]
            }
            _ => [None, None],
        };
        Self {
            source,
            s3,
            destination: match to {
                (_, Some(dialect)) => ConfiguredService::destination(r, dialect),
                (Some(Location::Web(_)), None) => {
                    let why = Invalid::new("cannot be a web server");
                    r.problem("DST", why.with_remedy("name a bucket or a local folder"));
                    None
                }
                (Some(Location::S3(_)), None) if of_destination == DestinationUse::Written => {
                    let why = Invalid::new("cannot be in Amazon S3: objects are read there only");
                    r.problem("DST", why.with_remedy("name a bucket of OSS or OBS, or a local folder"));
                    None
                }
                (Some(Location::Local(_) | Location::Store(_) | Location::S3(_)) | None, None) => None,
            },
        }
    }
}

/// The argument that names a bucket of Amazon S3, and the settings of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct S3Names {
    pub(in crate::cli) argument: &'static str,
    pub(in crate::cli) endpoint: &'static str,
    pub(in crate::cli) region: &'static str,
}

impl S3Names {
    pub(in crate::cli) const SOURCE: Self =
        Self { argument: "SRC", endpoint: SOURCE_ENDPOINT.spec.name, region: AWS_REGION.spec.name };
    pub(in crate::cli) const DESTINATION: Self =
        Self { argument: "DST", endpoint: DEST_ENDPOINT.spec.name, region: DEST_REGION.spec.name };
}

#[cfg(feature = "aws")]
fn s3(r: &mut Reader, names: S3Names, place: &S3Place, http: &reqwest::Client) -> Option<Source> {
    let of_source = names == S3Names::SOURCE;
    if !of_source {
        keep_from_s3(r);
    }
    let endpoint = if of_source { &SOURCE_ENDPOINT } else { &DEST_ENDPOINT };
    let endpoint = r.get_by(endpoint, lenient::s3_endpoint);
    let own_region = if of_source { None } else { r.get_by(&DEST_REGION, lenient::aws_region) };
    let options = S3Options { region: own_region.or_else(|| r.get(&AWS_REGION)), endpoint };
    let bucket = S3::new(http.clone(), options).bucket(&place.bucket);
    r.accept(names.argument, bucket.map(Source::S3).map_err(Invalid::new))
}

#[cfg(not(feature = "aws"))]
fn s3(r: &mut Reader, names: S3Names, _: &S3Place, _: &reqwest::Client) -> Option<Source> {
    r.problem(names.argument, features::missing("aws", "reading s3://"));
    None
}

/// `DEST_ENDPOINT` of the environment is about `DEST`, which is never in Amazon S3.
#[cfg(feature = "aws")]
fn keep_from_s3(r: &mut Reader) {
    let of_environment = variable(DEST_ENDPOINT.spec.name);
    let given = of_environment.as_deref().is_some_and(|text| r.text(&DEST_ENDPOINT.spec) == Some(text));
    let place = variable(DEST.spec.name).and_then(|text| text.parse::<Place>().ok());
    let Some(place) = place.filter(|_| given) else { return };
    let what = format!("is the endpoint of DEST, which is {}://, and DST is s3://", scheme(place.dialect));
    let remedy = "give --dest-endpoint for DST, or unset DEST_ENDPOINT: Amazon S3 is used then";
    r.problem(DEST_ENDPOINT.spec.name, Invalid::new(what).with_remedy(remedy));
}

/// Makes clients, whose requests pass the same breakers.
pub(in crate::cli) struct Clients<'a> {
    http: &'a reqwest::Client,
    environment: SourceCredentials,
    breakers: Breakers,
}

/// Why a service has no client.
#[derive(Debug, Error)]
pub(in crate::cli) enum OpenError {
    #[error(transparent)]
    Credentials(#[from] NoCredentials),
    #[error(transparent)]
    Client(#[from] oss_lite::Error),
}

/// The client of a service, and what opens it.
pub(in crate::cli) struct OpenedService {
    client: Client,
    pub(in crate::cli) endpoint: Endpoint,
    credentials: Arc<Credentials>,
}

impl<'a> Clients<'a> {
    pub(in crate::cli) fn new(http: &'a reqwest::Client) -> Self {
        Self { http, environment: SourceCredentials::new(variable), breakers: Breakers::new(clock::system) }
    }

    pub(in crate::cli) fn open(
        &self,
        ConfiguredService { service, opens }: ConfiguredService,
    ) -> Result<OpenedService, OpenError> {
        let credentials = match opens {
            Opens::Keys(credentials, _) => credentials,
            Opens::AsSource => self.environment.from_environment()?,
        };
        let config = service.client_config().with_signature_gate(self.breakers.gates());
        let client = Client::new(self.http.clone(), config)?;
        Ok(OpenedService { client, endpoint: service.endpoint, credentials })
    }
}

impl OpenedService {
    pub(in crate::cli) fn bucket(&self, place: &Place) -> Bucket {
        self.client.bucket(&place.bucket, Arc::clone(&self.credentials))
    }

    /// Whether it can copy to the other by itself.
    pub(in crate::cli) fn reaches(&self, other: &Self) -> bool {
        self.credentials.access_key_id() == other.credentials.access_key_id()
            && self.client.shares_region_with(&other.client)
    }
}

/// Settings of Amazon S3 are found before anything is asked for, so that what is missing is an error of the
/// settings. Gives the endpoint where it is not Amazon's own.
#[cfg(feature = "aws")]
pub(in crate::cli) async fn prepared(
    r: &mut Reader,
    names: S3Names,
    source: Option<&Source>,
) -> Option<Endpoint> {
    let Some(Source::S3(bucket)) = source else { return None };
    let failed = match bucket.prepare().await {
        Ok(endpoint) => return endpoint.and_then(|endpoint| endpoint.parse().ok()),
        Err(failed) => failed,
    };
    let message = if failed.is_settings_error() { failed.error.message.clone() } else { failed.to_string() };
    // It begins with the setting, where it is about one. What is wrong with its value is told already.
    match message.split_once(": ") {
        Some((name, _)) if r.has_problem(name) => {}
        Some((name, what)) if name.starts_with("AWS_") => r.problem(name.to_owned(), what.to_owned()),
        _ => r.problem(names.argument, message),
    }
    None
}

#[cfg(not(feature = "aws"))]
pub(in crate::cli) async fn prepared(_: &mut Reader, _: S3Names, _: Option<&Source>) -> Option<Endpoint> {
    None
}
