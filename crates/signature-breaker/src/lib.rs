//! One breaker for each set of credentials, whichever services they are used at.
//!
//! Huawei's gateway locks an access key for five minutes after more than five bad signatures in a row, for
//! everybody who uses it, and OBS blocks keys likewise. So of a secret key that is wrong from the start at
//! most two bad signatures are made in five minutes (`WINDOW`), over OMS, OBS, both engines and all commands
//! of a process:
//!
//! - Until a service has accepted a signature, requests to it go one at a time.
//! - After two refusals (`REFUSALS`), by one service or by several, with no acceptance since, nothing is sent
//!   for five minutes. Then one request at a time tries again, and one refusal shuts it again.
//! - The same goes for the refusals of one service alone, whatever another accepts: a gateway counts its own.
//! - Once the service says that the key is locked, nothing is sent for five minutes, with none of the key's
//!   secrets.
//! - Only an accepted signature proves anything, to the service that accepted it, and its proof is good for
//!   five minutes: a secret key may have been replaced while an instance was frozen. An acceptance of a
//!   request that was sent before a later one was refused proves nothing.
//! - Time is kept by the wall clock and by the monotonic one, whichever says more
//!   ([`Moment`](object_copy::clock::Moment)).
//!
//! # The verdict of an answer on the signature
//!
//! OBS and OSS: see [`oss_lite::SignatureGate`]. OMS: a success in the form that OMS writes is an acceptance,
//! and so is a 4xx (except 401, 408, 429) with a code `OMS.…`, which comes from behind the gateway that
//! checks signatures. 401 is a refusal or, depending on its text, the lock. Codes `APIGW.…` with other
//! statuses, 408, 429, 5xx and a missing response prove nothing.
//!
//! # Which keys
//!
//! All of Huawei's (`HW_AK`, `DEST_AK`; OMS, OBS), those that write copies to OSS, and both ends of the
//! command `copy`. Of the function and of replays those that open the log bucket and the source on OSS are
//! not held back, nor those of Amazon S3: these services lock no key, and events that cannot be recorded for
//! five minutes are worse than a refused request. Two secrets of one access key have a breaker each, since
//! one of them may be right: together at most four bad signatures. Temporary credentials have access keys of
//! their own, so renewed ones start with a closed breaker.
//!
//! Not held back: requests in flight when a good secret is replaced are all signed with the old one, up to as
//! many as run at once. To replace a secret, let the function come to rest, or keep both valid for a while.

#![warn(missing_docs)]

mod breaker;
mod registry;

pub use breaker::{Breaker, NoPermit, Permit, Shut, WINDOW};
pub use registry::Breakers;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
