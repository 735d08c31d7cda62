//! Standard output, where results go.
//!
//! A reader that has closed it wanted no more, and the exit code is still right. Any other error means that a
//! result is lost: the command fails for it.

use std::io::{self, ErrorKind, Write as _};

use parking_lot::Mutex;
use terminal::stderr;

use super::{Exit, say};
use crate::failure::Failure;

/// Why a result could not be written.
static LOST: Mutex<Option<io::Error>> = parking_lot::const_mutex(None);

/// Writes a part of a result.
pub(super) fn write(part: &[u8]) {
    keep(stderr::beside_the_bar(|| io::stdout().write_all(part)));
}

/// The exit code of a command that has written its result, or part of it.
pub(super) fn exit(exit: Exit) -> Exit {
    keep(io::stdout().flush());
    match LOST.lock().take() {
        Some(error) if matches!(exit, Exit::Done | Exit::SomeFailed) => {
            let failure = Failure::configuration(format_args!(
                "the result could not be written to standard output: {error}"
            ));
            say(format_args!("error: {}", failure.with_remedy("make room there, or send it elsewhere")));
            Exit::Usage
        }
        _ => exit,
    }
}

fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        LOST.lock().get_or_insert(error);
    }
}
