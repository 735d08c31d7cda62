//! The object that parts of a multipart upload make.

use chrono::{DateTime, Utc};
use md5::{Digest as _, Md5};

use crate::content::Content;
use crate::crc64::combine;
use crate::dialect::Dialect;
use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
use crate::store::Part;

/// What the chosen parts make, without touching their bytes.
pub(crate) struct Assembled {
    body: Content,
    md5_of_md5s: [u8; 16],
    parts: usize,
    pub(crate) crc64: Option<u64>,
}

impl Assembled {
    pub(crate) fn of(parts: &[Part]) -> Self {
        let mut md5 = Md5::new();
        let mut crc64 = Some(0);
        for part in parts {
            md5.update(part.md5);
            crc64 = crc64.zip(part.crc64).map(|(whole, next)| combine(whole, next, part.body.len()));
        }
        Self {
            body: Content::join(parts.iter().map(|part| &part.body)),
            md5_of_md5s: md5.finalize().into(),
            parts: parts.len(),
            crc64,
        }
    }

    pub(crate) fn into_object(
        self,
        dialect: Dialect,
        headers: ObjectHeaders,
        upload_id: &str,
        now: DateTime<Utc>,
    ) -> StoredObject {
        StoredObject {
            body: self.body,
            etag: format!("{}-{}", dialect.etag(&self.md5_of_md5s), self.parts),
            crc64: self.crc64,
            last_modified: now,
            headers,
            kind: ObjectKind::Multipart,
            upload_id: Some(upload_id.to_owned()),
            encryption: None,
            acl_document: None,
            restored_from: None,
            restored_until: None,
        }
    }
}
