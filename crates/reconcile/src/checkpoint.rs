//! How far a run is, in a file that is replaced as a whole. The file is locked, so that there is one run only
//! that goes on from it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::lock;
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
    /// The file that has this name now, locked.
    held: Mutex<Option<File>>,
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
        Self { path: path.to_owned(), comparison, held: Mutex::new(None) }
    }

    /// Locks the file until this value is dropped. Gives where an earlier run of the same comparison was;
    /// `None` if there was no file.
    ///
    /// # Errors
    ///
    /// When the file is not of this comparison, cannot be read, or is locked by another run.
    pub fn load(&self) -> Result<Option<Progress>, CheckpointError> {
        let mut held = self.held.lock();
        // A file that is closed first would be locked still.
        *held = None;
        let mut text = Vec::new();
        let file = self.open().and_then(|mut file| {
            file.read_to_end(&mut text)?;
            Ok(file)
        });
        *held = Some(file.map_err(|error| self.io(error))?);
        if text.is_empty() {
            return Ok(None);
        }
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

    /// The file of this name, which is made where there is none, locked.
    fn open(&self) -> io::Result<File> {
        loop {
            let file = match fs::metadata(&self.path) {
                Ok(found) if !found.is_file() => return Err(io::Error::other("it is no regular file")),
                Ok(_) => File::open(&self.path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    OpenOptions::new().read(true).write(true).create_new(true).open(&self.path)
                }
                Err(error) => return Err(error),
            };
            let file = match file {
                Ok(file) => file,
                // Another run made it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.path.exists() => continue,
                Err(error) => return Err(error),
            };
            lock::exclusive(&file)?;
            // It may have been replaced or removed before it was locked.
            if self.is_of_this_name(&file)? {
                return Ok(file);
            }
        }
    }

    fn is_of_this_name(&self, file: &File) -> io::Result<bool> {
        let held = file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (held.dev(), held.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file.
    pub(crate) fn save(&self, progress: &Progress) -> Result<(), CheckpointError> {
        let stored = Stored { v: VERSION, comparison: self.comparison.clone(), progress: progress.clone() };
        let write = || {
            let (mut file, name) = self.temporary()?;
            let mut write = || {
                // Who opens it under its final name finds it locked.
                lock::exclusive(&file)?;
                serde_json::to_writer(&mut file, &stored)?;
                file.write_all(b"\n")?;
                file.sync_all()?;
                fs::rename(&name, &self.path)
            };
            if let Err(error) = write() {
                let _ = fs::remove_file(&name);
                return Err(error);
            }
            Ok(file)
        };
        let file = write().map_err(|error| self.io(error))?;
        *self.held.lock() = Some(file);
        Ok(())
    }

    /// A new file beside it, under a name that nothing else has.
    fn temporary(&self) -> io::Result<(File, PathBuf)> {
        let mut number = 0_u32;
        loop {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{}-{number}.new", process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&name) {
                // A process that was killed may have left it, and had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
                file => return Ok((file?, name.into())),
            }
        }
    }

    /// Removes the file: the comparison is through.
    pub(crate) fn remove(&self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
            _ => {
                *self.held.lock() = None;
                Ok(())
            }
        }
    }

    fn io(&self, error: io::Error) -> CheckpointError {
        CheckpointError::Io(self.path.clone(), error)
    }
}

impl Drop for Checkpoint {
    /// A file in which nothing was saved goes again.
    fn drop(&mut self) {
        if let Some(file) = &*self.held.lock()
            && file.metadata().is_ok_and(|held| held.len() == 0)
            && self.is_of_this_name(file).unwrap_or(false)
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let names =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn one_run_at_a_time_holds_it_until_it_ends() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("checkpoint");
        let of_a_run = || Checkpoint::new(&path, "same".to_owned());
        let first = of_a_run();
        assert_eq!(first.load().unwrap(), None);
        let refused = |run: Checkpoint| run.load().unwrap_err().to_string();
        assert!(refused(of_a_run()).ends_with("another run is using it"));
        first.save(&Progress::default()).unwrap();
        assert!(refused(of_a_run()).ends_with("another run is using it"));
        drop(first);
        let second = of_a_run();
        assert_eq!(second.load().unwrap(), Some(Progress::default()));
        second.remove().unwrap();
        assert_eq!(of_a_run().load().unwrap(), None);
        // What was only looked at is not there afterwards.
        assert_eq!(files(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn no_other_file_is_written() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("checkpoint");
        let temporary = format!("checkpoint.{}-0.new", process::id());
        for name in ["checkpoint.new", &temporary] {
            fs::write(folder.path().join(name), "mine").unwrap();
        }
        let checkpoint = Checkpoint::new(&path, "same".to_owned());
        checkpoint.save(&Progress::default()).unwrap();
        for name in ["checkpoint.new", &temporary] {
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "mine");
        }
        assert_eq!(files(folder.path()).len(), 3);
        fs::create_dir(folder.path().join("folder")).unwrap();
        let other = Checkpoint::new(&folder.path().join("folder"), "same".to_owned());
        assert!(other.load().unwrap_err().to_string().ends_with("it is no regular file"));
    }
}
