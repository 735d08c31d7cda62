//! The keys of a list that a failed run left, or that somebody wrote.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use super::Entries;
use super::ends::Ends;
use super::failed_list::name;
use crate::bulk::{Entry, Names, NotListed, Tree};
use crate::lenient::{self, MARK, Start};
use crate::transfer::{Directory, Failed, Item, Known, Source};

/// The objects that the file (or stdin, for `-`) names, one a line.
pub(super) async fn entries(file: &Path, ends: &Ends) -> Result<Entries, String> {
    let file = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let opened = File::open(file).await;
    let opened = opened.map_err(|error| format!("--keys-from {}: {error}", file.display()))?;
    let mut reader = BufReader::new(opened);
    let start = reader.fill_buf().await;
    let start = start.map_err(|error| format!("--keys-from {}: {error}", file.display()))?;
    match Start::of(start) {
        Start::Text(mark) => reader.consume(mark),
        Start::Foreign(encoding) => {
            return Err(format!("--keys-from {} is {encoding}: save it as UTF-8", file.display()));
        }
    }
    let directory = match &ends.source {
        Source::Directory(directory) => Some(directory.clone()),
        _ => None,
    };
    let list = List {
        lines: reader.lines(),
        line: 0,
        source: ends.source.address(),
        file: file.to_owned(),
        names: ends.names.clone(),
        directory,
        written: ends.written.clone(),
        tree: None,
    };
    Ok(Box::pin(stream::try_unfold(list, |mut list| async move {
        Ok(list.next().await?.map(|entry| (entry, list)))
    })))
}

struct List {
    lines: Lines<BufReader<File>>,
    line: usize,
    file: PathBuf,
    names: Names,
    /// The source, where that is on this machine.
    directory: Option<Directory>,
    /// The destination, likewise.
    written: Option<PathBuf>,
    /// What is below the directory that the last line names.
    tree: Option<Tree>,
    /// Scheme and bucket of SRC.
    source: Option<(&'static str, String)>,
}

impl List {
    async fn next(&mut self) -> Result<Option<Entry>, NotListed> {
        loop {
            if let Some(tree) = &mut self.tree {
                if let Some(entry) = tree.next().await? {
                    return Ok(Some(entry));
                }
                self.tree = None;
            }
            let line = self.lines.next_line().await;
            self.line += 1;
            match line.map_err(|error| NotListed::Keys(self.file.clone(), error))? {
                None => return Ok(None),
                Some(line) if line.is_empty() => {}
                Some(line) => match self.tree_of(&line) {
                    Some(tree) => self.tree = Some(tree),
                    None => return Ok(Some(self.entry(&line))),
                },
            }
        }
    }

    /// A directory of this machine is no object. It stands for what is below it: a run that could not read it named it so.
    fn tree_of(&self, line: &str) -> Option<Tree> {
        let below = PathBuf::from(name(line).ok()?);
        let directory = self.directory.as_ref()?;
        let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
        let named = below.as_os_str().as_encoded_bytes().ends_with(b"/") && inside;
        let tree = || Tree::new(directory.clone(), self.names.to.clone(), self.written.clone());
        named.then(|| tree().below(&below))
    }

    /// A JSON string is a key as it is; anything else may have been written by hand.
    fn name(&self, line: &str) -> Result<OsString, String> {
        if line.starts_with(MARK) {
            return Err(lenient::marked(line));
        }
        if line.starts_with('"') {
            return name(line);
        }
        let source = self.source.as_ref().map(|(scheme, bucket)| (*scheme, bucket.as_str()));
        lenient::key(line.to_owned(), source).map(OsString::from)
    }

    fn entry(&self, line: &str) -> Entry {
        let name = match self.name(line) {
            Ok(name) => name,
            Err(error) => {
                let error = format!("line {}: {error}", self.line);
                return Entry::Failed { name: line.into(), failed: Failed::permanent(error) };
            }
        };
        let key = match name.into_string() {
            Ok(key) => key,
            Err(name) => {
                let failed = Failed::permanent("the name is not UTF-8, as keys must be");
                return Entry::Failed { name, failed };
            }
        };
        match self.names.destination(&key) {
            Some(to) if to.is_empty() => self.names.nameless(key, None),
            Some(to) => Entry::Copy(Item { key, to, size: None, existing: Known::Nothing, open: None }),
            None => {
                let why = format!("the key does not begin with {:?}, as SRC does", self.names.from);
                Entry::Failed { name: key.into(), failed: Failed::permanent(why) }
            }
        }
    }
}
