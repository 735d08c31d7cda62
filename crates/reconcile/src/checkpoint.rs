//! How far a run is, in a file that is replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::totals::Totals;

/// The form of the file.
const VERSION: u32 = 1;

/// What a run still has to do, and what it counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When the comparison began.
    pub started: DateTime<Utc>,
    /// Which objects are compared: those that changed since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// What is left.
    pub ranges: Vec<KeyRange>,
    /// What was counted.
    pub totals: Totals,
    /// How many bytes of the report belong to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<u64>,
}

impl Default for Progress {
    /// Nothing was done: one range of all keys is left.
    fn default() -> Self {
        Self {
            started: DateTime::UNIX_EPOCH,
            since: None,
            ranges: vec![KeyRange::default()],
            totals: Totals::default(),
            report: None,
        }
    }
}

/// The keys behind `after`, up to and including `until`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// Absent for the first keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Absent for the last keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read or written.
    #[error("{0:?}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// It is not what this version writes.
    #[error("{0:?} is no checkpoint of this version: {1}")]
    Unreadable(PathBuf, String),
    /// It is of a run that compared something else.
    #[error("{0:?} is of another comparison: {1}")]
    Other(PathBuf, String),
}

/// The file of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    /// What is compared, and how: a run is resumed with the same only.
    comparison: String,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    comparison: String,
    #[serde(flatten)]
    progress: Progress,
}

impl Checkpoint {
    /// The file `path` for a comparison that `comparison` describes.
    pub fn new(path: &Path, comparison: String) -> Self {
        Self { path: path.to_owned(), comparison }
    }

    /// Where an earlier run of the same comparison was; `None` if there is no file.
    ///
    /// # Errors
    ///
    /// When the file is not of this comparison, or cannot be read.
    pub fn load(&self) -> Result<Option<Progress>, CheckpointError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let unreadable = |why: String| CheckpointError::Unreadable(self.path.clone(), why);
        let stored: Stored = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if stored.v != VERSION {
            return Err(unreadable(format!("its version is {}", stored.v)));
        }
        if stored.comparison != self.comparison {
            return Err(CheckpointError::Other(self.path.clone(), stored.comparison));
        }
        Ok(Some(stored.progress))
    }

    /// Replaces the file.
    pub(crate) fn save(&self, progress: &Progress) -> Result<(), CheckpointError> {
        let stored = Stored { v: VERSION, comparison: self.comparison.clone(), progress: progress.clone() };
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let write = || {
            let mut file = File::create(&name)?;
            serde_json::to_writer(&mut file, &stored)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&name, &self.path)
        };
        write().map_err(|error| self.io(error))
    }

    /// Removes the file: the comparison is through.
    pub(crate) fn remove(&self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
            _ => Ok(()),
        }
    }

    fn io(&self, error: io::Error) -> CheckpointError {
        CheckpointError::Io(self.path.clone(), error)
    }
}
