//! The list of what failed: one key a line, as `copy --keys-from` takes it back.
//!
//! A key that a line cannot hold as it is (it has a line feed, or begins with `"` or a blank) stands there as a JSON
//! string.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

/// Writes the list; makes the file when the first key fails.
#[derive(Debug)]
pub(super) struct FailedList {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl FailedList {
    pub(super) fn new(path: Option<PathBuf>, now: DateTime<Utc>) -> Self {
        let path = path.unwrap_or_else(|| {
            PathBuf::from(format!("oms-bridge-failed-{}.txt", now.format("%Y%m%dT%H%M%SZ")))
        });
        Self { path, file: None }
    }

    /// Adds a key.
    pub(super) fn add(&mut self, key: &str) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(File::create(&self.path)?)),
        };
        writeln!(file, "{}", line(key))?;
        // A kill must not lose what was said to be written.
        file.flush()
    }

    /// Where the list is, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.is_some().then_some(&self.path)
    }
}

/// A key as a line.
pub(super) fn line(key: &str) -> String {
    let plain = !key.contains(['\n', '\r']) && !key.starts_with(['"', ' ', '\t']) && !key.is_empty();
    if plain { key.to_owned() } else { serde_json::Value::from(key).to_string() }
}

/// A line as a key.
///
/// # Errors
///
/// When it begins with `"` and is no JSON string.
pub(super) fn key(line: &str) -> Result<String, String> {
    if line.starts_with('"') {
        return serde_json::from_str(line).map_err(|error| format!("{line}: no JSON string: {error}"));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_back_from_its_line() {
        for text in ["a/b c.jpg", "tail ", " lead", "\"quoted\"", "two\nlines", "測/+%2F", "cr\r"] {
            let line = line(text);
            assert!(!line.contains(['\n', '\r']), "{line:?}");
            assert_eq!(key(&line).as_deref(), Ok(text));
        }
        assert!(key("\"half").is_err());
    }
}
