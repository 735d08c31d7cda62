//! The signals that ask the process to end.

use std::io;

use crate::error::{Error, ErrorKind};

#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn install() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    pub(crate) fn install() -> Result<Self, Error> {
        tokio::signal::windows::ctrl_c().map(Self).map_err(refused)
    }

    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

fn refused(error: io::Error) -> Error {
    Error::new(ErrorKind::Signal, "cannot install the handler of a signal").with_source(error)
}
