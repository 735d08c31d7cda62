//! The local cloud with the function on it, and the demo that runs on it.
//!
//! | module | concern |
//! |---|---|
//! | [`cloud`] | OSS, OBS and OMS on loopback, and the function, wired together |
//! | [`objects`] | what is uploaded |
//! | `desk` | the upload desk on it, if it is built in |
//! | [`journeys`] | when each object was uploaded, accepted and copied |
//! | [`story`] | the steps of the demo |

pub(crate) mod cloud;
#[cfg(feature = "desk")]
pub(crate) mod desk;
pub(crate) mod journeys;
pub(crate) mod objects;
pub(crate) mod story;

/// Why the local cloud could not be used.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
