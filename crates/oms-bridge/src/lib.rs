//! Forwards object events of Alibaba Cloud OSS to Huawei Cloud OMS, or copies the objects itself, so that nothing is lost.
//!
//! ```text
//! bytes ──event::parse──▶ Vec<ObjectChange> ──policy──▶ keys ──engine──▶ outcomes ──journal──▶ Report ──host──▶ reply
//! ```
//!
//! | module | concern |
//! |---|---|
//! | [`event`] | every form an event arrives in, to [`change::ObjectChange`]s |
//! | [`policy`] | which changes are forwarded |
//! | [`engine`] | forwards keys: [`engine::oms`] queues, signs, sends, classifies, tries again; [`engine::copy`] copies |
//! | [`breaker`] | keeps a refused access key from being tried again and again |
//! | [`transfer`] | copies one object and proves that it arrived |
//! | [`bulk`] | copies many, for the command `copy` |
//! | [`journal`] | success and failure records in the log bucket |
//! | [`pipeline`] | the above, put together; the rule that no event is lost |
//! | [`progress`] | the stream of events that log lines and progress bars are made from |
//! | [`replay`] | sends again what failed |
//! | [`oms_api`] | what OMS says of the sync task |
//! | [`status`], [`doctor`], [`explain`] | what failed; what is set up wrongly; everything about one key |
//! | [`host`] | the event function; keys handed over by hand |
//! | `web_url` | what of a URL is shown, and which name it gives an object |
//! | [`warm`] | connections opened ahead of the first event |
//! | [`ingest`] | objects of the web on demand, over HTTP |
//! | `header` | headers that there may be one of |
//! | [`token`] | bearer tokens of everything that is served over HTTP |
//! | [`config`], [`credentials`], [`assemble`] | settings and credentials to a pipeline |
//! | `desk` | uploads straight from browsers: policies, callbacks, catalogue |
//! | `consume`, `aws` | the worker on a queue of Amazon SQS; what it shares with Amazon S3 as a source |
//! | `demo` | the local cloud with the function on it, for the commands `demo` and `dev` |
//! | [`cli`] | the commands |
//!
//! One event's way: the host hands its bytes to [`event::parse`], the changes and a time budget to
//! [`pipeline::Pipeline::run`]. The policy sorts out what is no change. The engine queues the keys; a task takes up to ten of
//! them, also of other invocations that arrived in the same moment, into one signed request, and tries it until it is
//! settled. The copy engine runs a [`transfer::Transfer`] for each key instead. Each outcome is written to the log bucket as
//! soon as it is known. The report decides about the reply.

#![warn(missing_docs)]

pub mod assemble;
pub mod cli;
pub mod config;
#[cfg(feature = "aws")]
pub mod consume;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(feature = "desk")]
pub mod desk;
pub mod doctor;
pub mod explain;
pub mod host;
pub mod ingest;
pub mod logging;
pub mod status;

pub use http_client;
