//! An inventory: found, read, and handed out in byte order of the keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::files::Files;
use crate::find::{self, Found};
use crate::load::{Form, Input, Message, Progress, Summary, load, unsorted};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::row::{self, Row};
use crate::sort::{Limits, Sorted};
use crate::vendor::{KeyEncoding, Vendor};

/// How long before its time an inventory may have missed a change: its scan takes a while, and what it shows
/// is eventually consistent.
pub const MARGIN: TimeDelta = TimeDelta::hours(24);

/// Chunks of a file that wait for the thread that reads them.
const CHUNKS: usize = 16;

/// Rows that are handed over at once, and how many such batches wait.
const BATCH: usize = 512;
const BATCHES: usize = 4;

/// An inventory whose manifest was read and checked.
#[derive(Debug)]
pub struct Inventory {
    files: Files,
    found: Found,
}

/// How an inventory is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// How keys are encoded; `None` takes the form of the service that wrote the manifest.
    pub key_encoding: Option<KeyEncoding>,
    /// Folder for rows that do not fit in memory. Nothing is left in it, however the process ends.
    pub temporary: PathBuf,
    /// Bytes of rows in memory while they are sorted.
    pub memory: usize,
    /// Counts what is read.
    pub progress: Progress,
}

impl Default for Options {
    fn default() -> Self {
        let (temporary, progress) = (std::env::temp_dir(), Progress::default());
        Self { key_encoding: None, temporary, memory: 32 << 20, progress }
    }
}

impl Inventory {
    /// Finds the inventory at `place`, whose files are in `files`: the manifest that it names, or the newest
    /// one in the folder that it names.
    ///
    /// # Errors
    ///
    /// When there is none, when it does not match its checksum, or is of a form that is not read.
    pub async fn open(files: Files, place: &Place) -> Result<Self, Error> {
        let key = match place {
            Place::Local(path) => local_key(path)?,
            Place::Store(_) | Place::S3(_) => place.key().to_owned(),
        };
        let found = find::manifest(&files, &key).await?;
        Ok(Self { files, found })
    }

    /// The address of its manifest.
    pub fn address(&self) -> String {
        self.files.address(&self.found.key)
    }

    /// Whether it lies on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.files, Files::Local)
    }

    /// Requests that finding and checking its manifest took.
    pub fn requests(&self) -> u64 {
        if self.is_local() { 0 } else { self.found.requests }
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.found.manifest
    }

    /// The time at which its scan began, by the manifest and the name of its folder, whichever is earlier.
    /// Later changes are not in it; `None` if neither says so.
    pub fn taken_at(&self) -> Option<DateTime<Utc>> {
        let Found { manifest, folder_time, .. } = &self.found;
        [manifest.created, *folder_time].into_iter().flatten().min()
    }

    /// The time up to which it is complete. What is newer may be missing from it, so that nothing can be
    /// concluded from that; `None` where its time is not known.
    pub fn complete_to(&self) -> Option<DateTime<Utc>> {
        self.taken_at()?.checked_sub_signed(MARGIN)
    }

    /// Reads all files, and returns the rows in byte order of their keys once every file was found whole: by
    /// its size, its MD5 and the number of its rows, as far as the manifest has them.
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged, or not the one that the manifest describes; when a row cannot be
    /// read; when the rows cannot be sorted. Then there are no rows at all.
    pub async fn rows(&self, options: Options) -> Result<Rows, Error> {
        let manifest = &self.found.manifest;
        let default = manifest.vendor.map(Vendor::key_encoding);
        let encoding = options.key_encoding.or(default).ok_or_else(|| Error::Manifest {
            manifest: self.address(),
            why: format!(
                "its version is {}, which is not known, so neither is how keys are encoded: say so with form, \
                 percent or plain",
                manifest.version.as_deref().unwrap_or("missing")
            ),
        })?;
        let limits = Limits { folder: options.temporary, memory: options.memory, fan_in: 128 };
        let form = Form { schema: manifest.schema.clone(), encoding, limits };
        let (sender, messages) = mpsc::channel(CHUNKS);
        let progress = options.progress;
        let reading = form.clone();
        let loading = spawn_blocking(move || load(&reading, messages, &progress));
        // If the thread ends early it has an error of its own, which is the one to report.
        let sent = self.send(sender).await;
        let loaded = loading.await.map_err(|_| Error::Interrupted)?;
        let (sorted, summary) = match (sent, loaded) {
            (Err(error), Err(Error::Interrupted) | Ok(_)) | (_, Err(error)) => return Err(error),
            (Ok(()), Ok(loaded)) => loaded,
        };
        Ok(Rows::new(sorted, summary, form.limits))
    }

    async fn send(&self, sender: mpsc::Sender<Message>) -> Result<(), Error> {
        for file in &self.found.manifest.files {
            let (key, mut reader) = find::data_file(&self.files, &self.found.key, file).await?;
            let input = Input { address: self.files.address(&key), file: file.clone() };
            if sender.send(Message::Begin(Box::new(input))).await.is_err() {
                return Ok(());
            }
            while let Some(chunk) = reader.next().await.map_err(|error| self.files.failed(&key, error))? {
                if sender.send(Message::Data(chunk)).await.is_err() {
                    return Ok(());
                }
            }
            if sender.send(Message::End).await.is_err() {
                return Ok(());
            }
        }
        // The end of all files; without it the thread knows that it was left alone.
        let _ = sender.send(Message::End).await;
        Ok(())
    }
}

fn local_key(path: &Path) -> Result<String, Error> {
    let address = || path.display().to_string();
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::Address { address: address(), why: error.to_string() })?;
    let why = "the path is not UTF-8".to_owned();
    let mut key =
        absolute.into_os_string().into_string().map_err(|_| Error::Address { address: address(), why })?;
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") && !key.ends_with('/') {
        key.push('/');
    }
    Ok(key)
}

/// The rows of an inventory in byte order of their keys, each key once.
#[derive(Debug)]
pub struct Rows {
    summary: Summary,
    batches: mpsc::Receiver<Result<Vec<Row>, Error>>,
    batch: std::vec::IntoIter<Row>,
    duplicates: Arc<AtomicU64>,
}

impl Rows {
    fn new(mut sorted: Sorted, summary: Summary, limits: Limits) -> Self {
        let (sender, batches) = mpsc::channel(BATCHES);
        let duplicates = Arc::default();
        let counter: Arc<AtomicU64> = Arc::clone(&duplicates);
        spawn_blocking(move || {
            loop {
                let mut batch = Vec::with_capacity(BATCH);
                let filled = fill(&mut sorted, &mut batch);
                counter.store(sorted.duplicates(), Ordering::Relaxed);
                let result = filled.map(|()| batch).map_err(|error| unsorted(&limits, error));
                let last = result.as_ref().map_or(true, |batch| batch.len() < BATCH);
                // A receiver that is gone wants no more.
                if sender.blocking_send(result).is_err() || last {
                    return;
                }
            }
        });
        Self { summary, batches, batch: Vec::new().into_iter(), duplicates }
    }

    /// What the inventory held.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// How many rows were left out so far, since a newer row has the same key. Complete after the last row.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    ///
    /// When the temporary file cannot be read.
    pub async fn next(&mut self) -> Result<Option<Row>, Error> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            match self.batches.recv().await {
                Some(batch) => self.batch = batch?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

fn fill(sorted: &mut Sorted, batch: &mut Vec<Row>) -> std::io::Result<()> {
    while batch.len() < BATCH {
        let Some((key, bytes)) = sorted.next()? else { break };
        let unpacked = row::unpack(key, bytes);
        batch.push(unpacked.ok_or(std::io::ErrorKind::InvalidData)?);
    }
    Ok(())
}
