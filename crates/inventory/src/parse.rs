//! Rows of a file as the objects that they describe.

use crate::records::Record;
use crate::row::{Parts, pack};
use crate::schema::Schema;
use crate::times;
use crate::vendor::KeyEncoding;

/// What a record turned out to be.
pub(crate) enum Kind {
    /// The current version of a key. Its bytes are in the buffers.
    Object,
    /// An earlier version.
    OldVersion,
    /// A key that is deleted.
    DeleteMarker,
}

/// Reads records into two buffers: the key, and everything else in the form in which it is sorted.
#[derive(Debug, Default)]
pub(crate) struct RowReader {
    pub(crate) key: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// Rows whose time was there and could not be read.
    pub(crate) unreadable_times: u64,
}

impl RowReader {
    pub(crate) fn read(
        &mut self,
        record: &Record<'_>,
        schema: &Schema,
        encoding: KeyEncoding,
    ) -> Result<Kind, String> {
        if record.len() != schema.len() {
            return Err(format!("{} columns, where fileSchema names {}", record.len(), schema.len()));
        }
        if !flag(record, schema.is_latest, "IsLatest")?.unwrap_or(true) {
            return Ok(Kind::OldVersion);
        }
        if flag(record, schema.is_delete_marker, "IsDeleteMarker")? == Some(true) {
            return Ok(Kind::DeleteMarker);
        }
        let text = record.field(schema.key);
        encoding.decode(text, &mut self.key).map_err(|why| format!("{why}: {}", shown(text)))?;
        if self.key.is_empty() {
            return Err("the key is empty".to_owned());
        }
        if std::str::from_utf8(&self.key).is_err() {
            return Err(format!("the key is not UTF-8: {}", shown(text)));
        }
        self.describe(record, schema)?;
        Ok(Kind::Object)
    }

    fn describe(&mut self, record: &Record<'_>, schema: &Schema) -> Result<(), String> {
        let text = |column: Option<usize>| column.map_or("", |column| text(record.field(column)));
        let size = number(text(Some(schema.size)), "Size")?.ok_or("the size is empty")?;
        let crc64 = number(text(schema.crc64), "Crc64")?;
        let modified = match text(schema.modified) {
            "" => None,
            time => {
                let parsed = times::of_row(time);
                self.unreadable_times += u64::from(parsed.is_none());
                parsed
            }
        };
        let etag = text(schema.etag).trim_matches('"');
        let is_md5 = flag(record, schema.multipart, "IsMultipartUploaded")? != Some(true)
            && leaves_md5(text(schema.encryption));
        let is_symlink = text(schema.object_type).eq_ignore_ascii_case("Symlink");
        pack(&mut self.payload, &Parts { size, modified, etag, is_md5, crc64, is_symlink });
        Ok(())
    }
}

/// Whether an object that is encrypted in this way still has its MD5 as `ETag`: one that is not encrypted,
/// and on S3 one whose key S3 manages. OSS writes whether it is encrypted, and not how.
fn leaves_md5(encryption: &str) -> bool {
    let plain = ["", "false", "not-sse", "sse-s3", "none"];
    plain.iter().any(|word| encryption.eq_ignore_ascii_case(word))
}

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or_default().trim()
}

fn flag(record: &Record<'_>, column: Option<usize>, name: &str) -> Result<Option<bool>, String> {
    let Some(column) = column else { return Ok(None) };
    match text(record.field(column)) {
        "" => Ok(None),
        word if word.eq_ignore_ascii_case("true") => Ok(Some(true)),
        word if word.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(format!("{name} is neither true nor false: {}", shown(record.field(column)))),
    }
}

fn number(text: &str, name: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("{name} is not a number: {}", shown(text.as_bytes())))
}

/// A field in a message: the beginning of a long one.
fn shown(field: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(field);
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    let begin: String = text.chars().take(LONGEST).collect();
    format!("{begin:?}…")
}
