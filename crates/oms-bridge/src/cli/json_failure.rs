//! The one object of `--json` where a command fails before it has a result.

use parking_lot::Mutex;
use serde::Serialize;

use super::{Exit, print_json};
use crate::failure::Failure;

/// What is known of the end of this process.
static KNOWN: Mutex<Known> = parking_lot::const_mutex(Known { is_printed: false, failure: None, said: None });

struct Known {
    is_printed: bool,
    failure: Option<Failure>,
    said: Option<String>,
}

/// The result is on stdout: nothing else may follow.
pub(super) fn result_is_printed() {
    KNOWN.lock().is_printed = true;
}

/// The command failed for this.
pub(super) fn keep(failure: Failure) {
    KNOWN.lock().failure = Some(failure);
}

/// This was said to people, who see no JSON.
pub(super) fn said(why: &str) {
    KNOWN.lock().said = Some(why.to_owned());
}

/// `{"error":{"kind":…,"message":…,"setting":…,"remedy":…,"exit":…}}`
#[derive(Serialize)]
struct JsonFailure {
    error: JsonError,
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

/// Prints the failure, if there was one and no result.
pub(super) fn print_unless_printed(exit: Exit) {
    let failure = {
        let mut known = KNOWN.lock();
        if known.is_printed || exit == Exit::Done {
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

/// The words of [`crate::failure::FailureKind`], and those for ends that are no failures.
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
