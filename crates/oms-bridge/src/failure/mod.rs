//! Why a command failed: what the crate [`command_failure`] knows, and errors of what it does not know.
//!
//! | module | concern |
//! |---|---|
//! | `engine` | what an engine was refused |
//! | `queue`, `catalogue` | errors of the worker's queue, and of the desk's database |

#[cfg(feature = "desk")]
mod catalogue;
mod engine;
#[cfg(feature = "aws")]
mod queue;

pub(crate) use command_failure::failure::{Failure, FailureKind};
#[cfg(feature = "demo")]
pub(crate) use command_failure::listener::Moved;
pub(crate) use command_failure::listener::{LISTEN, listener};
pub(crate) use command_failure::network::{network_kind, network_remedy};
pub(crate) use command_failure::store::{End, of_store, store_remedy};

#[cfg(feature = "desk")]
pub(crate) use self::catalogue::catalogue_kind;
pub(crate) use self::engine::{EngineEnds, LOCKED, NO_SUCH_TASK, key_at_fault, of_engine, of_oms};
#[cfg(feature = "aws")]
pub(crate) use self::queue::{QUEUE_RIGHTS, QUEUE_URL, queue_kind, queue_remedy};
