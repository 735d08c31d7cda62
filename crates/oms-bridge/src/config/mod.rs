//! Settings: environment and options in, one typed value or all problems at once out.
//!
//! | module | concern |
//! |---|---|
//! | `table` | every setting: its name, what it says, who has it, how it is parsed |
//! | `args` | the settings of a command as options |
//! | `service`, `keys` | how services of object storage are reached, and what opens them: one rule for all commands |
//! | `mode` | which engine is in charge |
//! | `oms`, `copy` | settings of each engine |
//! | `ingest` | settings of what is taken over HTTP |
//! | `listen` | limits of what clients of a listener may take |
//! | `desk` | settings of the command `desk`: those of `upload-desk`, and what its desk is connected to |

mod args;
mod copy;
#[cfg(feature = "desk")]
mod desk;
mod forward_mode;
mod ingest;
pub(crate) mod keys;
pub(crate) mod listen;
mod mode;
mod oms;
pub(crate) mod service;
pub(crate) mod table;

use arrival::watch::{self, Watch};
use bridge_core::policy::KeyFilter;
use object_events::KeyEncoding;
use oss_lite::BucketName;
use settings::service::Service;
use settings::{Invalid, Problem, Reader};

use self::copy::LogBucket;
use self::service::service;
use self::table::arrival::{ARRIVE_WITHIN, KEEP_RECORDS};
use self::table::copy::{AWS_REGION, DEST, DEST_ENDPOINT, SOURCE_BUCKET};
use self::table::oms::{EXCLUDE, FORWARD_MODE, INCLUDE, KEY_ENCODING, LOG_BUCKET, SYNC_URL};

pub(crate) use self::args::{SettingsOf, WithSettings};
pub(crate) use self::copy::source_bucket;
pub(crate) use self::copy::{CopySettings, DestinationSettings, SourceSettings};
#[cfg(feature = "desk")]
pub(crate) use self::desk::DeskCommandSettings;
pub(crate) use self::forward_mode::ForwardMode;
pub(crate) use self::ingest::IngestSettings;
pub(crate) use self::mode::Mode;
pub(crate) use self::oms::OmsSettings;
pub(crate) use self::service::Role;

/// What stands in the place of the sync task where there is none.
const DIRECT_COPY: &str = "direct-copy";

/// Settings that are good.
#[derive(Debug)]
pub(crate) struct Settings {
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
    #[cfg(any(test, feature = "demo"))]
    pub(crate) fn resolve(values: settings::Values) -> Result<Self, settings::ConfigError> {
        let mut reader = Reader::new(values);
        let settings = Self::read(&mut reader);
        reader.finish(settings)
    }

    /// The same for a command that has more to read.
    pub(crate) fn read(r: &mut Reader) -> Option<Self> {
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
    pub(crate) fn read_with_destination(r: &mut Reader) -> Option<Self> {
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
    pub(crate) fn serve_bare_keys(&self) -> Result<(), Problem> {
        let what = match (&self.mode, &self.source.bucket, &self.source.only) {
            (Mode::Copy(_), None, None) => "missing: keys that are handed over name no bucket",
            (Mode::Copy(_), None, Some(_)) => "is no bucket of OSS, where keys that are handed over are read",
            _ => return Ok(()),
        };
        Err(Problem::new(SOURCE_BUCKET.spec.name, Invalid::new(what)))
    }

    /// Where objects are copied to, as far as the settings tell.
    pub(crate) fn destination(&self) -> Option<&DestinationSettings> {
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
