//! The list of what failed: one key a line, as `copy --keys-from` takes it back.
//!
//! A key that a line cannot hold as it is (it has a line feed or another control character, begins with `"`,
//! a blank or a byte order mark, or reads as an address) stands there as a JSON string. The name of a file
//! that is not UTF-8 does too: each byte that is none is a lone surrogate, `\udc80` to `\udcff`, as Python
//! has it (PEP 383, `surrogateescape`). So every line is read back as what failed.
//!
//! The file is made when the first key fails, and only where there is none: what is there, be it a link or
//! the list of another run, is left alone. A name of our own gets a number then. Whether a name that was
//! given can be made is tried before the run.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use thiserror::Error;

use settings::Invalid;
use settings::lenient;
use settings::text::{json, printable};

/// The names that are tried.
const NAMES: u32 = 1000;

/// Writes the list; makes the file when the first key fails.
#[derive(Debug)]
pub struct FailedList {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    incomplete: bool,
}

impl FailedList {
    /// At `path`, or under a name of its own in the working directory. Makes no file yet.
    pub fn new(path: Option<PathBuf>, now: DateTime<Utc>) -> Self {
        let path = path.unwrap_or_else(|| {
            PathBuf::from(format!("oms-bridge-failed-{}.txt", now.format("%Y%m%dT%H%M%SZ")))
        });
        Self { path, file: None, incomplete: false }
    }

    /// Adds a key, or the name of a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or written.
    pub fn add(&mut self, name: &OsStr) -> io::Result<()> {
        let added = self.write(name);
        self.incomplete |= added.is_err();
        added
    }

    fn write(&mut self, name: &OsStr) -> io::Result<()> {
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            let (path, file) = create(&self.path)?;
            self.path = path;
            self.file.insert(BufWriter::new(file))
        };
        writeln!(file, "{}", line(name))?;
        // A kill must not lose what was said to be written.
        file.flush()
    }

    /// Where the list is, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.is_some().then_some(&self.path)
    }

    /// Whether something that failed is not in it.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }
}

/// Whether the file can be made: it is, and goes again, since a list in a directory that is copied would be
/// copied, too.
///
/// # Errors
///
/// When there is something of that name, or nothing can be made there.
pub fn check(path: &Path) -> Result<(), Invalid> {
    File::create_new(path).and_then(|_| std::fs::remove_file(path)).map_err(|error| match error.kind() {
        // Of another run that begins at this moment.
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => Invalid::new(format_args!("{:?}: {error}", path.display())),
    })
}

/// What is wrong with a name that is taken.
pub fn there_already(path: &Path) -> Invalid {
    Invalid::new(format_args!("{:?} is there already", path.display()))
        .with_remedy("name another, or remove it")
}

/// Makes the file, or where there is something of its name one with a number behind it: `name-1.txt`.
fn create(path: &Path) -> io::Result<(PathBuf, File)> {
    let numbered = |number: u32| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    let mut number = 0;
    loop {
        let path = if number == 0 { path.to_owned() } else { numbered(number) };
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A key, or the name of a file, as a line.
pub fn line(name: &OsStr) -> String {
    let Some(key) = name.to_str() else { return escaped(name.as_bytes()) };
    let plain = !key.starts_with(['"', ' ', '\t', lenient::MARK])
        && !key.is_empty()
        && !lenient::is_address(key)
        && matches!(printable(key), Cow::Borrowed(_));
    if plain { key.to_owned() } else { json(&serde_json::Value::from(key).to_string()).into_owned() }
}

fn escaped(name: &[u8]) -> String {
    let mut line = String::from("\"");
    for chunk in name.utf8_chunks() {
        let text = serde_json::Value::from(chunk.valid()).to_string();
        line.push_str(text.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
        for byte in chunk.invalid() {
            line.push_str("\\udc");
            line.push_str(&hex::encode([*byte]));
        }
    }
    line.push('"');
    line
}

/// A line begins with `"` and is no JSON string, or has a surrogate that stands for no byte.
#[derive(Debug, Error)]
#[error("no JSON string: {0}")]
pub struct NotAString(#[from] serde_json::Error);

/// A line as a key, or the name of a file.
///
/// # Errors
///
/// [`NotAString`].
pub fn name(line: &str) -> Result<OsString, NotAString> {
    if line.starts_with('"') {
        let read: Escaped = serde_json::from_str(line)?;
        return Ok(OsString::from_vec(read.0));
    }
    Ok(line.into())
}

/// The bytes that a JSON string stands for.
struct Escaped(Vec<u8>);

impl<'de> Deserialize<'de> for Escaped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Escaped;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Escaped, E> {
                unescaped(bytes)
                    .map(Escaped)
                    .ok_or_else(|| E::custom("a lone surrogate that stands for no byte"))
            }
        }
        // Not as a string: that has no surrogates. As bytes they come in the form of three bytes that UTF-8
        // does not have.
        deserializer.deserialize_bytes(Bytes)
    }
}

fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        // U+D800 to U+DFFF, which no other character begins like.
        let (byte, after) = match (first, after) {
            (0xED, [0xB2, low, after @ ..]) => (*low, after),
            (0xED, [0xB3, low, after @ ..]) => (low | 0x40, after),
            (0xED, [0xA0..=0xBF, ..]) => return None,
            _ => (*first, after),
        };
        name.push(byte);
        rest = after;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_from_its_line() {
        for text in [
            "a/b c.jpg",
            "tail ",
            " lead",
            "\"quoted\"",
            "two\nlines",
            "測/+%2F",
            "cr\r",
            "",
            "\u{feff}bom",
            "oss://b/k",
            "e\u{1b}[2J",
            "c\u{9b}",
            "r\u{202e}l",
            "\"🦀\n",
        ] {
            let line = line(OsStr::new(text));
            assert!(!line.contains(['\n', '\r']), "{line:?}");
            assert_eq!(name(&line).unwrap(), OsString::from(text));
        }
        for bytes in [
            &b"caf\xe9"[..],
            b"\xff",
            b"\x80\xbf\xc0\xff \"q\"\n",
            "é\u{7ff}測🦀".as_bytes(),
            b"\xed\xb2\x80/x",
        ] {
            let line = line(OsStr::from_bytes(bytes));
            assert_eq!(name(&line).unwrap(), OsStr::from_bytes(bytes), "{line}");
        }
        assert_eq!(line(OsStr::from_bytes(b"caf\xe9")), r#""caf\udce9""#);
    }

    #[test]
    fn what_is_no_line_is_an_error() {
        for line in ["\"half", r#""\ud800""#, r#""\udc7f""#, "\"a\" b", "\""] {
            assert!(name(line).is_err(), "{line}");
        }
        // As JSON writes what is beyond the first 65,536 characters.
        assert_eq!(name(r#""\ud83e\udd80""#).unwrap(), "🦀");
    }

    #[test]
    fn a_list_is_a_new_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("list.txt");
        std::fs::write(folder.path().join("precious"), "content").unwrap();
        std::os::unix::fs::symlink("precious", &path).unwrap();
        for expected in ["list-1.txt", "list-2.txt"] {
            let mut list = FailedList::new(Some(path.clone()), DateTime::UNIX_EPOCH);
            assert_eq!(list.path(), None);
            list.add(OsStr::new("k")).unwrap();
            assert_eq!(list.path(), Some(&*folder.path().join(expected)));
            assert!(!list.is_incomplete());
        }
        assert_eq!(std::fs::read(folder.path().join("precious")).unwrap(), b"content");
        let mut list = FailedList::new(Some(folder.path().join("no/list")), DateTime::UNIX_EPOCH);
        assert!(list.add(OsStr::new("k")).is_err() && list.is_incomplete() && list.path().is_none());
    }
}
