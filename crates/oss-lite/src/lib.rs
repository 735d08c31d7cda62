//! Client of Alibaba Cloud OSS and, as a second dialect, Huawei Cloud OBS, that keeps keys byte for byte.
//!
//! # Responsibility
//!
//! Requests to one bucket: signing, sending, trying again, reading the answer, turning every failure into one
//! [`Error`]. URLs and forms signed for others to use, and callbacks by which OSS reports their uploads. The
//! crate reads no environment and no files; credentials, clock, randomness and the HTTP client come from the
//! caller.
//!
//! # Map
//!
//! | part | job |
//! |---|---|
//! | [`Client`], [`ClientConfig`], [`Endpoint`] | a service at an endpoint |
//! | [`Bucket`] | the operations, each in a file of its own |
//! | [`PutOptions`], [`ObjectMeta`] | what is stored with an object, and what the service reports about it |
//! | [`ObjectBody`], [`StreamBody`] | bytes as they arrive, and as they are produced |
//! | [`ByteRange`], [`ContentRange`], [`Framing`] | the part of an object that is read, and what an answer says of it |
//! | [`CompletedPart`], [`CopySource`] | uploads in parts, and copies within the service |
//! | [`Crc64`] | the checksum that both services keep with an object |
//! | [`storage_class`], [`is_archive`], [`compare_coldness`] | which class of one service stands for which of the other |
//! | [`post_policy`] | signed forms by which browsers upload |
//! | [`callback`] | asking OSS to call a server when an object is stored, and verifying that it did |
//! | [`CorsRule`] | what pages of other origins may do in a bucket |
//! | [`process`] | images made smaller, frames of videos |
//! | [`sign`] | pure signing functions, in stages that can be looked at |
//! | [`Dialect`] | everything in which OSS and OBS differ, as data |
//! | [`ObjectKey`], [`Query`] | text that is encoded once, for the signature and the wire |
//! | [`RetryPolicy`], [`Timeouts`] | how often and how long |
//! | [`SignatureGate`] | holding requests back whose signature would be refused |
//! | [`Error`], [`ErrorKind`] | what went wrong and what to do |
//!
//! # How a call flows
//!
//! An operation checks its arguments and describes itself: method, key, query, headers, body. The URL is
//! built and parsed once, and refused if the URL library would change a byte of what is signed. Each try is
//! signed again and sent, and maps any answer other than success, and success with an error document, to an
//! [`Error`] that says whether another try makes sense. A service that finds the clock wrong corrects it for
//! the client, once per call. Waits and tries end with the policy or with [`Bucket::with_deadline`],
//! whichever comes first.
//!
//! Two kinds of call are made once, and leave the next step to the caller: those with a [`StreamBody`], which
//! cannot be read again, and [`Bucket::complete_multipart_upload`], whose effect must be looked at before
//! anything else is done. [`Error::is_retryable`] says whether another try makes sense. A streamed body is
//! watched while it goes out: the call ends when no byte moves for [`Timeouts::body_idle`], however long the
//! whole takes.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use oss_lite::{Client, ClientConfig, Credentials, Dialect, PutOptions};
//!
//! # async fn example(http: reqwest::Client) -> Result<(), oss_lite::Error> {
//! let config = ClientConfig::new("oss-cn-hangzhou.aliyuncs.com".parse()?, Dialect::Oss);
//! let client = Client::new(http, config)?;
//! let credentials = Arc::new(Credentials::new("access-key-id", "secret"));
//! let bucket = client.bucket(&"examplebucket".parse()?, credentials);
//!
//! bucket.put("dir/hello.txt", "hello".into(), PutOptions::default()).await?;
//! let text = bucket.get("dir/hello.txt").await?.bytes(1024).await?;
//! assert_eq!(text, "hello");
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod backoff;
mod body;
mod bucket;
mod bucket_name;
pub mod callback;
mod client;
mod config;
mod crc64;
mod credentials;
mod dialect;
mod encoding;
mod endpoint;
mod error;
mod framing;
mod gate;
mod header;
mod json;
mod key;
mod meta;
mod names;
mod ops;
pub mod post_policy;
pub mod process;
mod query;
mod retry;
pub mod sign;
mod storage_class;
mod stream_body;
mod time;
mod xml;

#[cfg(test)]
mod test_support;

pub use backoff::{Backoff, Random};
pub use body::ObjectBody;
pub use bucket::Bucket;
pub use bucket_name::BucketName;
pub use callback::Callback;
pub use client::Client;
pub use config::{ClientConfig, SignatureVersion, Timeouts};
pub use crc64::Crc64;
pub use credentials::Credentials;
pub use dialect::Dialect;
pub use encoding::header_text;
pub use endpoint::{Addressing, Endpoint, without_secrets};
pub use error::{Error, ErrorKind, Withheld, describe_transport, root_cause};
pub use framing::{ByteRange, ContentRange, Contradiction, Framing, content_length};
pub use gate::{Entering, SignatureGate, SignaturePass, SignatureVerdict};
pub use key::ObjectKey;
pub use meta::{ObjectMeta, etag_md5};
pub use ops::{
    BucketUsage, CompleteOutcome, CompletedPart, CopyMetadata, CopyOutcome, CopySource, CorsRule,
    CreateOptions, DeleteOutcome, GetOptions, HeadOptions, LifecycleRule, ListOptions, ListPage,
    ListedObject, ListedPart, ListedUpload, Object, PartOutcome, PresignOptions, PutOptions, PutOutcome,
    Versioning,
};
pub use post_policy::{ContentTypes, PostForm, PostPolicy, PostTarget};
pub use query::Query;
pub use retry::RetryPolicy;
pub use storage_class::{compare_coldness, is_archive, storage_class};
pub use stream_body::StreamBody;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
