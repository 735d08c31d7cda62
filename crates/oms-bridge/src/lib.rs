//! Forwards object events of Alibaba Cloud OSS to Huawei Cloud OMS, or copies the objects itself, so that
//! nothing is lost.
//!
//! ```text
//! bytes ──parse──▶ Vec<ObjectChange> ──policy──▶ keys ──engine──▶ outcomes ──journal──▶ Report ──host──▶ reply
//! ```
//!
//! | module | concern |
//! |---|---|
//! | [`cli`] | the commands |
//! | `config`, `assemble` | from settings and credentials to a pipeline |
//! | `doctor`, `explain` | mistakes in the set-up; everything about one key |
//! | `demo` | the local cloud with the function on it, for the commands `demo` and `dev` |
//! | `failure` | why a command failed, in one form for all commands |
//!
//! | crate below it | concern |
//! |---|---|
//! | [`object_events`] | every form an event arrives in, to [`object_events::change::ObjectChange`]s |
//! | [`bridge_core`] | policy, engines, journal, replay: from changes to outcomes that are recorded |
//! | [`function_host`] | the event function on Function Compute, AWS Lambda and elsewhere |
//! | [`object_copy`] | copies objects and proves that they arrived |
//! | `sqs_worker` | the worker on a queue of Amazon SQS |
//! | `upload_desk` | uploads straight from browsers |
//! | `web_ingest` | objects of the web on demand, over HTTP |
//! | [`settings`] | parsing of settings, addresses and lists |
//!
//! How an event is processed: the host passes its bytes to [`object_events::parse`], the changes and a time
//! budget to [`bridge_core::pipeline::Pipeline::run`]. The policy skips events that change nothing. The
//! engine queues the keys; a task puts up to ten of them, also of other invocations that arrived at the same
//! moment, into one signed request, and retries it until it is settled. The copy engine runs a
//! [`object_copy::transfer::Transfer`] for each key instead. Each outcome is written to the log bucket as
//! soon as it is known. The report decides on the reply.

#![warn(missing_docs)]

pub(crate) mod assemble;
pub mod cli;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod failure;
pub(crate) mod features;
