//! What an engine was refused, and what to do.

use bridge_core::engine::EngineName;
use object_copy::transfer::Concern;

use super::{Failure, FailureKind};

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
