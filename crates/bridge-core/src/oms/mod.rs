//! The client of OMS: how its requests look, how they are signed and sent, and what its replies mean.
//!
//! | module | concern |
//! |---|---|
//! | `target` | the address of a sync task |
//! | `transport` | what every request has in common: its time, reading its answer, why there is none |
//! | `request` | one signed request that hands keys over |
//! | `reply` | whether a reply is believed, and what it says of the keys, the credentials and the rate |
//! | `secrets` | hiding what a request carried where an answer repeats it |
//! | `limit` | the rate limit that a 429 states |
//! | `api` | requests that are answered with JSON |
//! | [`task`] | reading the state of a sync task |
//! | [`migration`] | migration tasks that copy the objects of a list |
//! | `preview` | the request for a key, to look at |
//!
//! Every call makes one request. When to send, what to repeat and how to split batches is decided by
//! [`engine::oms`](crate::engine::oms).
//!
//! API: `CreateSyncEvents`, <https://support.huaweicloud.com/intl/en-us/api-oms/CreateSyncEvents.html>.

mod api;
mod limit;
pub mod migration;
mod preview;
mod reply;
mod request;
mod secrets;
mod target;
pub mod task;
mod transport;

pub use self::preview::{Preview, preview};
pub use self::reply::{is_locked, is_unknown_key, is_wrong_secret};
pub use self::target::{BadSyncUrl, SyncUrl};

pub(crate) use self::limit::StatedLimit;
pub(crate) use self::reply::{Verdict, denies_task, is_of_another_server};
pub(crate) use self::request::{Client, Refusal, body as request_body, encode};
