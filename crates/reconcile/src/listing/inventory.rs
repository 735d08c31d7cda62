//! An inventory: what a service wrote of a bucket at an earlier time.

use std::fmt;
use std::future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use inventory::{Error, Inventory, Options, Row, Rows, Summary};
use object_copy::transfer::TransferError;
use parking_lot::Mutex;

use super::{Holding, HoldingFuture, KnownBy, Listed, Listing, PAGE, Page, PageStream, Precision};

/// The objects of an inventory. Its files are read when the first page is asked for, and again for another
/// listing.
#[derive(Clone)]
pub struct InventoryListing {
    inventory: Arc<Inventory>,
    options: Options,
    held: Arc<Mutex<Option<Held>>>,
}

/// What an inventory held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Its files and rows.
    pub summary: Summary,
    /// Rows that were left out, since a newer one has the same key.
    pub duplicates: u64,
}

impl InventoryListing {
    /// Those of `inventory`.
    pub fn new(inventory: Inventory, options: Options) -> Self {
        Self { inventory: Arc::new(inventory), options, held: Arc::default() }
    }

    /// The inventory.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What it held, as far as it was read.
    pub fn held(&self) -> Option<Held> {
        *self.held.lock()
    }
}

impl fmt::Debug for InventoryListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InventoryListing").field(&self.inventory.address()).finish()
    }
}

impl Listing for InventoryListing {
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream {
        let (listing, prefix, after) = (self.clone(), prefix.to_owned(), after.map(str::to_owned));
        let pages = stream::once(async move {
            let rows = listing.inventory.rows(listing.options.clone()).await.map_err(failed)?;
            Ok::<_, TransferError>(pages(Reading { rows, prefix, after, held: listing.held }))
        });
        pages.try_flatten().boxed()
    }

    fn holding(&self) -> HoldingFuture {
        let read = self.held().map(|held| Holding {
            objects: held.summary.rows.saturating_sub(held.duplicates),
            precision: Precision::Exact,
            bytes: None,
            known_by: KnownBy::Rows,
        });
        let by_manifest = || {
            let manifest = self.inventory.manifest();
            let objects = manifest.rows()?;
            let precision = if manifest.has_versions() { Precision::AtMost } else { Precision::Exact };
            Some(Holding { objects, precision, bytes: None, known_by: KnownBy::Manifest })
        };
        Box::pin(future::ready(Ok(read.or_else(by_manifest))))
    }

    fn complete_to(&self) -> Option<DateTime<Utc>> {
        Some(self.inventory.complete_to().unwrap_or(DateTime::<Utc>::MIN_UTC))
    }
}

struct Reading {
    rows: Rows,
    prefix: String,
    after: Option<String>,
    held: Arc<Mutex<Option<Held>>>,
}

fn pages(reading: Reading) -> impl futures_util::Stream<Item = Result<Page, TransferError>> + Send {
    stream::try_unfold(Some(reading), |reading| async move {
        let Some(mut reading) = reading else { return Ok(None) };
        let (page, is_last) = reading.page().await.map_err(failed)?;
        Ok(Some((page, (!is_last).then_some(reading))))
    })
}

impl Reading {
    /// The next objects, and whether there are no more.
    async fn page(&mut self) -> Result<(Page, bool), Error> {
        let mut objects = Vec::new();
        let is_last = loop {
            let Some(row) = self.rows.next().await? else { break true };
            if self.is_behind(&row.key) {
                break true;
            }
            if row.key.starts_with(&self.prefix) && self.after.as_ref().is_none_or(|after| row.key > *after) {
                objects.push(Listed::from(row));
            }
            if objects.len() == PAGE {
                break false;
            }
        };
        let held = Held { summary: self.rows.summary(), duplicates: self.rows.duplicates() };
        *self.held.lock() = Some(held);
        Ok((Page::of(objects), is_last))
    }

    /// Whether a key and all that follow it come after those that begin with the prefix.
    fn is_behind(&self, key: &str) -> bool {
        key > self.prefix.as_str() && !key.starts_with(&self.prefix)
    }
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        // An `ETag` that looks like an MD5 and is none, as the inventory says, proves nothing.
        let is_misleading = row.md5.is_none() && row.etag.as_deref().is_some_and(|etag| etag.len() == 32);
        Self {
            key: row.key,
            size: row.size,
            modified: row.modified,
            etag: row.etag.filter(|_| !is_misleading).map(String::into_boxed_str),
            crc64: row.crc64,
            is_link: row.is_symlink,
            flaw: None,
        }
    }
}

fn failed(error: Error) -> TransferError {
    match error {
        Error::Read { error, .. } => error,
        error => TransferError::permanent(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use inventory::{Files, Place};
    use tempfile::TempDir;

    use super::*;

    const SCHEMA: &str = "Key, Size, LastModifiedDate, ETag, IsMultipartUploaded, Crc64, ObjectType";

    /// An inventory of these rows, of this time.
    async fn listing(rows: &str, time: &str) -> (TempDir, InventoryListing) {
        let folder = TempDir::new().unwrap();
        let manifest = format!(
            r#"{{"sourceBucket":"photos","version":"2019-09-01","fileFormat":"CSV","fileSchema":"{SCHEMA}",
            "creationTimestamp":"{time}","files":[{{"key":"a.csv","size":{}}}]}}"#,
            rows.len()
        );
        fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        fs::write(folder.path().join("a.csv"), rows).unwrap();
        let place = Place::Local(folder.path().to_owned());
        let inventory = Inventory::open(Files::Local, &place).await.unwrap();
        (folder, InventoryListing::new(inventory, Options::default()))
    }

    async fn keys(listing: &InventoryListing, prefix: &str, after: Option<&str>) -> Vec<String> {
        let pages: Vec<Page> = listing.pages(prefix, after).try_collect().await.unwrap();
        pages.into_iter().flat_map(|page| page.objects).map(|object| object.key).collect()
    }

    #[tokio::test]
    async fn a_prefix_and_a_start_choose_rows() {
        let (_folder, listing) =
            listing("b/x,1,,,,,\na,1,,,,,\nb,1,,,,,\nb/,1,,,,,\nc,1,,,,,\n", "1769824800").await;
        assert_eq!(keys(&listing, "", None).await, ["a", "b", "b/", "b/x", "c"]);
        assert_eq!(listing.held().unwrap().summary.rows, 5);
        assert_eq!(keys(&listing, "b/", None).await, ["b/", "b/x"]);
        assert_eq!(keys(&listing, "b/", Some("b/")).await, ["b/x"]);
        assert_eq!(keys(&listing, "", Some("b")).await, ["b/", "b/x", "c"]);
        assert_eq!(keys(&listing, "nothing/", None).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_etag_that_is_no_md5_is_not_compared() {
        let md5 = "9e107d9d372bb6826bd81d3542a419d6";
        let rows =
            format!("a,1,,{md5},false,7,Normal\nb,1,,{md5},true,,Normal\nc,1,,{md5}-2,true,,Symlink\n");
        let (_folder, listing) = listing(&rows, "1769824800").await;
        let pages: Vec<Page> = listing.pages("", None).try_collect().await.unwrap();
        let objects: Vec<Listed> = pages.into_iter().flat_map(|page| page.objects).collect();
        assert_eq!((objects[0].likely_md5().map(|_| ()), objects[0].crc64), (Some(()), Some(7)));
        assert_eq!((objects[1].likely_md5(), objects[1].etag.as_deref()), (None, None));
        assert!(objects[2].is_link && objects[2].etag.is_some());
    }

    #[tokio::test]
    async fn an_inventory_is_complete_to_a_day_before_its_time() {
        let (_folder, dated) = listing("a,1,,,,,\n", "1769824800").await;
        assert_eq!(dated.complete_to().map(|time| time.timestamp()), Some(1_769_824_800 - 86_400));
        let (_folder, undated) = listing("a,1,,,,,\n", "").await;
        assert_eq!(undated.complete_to(), Some(DateTime::<Utc>::MIN_UTC));
    }

    #[tokio::test]
    async fn a_damaged_inventory_is_an_error_without_a_page() {
        let (_folder, listing) = listing("a,1,,,,,\nb,many,,,,,\n", "1769824800").await;
        let mut pages = listing.pages("", None);
        let failed = pages.try_next().await.unwrap_err();
        assert!(failed.error.message.contains("a.csv, line 2: Size is not a number"), "{failed}");
    }
}
