//! Buckets and objects in memory, one store each for OSS and OBS.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use md5::{Digest, Md5};

use crate::crc64::Crc64;
use crate::objects::Dialect;
use crate::sync::{lock, read, write};

/// What an object was made by; OSS tells in `x-oss-object-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ObjectKind {
    /// One PUT.
    #[default]
    Normal,
    /// A completed multipart upload.
    Multipart,
}

/// Headers a client may attach to an object and gets back on reading.
#[derive(Debug, Clone, Default)]
pub struct ObjectHeaders {
    /// `Content-Type`; the service's default when absent.
    pub content_type: Option<HeaderValue>,
    /// `Cache-Control`, `Content-Disposition`, `Content-Encoding`, `Content-Language`, `Expires`, as sent.
    pub standard: Vec<(http::HeaderName, HeaderValue)>,
    /// User metadata by name without the `x-oss-meta-`/`x-obs-meta-` prefix, lower case.
    pub user: BTreeMap<String, HeaderValue>,
    /// Storage class as sent; the bucket's default when absent.
    pub storage_class: Option<String>,
}

/// One object.
#[derive(Clone)]
pub struct StoredObject {
    /// Content.
    pub body: Bytes,
    /// Entity tag without quotes: MD5 in hex, upper case on OSS, lower case on OBS.
    pub etag: String,
    /// CRC-64/XZ of the content.
    pub crc64: u64,
    /// Time of the last write.
    pub last_modified: DateTime<Utc>,
    /// Headers kept with the object.
    pub headers: ObjectHeaders,
    /// What it was made by.
    pub kind: ObjectKind,
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject")
            .field("len", &self.body.len())
            .field("etag", &self.etag)
            .field("last_modified", &self.last_modified)
            .field("headers", &self.headers)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Checksums every write computes.
#[derive(Default)]
pub(crate) struct Hasher {
    md5: Md5,
    crc64: Crc64,
}

impl Hasher {
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.md5.update(data);
        self.crc64.update(data);
    }

    pub(crate) fn finish(self) -> Digests {
        Digests { md5: self.md5.finalize().into(), crc64: self.crc64.value() }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    pub(crate) crc64: u64,
}

impl Digests {
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(data);
        hasher.finish()
    }
}

/// A multipart upload under way.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) headers: ObjectHeaders,
    pub(crate) parts: BTreeMap<u32, Part>,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) body: Bytes,
    pub(crate) md5: [u8; 16],
}

pub(crate) type Objects = BTreeMap<String, Arc<StoredObject>>;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) created: DateTime<Utc>,
    objects: Mutex<Objects>,
    pub(crate) uploads: Mutex<BTreeMap<String, Upload>>,
    /// The document as it was put.
    pub(crate) lifecycle: Mutex<Option<Bytes>>,
}

/// Refusal of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exists;

/// Whether a write may replace an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Allowed,
    Forbidden,
}

impl Bucket {
    fn new(created: DateTime<Utc>) -> Self {
        Self { created, objects: Mutex::default(), uploads: Mutex::default(), lifecycle: Mutex::default() }
    }

    /// Stores an object; returns the size of the one it replaced.
    pub(crate) fn put(
        &self,
        key: &str,
        object: Arc<StoredObject>,
        overwrite: Overwrite,
    ) -> Result<Option<usize>, Exists> {
        let mut objects = lock(&self.objects);
        if overwrite == Overwrite::Forbidden && objects.contains_key(key) {
            return Err(Exists);
        }
        Ok(objects.insert(key.to_owned(), object).map(|old| old.body.len()))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<StoredObject>> {
        lock(&self.objects).get(key).cloned()
    }

    pub(crate) fn delete(&self, key: &str) -> Option<Arc<StoredObject>> {
        lock(&self.objects).remove(key)
    }

    pub(crate) fn with_objects<T>(&self, look: impl FnOnce(&Objects) -> T) -> T {
        look(&lock(&self.objects))
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) dialect: Dialect,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BucketRemoval {
    Removed,
    Missing,
    NotEmpty,
}

impl Store {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, buckets: RwLock::default() }
    }

    pub(crate) fn bucket(&self, name: &str) -> Option<Arc<Bucket>> {
        read(&self.buckets).get(name).cloned()
    }

    pub(crate) fn create(&self, name: &str, now: DateTime<Utc>) -> Arc<Bucket> {
        let mut buckets = write(&self.buckets);
        Arc::clone(buckets.entry(name.to_owned()).or_insert_with(|| Arc::new(Bucket::new(now))))
    }

    pub(crate) fn remove(&self, name: &str) -> BucketRemoval {
        let mut buckets = write(&self.buckets);
        match buckets.get(name) {
            None => BucketRemoval::Missing,
            Some(bucket) if bucket.with_objects(|objects| !objects.is_empty()) => BucketRemoval::NotEmpty,
            Some(_) => {
                buckets.remove(name);
                BucketRemoval::Removed
            }
        }
    }

    pub(crate) fn list(&self) -> Vec<(String, DateTime<Utc>)> {
        read(&self.buckets).iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }

    pub(crate) fn object(
        &self,
        body: Bytes,
        digests: Digests,
        headers: ObjectHeaders,
        now: DateTime<Utc>,
    ) -> StoredObject {
        StoredObject {
            body,
            etag: self.dialect.etag(&digests.md5),
            crc64: digests.crc64,
            last_modified: now,
            headers,
            kind: ObjectKind::Normal,
        }
    }
}
