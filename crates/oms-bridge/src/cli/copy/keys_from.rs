//! The keys of a list that a failed run left, or that somebody wrote.
//!
//! Of a web server the keys are URLs below SRC. A copy is named by the path of its URL below SRC, decoded as
//! the name of one object is; that is what globs are compared with, too. A line that is no key fails with its
//! number, whatever globs there are, and the rest is tried.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use futures_util::stream;
use reqwest::Url;
use thiserror::Error;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::filter::{CopyFilter, EntryStream};
use super::route::Route;
use object_copy::bulk::{Entry, KeyMapping, ListError, Tree};
use object_copy::failed_list::{self, NotAString};
use object_copy::transfer::{Directory, Item, Source, TransferError};
use object_copy::web_url;
use settings::Invalid;
use settings::lenient::{self, KeyBucket, MARK, Start};

/// Why the list cannot be read at all.
#[derive(Debug, Error)]
pub(super) enum KeyListError {
    /// Of SRC, without what may be secret in it.
    #[error("{0:?} is no URL")]
    Source(String),
    #[error("{file:?}: {source}")]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("{file:?} is {encoding}")]
    Encoding { file: PathBuf, encoding: &'static str },
}

/// Why a line is no key.
#[derive(Debug, Error)]
enum LineError {
    #[error("{0}")]
    Marked(String),
    #[error(transparent)]
    Quoted(#[from] NotAString),
    #[error(transparent)]
    Address(#[from] Invalid),
}

/// The objects that the file (or stdin, for `-`) names, one a line, of those that `filter` lets through.
pub(super) async fn entries(
    file: &Path,
    route: &Route,
    filter: CopyFilter,
) -> Result<EntryStream, KeyListError> {
    let web = match &route.source {
        Source::Web(_) => {
            let url = &route.names.from;
            Some(Url::parse(url).map_err(|_| KeyListError::Source(web_url::shown(url).into()))?)
        }
        _ => None,
    };
    let file = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let unreadable = |source| KeyListError::Unreadable { file: file.to_owned(), source };
    let opened = File::open(file).await;
    let opened = opened.map_err(unreadable)?;
    let mut reader = BufReader::new(opened);
    let start = reader.fill_buf().await;
    let start = start.map_err(unreadable)?;
    match Start::of(start) {
        Start::Text(mark) => reader.consume(mark),
        Start::Foreign(encoding) => {
            return Err(KeyListError::Encoding { file: file.to_owned(), encoding });
        }
    }
    let directory = match &route.source {
        Source::Directory(directory) => Some(directory.clone()),
        _ => None,
    };
    let list = KeyList {
        reader,
        line: 0,
        filter,
        web,
        source: route.source.address(),
        file: file.to_owned(),
        names: route.names.clone(),
        directory,
        written: route.written.clone(),
        tree: None,
    };
    Ok(Box::pin(stream::try_unfold(list, |mut list| async move {
        Ok(list.next().await?.map(|entry| (entry, list)))
    })))
}

/// The list as it is read.
struct KeyList {
    reader: BufReader<File>,
    line: usize,
    filter: CopyFilter,
    /// SRC, where that is on a web server.
    web: Option<Url>,
    file: PathBuf,
    names: KeyMapping,
    /// The source, where that is on this machine.
    directory: Option<Directory>,
    /// The destination, likewise.
    written: Option<PathBuf>,
    /// What is below the directory that the last line names.
    tree: Option<Tree>,
    /// Scheme and bucket of SRC.
    source: Option<(&'static str, String)>,
}

impl KeyList {
    async fn next(&mut self) -> Result<Option<Entry>, ListError> {
        loop {
            if let Some(tree) = &mut self.tree {
                match tree.next().await? {
                    Some(entry) if self.filter.wanted(&entry) => return Ok(Some(entry)),
                    Some(_) => {}
                    None => self.tree = None,
                }
                continue;
            }
            let Some(line) = self.line().await? else { return Ok(None) };
            let entry = match String::from_utf8(line) {
                Ok(line) if line.is_empty() => None,
                Ok(line) => match self.tree_of(&line) {
                    Some(tree) => {
                        self.tree = Some(tree);
                        None
                    }
                    None => self.entry(&line),
                },
                Err(error) => Some(self.no_key(OsString::from_vec(error.into_bytes()), "not UTF-8")),
            };
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, ListError> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).await;
        if read.map_err(|error| ListError::Keys(self.file.clone(), error))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        for end in [b'\n', b'\r'] {
            line.pop_if(|last| *last == end);
        }
        Ok(Some(line))
    }

    fn no_key(&self, name: OsString, why: &str) -> Entry {
        let failed = TransferError::permanent(format!("line {}: {why}", self.line));
        Entry::Failed { name, failed }
    }

    /// A directory of this machine is no object. It stands for what is below it: a run that could not read it
    /// named it so.
    fn tree_of(&self, line: &str) -> Option<Tree> {
        let directory = self.directory.as_ref()?;
        let below = PathBuf::from(failed_list::name(line).ok()?);
        let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
        let named = below.as_os_str().as_encoded_bytes().ends_with(b"/") && inside;
        let tree = || Tree::new(directory.clone(), self.names.to.clone(), self.written.clone());
        named.then(|| tree().below(&below))
    }

    /// A JSON string is a key as it is; anything else may have been written by hand.
    fn name(&self, line: &str) -> Result<OsString, LineError> {
        if line.starts_with(MARK) {
            let line = if self.web.is_some() { Cow::Owned(lenient::shown_url(line)) } else { line.into() };
            return Err(LineError::Marked(lenient::marked(&line)));
        }
        if line.starts_with('"') {
            return Ok(failed_list::name(line)?);
        }
        // Addresses are what the keys of a web server are.
        if self.web.is_some() {
            return Ok(line.into());
        }
        let source = self.source.as_ref();
        let source = source.map(|(scheme, name)| KeyBucket { scheme, name, setting: "SRC" });
        Ok(lenient::key(line.to_owned(), source)?.into())
    }

    /// `None` where no glob lets it through.
    fn entry(&self, line: &str) -> Option<Entry> {
        let name = match self.name(line) {
            Ok(name) => name,
            Err(error) => return Some(self.no_key(self.listed(line), &error.to_string())),
        };
        let key = match (name.into_string(), &self.web) {
            (Ok(url), Some(folder)) => return self.of_web(folder, url),
            (Ok(key), None) => key,
            (Err(name), _) => {
                let failed = TransferError::permanent("the name is not UTF-8, as keys must be");
                return Some(Entry::Failed { name, failed }).filter(|entry| self.filter.wanted(entry));
            }
        };
        let entry = match self.names.destination(&key) {
            Some(to) if to.is_empty() => self.names.nameless(key, None),
            Some(to) => Entry::Copy(Item::new(key, to)),
            None => {
                let why = format!("the key does not begin with {:?}, as SRC does", self.names.from);
                Entry::Failed { name: key.into(), failed: TransferError::permanent(why) }
            }
        };
        self.filter.wanted(&entry).then_some(entry)
    }

    fn of_web(&self, folder: &Url, key: String) -> Option<Entry> {
        let no_key = |why: &str| Some(self.no_key(self.listed(&key), why));
        if web_url::may_split_password(&key) {
            return no_key(web_url::SPLIT);
        }
        let Ok(url) = Url::parse(&key) else { return no_key("no URL") };
        if web_url::has_user(&url) {
            return no_key(
                "a URL with a user in it, which the list of what failed would show: copy it without -r",
            );
        }
        let Some(name) = web_url::below(folder, &url) else {
            let why =
                format!("the URL does not lie below {}, which SRC is", web_url::shown(&self.names.from));
            return Some(self.no_key(key.into(), &why));
        };
        if name.is_empty() {
            return Some(self.names.nameless(key, None));
        }
        let to = [self.names.to.as_str(), &name].concat();
        let item = Item::new(key, to);
        self.filter.admits(&name).then_some(Entry::Copy(item))
    }

    /// What the list of what failed says of a line that is no key: nothing of a URL that may be a secret. A
    /// user stands there as `***`, so that the next run does not ask without one.
    fn listed(&self, line: &str) -> OsString {
        match &self.web {
            Some(_) if line.contains("://") => lenient::shown_url(line).into(),
            _ => line.into(),
        }
    }
}
