//! Reads inventories of buckets: the lists of all objects that Amazon S3, Alibaba Cloud OSS, Huawei Cloud OBS
//! and Tencent Cloud COS write once a day or a week.
//!
//! # Map
//!
//! | module | concern |
//! |---|---|
//! | `place` | the address of an inventory |
//! | `files` | buckets and folders that hold the files |
//! | `find` | the manifest, the newest of several, the files that it names |
//! | `manifest`, `schema`, `vendor`, `times` | what a manifest says, in all forms of all services |
//! | `inventory` | an inventory from its manifest to its rows |
//! | `load` | files decompressed, checked and parsed |
//! | `records`, `parse` | rows of CSV, and what they say |
//! | `row`, `varint` | the object that a row describes, and the form in which it is sorted |
//! | `sort` | rows sorted by key in bounded memory |
//! | `error` | what went wrong and what to do |
//!
//! # Rules
//!
//! - No row is handed out before all files were read and found whole. A damaged inventory is an error, never
//!   a conclusion.
//! - Rows come in byte order of their keys, each key once, as a listing of the bucket would show them at the
//!   time of the inventory. Earlier versions and deleted keys are left out and counted.
//! - No service promises an order of rows, so they are sorted, in bounded memory. Rows that come in order are
//!   only written and read.
//! - An inventory knows nothing of later changes: [`Inventory::complete_to`].
//!
//! ```
//! use inventory::{Files, Inventory, Options, Place};
//!
//! async fn print(bucket: oss_lite::Bucket) -> Result<(), Box<dyn std::error::Error>> {
//!     let place: Place = "inventory:oss://logs/inv/photos/daily/".parse()?;
//!     let inventory = Inventory::open(Files::Store(bucket), &place).await?;
//!     println!("{} of {:?}", inventory.address(), inventory.taken_at());
//!     let mut rows = inventory.rows(Options::default()).await?;
//!     while let Some(row) = rows.next().await? {
//!         println!("{} {}", row.size, row.key);
//!     }
//!     Ok(())
//! }
//! ```

#![warn(missing_docs)]

mod error;
mod files;
mod find;
mod inventory;
mod load;
mod manifest;
mod parse;
mod place;
mod records;
mod row;
mod schema;
mod sort;
mod times;
mod varint;
mod vendor;

pub use self::error::Error;
pub use self::files::Files;
pub use self::inventory::{Inventory, MARGIN, Options, Rows};
pub use self::load::{Progress, Summary};
pub use self::manifest::{DataFile, Manifest};
pub use self::place::{Place, SCHEME};
pub use self::row::Row;
pub use self::schema::Schema;
pub use self::vendor::{KeyEncoding, Vendor};

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
