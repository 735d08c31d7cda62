//! The place that holds the files of an inventory: a bucket, or this machine.

use std::io::ErrorKind;

use futures_util::TryStreamExt as _;
#[cfg(feature = "s3")]
use object_copy::transfer::S3Bucket;
use object_copy::transfer::{Directory, Links, ObjectReader, Source, TransferError};
use oss_lite::{Bucket, ListOptions};
use settings::location::scheme;

use crate::error::Error;

/// The place that holds the files of an inventory. Keys are those of the bucket; on this machine they are
/// absolute paths.
#[derive(Clone, Debug)]
pub enum Files {
    /// A bucket of OSS or OBS.
    Store(Bucket),
    /// A bucket of Amazon S3.
    #[cfg(feature = "s3")]
    S3(S3Bucket),
    /// This machine.
    Local,
}

impl Files {
    /// The address of a file in messages.
    pub(crate) fn address(&self, key: &str) -> String {
        match self {
            Self::Store(bucket) => format!("{}://{}/{key}", scheme(bucket.dialect()), bucket.name()),
            #[cfg(feature = "s3")]
            Self::S3(bucket) => format!("s3://{}/{key}", bucket.name()),
            Self::Local => key.to_owned(),
        }
    }

    /// Opens a file; `None` if there is none.
    pub(crate) async fn open(&self, key: &str) -> Result<Option<ObjectReader>, Error> {
        let (source, name) = match self {
            Self::Store(bucket) => (Source::Store(bucket.clone()), key),
            #[cfg(feature = "s3")]
            Self::S3(bucket) => (Source::S3(bucket.clone()), key),
            Self::Local => {
                let (folder, name) = key.rsplit_once('/').unwrap_or((".", key));
                let folder = if folder.is_empty() { "/" } else { folder };
                // A folder that is missing is no error of a file that may be elsewhere.
                if name.is_empty() || !tokio::fs::metadata(key).await.is_ok_and(|meta| meta.is_file()) {
                    return Ok(None);
                }
                (Source::Directory(Directory::new(folder).following(Links::Follow)), name)
            }
        };
        if name.is_empty() {
            return Ok(None);
        }
        source.read(name, fastrand::f64).await.map_err(|error| self.failed(key, error))
    }

    /// A whole file of at most `limit` bytes; `None` if there is none.
    pub(crate) async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut file) = self.open(key).await? else { return Ok(None) };
        if file.size() > limit {
            let why = format!("{} bytes are too many for it: at most {limit}", file.size());
            return Err(Error::File { file: self.address(key), why });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = file.next().await.map_err(|error| self.failed(key, error))? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// The names of folders in `folder` that begin with `start` and hold a file of this name, and the pages
    /// of the listing. `folder` ends in a slash, or is empty.
    pub(crate) async fn folders_with(
        &self,
        folder: &str,
        start: &str,
        file: &str,
    ) -> Result<(Vec<String>, u64), Error> {
        let prefix = format!("{folder}{start}");
        let (mut found, mut requests) = (Vec::new(), 0);
        let mut see = |key: &str| {
            if let Some((name, inner)) = key.strip_prefix(folder).and_then(|rest| rest.split_once('/'))
                && inner == file
            {
                found.push(name.to_owned());
            }
        };
        match self {
            Self::Store(bucket) => {
                let options = ListOptions { prefix: Some(prefix), ..ListOptions::default() };
                let mut pages = std::pin::pin!(bucket.list(options));
                let failed = |error| self.failed(folder, TransferError::of_source(error));
                while let Some(page) = pages.try_next().await.map_err(failed)? {
                    requests += 1;
                    page.objects.iter().for_each(|object| see(&object.key));
                }
            }
            #[cfg(feature = "s3")]
            Self::S3(bucket) => {
                let mut pages = std::pin::pin!(bucket.pages(&prefix, None));
                while let Some(page) = pages.try_next().await.map_err(|error| self.failed(folder, error))? {
                    requests += 1;
                    for object in &page {
                        see(&object.key);
                    }
                }
            }
            Self::Local => {
                let failed = |error: std::io::Error| {
                    let why = format!("the folder cannot be read: {error}");
                    Error::Address { address: self.address(folder), why }
                };
                let mut entries = match tokio::fs::read_dir(folder).await {
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                        return Ok((found, requests));
                    }
                    entries => entries.map_err(failed)?,
                };
                while let Some(entry) = entries.next_entry().await.map_err(failed)? {
                    let Ok(name) = entry.file_name().into_string() else { continue };
                    let key = format!("{folder}{name}/{file}");
                    if name.starts_with(start) && tokio::fs::try_exists(&key).await.unwrap_or(false) {
                        see(&key);
                    }
                }
            }
        }
        Ok((found, requests))
    }

    pub(crate) fn failed(&self, key: &str, error: TransferError) -> Error {
        Error::Read { address: self.address(key), error }
    }
}
