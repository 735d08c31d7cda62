//! The keys of a list that a failed run left, or that somebody wrote.

use std::path::{Path, PathBuf};

use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use super::Entries;
use super::failed_list::key;
use crate::bulk::{Entry, Names, NotListed};
use crate::transfer::{Failed, Item, Known};

/// The objects that the file (or stdin, for `-`) names, one a line.
pub(super) async fn entries(file: &Path, names: Names) -> Result<Entries, String> {
    let file = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let opened = File::open(file).await;
    let opened = opened.map_err(|error| format!("--keys-from {}: {error}", file.display()))?;
    let list = List { lines: BufReader::new(opened).lines(), file: file.to_owned(), names };
    Ok(Box::pin(stream::try_unfold(list, |mut list| async move {
        Ok(list.next().await?.map(|entry| (entry, list)))
    })))
}

struct List {
    lines: Lines<BufReader<File>>,
    file: PathBuf,
    names: Names,
}

impl List {
    async fn next(&mut self) -> Result<Option<Entry>, NotListed> {
        loop {
            let line = self.lines.next_line().await;
            match line.map_err(|error| NotListed::Directory(self.file.clone(), error))? {
                None => return Ok(None),
                Some(line) if line.is_empty() => {}
                Some(line) => return Ok(Some(self.entry(&line))),
            }
        }
    }

    fn entry(&self, line: &str) -> Entry {
        let key = match key(line) {
            Ok(key) => key,
            Err(error) => return Entry::Failed { key: line.to_owned(), failed: Failed::permanent(error) },
        };
        if let Some(to) = self.names.destination(&key).filter(|to| !to.is_empty()) {
            return Entry::Copy(Item { key, to, size: None, existing: Known::Nothing, open: None });
        }
        let why = format!("the key does not begin with {:?}, as SRC does", self.names.from);
        Entry::Failed { key, failed: Failed::permanent(why) }
    }
}
