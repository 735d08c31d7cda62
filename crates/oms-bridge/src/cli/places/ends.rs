//! Both ends of a copy, as messages speak of them: why nothing more can be copied, and what to do.

use std::error::Error as StdError;

use http_client::TransportKind;
use object_copy::bulk::ListError;
use object_copy::outcome::FailureClass;
use object_copy::transfer::{Concern, FailedRequest, Side, TransferError};
use oss_lite::Endpoint;
use reqwest::Url;
use settings::Reader;

use super::location::Location;
use super::services::{ConfiguredService, S3Names, Services};
use crate::failure::{End, Failure, FailureKind, network_kind, network_remedy, of_store};
use bridge_config::table::copy::{DEST_ENDPOINT, SOURCE_ENDPOINT};

/// SRC and DST with their services. A local directory has none.
#[derive(Clone)]
pub(in crate::cli) struct Ends {
    from: Location,
    s3: [Option<S3End>; 2],
    source: Option<ConfiguredService>,
    destination: Option<(ConfiguredService, String)>,
}

/// SRC or DST in Amazon S3.
#[derive(Clone)]
struct S3End {
    names: S3Names,
    bucket: String,
    endpoint: Option<S3Endpoint>,
}

impl S3End {
    fn new(names: S3Names, at: &Location, endpoint: Option<S3Endpoint>) -> Option<Self> {
        let Location::S3(place) = at else { return None };
        Some(Self { names, bucket: place.bucket.clone(), endpoint })
    }
}

/// The endpoint of an end in a service that speaks as Amazon S3 does, and the setting that has it.
#[derive(Clone)]
pub(in crate::cli) struct S3Endpoint {
    setting: &'static str,
    host: String,
}

impl S3Endpoint {
    /// That of the setting of an end, or of AWS's own.
    pub(in crate::cli) fn new(r: &Reader, names: S3Names, endpoint: Option<&Endpoint>) -> Option<Self> {
        let setting = if names == S3Names::SOURCE { &SOURCE_ENDPOINT.spec } else { &DEST_ENDPOINT.spec };
        let setting = if r.is_set(setting) { setting.name } else { "AWS_ENDPOINT_URL_S3" };
        endpoint.map(|endpoint| Self { setting, host: endpoint.host().to_owned() })
    }
}

impl Ends {
    pub(in crate::cli) fn new(
        from: &Location,
        to: &Location,
        services: &Services,
        [from_endpoint, to_endpoint]: [Option<S3Endpoint>; 2],
    ) -> Self {
        let s3 = [
            S3End::new(S3Names::SOURCE, from, from_endpoint),
            S3End::new(S3Names::DESTINATION, to, to_endpoint),
        ];
        let destination = services.destination.clone();
        let destination = destination.zip(to.bucket().map(str::to_owned));
        Self { from: from.clone(), s3, source: services.source.clone(), destination }
    }

    /// Whether SRC is on this machine.
    pub(in crate::cli) fn reads_files(&self) -> bool {
        matches!(self.from, Location::Local(_))
    }

    /// Whether a host was not reached because its name is wrong.
    pub(in crate::cli) fn is_slip(&self, failed: &TransferError) -> bool {
        let transport = failed.request.as_ref().map(|request| TransportKind::of(request.error()));
        transport == Some(TransportKind::Resolve) && self.failure(failed).kind() == FailureKind::Configuration
    }

    /// The failure of a run that `failed` ended, or for which all of it failed.
    pub(in crate::cli) fn failure(&self, failed: &TransferError) -> Failure {
        self.failure_at(None, failed)
    }

    /// The same, where it is known at which end that was.
    pub(in crate::cli) fn failure_at(&self, side: Option<Side>, failed: &TransferError) -> Failure {
        let request = failed.request.as_ref();
        let of_store = request.and_then(|request| {
            let (end, error) = (self.end(request.side)?, request.store_error()?);
            let failure = of_store(error, end, error.action().unwrap_or("GetObject"));
            Some(failure)
        });
        let [ours, theirs] = &self.s3;
        let s3 = match side.or(request.map(|request| request.side)) {
            Some(Side::Destination) => theirs.as_ref().or(ours.as_ref()),
            Some(Side::Source) | None => ours.as_ref().or(theirs.as_ref()),
        };
        let failure = of_store.unwrap_or_else(|| match (failed.concern, s3, &self.from) {
            (Concern::Directory, ..) => Failure::configuration(failed)
                .of_setting("DST")
                .with_remedy("make room there, allow writing, or name another DST"),
            (_, Some(end), _) => of_s3(failed, end),
            (_, None, Location::Web(url)) => of_web(failed, url),
            _ => Failure::new(kind(failed), failed),
        });
        match failure.kind() {
            FailureKind::Permission => failure.after("a right is missing: "),
            _ => failure,
        }
    }

    /// The failure of a run whose objects could not be listed.
    pub(in crate::cli) fn of_listing(&self, error: &ListError) -> Failure {
        match error {
            ListError::Bucket(failed) => self.failure(failed),
            ListError::Directory(failed) => Failure::configuration(failed)
                .of_setting("SRC")
                .with_remedy("allow reading it, or run this as a user who may"),
            ListError::Keys(..) => Failure::configuration(error)
                .of_setting("--keys-from")
                .with_remedy("see whether it can be read to its end"),
        }
    }

    /// What to say of the one object that SRC names, and that is not there.
    pub(in crate::cli) fn not_there(&self) -> Option<Failure> {
        let (bucket, key) = match &self.from {
            Location::Store(place) => (place.bucket.as_str(), &*place.prefix),
            Location::S3(place) => (&*place.bucket, &*place.prefix),
            Location::Web(_) | Location::Local(_) => return None,
        };
        let failure = Failure::configuration(format_args!("bucket {bucket} has no object {key:?}"));
        let failure = failure.of_setting("SRC");
        Some(match globbed(key) {
            Some(folder) => failure.with_remedy(pattern_remedy(bucket, folder)),
            None => failure.with_remedy("correct the key, or use -r for everything that begins with it"),
        })
    }

    /// The hint where nothing begins with SRC, and it has a pattern in it.
    pub(in crate::cli) fn pattern_hint(&self) -> Option<String> {
        let (bucket, key) = match &self.from {
            Location::Store(place) => (place.bucket.as_str(), &*place.prefix),
            Location::S3(place) => (&*place.bucket, &*place.prefix),
            Location::Web(_) | Location::Local(_) => return None,
        };
        globbed(key).map(|folder| pattern_remedy(bucket, folder))
    }

    fn end(&self, side: Side) -> Option<End<'_>> {
        match side {
            Side::Source => Some(self.source.as_ref()?.end(self.from.bucket()?, "SRC")),
            Side::Destination => {
                self.destination.as_ref().map(|(service, bucket)| service.end(bucket, "DST"))
            }
        }
    }
}

/// What stands before the first part of a key that has a wildcard in it.
fn globbed(key: &str) -> Option<&str> {
    let wildcard = key.find(['*', '?'])?;
    Some(key[..wildcard].rfind('/').map_or("", |slash| &key[..=slash]))
}

fn pattern_remedy(bucket: &str, folder: &str) -> String {
    format!(
        "a wildcard in SRC stands for itself: use -r with SRC {folder:?} of bucket {bucket}, and --include for the pattern"
    )
}

/// The kind of a failure of a service that is neither OSS nor OBS.
fn kind(failed: &TransferError) -> FailureKind {
    match (failed.refusal(), failed.class) {
        (Some(Concern::Permission), _) => FailureKind::Permission,
        (Some(_), _) => FailureKind::Credentials,
        (None, FailureClass::Transient | FailureClass::Throttled) => FailureKind::OutOfReach,
        (None, FailureClass::Auth | FailureClass::Permanent) => FailureKind::Configuration,
    }
}

/// The same where the host that `setting` names was not reached.
fn unreached(failed: &TransferError, setting: &'static str, host: &str) -> Failure {
    let error = failed.request.as_ref().map(FailedRequest::error);
    let transport =
        error.map_or(TransportKind::Other, |error: &(dyn StdError + 'static)| TransportKind::of(error));
    Failure::new(network_kind(host, transport), failed)
        .of_setting(setting)
        .with_remedy(network_remedy(setting, host, transport))
}

/// Of Amazon S3.
fn of_s3(failed: &TransferError, S3End { names, bucket, endpoint }: &S3End) -> Failure {
    let S3Names { argument, endpoint: setting, region } = *names;
    if failed.concern == Concern::Network {
        return match endpoint {
            Some(S3Endpoint { setting, host }) => unreached(failed, setting, host),
            None => Failure::out_of_reach(failed)
                .of_setting(region)
                .with_remedy("check the region, the network and proxies"),
        };
    }
    let failure = Failure::new(kind(failed), failed);
    match kind(failed) {
        FailureKind::Credentials => failure
            .of_setting("AWS_ACCESS_KEY_ID")
            .with_remedy("check it and AWS_SECRET_ACCESS_KEY, or what AWS's own tools find here"),
        FailureKind::Permission => failure.with_remedy(format_args!(
            "allow s3:GetObject on arn:aws:s3:::{bucket}/* and s3:ListBucket on arn:aws:s3:::{bucket} in IAM"
        )),
        FailureKind::OutOfReach => failure.with_remedy("try again later"),
        _ if failed.error.code.as_deref() == Some("NoSuchBucket") => {
            let remedy = format!("correct {argument}, or set {region} to its region");
            failure.of_setting(argument).with_remedy(remedy)
        }
        _ if failed.is_settings_error() => {
            failure.of_setting(region).with_remedy("set it to the region of the bucket")
        }
        _ => failure.with_remedy(format_args!("see code and message; check {setting} and {region}")),
    }
}

/// Of a web server.
fn of_web(failed: &TransferError, url: &str) -> Failure {
    if failed.concern == Concern::Network {
        return unreached(failed, "SRC", &host(url));
    }
    let failure = Failure::new(kind(failed), failed).of_setting("SRC");
    match failed.error.status {
        Some(401) => failure.with_remedy("put user and password in SRC: https://user:password@host/…"),
        Some(403) => failure.with_remedy("check the URL: a signed one may have expired"),
        _ if kind(failed) == FailureKind::OutOfReach => failure.with_remedy("try again later"),
        _ => failure,
    }
}

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
