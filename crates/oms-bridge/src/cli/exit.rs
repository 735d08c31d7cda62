//! Exit codes. They are part of the interface: scripts rely on them.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing failed.
    Done = 0,
    /// Internal error.
    Internal = 1,
    /// Usage or configuration error.
    Usage = 2,
    /// Finished, but some keys failed.
    SomeFailed = 3,
    /// Credentials refused.
    CredentialsRefused = 4,
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
  1    internal error, or a service or a port out of reach
  2    usage or configuration error
  3    finished, but some keys failed
  4    credentials refused
  130  interrupted";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
