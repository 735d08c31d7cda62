//! A line for each key, in the signs of `rclone check --combined`, or as JSON.
//!
//! | sign | |
//! |---|---|
//! | `=` | equal |
//! | `*` | different |
//! | `+` | only at the source |
//! | `-` | only at the destination |
//! | `?` | not known: of one size, and nothing else to compare; or newer than the inventory |
//! | `!` | could not be looked at |
//!
//! Keys are those behind the prefix of each side, and stand as in the lists that `copy --keys-from` takes. Keys
//! of one range are in order, ranges are not.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use object_copy::failed_list;
use serde::Serialize;

use crate::judge::{Basis, Doubt, Verdict};
use crate::listing::Listed;
use crate::merge::Finding;

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportFormat {
    /// A sign, a blank and the key.
    #[default]
    Text,
    /// A JSON object a line, which says by what a key was judged.
    Json,
}

impl ReportFormat {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{path:?}: {source}")]
pub struct ReportError {
    path: PathBuf,
    source: io::Error,
}

/// A report in a file.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    file: BufWriter<File>,
    format: ReportFormat,
}

impl Report {
    /// A new report; a file of this name is replaced.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: &Path, format: ReportFormat) -> Result<Self, ReportError> {
        let file = File::create(path);
        Self::of(path, file, format)
    }

    /// The report of an earlier run, of which the first `length` bytes are kept.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is shorter.
    pub fn resume(path: &Path, length: u64, format: ReportFormat) -> Result<Self, ReportError> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            if file.metadata()?.len() < length {
                return Err(io::Error::other(format!(
                    "it has less than the {length} bytes that the checkpoint knows"
                )));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        Self::of(path, open(), format)
    }

    fn of(path: &Path, file: io::Result<File>, format: ReportFormat) -> Result<Self, ReportError> {
        let path = path.to_owned();
        match file {
            Ok(file) => Ok(Self { path, file: BufWriter::new(file), format }),
            Err(source) => Err(ReportError { path, source }),
        }
    }

    /// Adds a line for each.
    pub(crate) fn add(&mut self, findings: &[Finding]) -> Result<(), ReportError> {
        let Self { file, format, .. } = self;
        let mut write = || {
            for finding in findings {
                match format {
                    ReportFormat::Text => writeln!(
                        file,
                        "{} {}",
                        sign(&finding.verdict),
                        failed_list::line(OsStr::new(finding.key()))
                    )?,
                    ReportFormat::Json => {
                        serde_json::to_writer(&mut *file, &JsonLine::of(finding))?;
                        file.write_all(b"\n")?;
                    }
                }
            }
            Ok(())
        };
        write().map_err(|source| ReportError { path: self.path.clone(), source })
    }

    /// Writes all of it to disk, and returns how long it is.
    pub(crate) fn sync(&mut self) -> Result<u64, ReportError> {
        let file = &mut self.file;
        let mut sync = || {
            file.flush()?;
            file.get_ref().sync_data()?;
            file.stream_position()
        };
        sync().map_err(|source| ReportError { path: self.path.clone(), source })
    }
}

/// The sign of a verdict.
pub fn sign(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Equal(_) => '=',
        Verdict::Different(_) => '*',
        Verdict::Missing => '+',
        Verdict::Extra => '-',
        Verdict::Undecided(_) => '?',
        Verdict::Failed(_) => '!',
    }
}

/// A line of a report in JSON.
#[derive(Serialize)]
struct JsonLine<'f> {
    key: &'f str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Basis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Doubt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<JsonObject<'f>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<JsonObject<'f>>,
}

#[derive(Serialize)]
struct JsonObject<'f> {
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'f str>,
}

impl<'f> JsonLine<'f> {
    fn of(finding: &'f Finding) -> Self {
        let (result, by, why, error) = match &finding.verdict {
            Verdict::Equal(basis) => ("equal", Some(*basis), None, None),
            Verdict::Different(basis) => ("different", Some(*basis), None, None),
            Verdict::Missing => ("missing", None, None, None),
            Verdict::Extra => ("extra", None, None, None),
            Verdict::Undecided(doubt) => ("undecided", None, Some(*doubt), None),
            Verdict::Failed(failed) => ("failed", None, None, Some(failed.to_string())),
        };
        // What failed may have a name only.
        let object = |listed: &'f Option<Listed>| {
            let listed = listed.as_ref().filter(|_| error.is_none())?;
            let etag = listed.etag.as_deref();
            Some(JsonObject { size: listed.size, modified: listed.modified, etag })
        };
        let (source, destination) = (object(&finding.source), object(&finding.destination));
        Self { key: finding.key(), result, by, why, error, source, destination }
    }
}
