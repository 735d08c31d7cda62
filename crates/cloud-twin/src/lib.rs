//! Local Alibaba OSS, Huawei OBS and Huawei OMS for demos, development, tests and benchmarks.
//!
//! A [`Twin`] plays the three services on loopback listeners of their own. It verifies every signature from
//! the wire bytes with its own code (so that a mistake of the client under test cannot confirm itself),
//! enforces the documented limits, answers with the vendors' error bodies, raises bucket events, copies what
//! OMS accepts, and injects faults on request. Objects may have gigabytes: runs of zeros in their [`Content`]
//! take no memory, uploaded ones included.
//!
//! # Map
//!
//! From the foundation up; each module imports only from rows above its own, or from its own row:
//!
//! | module | job |
//! |---|---|
//! | `clock`, `time`, `service` | the time and its forms, the three services |
//! | `dialect` | what OSS and OBS do differently |
//! | `content`, `crc64`, `digest`, `image` | content of objects (runs of zeros cost nothing), checksums, size of pictures |
//! | `connection`, `body`, `reply` | connections that faults can break, bodies that are streamed, replies |
//! | `wire`, `xml`, `form_fields` | percent-encoding, query text, addressing (virtual host, path style, custom domain); XML; forms |
//! | `error` | refusals of OSS and OBS |
//! | `policy` | policies of RAM and IAM, and which permission an operation needs |
//! | `config` | settings of a twin |
//! | `auth` | OSS V4 and V1, OBS, AWS V2 and V4 at OBS, APIG, the lock after repeated failures |
//! | `object`, `cors`, `store`, `assembled` | objects and buckets in memory |
//! | `observe`, `watchers` | events and counters; who waits for them |
//! | `faults`, `faulted` | faults to order, and how each is carried out |
//! | `notify`, `callback`, `sync_tasks`, `migration_tasks` | bucket events, upload callbacks, tasks of OMS: their rules, queues and results |
//! | `cloud` | all of this together: the state that every listener and worker shares |
//! | `handle` | direct access to the objects, without a request |
//! | `delivery`, `callback_sender` | workers: bucket events to functions, callbacks to servers |
//! | `objects`, `oms`, `admin` | requests to OSS and OBS, to OMS (and its copying), to the admin API |
//! | `server` | listeners, and who answers on each |
//! | `twin` | a twin as a test or a demo holds it |
//!
//! # Forms and callbacks
//!
//! OSS here takes `PostObject` with a policy signed by V4 or V1, and calls back after `PutObject`,
//! `PostObject` and `CompleteMultipartUpload`: servers on loopback only, with a signature by the key at
//! [`Twin::callback_key_url`], which the OSS listener serves to those who use it as HTTP proxy.
//! [`FaultAction::LoseCallback`] and its like break callbacks on order. The `ETag` of a form upload is the
//! MD5 of its file here; OSS promises that for `PutObject` only, so rely on it for neither. `x-oss-process`
//! scales nothing: a picture is served as it is stored, and a frame of a video is a small grey picture.
//!
//! # Archived objects
//!
//! The content of an object of an archive class is refused until `RestoreObject` was asked for and
//! [`TwinConfig::restore_time`] has passed; `POST /restores/finish` of the admin API ends what is under way
//! at once. By the names of S3 (`AWS …` and `AWS4-HMAC-SHA256` signatures) OBS takes and shows `STANDARD_IA`
//! for `WARM` and `GLACIER` for `COLD`.
//!
//! # How one upload flows
//!
//! A signed `PUT` reaches `server`, meets the faults in force, is verified by `auth` and stored by `objects`,
//! which answers. In the background `delivery` posts the event to `<function>/invoke`. The function posts the
//! key to OMS, which counts it and copies the object from the OSS bucket of the task to its OBS bucket. Each
//! step is a [`TwinEvent`], and [`Twin::wait_until`] awaits any state without polling.
//!
//! # Example
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use cloud_twin::{Fault, FaultResponse, Service, Twin};
//!
//! let twin = Twin::builder().seed(7).start().await?;
//! twin.create_oss_bucket("photos");
//! twin.create_obs_bucket("photos-copy");
//! let task = twin.create_sync_task("photos", "photos-copy");
//! println!("post keys to {}", twin.sync_url(&task));
//!
//! twin.oss().put("photos", "a.jpg", "pixels");
//! twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(2));
//! // A client posts the key to OMS here, is refused twice and tries again.
//! twin.wait_until(|twin| twin.obs().get("photos-copy", "a.jpg").is_some()).await;
//! twin.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod admin;
mod assembled;
mod auth;
mod body;
mod callback;
mod callback_sender;
mod clock;
mod cloud;
mod config;
mod connection;
mod content;
mod cors;
mod crc64;
mod delivery;
mod dialect;
mod digest;
mod error;
mod faulted;
mod faults;
mod form_fields;
mod handle;
mod http_client;
mod image;
mod migration_tasks;
mod notify;
mod object;
mod objects;
mod observe;
mod oms;
mod policy;
mod reply;
mod server;
mod service;
mod store;
mod sync_tasks;
mod time;
mod twin;
mod watchers;
mod wire;
mod xml;

pub use http_listener::Limits;

pub use crate::callback::CallbackAttempt;
pub use crate::clock::{Clock, ManualClock, SystemClock};
pub use crate::config::{
    Account, CredentialHeaders, FunctionSettings, ObsCrc64, ObsEncryption, SignatureV1, TwinConfig,
};
pub use crate::content::Content;
pub use crate::faults::{Fault, FaultAction, FaultId, FaultResponse, Faults};
pub use crate::handle::Objects;
pub use crate::migration_tasks::{MigrationStatus, MigrationTaskView};
pub use crate::notify::{FailedDelivery, InvalidFunctionUrl, Notification};
pub use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
pub use crate::observe::{CallbackCount, RequestCount, Stats, TwinEvent};
pub use crate::policy::{AccessPolicy, Denied, PolicyError};
pub use crate::service::Service;
pub use crate::sync_tasks::{OmsBatch, SyncTaskHandle, SyncTaskStatus};
pub use crate::twin::Twin;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
