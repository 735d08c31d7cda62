//! Interrupts from the keyboard.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The interrupts (`SIGINT`) of this process. The first asks to finish what is in flight, the second to stop at once.
#[derive(Debug)]
pub struct Interrupts(Option<Signal>);

impl Interrupts {
    /// Takes over the interrupts of this process. Where that is not possible they go on ending it.
    pub fn from_keyboard() -> Self {
        Self(signal(SignalKind::interrupt()).ok())
    }

    /// The next one.
    pub async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
