//! The signals that ask the process to end.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use crate::error::{Error, ErrorKind};

pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(windows)]
    interrupt: CtrlC,
}

impl Signals {
    pub(crate) fn install() -> Result<Self, Error> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
            #[cfg(windows)]
            interrupt: ctrl_c().map_err(refused)?,
        })
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(windows)]
    pub(crate) async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}

fn refused(error: io::Error) -> Error {
    Error::new(ErrorKind::Signal, "cannot install the handler of a signal").with_source(error)
}
