//! The in-process view of a store.

use std::sync::Arc;

use bytes::Bytes;

use crate::notify::Change;
use crate::objects::Dialect;
use crate::observe::TwinEvent;
use crate::state::Inner;
use crate::store::{Digests, ObjectHeaders, Overwrite, StoredObject};

/// Direct access to the objects of one service: no signature, no fault, no request.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) dialect: Dialect,
}

impl std::fmt::Debug for Objects<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("service", &self.dialect.service()).finish_non_exhaustive()
    }
}

impl Objects<'_> {
    /// Stores an object, and creates the bucket when it is not there. Raises no bucket event.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) {
        self.store(bucket, key, body.into());
    }

    /// As [`Objects::put`], and raises the bucket event of a `PutObject` (OSS only).
    pub fn put_with_event(&self, bucket: &str, key: &str, body: impl Into<Bytes>) {
        let (object, replaced) = self.store(bucket, key, body.into());
        if self.dialect == Dialect::Oss {
            let request_id = self.inner.request_id(self.dialect.service());
            self.inner.raise(Change::PutObject, bucket, key, &object, replaced, &request_id);
        }
    }

    fn store(&self, bucket: &str, key: &str, body: Bytes) -> (Arc<StoredObject>, Option<usize>) {
        let now = self.inner.now();
        let store = self.inner.store(self.dialect);
        let digests = Digests::of(&body);
        let object = Arc::new(store.object(body, digests, ObjectHeaders::default(), now));
        let replaced = store.create(bucket, now).put(key, Arc::clone(&object), Overwrite::Allowed);
        self.inner.emit(|| TwinEvent::ObjectPut {
            service: self.dialect.service(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        });
        (object, replaced.ok().flatten())
    }

    /// An object; the copy shares the content.
    pub fn get(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        let object = self.inner.store(self.dialect).bucket(bucket)?.get(key)?;
        Some(StoredObject::clone(&object))
    }

    /// Removes an object without a bucket event; `false` when it was not there.
    pub fn delete(&self, bucket: &str, key: &str) -> bool {
        let bucket = self.inner.store(self.dialect).bucket(bucket);
        let deleted = bucket.is_some_and(|bucket| bucket.delete(key).is_some());
        self.inner.changed();
        deleted
    }

    /// All keys of a bucket in byte order; none when there is no such bucket.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let bucket = self.inner.store(self.dialect).bucket(bucket);
        bucket
            .map(|bucket| bucket.with_objects(|objects| objects.keys().cloned().collect()))
            .unwrap_or_default()
    }

    /// How many objects a bucket holds; 0 when there is no such bucket.
    pub fn len(&self, bucket: &str) -> usize {
        let bucket = self.inner.store(self.dialect).bucket(bucket);
        bucket.map_or(0, |bucket| bucket.with_objects(std::collections::BTreeMap::len))
    }
}
