//! Copies objects from OSS, OBS, Amazon S3, web servers and directories to OSS, OBS and directories, and proves that they arrived.
//!
//! | module | concern |
//! |---|---|
//! | [`transfer`] | copies one object and proves that it arrived |
//! | [`bulk`] | copies many |
//! | [`egress`] | what may be connected to when somebody else names the URL |
//! | [`outcome`] | what an attempt may end with |
//! | [`backoff`] | waits between tries |
//! | [`clock`] | where the time comes from, and what is learnt of a service's |
//! | [`header`] | headers that there may be one of |
//! | [`web_url`] | what of a URL is shown, and which name it gives an object |

#![warn(missing_docs)]

pub mod backoff;
pub mod bulk;
pub mod clock;
pub mod egress;
pub mod header;
pub mod outcome;
pub mod transfer;
pub mod web_url;
