//! An inventory in a folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use inventory::{Error, Files, Inventory, Options, Place, Row, Summary};
use md5::{Digest as _, Md5};
use tempfile::TempDir;

/// Where the manifest of a rule is, as S3, OSS and OBS have it.
pub(crate) const FOLDER: &str = "inv/photos/all/2026-01-31T02-00Z";

/// An inventory that is being written.
pub(crate) struct Written {
    folder: TempDir,
    pub(crate) version: &'static str,
    pub(crate) schema: &'static str,
    pub(crate) files: Vec<File>,
    /// Members of the manifest besides those that all services have.
    pub(crate) more: String,
}

/// A file of it.
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
    /// Members of its entry in the manifest, besides its key.
    pub(crate) entry: String,
}

impl File {
    /// With its size and MD5 in the manifest.
    pub(crate) fn checked(key: &str, bytes: Vec<u8>) -> Self {
        let md5 = hex::encode(Md5::digest(&bytes));
        let entry = format!(r#""size":{},"MD5checksum":"{md5}""#, bytes.len());
        Self { key: key.to_owned(), bytes, entry }
    }

    /// Compressed, with its size and MD5.
    pub(crate) fn gzip(key: &str, text: &str) -> Self {
        Self::checked(key, gzip(text))
    }
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

impl Written {
    pub(crate) fn new(version: &'static str, schema: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, version, schema, files: Vec::new(), more: String::new() }
    }

    /// An inventory of S3 with the columns that matter.
    pub(crate) fn s3(text: &str) -> Self {
        let schema = "Bucket, Key, Size, LastModifiedDate, ETag";
        Self::new("2016-11-30", schema).with(File::gzip("inv/photos/all/data/a.csv.gz", text))
    }

    pub(crate) fn with(mut self, file: File) -> Self {
        self.files.push(file);
        self
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn manifest(&self) -> String {
        let entry = |file: &File| format!(r#"{{"key":"{}",{}}}"#, file.key, file.entry);
        let files = self.files.iter().map(entry).collect::<Vec<_>>().join(",");
        let Self { version, schema, more, .. } = self;
        format!(
            r#"{{"sourceBucket":"photos","destinationBucket":"logs","version":"{version}","fileFormat":"CSV",
            "fileSchema":"{schema}",{more}"files":[{files}]}}"#
        )
    }

    /// Writes files and manifest, and the checksum of the manifest.
    pub(crate) fn write(&self) -> PathBuf {
        for file in &self.files {
            put(&self.path(&file.key.replace("%2F", "/")), &file.bytes);
        }
        let manifest = self.manifest();
        put(&self.path(FOLDER).join("manifest.checksum"), hex::encode(Md5::digest(&manifest)).as_bytes());
        let path = self.path(FOLDER).join("manifest.json");
        put(&path, manifest.as_bytes());
        path
    }

    /// Writes it all and reads it back.
    pub(crate) async fn read(&self) -> Result<Read, Error> {
        self.read_with(Options::default()).await
    }

    pub(crate) async fn read_with(&self, options: Options) -> Result<Read, Error> {
        read(&self.write(), options).await
    }
}

pub(crate) fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) inventory: Inventory,
    pub(crate) rows: Vec<Row>,
    pub(crate) summary: Summary,
    pub(crate) duplicates: u64,
}

impl Read {
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.key.as_str()).collect()
    }
}

pub(crate) async fn read(path: &Path, options: Options) -> Result<Read, Error> {
    let inventory = Inventory::open(Files::Local, &Place::Local(path.to_owned())).await?;
    let mut stream = inventory.rows(options).await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await? {
        rows.push(row);
    }
    Ok(Read { summary: stream.summary(), duplicates: stream.duplicates(), inventory, rows })
}
