//! Runs the built `oms-bridge` binary against an in-process local cloud, over real HTTP.
//!
//! | module | job |
//! |---|---|
//! | [`mod@binary`] | the binary that cargo has built |
//! | [`cloud`] | a [`cloud_twin::Twin`] with source, destination and log bucket and a sync task |
//! | [`event`] | bodies of object events |
//! | [`function`] | `oms-bridge serve` as a child process, and invocations of it |
//! | [`lambda`] | the same on a stand-in of AWS Lambda |
//! | [`command`] | any other command, run to its end |
//! | [`mod@copy`] | `oms-bridge copy`, with what opens both of its ends |
//! | [`desk`] | `oms-bridge desk` as a child process, browsers and OSS as its clients |
//! | [`database`] | databases for desks |
//! | [`sqs`] | a queue of Amazon SQS that behaves as a test says |
//! | [`web`] | a web server that behaves as a test says |
//! | [`process`] | what both share: environment, captured output, signals |
//! | [`records`] | what the product leaves in the log bucket |
//! | [`arrivals`] | what it says there of keys that were accepted |
//! | [`rights`] | the policies in `deploy/`, attached to the keys that the product is given |
//! | [`stalled`] | clients that connect and then say too little |
//!
//! A test starts a [`Cloud`], describes a [`Function`] on it, invokes it, and looks at what the cloud
//! received. Nothing sleeps: the harness waits for lines of the log, for answers and for states of the cloud.
//!
//! ```no_run
//! # async fn example() {
//! use e2e::{Answer, Cloud, Function, event};
//!
//! let cloud = Cloud::start().await;
//! let function = Function::on(&cloud).start().await;
//! assert_eq!(function.invoke(event::put(["a.jpg"])).await, Answer::True);
//! assert_eq!(cloud.twin.accepted_count("a.jpg"), 1);
//! # }
//! ```
#![warn(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a harness reports trouble by failing the test"
)]

pub mod arrivals;
pub mod binary;
pub mod cloud;
pub mod command;
pub mod copy;
#[cfg(feature = "desk")]
pub mod database;
#[cfg(feature = "desk")]
pub mod desk;
pub mod event;
pub mod function;
pub mod lambda;
pub mod process;
pub mod records;
pub mod rights;
pub mod sqs;
pub mod stalled;
pub mod web;

pub use binary::binary;
pub use cloud::Cloud;
/// The local cloud, for libraries whose tests go through this harness.
pub use cloud_twin;
pub use command::{Finished, OmsBridge};
pub use copy::Copy;
#[cfg(feature = "desk")]
pub use desk::{Desk, DeskSetup};
pub use function::{Answer, Function, FunctionSetup, Invocation, Reply};
pub use lambda::{Lambda, LambdaAnswer};
pub use process::Settings;
pub use records::{Records, Shelf};
pub use web::{WebReply, WebRequest, WebServer};
