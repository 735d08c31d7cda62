//! The keys of a list that a failed run left, or that somebody wrote.

use std::path::{Component, Path, PathBuf};

use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use super::Entries;
use super::ends::Ends;
use super::failed_list::name;
use crate::bulk::{Entry, Names, NotListed, Tree};
use crate::transfer::{Directory, Failed, Item, Known, Source};

/// The objects that the file (or stdin, for `-`) names, one a line.
pub(super) async fn entries(file: &Path, ends: &Ends) -> Result<Entries, String> {
    let file = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let opened = File::open(file).await;
    let opened = opened.map_err(|error| format!("--keys-from {}: {error}", file.display()))?;
    let directory = match &ends.source {
        Source::Directory(directory) => Some(directory.clone()),
        _ => None,
    };
    let list = List {
        lines: BufReader::new(opened).lines(),
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
    file: PathBuf,
    names: Names,
    /// The source, where that is on this machine.
    directory: Option<Directory>,
    /// The destination, likewise.
    written: Option<PathBuf>,
    /// What is below the directory that the last line names.
    tree: Option<Tree>,
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

    fn entry(&self, line: &str) -> Entry {
        let name = match name(line) {
            Ok(name) => name,
            Err(error) => return Entry::Failed { name: line.into(), failed: Failed::permanent(error) },
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
