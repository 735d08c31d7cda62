//! Exit codes. They are part of the interface: scripts rely on them.

use crate::failure::FailureKind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing failed.
    Done = 0,
    /// Internal error.
    Internal = 1,
    /// Usage or configuration error: an argument, a setting, a bucket that does not exist, a missing right.
    Usage = 2,
    /// Finished, but some keys failed.
    SomeFailed = 3,
    /// Credentials refused, and nothing else: a right that is missing is [`Exit::Usage`].
    CredentialsRefused = 4,
    /// A service, or a port of this machine, is out of reach: names, connections, TLS, timeouts, outages.
    OutOfReach = 5,
    /// Interrupted from the keyboard; what was in flight was finished.
    Interrupted = 130,
}

/// The end of `--help`: examples and the codes.
pub(super) fn help(examples: &str) -> String {
    format!("{examples}\n\n{CODES}")
}

/// The codes, for `--help`.
pub(super) const CODES: &str = "Exit codes:
  0    done, nothing failed
  1    internal error
  2    usage or configuration error, or a missing right
  3    finished, but some keys failed
  4    credentials refused
  5    a service or a port out of reach
  130  interrupted";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<FailureKind> for Exit {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Internal => Self::Internal,
            FailureKind::Configuration | FailureKind::Permission => Self::Usage,
            FailureKind::Credentials => Self::CredentialsRefused,
            FailureKind::OutOfReach => Self::OutOfReach,
        }
    }
}
