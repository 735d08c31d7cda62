//! Messages from receipt to ack or nack.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::backoff::{RunResult, Trial};
use super::error::QueueErrorKind;
use super::in_flight::Lease;
use super::queue::Received;
use super::shared::Shared;
use bridge_core::credentials::NoCredentials;
use bridge_core::pipeline::{Budget, Nack, NackReason, Report};
use bridge_core::progress::Log;
use object_copy::clock;
use object_events::Message;
use oss_lite::{Backoff, Random};

/// Time budget of one run. Copies that are not finished by then are recorded in the journal, and a replay
/// resumes them.
const RUN: Duration = Duration::from_hours(1);

/// How long a nacked message stays invisible, by how often it was received: half a minute, and four times as
/// long each time, so that five receives outlast an outage of an hour.
const RETRY_DELAY: Backoff = Backoff { base: Duration::from_secs(30), cap: Duration::from_hours(1) };

/// The time of a whole poll is added: nacks make the pollers stop receiving, but a poll in progress ends only
/// after `wait`, and would receive the message once more, which counts against the limit of receives.
fn retry_delay(receives: u32, wait: Duration, random: Random) -> Duration {
    wait + RETRY_DELAY.equal_jitter(receives.saturating_sub(1).saturating_mul(2), random)
}

/// Processes messages until each is acked, nacked or left.
pub(super) async fn process(
    worker: Arc<Shared>,
    messages: Vec<Received>,
    mut lease: Lease,
    slots: OwnedSemaphorePermit,
    trial: Option<Trial>,
) {
    let messages = worker.parsed(messages, &mut lease);
    if !messages.is_empty() {
        tokio::select! {
            () = worker.forward(messages, &lease) => {}
            never = worker.extend_visibility(&lease) => match never {},
        }
    }
    drop((lease, slots, trial));
}

/// A message whose body could be read.
struct ParsedMessage {
    receives: u32,
    message: Message,
}

impl Shared {
    /// Parses the bodies. A message that cannot be parsed is left alone: it becomes visible again until the
    /// queue's redrive policy dead-letters it.
    fn parsed(&self, messages: Vec<Received>, lease: &mut Lease) -> Vec<ParsedMessage> {
        let mut parsed = Vec::with_capacity(messages.len());
        for Received { id, body, receives, .. } in messages {
            let event = object_events::parse_message(&body, self.keys);
            if let Err(error) = &event {
                self.stats.poison.add(1);
                tracing::error!(
                    message = id,
                    receives,
                    bytes = body.len(),
                    sha256 = hex::encode(Sha256::digest(&body)),
                    %error,
                    "a message that cannot be parsed is left to the queue"
                );
                lease.drop_one(&id);
                continue;
            }
            parsed.push(ParsedMessage { receives, message: Message { id, event } });
        }
        parsed
    }

    /// Forwards the changes in the messages; acks those that are done and nacks the others.
    async fn forward(&self, messages: Vec<ParsedMessage>, lease: &Lease) {
        let received: Vec<_> = messages.iter().map(|own| (own.message.id.clone(), own.receives)).collect();
        let messages = messages.into_iter().map(|own| own.message).collect();
        let now = Instant::now();
        // Logged where they are fetched.
        let credentials = self.credentials.current(clock::system()).await.map_err(|_| NoCredentials);
        let budget = Budget::until(now + RUN, now);
        let handled = self.pipeline.run_messages(messages, credentials, budget, &Log).await;
        self.stats.add(&handled.report);
        let Report { accepted, failed, unrecorded, .. } = handled.report;
        self.receive_backoff
            .note_run(RunResult { acked: accepted + failed - unrecorded, nacked: unrecorded });
        let is_nacked = |id: &String| handled.nacks.iter().any(|nack| nack.id == *id);
        let acked: Vec<_> = received.iter().map(|(id, _)| id.clone()).filter(|id| !is_nacked(id)).collect();
        tokio::join!(self.deleter.delete(lease.of(&acked)), self.nack(&handled.nacks, &received, lease),);
    }

    async fn nack(&self, nacks: &[Nack], received: &[(String, u32)], lease: &Lease) {
        for Nack { id, reason } in nacks {
            if let NackReason::Malformed(_) | NackReason::Refused(_) = reason {
                self.stats.poison.add(1);
                tracing::error!(message = id, error = %reason, "a message is left to the queue");
                continue;
            }
            self.stats.released.add(1);
            let receives = received.iter().find(|(own, _)| own == id).map_or(1, |(_, receives)| *receives);
            let delay = retry_delay(receives, self.options.wait, fastrand::f64);
            tracing::warn!(message = id, receives, hidden_s = delay.as_secs(), error = %reason, "a message was not settled; the queue redelivers it later");
            let receipts = lease.of(std::slice::from_ref(id));
            if let Err(error) = self.queue.change_visibility(&receipts, delay).await {
                self.stats.queue_failed(
                    &error,
                    1,
                    "the visibility of a message could not be changed; it becomes visible again by itself",
                );
            }
        }
    }

    /// Extends the visibility timeout of messages for as long as this is polled.
    async fn extend_visibility(&self, lease: &Lease) -> Infallible {
        let visibility = self.options.visibility;
        let mut pause = visibility / 2;
        loop {
            tokio::time::sleep(pause).await;
            pause = visibility / 2;
            let receipts = lease.receipts();
            match self.queue.change_visibility(&receipts, visibility).await {
                Ok(refused) => {
                    for refused in refused {
                        // Just deleted, or received by another worker already.
                        tracing::debug!(error = %refused.error, "the visibility of a message could not be extended");
                    }
                }
                Err(error) => {
                    self.stats.queue_failed(
                        &error,
                        receipts.len(),
                        "the visibility of messages could not be extended",
                    );
                    if error.kind() == QueueErrorKind::Transient {
                        pause = visibility / 8;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nacked_message_stays_invisible_for_longer_than_a_poll() {
        let poll = Duration::from_secs(20);
        let seconds =
            |random: Random| [1, 2, 3, 9].map(|receives| retry_delay(receives, poll, random).as_secs());
        assert_eq!(seconds(|| 0.0), [35, 80, 260, 1820]);
        assert_eq!(seconds(|| 1.0), [50, 140, 500, 3620]);
    }
}
