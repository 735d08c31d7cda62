//! Objects of the web on demand: `POST /objects` names them, and they are fetched and put to the destination,
//! or their keys are handed to OMS.
//!
//! ```text
//! POST /objects ──token──▶ request ──guard──▶ pending records ──▶ 202 and an id
//!                                                   └──pipeline──▶ outcomes ──▶ job ◀── GET /objects/<id>
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `api` | routes, answers |
//! | `host` | what the process that serves the interface gives it |
//! | `request` | what is asked for: limits, and keys as URLs |
//! | `jobs` | what became of what was asked for |
//! | `work` | one request to its end |
//! | `pending` | the records that stand for objects that were promised |
//!
//! # Rules
//!
//! - No answer promises what a kill would undo: before 202 is answered, each object has a failed record in
//!   the journal, with the URL it is fetched from. It goes once the success record is written. Until then a
//!   replay copies the object.
//! - A URL is judged before each request, redirects included, and so is each address that a name resolves to
//!   at the moment of the connection. Nothing is connected to on the strength of an earlier look.
//! - Ids are 128 bits from the system's generator: who has one was given it.

#![warn(missing_docs)]

mod api;
mod host;
mod jobs;
mod pending;
mod request;
mod work;

pub use api::Ingest;
pub use host::{Host, Invocation};
pub use request::MAX_BODY;
