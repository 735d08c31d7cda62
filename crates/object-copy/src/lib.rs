//! Copies objects from OSS, OBS, Amazon S3, web servers and directories to OSS, OBS and directories, and
//! proves that they arrived.
//!
//! | module | concern |
//! |---|---|
//! | [`transfer`] | copies one object and proves that it arrived |
//! | [`bulk`] | copies many |
//! | [`failed_list`] | the list of what failed |
//! | [`egress`] | which URLs and addresses may be fetched when a user names the URL |
//! | [`stop`] | asks running work to end early |
//! | [`outcome`] | how an attempt ends: classes of failure, errors, open uploads |
//! | [`clock`] | the clock, and the offset of a service's clock |
//! | [`header`] | headers that may occur once |
//! | [`web_url`] | URLs without their secrets; the object name in a URL |
//!
//! ```
//! use object_copy::transfer::{
//!     Destination, DestinationHint, Item, Options, Source, Transfer, TransferError,
//! };
//! use oss_lite::Bucket;
//!
//! async fn copy(from: Bucket, to: Bucket, key: &str) -> Result<(), TransferError> {
//!     let transfer = Transfer::new(Source::Store(from), Destination::store(to), Options::default());
//!     let (key, to) = (key.to_owned(), key.to_owned());
//!     let item = Item { key, to, size: None, hint: DestinationHint::Unknown, open: None };
//!     transfer.copy(&item, None).await.map(|outcome| println!("{outcome:?}"))
//! }
//! ```

#![warn(missing_docs)]

pub mod bulk;
pub mod clock;
pub mod egress;
pub mod failed_list;
pub mod header;
pub mod outcome;
pub mod stop;
pub mod transfer;
pub mod web_url;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
