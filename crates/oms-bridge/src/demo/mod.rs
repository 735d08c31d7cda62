//! The local cloud with the function on it, and the story that `demo` tells with it.
//!
//! | module | concern |
//! |---|---|
//! | [`cloud`] | OSS, OBS and OMS on loopback, the function, and how they are wired |
//! | [`objects`] | what is uploaded |
//! | `desk` | the upload desk on it, where there is one |
//! | [`journeys`] | when each object was uploaded, accepted and copied |
//! | [`story`] | the acts, one after the other |

pub(crate) mod cloud;
#[cfg(feature = "desk")]
pub(crate) mod desk;
pub(crate) mod journeys;
pub(crate) mod objects;
pub(crate) mod story;

/// Why the local cloud could not be used.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
