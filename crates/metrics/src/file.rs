//! The text in a file, as the text-file collector of Prometheus's `node_exporter` reads it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;

/// Replaces `path` by `text` in one step, so that a reader sees the old text or the new one and never a part.
/// The file can be read by everybody whom the umask lets, since the collector is another user.
///
/// # Errors
///
/// When the folder cannot be written to. `path` is as before then.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path)?;
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error counts.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Finds out whether [`write()`] could write `path`, without changing it.
///
/// # Errors
///
/// When it could not.
pub fn check(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
    }
    let beside = beside(path)?;
    File::create(&beside)?;
    fs::remove_file(&beside)
}

/// A name in the same folder, which collectors do not read, since it does not end with `.prom`.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "does not name a file"));
    };
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.new", process::id()));
    Ok(path.with_file_name(beside))
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = env::temp_dir().join(format!("metrics-file-{}", process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("copy.prom");
        check(&path).unwrap();
        assert!(!path.exists());
        write(&path, "a 1\n").unwrap();
        // A reader that has opened it goes on reading what it opened.
        let mut opened = File::open(&path).unwrap();
        write(&path, "a 2\n").unwrap();
        let mut read = String::new();
        io::Read::read_to_string(&mut opened, &mut read).unwrap();
        assert_eq!((&*read, &*fs::read_to_string(&path).unwrap()), ("a 1\n", "a 2\n"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
        assert!(check(&path).is_err() && write(&path, "a 3\n").is_err());
        assert!(check(Path::new("/")).is_err());
    }
}
