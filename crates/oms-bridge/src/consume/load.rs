//! Messages from their receipt to their deletion.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Inner;
use super::backoff::{Came, Trial};
use super::error::QueueErrorKind;
use super::in_flight::Hand;
use super::queue::Received;
use bridge_core::credentials::NoCredentials;
use bridge_core::pipeline::{Budget, Nack, NackReason, Report};
use bridge_core::progress::Log;
use object_copy::backoff::Backoff;
use object_copy::clock;
use object_events::Message;

/// Longest time for one run. What is not copied by then goes to the journal, and a replay goes on with it.
const RUN: Duration = Duration::from_hours(1);

/// How long a message that could not be settled is hidden, by how often it was received: half a minute, and four times as long each
/// time, so that five receipts last for an hour of outage.
const COMING_BACK: Backoff = Backoff { base: Duration::from_secs(30), cap: Duration::from_hours(1) };

fn coming_back(receives: u32) -> Duration {
    COMING_BACK.equal_jitter(receives.saturating_sub(1).saturating_mul(2), fastrand::f64)
}

/// Works on messages until they are deleted, given back or left.
pub(super) async fn settle(
    worker: Arc<Inner>,
    messages: Vec<Received>,
    mut hand: Hand,
    slots: OwnedSemaphorePermit,
    trial: Option<Trial>,
) {
    let messages = worker.understood(messages, &mut hand);
    if !messages.is_empty() {
        tokio::select! {
            () = worker.forward(messages, &hand) => {}
            never = worker.keep(&hand) => match never {},
        }
    }
    drop((hand, slots, trial));
}

/// A message whose body is understood.
struct Understood {
    receives: u32,
    message: Message,
}

impl Inner {
    /// Reads the bodies. What nobody understands is left alone: it comes into sight again until the queue's redrive policy sets it
    /// aside.
    fn understood(&self, messages: Vec<Received>, hand: &mut Hand) -> Vec<Understood> {
        let mut understood = Vec::with_capacity(messages.len());
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
                    "a message that nobody understands is left to the queue"
                );
                hand.drop_one(&id);
                continue;
            }
            understood.push(Understood { receives, message: Message { id, event } });
        }
        understood
    }

    /// Forwards what messages tell of; deletes those that are settled and gives the others back.
    async fn forward(&self, messages: Vec<Understood>, hand: &Hand) {
        let received: Vec<_> = messages.iter().map(|own| (own.message.id.clone(), own.receives)).collect();
        let messages = messages.into_iter().map(|own| own.message).collect();
        let now = Instant::now();
        // Why there are none is said where they are fetched.
        let credentials = self.credentials.current(clock::system()).await.map_err(|_| NoCredentials);
        let budget = Budget::until(now + RUN, now);
        let handled = self.pipeline.run_messages(messages, credentials, budget, &Log).await;
        self.stats.add(&handled.report);
        let Report { accepted, failed, unrecorded, .. } = handled.report;
        self.brake.ran(Came { settled: accepted + failed - unrecorded, unsettled: unrecorded });
        let unsettled = |id: &String| handled.nacks.iter().any(|message| message.id == *id);
        let settled: Vec<_> = received.iter().map(|(id, _)| id.clone()).filter(|id| !unsettled(id)).collect();
        tokio::join!(
            self.deleter.delete(hand.of(&settled)),
            self.give_back_later(&handled.nacks, &received, hand),
        );
    }

    async fn give_back_later(&self, nacks: &[Nack], received: &[(String, u32)], hand: &Hand) {
        for Nack { id, reason } in nacks {
            if let NackReason::Malformed(_) | NackReason::Refused(_) = reason {
                self.stats.poison.add(1);
                tracing::error!(message = id, error = %reason, "a message is left to the queue");
                continue;
            }
            self.stats.released.add(1);
            let receives = received.iter().find(|(own, _)| own == id).map_or(1, |(_, receives)| *receives);
            let delay = coming_back(receives);
            tracing::warn!(message = id, receives, hidden_s = delay.as_secs(), error = %reason, "a message is given back");
            let receipts = hand.of(std::slice::from_ref(id));
            if let Err(error) = self.queue.hide(&receipts, delay).await {
                self.stats.queue_failed(
                    &error,
                    1,
                    "a message could not be given back; it comes into sight again by itself",
                );
            }
        }
    }

    /// Keeps messages out of sight for as long as this is polled.
    async fn keep(&self, hand: &Hand) -> Infallible {
        let visibility = self.options.visibility;
        let mut pause = visibility / 2;
        loop {
            tokio::time::sleep(pause).await;
            pause = visibility / 2;
            let receipts = hand.receipts();
            match self.queue.hide(&receipts, visibility).await {
                Ok(refused) => {
                    for refused in refused {
                        // Deleted in this moment, or taken by another worker already.
                        tracing::debug!(error = %refused.error, "a message could not be kept out of sight");
                    }
                }
                Err(error) => {
                    self.stats.queue_failed(
                        &error,
                        receipts.len(),
                        "messages could not be kept out of sight",
                    );
                    if error.kind() == QueueErrorKind::Transient {
                        pause = visibility / 8;
                    }
                }
            }
        }
    }
}
