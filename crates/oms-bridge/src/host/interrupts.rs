//! Signals that ask this process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask this process to end. The first asks to finish what is in flight, the second to stop
/// at once.
#[derive(Debug)]
pub(crate) struct Interrupts {
    keyboard: Option<Signal>,
    supervisor: Option<Signal>,
}

impl Interrupts {
    /// Takes over the interrupts of this process (`SIGINT`). Where that is not possible they go on ending it.
    pub(crate) fn from_keyboard() -> Self {
        Self { keyboard: signal(SignalKind::interrupt()).ok(), supervisor: None }
    }

    /// Takes over what supervisors send (`SIGTERM`), too.
    pub(crate) fn from_outside() -> Self {
        Self { supervisor: signal(SignalKind::terminate()).ok(), ..Self::from_keyboard() }
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = next(&mut self.keyboard) => {}
            () = next(&mut self.supervisor) => {}
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
