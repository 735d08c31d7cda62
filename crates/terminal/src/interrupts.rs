//! Signals that ask this process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::numbers::counted;

/// What the first signal is answered with, where a second one ends the process at once.
pub const AGAIN: &str = "Ctrl-C again ends now";

/// The answer to the first signal: why the command has not ended yet, and how it does.
pub fn finishing(count: u64, what: &str) -> String {
    match count {
        0 => "interrupted".to_owned(),
        _ => format!("interrupted: finishing {}; {AGAIN}", counted(count, what)),
    }
}

/// The signals that ask this process to end: Ctrl-C (`SIGINT`), and what supervisors send (`SIGTERM`). The
/// first asks to finish what is in flight, the second to stop at once. Signals that come while nobody waits
/// for the next one count as one, so one place counts them.
#[derive(Debug)]
pub struct Interrupts {
    keyboard: Option<Signal>,
    supervisor: Option<Signal>,
}

impl Interrupts {
    /// Takes over both signals of this process. Where that is not possible they go on ending it.
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
