//! What is known of an object, for those who compare objects and copy none.

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use super::checksums::Algorithms;
use super::checksums::{Checksums, Digests};
use super::error::{Abort, TransferError};
use super::flow::Flow;
use super::origin::SOURCE_ETAG;
use super::range::GetRange;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::source::Source;
use super::source_info::SourceInfo;

/// An object as a HEAD describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Size in bytes, where it is known.
    pub size: Option<u64>,
    /// `ETag` without quotes.
    pub etag: Option<String>,
    /// Time of the last change.
    pub last_modified: Option<DateTime<Utc>>,
    /// MD5 of the content, where the `ETag` is one.
    pub md5: Option<[u8; 16]>,
    /// CRC-64/XZ of the content, where the service has it.
    pub crc64: Option<u64>,
    /// The `ETag` of the object that this one was copied from, which copies of this program carry.
    pub source_etag: Option<String>,
}

/// An object that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadDigest {
    /// Bytes read.
    pub size: u64,
    /// Their CRC-64/XZ.
    pub crc64: u64,
    /// Their MD5, where it was asked for.
    pub md5: Option<[u8; 16]>,
}

impl Source {
    /// What a HEAD says of an object; `None` if there is none. Of a file nothing is read.
    ///
    /// # Errors
    ///
    /// [`TransferError`], also for what a rule leaves out.
    pub async fn facts(&self, key: &str) -> Result<Option<ObjectFacts>, TransferError> {
        match self.look(key).await {
            Ok(info) => Ok(Some(facts(info))),
            Err(Abort::Gone) => Ok(None),
            Err(abort) => Err(abort.into_error(&self.name(key))),
        }
    }

    /// Reads an object to its end; `None` if there is none. A broken connection is continued where it broke,
    /// within the same version. `flow` counts and limits the bytes.
    ///
    /// # Errors
    ///
    /// [`TransferError`]: also when the object changes while it is read, or its bytes do not match the CRC-64
    /// that the service has.
    pub async fn digest(
        &self,
        key: &str,
        flow: &Flow,
        algorithms: Algorithms,
    ) -> Result<Option<ReadDigest>, TransferError> {
        match self.read_through(key, flow, algorithms).await {
            Ok(read) => Ok(Some(read)),
            Err(Abort::Gone) => Ok(None),
            Err(abort) => Err(abort.into_error(&self.name(key))),
        }
    }

    async fn read_through(
        &self,
        key: &str,
        flow: &Flow,
        algorithms: Algorithms,
    ) -> Result<ReadDigest, Abort> {
        let opened = self.open(key, &GetRange::Whole, None).await?;
        let Some(size) = opened.info.size() else {
            return Err(TransferError::permanent("an object whose size is not known").into());
        };
        let pinned = Pinned {
            source: self.clone(),
            key: key.into(),
            name: self.name(key).into(),
            info: Arc::new(opened.info.clone()),
            other_md5: None,
            flow: flow.clone(),
            random: fastrand::f64,
        };
        let checksums = Checksums::new(algorithms);
        let mut reader =
            Reader::new(&pinned, 0..size, OnFullResponse::Skip, &checksums).begin_with(Some(opened));
        while reader.next().await?.is_some() {}
        let Digests { crc64, md5 } = checksums.digests();
        Ok(ReadDigest { size, crc64, md5 })
    }
}

fn facts(info: SourceInfo) -> ObjectFacts {
    let carried = info.metadata.into_iter().find(|(name, _)| name == SOURCE_ETAG);
    ObjectFacts {
        size: info.identity.size,
        etag: info.identity.etag,
        last_modified: info.identity.last_modified,
        md5: info.md5,
        crc64: info.crc64,
        source_etag: carried.map(|(_, etag)| etag),
    }
}
