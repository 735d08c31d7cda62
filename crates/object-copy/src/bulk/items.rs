//! The objects to copy.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Bucket, ListOptions, ListPage, ListedObject, compare_coldness, etag_md5};

#[cfg(feature = "s3")]
use crate::transfer::S3Bucket;
use crate::transfer::{DestinationHint, Item, Side, TransferError};

/// One object among those to copy.
#[derive(Debug)]
pub enum Entry {
    /// It may have to be copied.
    Copy(Item),
    /// Both listings show the same object.
    UpToDate {
        /// Its key at the source.
        key: String,
        /// Its size in bytes.
        size: u64,
    },
    /// It cannot be copied.
    Failed {
        /// Its name: a key, or a file name that is not UTF-8. A local directory has a slash at its end.
        name: OsString,
        /// The reason.
        failed: TransferError,
    },
    /// A rule skips it.
    LeftOut {
        /// Its name, as above.
        name: OsString,
        /// The rule.
        why: &'static str,
    },
}

/// How keys at the source become keys at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMapping {
    /// The prefix of all keys at the source.
    pub from: String,
    /// The prefix that replaces it at the destination.
    pub to: String,
}

impl KeyMapping {
    /// The key at the destination; `None` for a key that does not begin as it should.
    pub fn destination(&self, key: &str) -> Option<String> {
        Some([&self.to, key.strip_prefix(&self.from)?].concat())
    }
}

/// The objects to copy cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A bucket cannot be listed.
    #[error(transparent)]
    Bucket(TransferError),
    /// A directory cannot be read.
    #[error(transparent)]
    Directory(TransferError),
    /// A list of keys cannot be read.
    #[error("{0:?}: {1}")]
    Keys(PathBuf, #[source] std::io::Error),
}

/// A listing of one bucket, object by object.
pub struct BucketListing {
    objects: Pin<Box<dyn Stream<Item = Result<ListedObject, ListError>> + Send>>,
    /// The next object, if it was read already.
    next: Option<ListedObject>,
}

impl fmt::Debug for BucketListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketListing").field("next", &self.next).finish_non_exhaustive()
    }
}

impl BucketListing {
    /// The objects of `bucket`, which is at this end, whose keys begin with `prefix`, in byte order.
    pub fn new(side: Side, bucket: &Bucket, prefix: &str) -> Self {
        let prefix = (!prefix.is_empty()).then(|| prefix.to_owned());
        let pages = bucket.list(ListOptions { prefix, ..ListOptions::default() });
        let objects = |page: ListPage| stream::iter(page.objects.into_iter().map(Ok));
        let failed = match side {
            Side::Source => TransferError::of_source,
            Side::Destination => TransferError::from,
        };
        let objects =
            pages.map_ok(objects).try_flatten().map_err(move |error| ListError::Bucket(failed(error)));
        Self { objects: Box::pin(objects), next: None }
    }

    /// The same of a bucket of Amazon S3.
    #[cfg(feature = "s3")]
    pub fn of_s3(bucket: &S3Bucket, prefix: &str) -> Self {
        Self { objects: Box::pin(bucket.list(prefix).map_err(ListError::Bucket)), next: None }
    }

    /// Total size of all objects in bytes.
    ///
    /// # Errors
    ///
    /// When they cannot be listed.
    pub async fn total_size(mut self) -> Result<u64, ListError> {
        let mut total = 0;
        while let Some(object) = self.next().await? {
            total += object.size;
        }
        Ok(total)
    }

    async fn next(&mut self) -> Result<Option<ListedObject>, ListError> {
        match self.next.take() {
            Some(object) => Ok(Some(object)),
            None => self.objects.next().await.transpose(),
        }
    }

    /// The object of this key, if there is one. Calls must be in byte order of the keys.
    async fn find(&mut self, key: &str) -> Result<Option<ListedObject>, ListError> {
        while let Some(object) = self.next().await? {
            if object.key.as_str() >= key {
                if object.key == key {
                    return Ok(Some(object));
                }
                self.next = Some(object);
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// Listings of both sides, to be compared.
#[derive(Debug)]
pub struct Compared {
    /// The source.
    pub source: BucketListing,
    /// The destination; absent if nothing is to be compared.
    pub destination: Option<BucketListing>,
    /// How keys are renamed.
    pub names: KeyMapping,
}

/// The objects of the source, each compared with the listing of the destination. Pages are fetched as the
/// stream is read.
pub fn compared(compared: Compared) -> impl Stream<Item = Result<Entry, ListError>> + Send {
    stream::try_unfold(compared, |mut compared| async move {
        let Some(object) = compared.source.next().await? else { return Ok(None) };
        let entry = compared.entry(object).await?;
        Ok(Some((entry, compared)))
    })
}

impl Compared {
    async fn entry(&mut self, object: ListedObject) -> Result<Entry, ListError> {
        let Some(to) = self.names.destination(&object.key) else {
            let why = format!("the listing shows a key that does not begin with {:?}", self.names.from);
            return Ok(Entry::Failed { name: object.key.into(), failed: TransferError::permanent(why) });
        };
        if to.is_empty() {
            return Ok(self.names.nameless(object.key, Some(object.size)));
        }
        let is_link = object.object_type.as_deref() == Some(SYMLINK);
        let hint = match &mut self.destination {
            Some(listed) => match listed.find(&to).await? {
                // Size and `ETag` in a listing are those of the symlink, not of its target.
                Some(_) if is_link => DestinationHint::SameSize,
                Some(copy) if copy.size == object.size => {
                    if is_same(&object, &copy) {
                        return Ok(Entry::UpToDate { key: object.key, size: object.size });
                    }
                    DestinationHint::SameSize
                }
                _ => DestinationHint::NoCopy,
            },
            None => DestinationHint::Unknown,
        };
        let size = (!is_link).then_some(object.size);
        Ok(Entry::Copy(Item { size, hint, ..Item::new(object.key, to) }))
    }
}

impl KeyMapping {
    /// The entry for the folder itself, for which some tools create an object, and which would get the empty
    /// key. `size` is that of the object, where known.
    pub fn nameless(&self, key: String, size: Option<u64>) -> Entry {
        let name = key.into();
        if size == Some(0) {
            return Entry::LeftOut { name, why: "the folder SRC itself, which has no name below DST" };
        }
        let why = "the folder SRC itself, which has no name below DST, and may have bytes: copy it by its own name, without -r";
        Entry::Failed { name, failed: TransferError::permanent(why) }
    }
}

/// Type of symlinks in listings of OSS.
const SYMLINK: &str = "Symlink";

/// Equal MD5s prove equal content, and a copy that is younger than the source has its metadata too.
/// Everything else needs a HEAD: listings have whole seconds, so metadata may have changed in the second of
/// the copy, and a lifecycle rule of the source bucket may have moved the object to a colder class since.
fn is_same(object: &ListedObject, copy: &ListedObject) -> bool {
    let md5 = |object: &ListedObject| object.etag.as_deref().and_then(etag_md5);
    let same = md5(object).is_some() && md5(object) == md5(copy);
    let colder = object.storage_class.as_deref().zip(copy.storage_class.as_deref());
    let colder = colder.is_some_and(|(one, other)| compare_coldness(one, other) == Some(Ordering::Greater));
    same && !colder && object.last_modified.is_some() && object.last_modified < copy.last_modified
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_replaced_by_another() {
        let names = KeyMapping { from: "photos/".into(), to: "backup/2024/".into() };
        assert_eq!(names.destination("photos/a/b.jpg").as_deref(), Some("backup/2024/a/b.jpg"));
        assert_eq!(names.destination("photos"), None);
        let all = KeyMapping { from: String::new(), to: String::new() };
        assert_eq!(all.destination("/x//y").as_deref(), Some("/x//y"));
    }
}
