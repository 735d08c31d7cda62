//! One whole object as its bytes arrive, for callers that use the bytes themselves.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oss_lite::Random;

use super::checksums::{Algorithms, Checksums};
use super::error::{Abort, TransferError};
use super::flow::Flow;
use super::range::GetRange;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::source::Source;

/// The bytes of one version of an object, from its first to its last. A broken connection is continued with
/// the rest of the same version; if the service names a CRC-64, the bytes match it.
pub struct ObjectReader {
    reader: Reader,
    name: Arc<str>,
    size: u64,
}

impl Source {
    /// Opens the object `key`; `None` if the source says that there is none. `random` spreads the waits
    /// before further tries.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or nothing says how large it is.
    pub async fn read(&self, key: &str, random: Random) -> Result<Option<ObjectReader>, TransferError> {
        let name: Arc<str> = self.name(key).into();
        let opened = match self.open(key, &GetRange::Whole, None).await {
            Ok(opened) => opened,
            Err(Abort::Gone) => return Ok(None),
            Err(abort) => return Err(abort.into_error(&name)),
        };
        let Some(size) = opened.info.size().or(opened.end) else {
            return Err(TransferError::transient(format!("nothing says how large {name:?} is")));
        };
        let pinned = Pinned {
            source: self.clone(),
            key: key.into(),
            name: Arc::clone(&name),
            info: Arc::new(opened.info.clone()),
            other_md5: None,
            flow: Flow::default(),
            random,
        };
        // No MD5: an `ETag` that is none would need a second read to be told apart.
        let checksums = Checksums::new(Algorithms::Crc);
        let reader = Reader::new(&pinned, 0..size, OnFullResponse::Skip, &checksums);
        Ok(Some(ObjectReader { reader: reader.begin_with(Some(opened)), name, size }))
    }
}

impl ObjectReader {
    /// Size of the object in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the object changed meanwhile, does not match its checksum, or cannot be read to its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        self.reader.next().await.map_err(|abort| abort.into_error(&self.name))
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectReader")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
