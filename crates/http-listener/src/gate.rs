//! Admission: which connections are open, and which one is closed when there are too many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::limits::Limits;

/// Pause after a failed `accept`, so that other connections can free file descriptors.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// The connections of one listener, or of several that share their limits. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Admission>);

struct Admission {
    limits: Limits,
    requests: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connections: usize,
    next_ticket: u64,
    /// Connections without a complete head, the longest waiting first.
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// A connection's slot, which is released when this is dropped.
pub struct Place {
    pub(crate) turn: Arc<Turn>,
}

/// Stage of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No byte of a request has arrived.
    Waiting,
    /// Part of a head has arrived.
    Head,
    /// A request is being answered.
    Request,
    /// Its response is complete, but not all of it was passed to the system.
    Sending,
}

impl Stage {
    /// Whether the connection may be closed to make room for another one.
    pub(crate) fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting | Self::Head)
    }
}

/// The state that the bytes, the requests and the answers of one connection share.
pub(crate) struct Turn {
    gate: Gate,
    stage: Mutex<(Stage, u64)>,
    /// The slot of the request whose response is being sent.
    sending: Mutex<Option<OwnedSemaphorePermit>>,
    go: Arc<Notify>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.open().connections;
        f.debug_struct("Gate")
            .field("limits", &self.0.limits)
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("stage", &self.turn.stage()).finish()
    }
}

impl Gate {
    /// A gate with these limits.
    pub fn new(limits: Limits) -> Self {
        let requests = Arc::new(Semaphore::new(limits.requests.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Admission { limits, requests, open: Mutex::default() }))
    }

    /// The next connection. Errors of `accept` are logged, and retried after a pause.
    pub async fn accept(&self, listener: &TcpListener) -> (TcpStream, Place) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Without it the last small segment of an answer waits for the client's delayed
                    // acknowledgement.
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "cannot set TCP_NODELAY");
                    }
                    if let Some(place) = self.enter() {
                        return (stream, place);
                    }
                    debug!("connection refused: all open connections have a request");
                }
                Err(error) if is_about_the_peer(&error) => {
                    debug!(%error, "connection lost before it was accepted");
                }
                Err(error) => {
                    // Usually for lack of file descriptors.
                    let freed = self.open().close_oldest();
                    warn!(%error, freed, "cannot accept a connection");
                    sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }

    /// A slot, for which another connection may be closed; `None` if all have a request.
    pub(crate) fn enter(&self) -> Option<Place> {
        let mut open = self.open();
        if open.connections >= self.0.limits.connections && !open.close_oldest() {
            return None;
        }
        open.connections += 1;
        let go = Arc::<Notify>::default();
        let ticket = open.wait(&go);
        drop(open);
        let stage = Mutex::new((Stage::Waiting, ticket));
        Some(Place { turn: Arc::new(Turn { gate: self.clone(), stage, sending: Mutex::default(), go }) })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock()
    }
}

impl Open {
    fn wait(&mut self, go: &Arc<Notify>) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(ticket, Arc::clone(go));
        ticket
    }

    fn close_oldest(&mut self) -> bool {
        self.waiting.pop_first().map(|(_, go)| go.notify_one()).is_some()
    }
}

impl Turn {
    pub(crate) fn limits(&self) -> &Limits {
        &self.gate.0.limits
    }

    /// The stage, and the ticket of a waiting connection, which is new each time it begins to wait.
    pub(crate) fn stage(&self) -> (Stage, u64) {
        *self.stage.lock()
    }

    pub(crate) fn enter(&self, stage: Stage) {
        let mut current = self.stage.lock();
        let mut open = self.gate.open();
        let was_sent_away = current.0.is_waiting() && open.waiting.remove(&current.1).is_none();
        current.0 = stage;
        if stage.is_waiting() && !was_sent_away {
            current.1 = open.wait(&self.go);
        }
    }

    /// A slot for a request, if there is one: that of the previous response if it is not sent yet.
    pub(crate) fn request(&self) -> Option<OwnedSemaphorePermit> {
        let held = self.sending().take();
        held.or_else(|| self.free())
    }

    /// The response is complete. It keeps the slot of the request until it is sent, so that the limits also
    /// apply to clients that read slowly.
    pub(crate) fn answered(&self, place: Option<OwnedSemaphorePermit>) {
        *self.sending() = place;
        self.enter(Stage::Sending);
    }

    /// All bytes so far were passed to the system. Unless more follow, the connection waits for its next
    /// request.
    pub(crate) fn flushed(&self) {
        if self.stage().0 == Stage::Sending {
            self.enter(Stage::Waiting);
            drop(self.sending().take());
        }
    }

    fn sending(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.sending.lock()
    }

    fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.gate.0.requests).try_acquire_owned().ok()
    }

    /// Resolves when the connection has to make room for another one.
    pub(crate) async fn sent_away(&self) {
        loop {
            self.go.notified().await;
            // A request that arrived at that moment is still answered.
            if self.stage().0.is_waiting() {
                return;
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (_, ticket) = self.stage();
        let mut open = self.gate.open();
        open.waiting.remove(&ticket);
        open.connections -= 1;
    }
}

fn is_about_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
