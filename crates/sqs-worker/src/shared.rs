//! State that the tasks of a worker share.

use std::sync::Arc;

use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use object_events::KeyEncoding;
use tokio::sync::Semaphore;

use super::backoff::ReceiveBackoff;
use super::delete::Deleter;
use super::in_flight::InFlight;
use super::options::Options;
use super::queue::Queue;
use super::stats::Stats;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) pipeline: Pipeline,
    pub(crate) credentials: SourceCredentials,
    pub(crate) keys: KeyEncoding,
    pub(crate) options: Options,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) in_flight: InFlight,
    pub(crate) deleter: Deleter,
    pub(crate) receive_backoff: ReceiveBackoff,
    pub(crate) stats: Arc<Stats>,
}
