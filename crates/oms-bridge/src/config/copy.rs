//! Settings of direct copies.

use std::sync::Arc;

use oss_lite::{BucketName, Credentials, Dialect, Endpoint, SignatureVersion};

use super::{Oss, SettingsArgs};
use bridge_core::engine::copy::{Deletes, OBJECTS_IN_FLIGHT};
use object_events::change::Provider;
use settings::lenient;
use settings::lenient::given;
use settings::location::{Place, is_same_service};
use settings::reader::Reader;

/// Settings of the engine that copies.
#[derive(Clone, Debug)]
pub struct CopySettings {
    /// Where objects are copied to.
    pub destination: Destination,
    /// Whether removals are carried over.
    pub deletes: Deletes,
    /// Objects under way at once.
    pub in_flight: usize,
}

/// Where objects are copied to.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The bucket, and what stands before keys there.
    pub place: Place,
    /// Where its service listens.
    pub endpoint: Endpoint,
    /// Region, when known.
    pub region: Option<String>,
    /// What opens it; absent where that is what opens the source.
    pub credentials: Option<Arc<Credentials>>,
}

impl Destination {
    /// Whether a bucket of the source can be the one that is written to.
    pub fn is_beside(&self, source: &Source) -> bool {
        self.place.dialect == Dialect::Oss && source.is_at(&self.endpoint)
    }
}

/// The source, as far as the settings tell.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where its service listens.
    pub endpoint: Endpoint,
    /// Region, when known.
    pub region: Option<String>,
    /// The bucket of keys that come without one.
    pub bucket: Option<BucketName>,
    /// The only bucket that events are taken from: its service and its name.
    pub only: Option<(Provider, String)>,
}

impl Source {
    /// Whether a name means the same bucket at the source and at `endpoint`.
    pub fn is_at(&self, endpoint: &Endpoint) -> bool {
        is_same_service(&self.endpoint, endpoint)
    }
}

/// Objects that may be removed in a window of the engine's, unless told otherwise.
const MAX_DELETES: usize = 100;

pub(super) fn source(r: &mut Reader, args: &SettingsArgs, oss: Option<&Oss>) -> Option<Source> {
    let copy = &args.copy;
    let given_endpoint = given(copy.source_endpoint.as_ref()).is_some();
    let endpoint = r.read("SOURCE_ENDPOINT", given(copy.source_endpoint.as_ref()), |text| {
        lenient::endpoint(text, Dialect::Oss)
    });
    let only = r.read("SOURCE_BUCKET", given(copy.source_bucket.as_ref()), source_bucket);
    let oss = oss?;
    let endpoint = if given_endpoint { endpoint? } else { oss.endpoint.clone() };
    let region = if endpoint == oss.endpoint { None } else { endpoint.region_hint().map(str::to_owned) };
    let bucket = match &only {
        Some((Provider::Configured, name)) => BucketName::parse(name, Dialect::Oss).ok(),
        _ => None,
    };
    if bucket.is_some() && bucket == oss.log_bucket && is_same_service(&endpoint, &oss.endpoint) {
        r.problem("LOG_BUCKET", "is SOURCE_BUCKET: each record would raise an event; use another bucket");
    }
    Some(Source { region: region.or_else(|| oss.region.clone()), endpoint, bucket, only })
}

/// A bucket of OSS by its name, one of another service with that service's scheme before it.
fn source_bucket(text: &str) -> Result<(Provider, String), String> {
    let (scheme, name) = match lenient::parts(text) {
        Some((scheme, name, _)) => (scheme, name.trim_end_matches('/')),
        None => ("oss", text),
    };
    let provider = match scheme {
        "oss" | "https" | "http" => Provider::Configured,
        "s3" => Provider::AmazonS3,
        "cos" => Provider::TencentCos,
        _ => return Err(format!("{text:?} is no bucket of oss://, s3:// or cos://")),
    };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    match provider {
        Provider::Configured => {
            let bucket = lenient::bucket(text, Dialect::Oss)?;
            return Ok((provider, bucket.as_str().to_owned()));
        }
        _ if (3..=63).contains(&name.len()) && name.bytes().all(allowed) => {}
        _ => return Err(format!("{name:?} is no name of a bucket")),
    }
    Ok((provider, name.to_owned()))
}

pub(super) fn read(
    r: &mut Reader,
    args: &SettingsArgs,
    oss: Option<&Oss>,
    source: Option<&Source>,
) -> Option<CopySettings> {
    for (name, value) in [("DEST", &args.copy.dest), ("DEST_ENDPOINT", &args.copy.dest_endpoint)] {
        r.required(name, value.as_ref());
    }
    let (destination, deletes) = (destination(r, args, oss), deletes(r, args));
    let destination = destination?;
    if let (Some(oss), Some(source)) = (oss, source) {
        keep_apart(r, &destination, oss, source);
    }
    Some(CopySettings { destination, deletes, in_flight: OBJECTS_IN_FLIGHT })
}

/// The destination, where both its address and its endpoint are given.
pub(super) fn destination(r: &mut Reader, args: &SettingsArgs, oss: Option<&Oss>) -> Option<Destination> {
    let copy = &args.copy;
    let place = r.read("DEST", given(copy.dest.as_ref()), |text| text.trim().parse::<Place>());
    let dialect = place.as_ref().map(|place| place.dialect);
    let endpoint = r.read("DEST_ENDPOINT", given(copy.dest_endpoint.as_ref()), |text| match dialect {
        Some(dialect) => lenient::endpoint(text, dialect),
        // What is wrong with DEST is said already.
        None => text.parse::<Endpoint>().map_err(|error| error.to_string()),
    });
    let own = own_credentials(r, args);
    let (place, endpoint) = (place?, endpoint?);
    let region = r
        .read("DEST_REGION", given(copy.dest_region.as_ref()), lenient::region)
        .or_else(|| endpoint.region_hint().map(str::to_owned))
        .or_else(|| oss.filter(|oss| oss.endpoint == endpoint)?.region.clone());
    let v4 = oss.is_none_or(|oss| oss.signature == SignatureVersion::V4);
    if place.dialect == Dialect::Oss && v4 && region.is_none() {
        r.problem("DEST_REGION", "missing: V4 signatures need it and DEST_ENDPOINT does not tell");
    }
    let credentials = match (own, place.dialect) {
        (Own::Given(credentials), _) => Some(Arc::new(credentials)),
        (Own::Unusable, _) => return None,
        (Own::None, Dialect::Oss) => None,
        (Own::None, Dialect::Obs) => Some(Arc::new(huawei(r, args)?)),
    };
    Some(Destination { place, endpoint, region, credentials })
}

enum Own {
    None,
    Given(Credentials),
    /// Half of them is missing, which is a problem already.
    Unusable,
}

/// `DEST_AK`, `DEST_SK` and their token.
fn own_credentials(r: &mut Reader, args: &SettingsArgs) -> Own {
    let copy = &args.copy;
    let values = [copy.dest_ak.as_ref(), copy.dest_sk.as_ref()];
    let token = given(copy.dest_security_token.as_ref());
    match (r.pair(["DEST_AK", "DEST_SK"], values), token) {
        (Some((ak, sk)), token) => Own::Given(credentials(ak, sk, token)),
        (None, None) if values.iter().all(|value| given(*value).is_none()) => Own::None,
        (None, None) => Own::Unusable,
        (None, Some(_)) => {
            if values.iter().all(|value| given(*value).is_none()) {
                r.problem("DEST_SECURITY_TOKEN", "set without DEST_AK and DEST_SK");
            }
            Own::Unusable
        }
    }
}

fn huawei(r: &mut Reader, args: &SettingsArgs) -> Option<Credentials> {
    let ak = r.required("HW_AK", args.hw_ak.as_ref());
    let sk = r.required("HW_SK", args.hw_sk.as_ref());
    let token = given(args.hw_security_token.as_ref());
    Some(credentials(ak?, sk?, token))
}

fn credentials(ak: String, sk: String, token: Option<String>) -> Credentials {
    let credentials = Credentials::new(ak, sk);
    match token {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    }
}

/// What is copied must not come back as an event, nor lie among the records.
fn keep_apart(r: &mut Reader, destination: &Destination, oss: &Oss, source: &Source) {
    let Destination { place, endpoint, .. } = destination;
    if place.dialect != Dialect::Oss {
        return;
    }
    if oss.log_bucket.as_ref() == Some(&place.bucket) && is_same_service(endpoint, &oss.endpoint) {
        r.problem("DEST", "must not be in LOG_BUCKET, which is for the journal alone");
    }
    if source.bucket.as_ref() == Some(&place.bucket) && destination.is_beside(source) {
        r.problem(
            "DEST",
            "lies in SOURCE_BUCKET: the copies would be objects to copy, too; use another bucket",
        );
    }
}

fn deletes(r: &mut Reader, args: &SettingsArgs) -> Deletes {
    let propagate = r.read("PROPAGATE_DELETES", given(args.copy.propagate_deletes.as_ref()), boolean);
    let max = r.read("MAX_DELETES", given(args.copy.max_deletes.as_ref()), at_least_one);
    if propagate == Some(true) {
        Deletes::Propagated { max: max.unwrap_or(MAX_DELETES) }
    } else {
        Deletes::Ignored
    }
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    let word = super::word(text);
    word.parse().map_err(|_| format!("{text:?} is neither \"true\" nor \"false\""))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    lenient::half_width(text)
        .parse()
        .ok()
        .filter(|max| *max >= 1)
        .ok_or_else(|| format!("{text:?} is not a number from 1 on"))
}
