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
//! Keys are those behind the prefix of each side, and stand as in the lists that `copy --keys-from` takes.
//! Keys of one range are in order, ranges are not.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use object_copy::failed_list;
use serde::Serialize;

use crate::judge::{Basis, Doubt, Verdict};
use crate::listing::Listed;
use crate::lock;
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

/// A report in a file, or on standard output.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    output: Output,
    format: ReportFormat,
    /// Bytes that were added, and those that were kept.
    length: u64,
}

/// Where lines go.
#[derive(Debug)]
enum Output {
    /// Nothing is written yet. The file of an earlier report, locked, where there is one.
    Waiting(Option<File>),
    Open {
        file: BufWriter<File>,
        /// Pipes and devices have no disk that they could be written to.
        is_regular: bool,
    },
}

impl Report {
    /// A new report. A file of this name is locked, and replaced when the first keys were compared.
    ///
    /// # Errors
    ///
    /// When it cannot be created, or another run writes it.
    pub fn create(path: &Path, format: ReportFormat) -> Result<Self, ReportError> {
        let output = waiting(path).map(Output::Waiting);
        Self::of(path, output, 0, format)
    }

    /// A report on standard output.
    ///
    /// # Errors
    ///
    /// When that is closed.
    pub fn stdout(format: ReportFormat) -> Result<Self, ReportError> {
        let file = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let output = file.map(|file| Output::Open { file: BufWriter::new(file), is_regular: false });
        Self::of(Path::new("-"), output, 0, format)
    }

    /// The report of an earlier run, of which the first `length` bytes are kept.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is shorter, or another run writes it.
    pub fn resume(path: &Path, length: u64, format: ReportFormat) -> Result<Self, ReportError> {
        if length == 0 {
            return Self::create(path, format);
        }
        let open = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            lock::exclusive(&file)?;
            if file.metadata()?.len() < length {
                return Err(io::Error::other(format!(
                    "it has less than the {length} bytes that the checkpoint knows"
                )));
            }
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Output::Open { file: BufWriter::new(file), is_regular: true })
        };
        Self::of(path, open(), length, format)
    }

    fn of(
        path: &Path,
        output: io::Result<Output>,
        length: u64,
        format: ReportFormat,
    ) -> Result<Self, ReportError> {
        let path = path.to_owned();
        match output {
            Ok(output) => Ok(Self { path, output, format, length }),
            Err(source) => Err(ReportError { path, source }),
        }
    }

    /// Adds a line for each.
    pub(crate) fn add(&mut self, findings: &[Finding]) -> Result<(), ReportError> {
        self.write(findings).map_err(|source| ReportError { path: self.path.clone(), source })
    }

    fn write(&mut self, findings: &[Finding]) -> io::Result<()> {
        if let Output::Waiting(file) = &mut self.output {
            self.output = replaced(&self.path, file.take())?;
        }
        let Output::Open { file, .. } = &mut self.output else { return Ok(()) };
        for finding in findings {
            let line = match self.format {
                ReportFormat::Text => {
                    let key = failed_list::line(OsStr::new(finding.key()));
                    format!("{} {key}\n", sign(&finding.verdict))
                }
                ReportFormat::Json => serde_json::to_string(&JsonLine::of(finding))? + "\n",
            };
            file.write_all(line.as_bytes())?;
            self.length += line.len() as u64;
        }
        Ok(())
    }

    /// Writes all of it to disk, and returns how long it is.
    pub(crate) fn sync(&mut self) -> Result<u64, ReportError> {
        self.flush().map_err(|source| ReportError { path: self.path.clone(), source })?;
        Ok(self.length)
    }

    fn flush(&mut self) -> io::Result<()> {
        let Output::Open { file, is_regular } = &mut self.output else { return Ok(()) };
        file.flush()?;
        if *is_regular { file.get_ref().sync_data() } else { Ok(()) }
    }
}

/// Sees that a file can be written, and opens what is there, without a change to it.
fn waiting(path: &Path) -> io::Result<Option<File>> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() || found.is_dir() => {
            let file = OpenOptions::new().write(true).open(path)?;
            lock::exclusive(&file)?;
            Ok(Some(file))
        }
        // To open a pipe waits for who reads it.
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::remove_file(path)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// An empty file of this name. What is there goes only when it is locked.
fn replaced(path: &Path, there: Option<File>) -> io::Result<Output> {
    let file = if let Some(file) = there {
        file
    } else {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.is_file() {
            lock::exclusive(&file)?;
        }
        file
    };
    let is_regular = file.metadata()?.is_file();
    if is_regular {
        file.set_len(0)?;
    }
    Ok(Output::Open { file: BufWriter::new(file), is_regular })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_until_the_first_keys_were_compared() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("report");
        fs::write(&path, "= earlier\n").unwrap();
        let create = || Report::create(&path, ReportFormat::Text);
        let mut report = create().unwrap();
        assert_eq!(report.sync().unwrap(), 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "= earlier\n");
        assert!(create().unwrap_err().to_string().ends_with("another run is using it"));
        report.add(&[]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn two_runs_that_begin_the_same_report_do_not_both_write_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("report");
        let [mut first, mut second] = [(), ()].map(|()| Report::create(&path, ReportFormat::Text).unwrap());
        assert!(!path.exists());
        first.add(&[]).unwrap();
        assert!(second.add(&[]).unwrap_err().to_string().ends_with("another run is using it"));
    }

    #[test]
    fn a_device_is_not_written_to_disk() {
        let mut report = Report::create(Path::new("/dev/null"), ReportFormat::Text).unwrap();
        report.add(&[]).unwrap();
        assert_eq!(report.sync().unwrap(), 0);
    }
}
