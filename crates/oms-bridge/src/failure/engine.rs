//! What an engine was refused, and what to do.

use bridge_core::engine::{self, EngineName};
use object_copy::transfer::{Concern, Side};
use oss_lite::BucketName;

use super::{End, Failure, FailureKind, of_store};
use crate::config::keys::OSS_KEYS;
use crate::config::{DestinationSettings, Settings, SourceSettings};

/// What to do about a task that OMS does not have.
pub(crate) const NO_SUCH_TASK: &str =
    "copy SYNC_URL from the task's page again; if the task was deleted, create a new one";

/// Both ends of an engine's copies, as messages about it name them.
#[derive(Debug)]
pub(crate) struct EngineEnds {
    source: SourceSettings,
    destination: Option<DestinationSettings>,
}

impl EngineEnds {
    /// Those of the settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        let destination = settings.mode.copy().map(|copy| copy.destination.clone());
        Self { source: settings.source.clone(), destination }
    }

    /// The failure of a command whose keys all failed for the same kind of reason as `failed`.
    pub(crate) fn failure(&self, failed: &engine::Failure) -> Failure {
        let engine::Failure { engine, concern, error, request, .. } = failed;
        if matches!(concern, Concern::Credentials | Concern::Permission) {
            return of_engine(*engine, *concern, Some(&error.to_string()));
        }
        let refused = request.as_ref().and_then(|request| Some((request.store_error()?, request.side)));
        match (engine, refused) {
            (EngineName::Oms, _) => Failure::configuration(format_args!("OMS has no such task: {error}"))
                .of_setting("SYNC_URL")
                .with_remedy(NO_SUCH_TASK),
            (EngineName::Copy, Some((error, side))) => of_store(error, self.end(side), "GetObject"),
            (EngineName::Copy, None) if *concern == Concern::Network => Failure::out_of_reach(error)
                .with_remedy("check the host of the source, the network and proxies"),
            (EngineName::Copy, None) => Failure::configuration(error)
                .with_remedy("run `oms-bridge doctor`: it says at which end, and what to do"),
        }
    }

    /// One of them.
    pub(crate) fn end(&self, side: Side) -> End<'_> {
        match (side, &self.destination) {
            (Side::Destination, Some(to)) => End::destination(to),
            _ => {
                let bucket = self.source.bucket.as_ref().map_or("", BucketName::as_str);
                End { service: &self.source.service, bucket, named_by: "SOURCE_BUCKET", keys: OSS_KEYS }
            }
        }
    }
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
        (EngineName::Oms, false) => failure
            .of_setting("HW_AK")
            .with_remedy("check HW_AK and HW_SK; `oms-bridge doctor` says what is wrong with them"),
        (EngineName::Copy, _) => {
            failure.with_remedy("run `oms-bridge doctor`: it says at which end, and what to do")
        }
    }
}
