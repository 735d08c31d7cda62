//! The in-process view of a store.

use std::sync::Arc;

use crate::assembled::Assembled;
use crate::cloud::Cloud;
use crate::content::Content;
use crate::dialect::Dialect;
use crate::digest::Digests;
use crate::notify::Change;
use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
use crate::observe::TwinEvent;
use crate::store::{Overwrite, Part};

/// Longest content that is stored as one PUT would; longer content is stored as an upload in parts of this
/// length.
const LONGEST_SINGLE: u64 = 64 << 20;

/// Direct access to the objects of one service: no signature, no fault, no request.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) dialect: Dialect,
}

impl std::fmt::Debug for Objects<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("service", &self.dialect.service()).finish_non_exhaustive()
    }
}

impl Objects<'_> {
    /// Stores an object, and creates the bucket when it is not there. Raises no bucket event.
    ///
    /// Content of more than 64 MiB is stored as an upload in parts of 64 MiB would be, with its `ETag`.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Content>) {
        self.put_with(bucket, key, body, ObjectHeaders::default());
    }

    /// As [`Objects::put`], with headers, metadata, storage class, tags, ACL.
    pub fn put_with(&self, bucket: &str, key: &str, body: impl Into<Content>, headers: ObjectHeaders) {
        let object = self.object(body.into(), headers);
        self.store(bucket, key, object);
    }

    /// As [`Objects::put`] with `len` zeros, which take no memory.
    pub fn put_zeros(&self, bucket: &str, key: &str, len: u64) {
        self.put(bucket, key, Content::zeros(len));
    }

    /// As [`Objects::put`], and raises the bucket event of a `PutObject` (OSS only).
    pub fn put_with_event(&self, bucket: &str, key: &str, body: impl Into<Content>) {
        let object = self.object(body.into(), ObjectHeaders::default());
        let (object, replaced) = self.store(bucket, key, object);
        if self.dialect == Dialect::Oss {
            let request_id = self.cloud.request_id(self.dialect.service());
            self.cloud.raise(Change::PutObject, bucket, key, &object, replaced, &request_id);
        }
    }

    /// As [`Objects::put`], for an object without CRC-64, such as an old one.
    pub fn put_without_crc(&self, bucket: &str, key: &str, body: impl Into<Content>) {
        let object = self.object(body.into(), ObjectHeaders::default());
        self.store(bucket, key, StoredObject { crc64: None, ..object });
    }

    /// As [`Objects::put`], for an object made by appends: its `ETag` looks like an MD5 but is not one.
    pub fn put_appendable(&self, bucket: &str, key: &str, body: impl Into<Content>) {
        let object = self.object(body.into(), ObjectHeaders::default());
        let etag = self.dialect.etag(&Digests::of(&object.etag.clone().into()).md5);
        self.store(bucket, key, StoredObject { etag, kind: ObjectKind::Appendable, ..object });
    }

    /// Stores a symbolic link to the key `target` of the same bucket, whether it is there or not (OSS).
    pub fn put_symlink(&self, bucket: &str, key: &str, target: &str) {
        let object = self.object(Content::default(), ObjectHeaders::default());
        let kind = ObjectKind::Symlink { target: target.to_owned() };
        self.store(bucket, key, StoredObject { crc64: None, kind, ..object });
    }

    /// Changes a stored object; `false` when it is not there.
    pub fn modify(&self, bucket: &str, key: &str, change: impl FnOnce(&mut StoredObject)) -> bool {
        let bucket = self.cloud.store(self.dialect).bucket(bucket);
        let found = bucket.is_some_and(|bucket| bucket.modify(key, change).is_some());
        self.cloud.watchers.changed();
        found
    }

    /// The object that such content becomes.
    pub(crate) fn object(&self, body: Content, headers: ObjectHeaders) -> StoredObject {
        let now = self.cloud.now();
        if body.len() <= LONGEST_SINGLE {
            let digests = Digests::of(&body);
            return self.cloud.store(self.dialect).object(body, digests, headers, now);
        }
        let parts: Vec<_> = (0..body.len().div_ceil(LONGEST_SINGLE))
            .map(|number| {
                let body = body.slice(number * LONGEST_SINGLE..(number + 1) * LONGEST_SINGLE);
                let Digests { md5, crc64 } = Digests::of(&body);
                let etag = self.dialect.etag(&md5);
                Part { body, md5, etag, crc64: Some(crc64), last_modified: now }
            })
            .collect();
        let id = self.cloud.request_id(self.dialect.service());
        Assembled::of(&parts).into_object(self.dialect, headers, &id, now)
    }

    fn store(&self, bucket: &str, key: &str, object: StoredObject) -> (Arc<StoredObject>, Option<u64>) {
        let object = Arc::new(object);
        let bucket_of = self.cloud.store(self.dialect).create(bucket, self.cloud.now());
        let replaced = bucket_of.put(key, Arc::clone(&object), Overwrite::Allowed);
        self.cloud.watchers.emit(|| TwinEvent::ObjectPut {
            service: self.dialect.service(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        });
        (object, replaced.ok().flatten())
    }

    /// An object; the copy shares the content.
    pub fn get(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        let object = self.cloud.store(self.dialect).bucket(bucket)?.get(key)?;
        Some(StoredObject::clone(&object))
    }

    /// Removes an object without a bucket event; `false` when it was not there.
    pub fn delete(&self, bucket: &str, key: &str) -> bool {
        let bucket = self.cloud.store(self.dialect).bucket(bucket);
        let deleted = bucket.is_some_and(|bucket| bucket.delete(key).is_some());
        self.cloud.watchers.changed();
        deleted
    }

    /// All keys of a bucket in byte order; none when there is no such bucket.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let bucket = self.cloud.store(self.dialect).bucket(bucket);
        bucket
            .map(|bucket| bucket.with_objects(|objects| objects.keys().cloned().collect()))
            .unwrap_or_default()
    }

    /// How many objects a bucket holds; 0 when there is no such bucket.
    pub fn len(&self, bucket: &str) -> usize {
        let bucket = self.cloud.store(self.dialect).bucket(bucket);
        bucket.map_or(0, |bucket| bucket.with_objects(std::collections::BTreeMap::len))
    }

    /// The multipart uploads under way in a bucket, by key and then id: key, upload id, number of parts
    /// received.
    pub fn uploads(&self, bucket: &str) -> Vec<(String, String, usize)> {
        let bucket = self.cloud.store(self.dialect).bucket(bucket);
        bucket.map(|bucket| bucket.list_uploads()).unwrap_or_default()
    }
}
