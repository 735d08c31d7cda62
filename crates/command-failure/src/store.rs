//! Errors of OSS and OBS: their kind, the setting behind them and what to do.

use http_client::TransportKind;
use oss_lite::{Dialect, Error, ErrorKind};

use crate::failure::{Failure, FailureKind};
use crate::network::{network_kind, network_remedy};
use settings::lenient;
use settings::service::{KeyNames, Service};

/// A bucket in messages: its service, and the setting or argument that names it.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Its service.
    pub service: &'a Service,
    /// The bucket.
    pub bucket: &'a str,
    /// What names it: `LOG_BUCKET`, `DEST`, `SRC`.
    pub named_by: &'static str,
}

impl<'a> End<'a> {
    /// The bucket of `DEST`.
    pub fn destination(service: &'a Service, bucket: &'a str) -> Self {
        Self { service, bucket, named_by: "DEST" }
    }

    /// The log bucket.
    pub fn journal(service: &'a Service, bucket: &'a str) -> Self {
        Self { service, bucket, named_by: "LOG_BUCKET" }
    }

    /// The kind of an error of its service, and so the exit code of a command that cannot go on after it.
    pub fn kind_of(self, error: &Error) -> FailureKind {
        match error.kind() {
            ErrorKind::Transport => network_kind(self.service.endpoint.host(), TransportKind::of(error)),
            _ => kind_of(error),
        }
    }
}

/// The code of a signature that does not fit the access key.
const WRONG_SECRET: &str = "SignatureDoesNotMatch";

/// The code of an access key that is locked for a while.
const LOCKED: &str = "TooManyWrongSignature";

/// The code of an access key that does not exist.
const WRONG_ID: &str = "InvalidAccessKeyId";

/// The kind of an error of OSS or OBS, judged by the error alone.
fn kind_of(error: &Error) -> FailureKind {
    match error.kind() {
        ErrorKind::CredentialsRefused => FailureKind::Credentials,
        ErrorKind::AccessDenied => FailureKind::Permission,
        ErrorKind::NoSuchBucket
        | ErrorKind::InvalidBucketName
        | ErrorKind::InvalidArgument
        | ErrorKind::InvalidKey
        | ErrorKind::WrongEndpoint
        | ErrorKind::WrongRegion
        | ErrorKind::UnexpectedResponse
        | ErrorKind::TooLarge
        | ErrorKind::UnexpectedContent
        | ErrorKind::ClockSkew => FailureKind::Configuration,
        ErrorKind::Rejected if may_be_another_service(error) => FailureKind::Configuration,
        ErrorKind::Transport
        | ErrorKind::DeadlineExceeded
        | ErrorKind::ServerError
        | ErrorKind::Throttled => FailureKind::OutOfReach,
        _ => FailureKind::Internal,
    }
}

/// Whether the host may be of another service, as it does not understand the request. The answer to a HEAD
/// has no code.
fn may_be_another_service(error: &Error) -> bool {
    error.status() == Some(400) && error.code().is_none()
}

/// The failure of a command that needs the bucket and was refused `action` (`ListObjects`) on it.
pub fn of_store(error: &Error, end: End<'_>, action: &str) -> Failure {
    let failure = Failure::new(end.kind_of(error), error);
    let failure = match setting(error, end) {
        Some(setting) => failure.of_setting(setting),
        None => failure,
    };
    failure.with_remedy(store_remedy(error, end, action))
}

/// The setting that is behind an error, if one is.
fn setting(error: &Error, end: End<'_>) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NoSuchBucket | ErrorKind::InvalidBucketName => Some(end.named_by),
        ErrorKind::WrongEndpoint
        | ErrorKind::Transport
        | ErrorKind::DeadlineExceeded
        | ErrorKind::InvalidArgument
        | ErrorKind::UnexpectedResponse => Some(end.service.endpoint_setting),
        ErrorKind::Rejected if may_be_another_service(error) => Some(end.service.endpoint_setting),
        ErrorKind::WrongRegion => Some(end.service.region_setting),
        ErrorKind::CredentialsRefused => Some(match error.code() {
            Some(WRONG_SECRET) => end.service.keys.secret,
            _ => end.service.keys.id,
        }),
        _ => None,
    }
}

/// What to do about an error of a request that needs the right to `action` on the bucket or its objects.
pub fn store_remedy(error: &Error, end: End<'_>, action: &str) -> String {
    let End { service, bucket, named_by } = end;
    let KeyNames { id, secret } = service.keys;
    let (endpoint, region) = (service.endpoint_setting, service.region_setting);
    match error.kind() {
        ErrorKind::AccessDenied => match error.code() {
            Some("InDebt" | "UserDisable" | "InArrearOrInsufficientBalance" | "DeregisterUserId") => {
                "the account is overdue or disabled: see its billing".to_owned()
            }
            Some("FileImmutable") => format!("a retention policy of {bucket} protects the object"),
            // Some services refuse a HEAD without saying why.
            None => format!("check {id}, and {}", granted(service.dialect, bucket, action)),
            Some(_) => granted(service.dialect, bucket, action),
        },
        ErrorKind::CredentialsRefused => match error.code() {
            Some(WRONG_SECRET) => format!("check {secret}: it does not fit the access key in {id}"),
            Some(LOCKED) => locked(service.keys),
            Some(WRONG_ID) => format!("check {id}: there is no such access key, or it is disabled"),
            _ => format!("check {id} and {secret}; temporary ones need their token and may have expired"),
        },
        ErrorKind::NoSuchBucket => {
            if named_by == "SRC" {
                return format!("correct SRC, or set {endpoint} to the region that the bucket is in");
            }
            format!(
                "create the bucket, correct {named_by}, or set {endpoint} to the region that the bucket is in"
            )
        }
        ErrorKind::WrongEndpoint => error.endpoint().map_or_else(
            || format!("set {endpoint} and {region} to those of the bucket's region"),
            |right| format!("set {endpoint} to {right}, and {region} to its region"),
        ),
        ErrorKind::WrongRegion => match service.endpoint.region_hint() {
            Some(hint) => {
                format!("set {region} to {hint}, which the host in {endpoint} names, or leave it out")
            }
            None => {
                match service.region.as_deref().and_then(|name| lenient::no_region(name, service.dialect)) {
                    Some(slip) => format!("correct {region}: {slip}"),
                    None => format!("set {region} to the region of bucket {bucket}"),
                }
            }
        },
        ErrorKind::ClockSkew => "set the clock of this machine".to_owned(),
        ErrorKind::Transport | ErrorKind::DeadlineExceeded => {
            network_remedy(endpoint, service.endpoint.host(), TransportKind::of(error))
        }
        ErrorKind::ServerError | ErrorKind::Throttled => "try again later".to_owned(),
        ErrorKind::UnexpectedResponse => {
            format!("check that {endpoint} names the service, and that no proxy answers in its place")
        }
        ErrorKind::InvalidBucketName => format!("correct {named_by}"),
        // As one service answers to the other's clients.
        ErrorKind::InvalidArgument | ErrorKind::Rejected => {
            let (vendor, host) = (vendor(service.dialect), service.endpoint.host());
            format!("check that {endpoint} is one of {vendor}: it names {host}")
        }
        ErrorKind::TooLarge | ErrorKind::UnexpectedContent => {
            "this program has not written the object so: restore it, or remove it to begin anew".to_owned()
        }
        _ => "see code and message".to_owned(),
    }
}

/// What to do about an access key that was locked because of wrong signatures.
pub fn locked(KeyNames { id, secret }: KeyNames) -> String {
    format!(
        "check {secret} here first; if it is right, find out who uses {id} with a wrong {secret} and stop that; then wait five minutes"
    )
}

fn vendor(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Oss => "Alibaba Cloud OSS",
        Dialect::Obs => "Huawei Cloud OBS",
    }
}

/// The right to allow, as the policies of either vendor write it.
fn granted(dialect: Dialect, bucket: &str, action: &str) -> String {
    let of_objects = action.contains("Object") && action != "ListObjects"
        || matches!(action, "AbortMultipartUpload" | "ListParts");
    let action = match (dialect, action) {
        (Dialect::Obs, "ListObjects") => "ListBucket",
        (Dialect::Obs, "ListMultipartUploads") => "ListBucketMultipartUploads",
        (Dialect::Obs, "ListParts") => "ListMultipartUploadParts",
        (_, action) => action,
    };
    match (dialect, of_objects) {
        (Dialect::Oss, true) => format!("allow oss:{action} on acs:oss:*:*:{bucket}/* in RAM"),
        (Dialect::Oss, false) => format!("allow oss:{action} on acs:oss:*:*:{bucket} in RAM"),
        (Dialect::Obs, true) => format!("allow obs:object:{action} on OBS:*:*:object:{bucket}/* in IAM"),
        (Dialect::Obs, false) => format!("allow obs:bucket:{action} on OBS:*:*:bucket:{bucket} in IAM"),
    }
}
