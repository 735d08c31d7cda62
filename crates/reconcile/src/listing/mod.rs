//! One side of a comparison, as ordered pages of objects.

mod bucket;
mod checked;
mod folder;
mod holding;
mod inventory;
#[cfg(feature = "s3")]
mod s3;

use std::fmt;
use std::future;
use std::pin::Pin;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use object_copy::transfer::TransferError;
use oss_lite::{ListedObject, etag_md5};

pub use self::bucket::BucketListing;
pub(crate) use self::checked::CheckedPages;
pub use self::folder::FolderListing;
pub use self::holding::{Holding, HoldingFuture, KnownBy, Precision};
pub use self::inventory::{Held, InventoryListing};
#[cfg(feature = "s3")]
pub use self::s3::S3Listing;

/// A side that can be listed in byte order of its keys: a bucket, a local folder, an inventory.
pub trait Listing: fmt::Debug + Send + Sync {
    /// The objects whose keys begin with `prefix` and come after `after` in byte order, page by page. Keys are
    /// whole, the prefix included. A page is asked for when the stream is polled; the stream ends after its
    /// first error. What is no object (a name that is not UTF-8, a dangling link) is in the order too, with its
    /// [`Listed::flaw`].
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream;

    /// The same, where only the first object is of interest.
    fn probe(&self, prefix: &str, after: &str) -> PageStream {
        self.pages(prefix, Some(after))
    }

    /// Whether a listing can begin behind any key at no cost, so that ranges of keys can be listed at once.
    fn can_seek(&self) -> bool {
        false
    }

    /// How many objects the whole place holds, where that is known without listing it; by one request at most.
    /// Fails where the service refuses to tell.
    fn holding(&self) -> HoldingFuture {
        Box::pin(future::ready(Ok(None)))
    }

    /// Up to when the listing is complete, where that is not now: what changed later may be missing in it, and
    /// what it has may have been removed since.
    fn complete_to(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// Objects of a page, of services and of what is read here.
pub(crate) const PAGE: usize = 1000;

/// Pages of a listing.
pub type PageStream = Pin<Box<dyn Stream<Item = Result<Page, TransferError>> + Send>>;

/// A page of a listing, in byte order of keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
}

impl Page {
    /// A page of objects alone.
    pub fn of(objects: Vec<Listed>) -> Self {
        Self { objects }
    }
}

/// An object as one side lists it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The key, byte for byte.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change.
    pub modified: Option<DateTime<Utc>>,
    /// `ETag` without quotes.
    pub etag: Option<Box<str>>,
    /// CRC-64/XZ of the content, where the listing has it: some inventories do.
    pub crc64: Option<u64>,
    /// Whether size and `ETag` are those of a link, and those of its target are not known.
    pub is_link: bool,
    /// Why it is no object, if it is none.
    pub flaw: Option<Box<Flaw>>,
}

/// Why what a side has under a name is no object that can be compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Flaw {
    /// It cannot be read.
    Failed(TransferError),
    /// The name cannot be a key; the key here is what it looks like. It is reported with the next key.
    NoKey(TransferError),
    /// A rule leaves it out, for this reason. It is one name all the same: what the other side has under it
    /// cannot be compared with it.
    LeftOut(&'static str),
}

impl Listed {
    /// Something that is no object.
    pub fn flawed(key: String, flaw: Flaw) -> Self {
        Self { key, flaw: Some(Box::new(flaw)), ..Self::default() }
    }

    /// Whether its key has a place in the order.
    pub(crate) fn has_key(&self) -> bool {
        !matches!(self.flaw.as_deref(), Some(Flaw::NoKey(_)))
    }

    /// Whether a rule leaves it out.
    pub(crate) fn is_left_out(&self) -> bool {
        matches!(self.flaw.as_deref(), Some(Flaw::LeftOut(_)))
    }

    /// The MD5 that the `ETag` looks like. It is one if the object was stored whole and not encrypted, which a
    /// listing does not say.
    pub fn likely_md5(&self) -> Option<[u8; 16]> {
        etag_md5(self.etag.as_deref()?)
    }
}

impl From<ListedObject> for Listed {
    fn from(object: ListedObject) -> Self {
        Self {
            is_link: object.object_type.as_deref() == Some("Symlink"),
            key: object.key,
            size: object.size,
            modified: object.last_modified,
            etag: object.etag.map(String::into_boxed_str),
            crc64: None,
            flaw: None,
        }
    }
}
