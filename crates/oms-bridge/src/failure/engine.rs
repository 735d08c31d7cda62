//! What an engine was refused, and what to do.

use std::fmt::Display;

use bridge_core::engine::{self, EngineName};
use bridge_core::oms::task::{ApiError, ApiErrorKind};
use bridge_core::oms::{is_locked, is_unknown_key, is_wrong_secret};
use object_copy::transfer::{Concern, Side};
use oss_lite::BucketName;

use super::{End, Failure, FailureKind, network_kind, network_remedy, of_store};
use bridge_config::{DestinationSettings, Settings, SourceSettings};

/// What to do about a task that OMS does not have.
pub(crate) const NO_SUCH_TASK: &str =
    "copy SYNC_URL from the task's page again; if the task was deleted, create a new one";

const DOCTOR: &str = "run `oms-bridge doctor`: it says at which end, and what to do";

/// What to do about an access key that Huawei has locked because of wrong signatures.
pub(crate) const LOCKED: &str = "check HW_SK here first; if it is right, find out who uses HW_AK with a wrong HW_SK and stop that; then wait five minutes";

/// Both ends of an engine's copies, as messages about it name them.
#[derive(Debug)]
pub(crate) struct EngineEnds {
    source: SourceSettings,
    destination: Option<DestinationSettings>,
    /// The host in `SYNC_URL`, where OMS is used.
    oms: String,
}

impl EngineEnds {
    /// Those of the settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        let destination = settings.mode.copy().map(|copy| copy.destination.clone());
        let oms = settings.mode.oms().map_or_else(String::new, |oms| oms.sync_url.host().to_owned());
        Self { source: settings.source.clone(), destination, oms }
    }

    /// The failure of a command whose keys all failed for the same kind of reason as `failed`.
    pub(crate) fn failure(&self, failed: &engine::Failure) -> Failure {
        let engine::Failure { engine, concern, error, request, unreached, .. } = failed;
        let refused = request.as_ref().and_then(|request| Some((request.store_error()?, request.side)));
        match (engine, refused) {
            (EngineName::Copy, Some((error, side))) => {
                let failure = of_store(error, self.end(side), error.action().unwrap_or("GetObject"));
                let is_right = failure.kind() == FailureKind::Permission;
                if is_right { failure.after("a right is missing: ") } else { failure }
            }
            (EngineName::Oms, _) if *concern == Concern::OtherServer => not_oms(&self.oms),
            _ if matches!(concern, Concern::Credentials | Concern::Permission) => {
                or_locked(of_engine(*engine, *concern, Some(&error.to_string())), is_locked(error))
            }
            (EngineName::Oms, _) => match unreached {
                Some(kind) => Failure::new(network_kind(&self.oms, *kind), error)
                    .of_setting("SYNC_URL")
                    .with_remedy(network_remedy("SYNC_URL", &self.oms, *kind)),
                None => no_such_task(error),
            },
            (EngineName::Copy, None) if *concern == Concern::Network => {
                Failure::out_of_reach(error).with_remedy(DOCTOR)
            }
            (EngineName::Copy, None) => Failure::configuration(error).with_remedy(DOCTOR),
        }
    }

    /// What is said of keys that all failed because OMS is out of reach. The command has not failed then: the
    /// keys are recorded, and the next replay sends them.
    pub(crate) fn outage(&self, failed: &engine::Failure) -> Option<Failure> {
        let is_network = failed.engine == EngineName::Oms && failed.concern == Concern::Network;
        let failure = is_network.then(|| self.failure(failed));
        failure.filter(|failure| failure.kind() == FailureKind::OutOfReach)
    }

    /// One of them.
    pub(crate) fn end(&self, side: Side) -> End<'_> {
        if let (Side::Destination, Some(to)) = (side, &self.destination) {
            return End::destination(&to.service, to.place.bucket.as_str());
        }
        let bucket = self.source.bucket.as_ref().map_or("", BucketName::as_str);
        End { service: &self.source.service, bucket, named_by: "SOURCE_BUCKET" }
    }
}

/// Which of the two keys of Huawei the gateway refuses, by the text of its
/// [401](https://support.huaweicloud.com/en-us/devg-apisign/api-sign-errorcode.html), and what to do.
pub(crate) fn key_at_fault(error: &str) -> Option<(&'static str, &'static str)> {
    if is_wrong_secret(error) {
        Some(("HW_SK", "check HW_SK: it does not fit the access key in HW_AK"))
    } else if is_unknown_key(error) {
        Some(("HW_AK", "check HW_AK: there is no such access key, or it is disabled"))
    } else {
        None
    }
}

/// The same failure, with what to do where Huawei has locked the access key.
fn or_locked(failure: Failure, is_locked: bool) -> Failure {
    if is_locked { failure.with_remedy(LOCKED) } else { failure }
}

fn no_such_task(error: impl Display) -> Failure {
    let failure = Failure::configuration(format_args!("OMS has no such task: {error}"));
    failure.of_setting("SYNC_URL").with_remedy(NO_SUCH_TASK)
}

fn not_oms(host: &str) -> Failure {
    let remedy = "check that SYNC_URL names OMS and no other service, and proxies on the way to it";
    let failure = Failure::configuration(format_args!("{host} does not answer as OMS does"));
    failure.of_setting("SYNC_URL").with_remedy(remedy)
}

/// The failure of a command that OMS at `host` did not answer about the task. `None` where only the right to
/// ask is missing, which nothing else depends on.
pub(crate) fn of_oms(error: &ApiError, host: &str) -> Option<Failure> {
    let (kind, remedy) = match error.kind() {
        _ if error.is_credentials() => {
            let failure = of_engine(EngineName::Oms, Concern::Credentials, Some(&error.to_string()));
            return Some(or_locked(failure, error.kind() == ApiErrorKind::Locked));
        }
        ApiErrorKind::NotPermitted => return None,
        ApiErrorKind::NoSuchTask => return Some(no_such_task(error)),
        ApiErrorKind::Unreachable(kind) => (network_kind(host, kind), network_remedy("SYNC_URL", host, kind)),
        _ if error.is_of_service() => (FailureKind::OutOfReach, "try again later".to_owned()),
        ApiErrorKind::NotOms => return Some(not_oms(host)),
        _ => (FailureKind::Configuration, "see code and message; check SYNC_URL".to_owned()),
    };
    let what = format_args!("OMS does not report the state of the task: {error}");
    Some(Failure::new(kind, what).of_setting("SYNC_URL").with_remedy(remedy))
}

/// The failure of a command whose keys the engine refused: the credentials, or a right that they lack.
/// `error` is what the service says of it, where that is known.
pub(crate) fn of_engine(engine: EngineName, refusal: Concern, error: Option<&str>) -> Failure {
    let is_right = refusal == Concern::Permission;
    let what = match (engine, is_right) {
        (EngineName::Oms, true) => "OMS refuses every key: a right is missing",
        (EngineName::Oms, false) => "OMS refuses the credentials",
        (EngineName::Copy, true) => "a right is missing at source or destination",
        (EngineName::Copy, false) => "source or destination refuse the credentials",
    };
    let kind = if is_right { FailureKind::Permission } else { FailureKind::Credentials };
    let failure = match error {
        Some(error) => Failure::new(kind, format_args!("{what}: {error}")),
        None => Failure::new(kind, what),
    };
    match (engine, is_right) {
        (EngineName::Oms, true) => failure.with_remedy("allow oms:synctask:createEvent in IAM"),
        (EngineName::Oms, false) => {
            let found = error.and_then(key_at_fault);
            let unknown =
                ("HW_AK", "check HW_AK and HW_SK; `oms-bridge doctor` says what is wrong with them");
            let (setting, remedy) = found.unwrap_or(unknown);
            failure.of_setting(setting).with_remedy(remedy)
        }
        (EngineName::Copy, _) => failure.with_remedy(DOCTOR),
    }
}
