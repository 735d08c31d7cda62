//! What a failed request is called: the `errorType` and `errorMessage` of its answer.

use std::any::Any;

use bytes::Bytes;
use lambda_runtime::Diagnostic;
use serde::Deserialize;

const DECODE_CONTEXT: &str = "failed to deserialize the incoming data into the function's payload type";

pub(crate) fn diagnostic(error_type: &str, error_message: impl Into<String>) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error_message.into() }
}

/// The wording of `lambda_runtime`, so that alarms on it work on both hosts.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Diagnostic {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref().map(String::as_str));
    diagnostic(
        "Panic",
        said.map_or_else(|| "Lambda panicked".into(), |text| format!("Lambda panicked: {text}")),
    )
}

/// Describes why `body` is no `T`, in the wording of `lambda_runtime`.
///
/// Parses a second time, because keeping track of the path costs time that a good event need not pay.
pub(crate) fn undecodable<T>(body: &Bytes, error: &serde_json::Error) -> Diagnostic
where
    T: for<'de> Deserialize<'de>,
{
    let json = &mut serde_json::Deserializer::from_slice(body);
    let path = serde_path_to_error::deserialize::<_, T>(json)
        .err()
        .map(|error| error.path().to_string())
        .filter(|path| path != ".");
    let message = match path {
        Some(path) => format!("{DECODE_CONTEXT}: [{path}] {error}"),
        None => format!("{DECODE_CONTEXT}: {error}"),
    };
    diagnostic("DeserializeError", message)
}
