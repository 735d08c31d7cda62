//! Buckets and objects in memory, one store each for OSS and OBS.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};

use crate::content::Content;
use crate::cors::Cors;
use crate::dialect::Dialect;
use crate::digest::Digests;
use crate::object::{ObjectHeaders, ObjectKind, StoredObject};

/// A multipart upload under way.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) headers: ObjectHeaders,
    pub(crate) initiated: DateTime<Utc>,
    pub(crate) parts: BTreeMap<u32, Part>,
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) body: Content,
    pub(crate) md5: [u8; 16],
    /// Without quotes.
    pub(crate) etag: String,
    /// None where it was copied from an object without one.
    pub(crate) crc64: Option<u64>,
    pub(crate) last_modified: DateTime<Utc>,
}

pub(crate) type ObjectMap = BTreeMap<String, Arc<StoredObject>>;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) created: DateTime<Utc>,
    objects: Mutex<ObjectMap>,
    pub(crate) uploads: Mutex<BTreeMap<String, Upload>>,
    /// The document as it was put.
    pub(crate) lifecycle: Mutex<Option<Bytes>>,
    pub(crate) cors: Mutex<Option<Cors>>,
}

/// Refusal of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exists;

/// Whether a write may replace an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Allowed,
    Forbidden,
}

impl Bucket {
    fn new(created: DateTime<Utc>) -> Self {
        Self {
            created,
            objects: Mutex::default(),
            uploads: Mutex::default(),
            lifecycle: Mutex::default(),
            cors: Mutex::default(),
        }
    }

    /// Stores an object; returns the size of the one it replaced.
    pub(crate) fn put(
        &self,
        key: &str,
        object: Arc<StoredObject>,
        overwrite: Overwrite,
    ) -> Result<Option<u64>, Exists> {
        let mut objects = self.objects.lock();
        if overwrite == Overwrite::Forbidden && objects.contains_key(key) {
            return Err(Exists);
        }
        Ok(objects.insert(key.to_owned(), object).map(|old| old.body.len()))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<StoredObject>> {
        self.objects.lock().get(key).cloned()
    }

    pub(crate) fn delete(&self, key: &str) -> Option<Arc<StoredObject>> {
        self.objects.lock().remove(key)
    }

    /// Changes an object in place; `None` when it is not there.
    pub(crate) fn modify<T>(&self, key: &str, change: impl FnOnce(&mut StoredObject) -> T) -> Option<T> {
        self.objects.lock().get_mut(key).map(|object| change(Arc::make_mut(object)))
    }

    /// Stores what `change` makes of an object, or of none, with nothing between the look and the write;
    /// returns it and the size of the one it replaced.
    pub(crate) fn replace<E>(
        &self,
        key: &str,
        change: impl FnOnce(Option<&StoredObject>) -> Result<StoredObject, E>,
    ) -> Result<(Arc<StoredObject>, Option<u64>), E> {
        let mut objects = self.objects.lock();
        let object = Arc::new(change(objects.get(key).map(Arc::as_ref))?);
        let replaced = objects.insert(key.to_owned(), Arc::clone(&object));
        Ok((object, replaced.map(|old| old.body.len())))
    }

    /// Ends what is under way of restoring archived objects.
    fn finish_restores(&self, now: DateTime<Utc>) {
        for object in self.objects.lock().values_mut() {
            if object.restored_from.is_some_and(|from| from > now) {
                Arc::make_mut(object).restored_from = Some(now);
            }
        }
    }

    /// Key, id and number of parts of each upload under way, by key and id.
    pub(crate) fn list_uploads(&self) -> Vec<(String, String, usize)> {
        let mut uploads: Vec<_> = self
            .uploads
            .lock()
            .iter()
            .map(|(id, upload)| (upload.key.clone(), id.clone(), upload.parts.len()))
            .collect();
        uploads.sort();
        uploads
    }

    pub(crate) fn with_objects<T>(&self, look: impl FnOnce(&ObjectMap) -> T) -> T {
        look(&self.objects.lock())
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) dialect: Dialect,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        self.buckets.read().get(name).cloned()
    }

    pub(crate) fn create(&self, name: &str, now: DateTime<Utc>) -> Arc<Bucket> {
        let mut buckets = self.buckets.write();
        Arc::clone(buckets.entry(name.to_owned()).or_insert_with(|| Arc::new(Bucket::new(now))))
    }

    pub(crate) fn remove(&self, name: &str) -> BucketRemoval {
        let mut buckets = self.buckets.write();
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
        self.buckets.read().iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }

    /// Ends what is under way of restoring archived objects.
    pub(crate) fn finish_restores(&self, now: DateTime<Utc>) {
        for bucket in self.buckets.read().values() {
            bucket.finish_restores(now);
        }
    }

    pub(crate) fn object(
        &self,
        body: Content,
        digests: Digests,
        headers: ObjectHeaders,
        now: DateTime<Utc>,
    ) -> StoredObject {
        StoredObject {
            body,
            etag: self.dialect.etag(&digests.md5),
            crc64: Some(digests.crc64),
            last_modified: now,
            headers,
            kind: ObjectKind::Normal,
            upload_id: None,
            encryption: None,
            acl_document: None,
            restored_from: None,
            restored_until: None,
        }
    }
}
