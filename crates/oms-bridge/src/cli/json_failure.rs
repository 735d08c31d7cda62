//! The one object of `--json` where a command fails, before it has a result or with one.

use std::mem;

use parking_lot::Mutex;
use serde::Serialize;

use super::{Exit, print_json};
use crate::failure::Failure;

/// What was printed, and why the command failed.
static KNOWN: Mutex<Known> =
    parking_lot::const_mutex(Known { printed: Printed::Nothing, failure: None, said: None });

struct Known {
    printed: Printed,
    failure: Option<Failure>,
    said: Option<String>,
}

/// What is on stdout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Printed {
    Nothing,
    /// An object whose list of keys is open.
    List,
    /// The result: nothing else may follow.
    Result,
}

/// The result follows on stdout. Whether a list is open there, which the result ends.
pub(super) fn result_is_printed() -> bool {
    mem::replace(&mut KNOWN.lock().printed, Printed::Result) == Printed::List
}

/// A list was begun, which the result ends.
pub(super) fn list_is_begun() {
    KNOWN.lock().printed = Printed::List;
}

/// The command failed for this.
pub(super) fn keep(failure: Failure) {
    KNOWN.lock().failure = Some(failure);
}

/// Keeps a message that was printed as text, for the JSON object.
pub(super) fn said(why: &str) {
    KNOWN.lock().said = Some(why.to_owned());
}

/// `{"error":{"kind":…,"message":…,"setting":…,"remedy":…,"exit":…}}`
#[derive(Serialize)]
struct JsonFailure {
    error: JsonError,
}

/// A result that a command has although it failed: its members, and `error` where there is one.
#[derive(Serialize)]
pub(super) struct WithError<'r, R: Serialize> {
    #[serde(flatten)]
    result: &'r R,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JsonError>,
}

impl<'r, R: Serialize> WithError<'r, R> {
    /// `failure` is what the command returns.
    pub(super) fn new(result: &'r R, failure: Option<&Failure>) -> Self {
        let error = failure.map(|failure| JsonError {
            failure: ErrorMembers::Whole(failure.clone()),
            exit: Exit::from(failure.kind()) as u8,
        });
        Self { result, error }
    }
}

#[derive(Serialize)]
struct JsonError {
    #[serde(flatten)]
    failure: ErrorMembers,
    exit: u8,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ErrorMembers {
    Whole(Failure),
    Told { kind: &'static str, message: String },
}

/// Prints the failure, if there was one and no result. A list that was begun ends with it.
pub(super) fn print_unless_printed(exit: Exit) {
    let failure = {
        let mut known = KNOWN.lock();
        if known.printed == Printed::Result || exit == Exit::Done {
            return;
        }
        match (known.failure.take(), known.said.take()) {
            (Some(failure), _) => ErrorMembers::Whole(failure),
            (None, said) => {
                let kind = kind(exit);
                ErrorMembers::Told { kind, message: said.unwrap_or_else(|| kind.replace('_', " ")) }
            }
        }
    };
    print_json(&JsonFailure { error: JsonError { failure, exit: exit as u8 } });
}

/// The names of [`crate::failure::FailureKind`], and those of other exits.
fn kind(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Internal => "internal",
        Exit::Usage => "configuration",
        Exit::SomeFailed => "some_failed",
        Exit::CredentialsRefused => "credentials",
        Exit::OutOfReach => "out_of_reach",
        Exit::Interrupted => "interrupted",
    }
}
