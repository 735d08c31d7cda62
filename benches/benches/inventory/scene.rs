//! An inventory in a folder, and a listing of the same keys that differs in one of a thousand.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use chrono::DateTime;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use md5::{Digest as _, Md5};
use reconcile::listing::{Listed, Listing, Page, PageStream};
use serde_json::json;

use crate::Result;

/// Rows of a file.
const FILE: u64 = 500_000;

/// Objects of a page.
const PAGE: u64 = 1000;

/// Every so many keys, one differs.
const EVERY: u64 = 1000;

/// A prime, so that its multiples visit each of any smaller number of keys once.
const STRIDE: u64 = 7_368_787_943;

const MODIFIED: i64 = 1_769_000_000;

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) rows: u64,
    /// Whether the rows come in order.
    pub(crate) in_order: bool,
}

fn key(number: u64) -> String {
    format!("photos/{:04}/{:02}/image-{number:010}.jpg", number / 100_000, number / 1000 % 100)
}

fn etag(number: u64) -> String {
    let number = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1;
    format!("{number:032X}")
}

impl Scene {
    pub(crate) fn files(self) -> u64 {
        self.rows.div_ceil(FILE)
    }

    /// How many keys differ.
    pub(crate) fn differences(self) -> u64 {
        self.rows.div_ceil(EVERY)
    }

    /// Writes the inventory in the form of OSS; returns how many bytes its files have.
    pub(crate) fn write(self, folder: &Path) -> Result<u64> {
        fs::create_dir(folder.join("data"))?;
        let mut files = Vec::new();
        let mut total = 0;
        let time = DateTime::from_timestamp(MODIFIED, 0).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S.000Z");
        for file in 0..self.files() {
            let name = format!("data/{file}.csv.gz");
            let mut out =
                GzEncoder::new(BufWriter::new(File::create(folder.join(&name))?), Compression::fast());
            for row in file * FILE..self.rows.min((file + 1) * FILE) {
                let number = if self.in_order { row } else { self.shuffled(row) };
                let (key, etag) = (key(number), etag(number));
                writeln!(out, "\"photos\",\"{key}\",{number},\"{time}\",\"{etag}\"")?;
            }
            out.finish()?.flush()?;
            let bytes = fs::read(folder.join(&name))?;
            total += bytes.len() as u64;
            let md5 = hex::encode(Md5::digest(&bytes));
            files.push(json!({"key": name, "size": bytes.len(), "MD5checksum": md5}));
        }
        let manifest = json!({
            "sourceBucket": "photos", "version": "2019-09-01", "fileFormat": "CSV", "creationTimestamp": "1800000000",
            "fileSchema": "Bucket, Key, Size, LastModifiedDate, ETag", "files": files,
        });
        fs::write(folder.join("manifest.json"), manifest.to_string())?;
        Ok(total)
    }

    fn shuffled(self, row: u64) -> u64 {
        let number = u128::from(row) * u128::from(STRIDE) % u128::from(self.rows);
        u64::try_from(number).unwrap_or(0)
    }
}

/// The listing of the other side.
impl Listing for Scene {
    fn pages(&self, _: &str, _: Option<&str>) -> PageStream {
        let rows = self.rows;
        Box::pin(stream::try_unfold(0, move |begin| async move {
            let end = rows.min(begin + PAGE);
            let object = |number: u64| Listed {
                key: key(number),
                size: number + u64::from(number.is_multiple_of(EVERY)),
                modified: DateTime::from_timestamp(MODIFIED + 60, 0),
                etag: Some(etag(number).into()),
                ..Listed::default()
            };
            Ok((begin < rows).then(|| (Page::of((begin..end).map(object).collect()), end)))
        }))
    }
}
