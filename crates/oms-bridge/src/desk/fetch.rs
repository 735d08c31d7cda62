//! Objects of the web, by the copy engine.
//!
//! A page that pipes another server's answer into an upload hands on its headers: a length that is that of the compressed bytes, an encoding,
//! cookies; and it fails half-way without anybody noticing. The copy engine takes over the content and what describes it, knows the
//! length or sends parts, reads on where a connection broke, and compares checksums.

use std::sync::Arc;

use oss_lite::Bucket;

use crate::engine::FailureClass;
use crate::ingest::Guard;
use crate::transfer::{Destination, Done, Existing, Failed, Item, Known, Options, Source, Transfer, Web};

/// Streams open at once, over all fetches.
const STREAMS: usize = 8;

/// Fetches objects of the web into the bucket, within the rules of `INGEST_DOMAINS`.
#[derive(Debug)]
pub struct Fetcher {
    transfer: Transfer,
    guard: Arc<Guard>,
}

/// What came of a fetch.
#[derive(Debug)]
pub enum Fetched {
    /// The object is in the bucket.
    Done,
    /// It will not be.
    Failed(String),
    /// Another try may help.
    Interrupted(String),
}

impl Fetcher {
    /// Fetches through `web`, which asks `guard`, up to `max_size` bytes an object.
    pub fn new(web: Web, guard: Arc<Guard>, bucket: Bucket, max_size: u64) -> Self {
        let options = Options {
            concurrency: STREAMS,
            existing: Existing::Overwrite,
            max_size: Some(max_size),
            ..Options::default()
        };
        Self { transfer: Transfer::new(Source::Web(web), Destination::store(bucket), options), guard }
    }

    /// What says which URLs may be fetched.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Fetches one object.
    pub async fn fetch(&self, url: &str, key: &str) -> Fetched {
        let item = Item {
            key: url.to_owned(),
            to: key.to_owned(),
            size: None,
            existing: Known::Nothing,
            open: None,
        };
        match self.transfer.copy(&item, None).await {
            Ok(Done::SourceGone) => Fetched::Failed("the web server has no such object".to_owned()),
            Ok(_) => Fetched::Done,
            Err(failed) => Fetched::of(&failed),
        }
    }
}

impl Fetched {
    fn of(failed: &Failed) -> Self {
        let why = failed.to_string();
        match failed.class {
            FailureClass::Transient | FailureClass::Throttled => Self::Interrupted(why),
            FailureClass::Permanent | FailureClass::Auth => Self::Failed(why),
        }
    }
}
