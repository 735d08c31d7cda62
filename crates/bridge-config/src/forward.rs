//! Settings of the commands that forward changes.

use arrival::watch::{self, Watch};
use bridge_core::policy::KeyFilter;
use object_events::KeyEncoding;
use oss_lite::BucketName;
use settings::service::Service;
use settings::{Invalid, Problem, Reader};

use super::copy::LogBucket;
use super::copy::{DestinationSettings, SourceSettings};
use super::forward_mode::ForwardMode;
use super::ingest::{self, IngestSettings};
use super::mode::Mode;
use super::service::{Role, service};
use super::table::arrival::{ARRIVE_WITHIN, KEEP_RECORDS};
use super::table::copy::{AWS_REGION, DEST, DEST_ENDPOINT, SOURCE_BUCKET};
use super::table::oms::{EXCLUDE, FORWARD_MODE, INCLUDE, KEY_ENCODING, LOG_BUCKET, SYNC_URL};
use super::{copy, keys, oms};

/// What stands in the place of the sync task where there is none.
const DIRECT_COPY: &str = "direct-copy";

/// Settings that are good.
#[derive(Debug)]
pub struct Settings {
    /// Which engine forwards changes.
    pub mode: Mode,
    /// What the journal is named by: the id of the sync task, else `direct-copy`.
    pub task: String,
    /// Bucket of the journal.
    pub log_bucket: BucketName,
    /// How OSS is reached for the log bucket.
    pub oss: Service,
    /// Where objects come from.
    pub source: SourceSettings,
    /// Where OMS copies to, if the settings tell although it is not needed: only looked at.
    pub mirror: Option<DestinationSettings>,
    /// How keys arrive in events.
    pub key_encoding: KeyEncoding,
    /// Which keys are forwarded.
    pub keys: KeyFilter,
    /// What may be fetched from the web on demand, if anything.
    pub ingest: Option<IngestSettings>,
    /// Region of objects in Amazon S3, where it is set.
    pub aws_region: Option<String>,
    /// How long accepted keys are watched until they arrive.
    pub watch: Watch,
}

impl Settings {
    /// Checks everything. The error has every problem; no secret is part of it.
    pub fn resolve(values: settings::Values) -> Result<Self, settings::ConfigError> {
        let mut reader = Reader::new(values);
        let settings = Self::read(&mut reader);
        reader.finish(settings)
    }

    /// The same for a command that has more to read.
    pub fn read(r: &mut Reader) -> Option<Self> {
        let mode = r.get(&FORWARD_MODE).unwrap_or_default();
        let oms = (mode != ForwardMode::Copy).then(|| oms::read(r));
        let task = if mode == ForwardMode::Copy { r.get(&SYNC_URL) } else { None };
        let log_bucket = r.need(&LOG_BUCKET);
        let oss = service(r, Role::Journal);
        let journal = LogBucket { bucket: log_bucket.as_ref(), service: oss.as_ref() };
        let source = copy::source(r, journal);
        let copy = (mode != ForwardMode::Oms).then(|| copy::read(r, journal, source.as_ref()));
        let looked_at = r.is_set(&DEST.spec) && r.is_set(&DEST_ENDPOINT.spec);
        // Settings that this mode does not use are checked, too: a bad value is a mistake in any mode.
        let mirror = if copy.is_none() && looked_at { r.check(copy::destination) } else { None };
        if mode == ForwardMode::Copy {
            r.check(oms::check);
        }
        if mode == ForwardMode::Oms {
            r.check(copy::deletes);
        }
        keys::check_oss(r);
        let key_encoding = r.get(&KEY_ENCODING);
        let keys = keys(r);
        let ingest = ingest::read(r);
        let aws_region = r.get(&AWS_REGION);
        let watch = Watch {
            arrive_within: r.get(&ARRIVE_WITHIN).unwrap_or(watch::ARRIVE_WITHIN),
            keep_records: r.get(&KEEP_RECORDS).unwrap_or(watch::KEEP_RECORDS),
        };
        let mode = match (oms, copy) {
            (Some(oms), Some(copy)) => Mode::OmsThenCopy(oms?, Box::new(copy?)),
            (None, Some(copy)) => Mode::Copy(Box::new(copy?)),
            (Some(oms), None) => Mode::Oms(oms?),
            (None, None) => return None,
        };
        let sync_url = mode.oms().map(|oms| &oms.sync_url).or(task.as_ref());
        Some(Self {
            task: sync_url.map_or(DIRECT_COPY, |url| url.task()).to_owned(),
            mode,
            log_bucket: log_bucket?,
            oss: oss?,
            source: source?,
            mirror,
            key_encoding: key_encoding.unwrap_or_default(),
            keys: keys?,
            ingest,
            aws_region,
            watch,
        })
    }

    /// The same for a command that looks at the destination, also where OMS copies.
    pub fn read_with_destination(r: &mut Reader) -> Option<Self> {
        let settings = Self::read(r)?;
        if settings.mirror.is_some() {
            copy::destination(r);
        }
        Some(settings)
    }

    /// Whether keys can be forwarded that come without a bucket.
    ///
    /// # Errors
    ///
    /// When only copies are made, and no setting says where from.
    pub fn serve_bare_keys(&self) -> Result<(), Problem> {
        let what = match (&self.mode, &self.source.bucket, &self.source.only) {
            (Mode::Copy(_), None, None) => "missing: keys that are handed over name no bucket",
            (Mode::Copy(_), None, Some(_)) => "is no bucket of OSS, where keys that are handed over are read",
            _ => return Ok(()),
        };
        Err(Problem::new(SOURCE_BUCKET.spec.name, Invalid::new(what)))
    }

    /// Where objects are copied to, as far as the settings tell.
    pub fn destination(&self) -> Option<&DestinationSettings> {
        self.mode.copy().map(|copy| &copy.destination).or(self.mirror.as_ref())
    }
}

fn keys(r: &mut Reader) -> Option<KeyFilter> {
    let (include, exclude) = (r.get(&INCLUDE), r.get(&EXCLUDE));
    // Each by itself first, so that the problem has the right name.
    for globs in [&INCLUDE, &EXCLUDE] {
        r.get_by(globs, |globs| KeyFilter::new(Some(globs), None).map_err(Invalid::new));
    }
    KeyFilter::new(include.as_deref(), exclude.as_deref()).ok()
}

#[cfg(test)]
mod tests;
