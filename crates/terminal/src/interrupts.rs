//! Signals that ask this process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::numbers::counted;

/// Part of the message after the first signal, since a second one ends the process at once.
pub const AGAIN: &str = "Ctrl-C again ends now";

/// The message after the first signal: what is still being finished.
pub fn finishing(count: u64, what: &str) -> String {
    match count {
        0 => "interrupted".to_owned(),
        _ => format!("interrupted: finishing {}; {AGAIN}", counted(count, what)),
    }
}

/// The signals that ask this process to end: Ctrl-C (`SIGINT`), and `SIGTERM` from supervisors. The first
/// asks to finish what is in flight, the second to stop at once. Signals that arrive while nothing waits for
/// the next one are merged, so only one place may count them.
#[derive(Debug)]
pub struct Interrupts {
    keyboard: Option<Signal>,
    supervisor: Option<Signal>,
}

impl Interrupts {
    /// Takes over both signals of this process. If that is not possible, they keep their default action,
    /// which ends it.
    pub fn of_process() -> Self {
        let take = |kind| signal(kind).ok();
        Self { keyboard: take(SignalKind::interrupt()), supervisor: take(SignalKind::terminate()) }
    }

    /// The next one.
    pub async fn next(&mut self) {
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
