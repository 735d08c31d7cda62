//! Settings: environment and flags in, one typed value or all problems at once out.
//!
//! | module | concern |
//! |---|---|
//! | `args` | settings as given |
//! | `reader` | reads values, collects problems |
//! | `mode` | which engine is in charge |
//! | `oms`, `copy` | settings of each engine |
//! | `ingest` | settings of what is taken over HTTP |
//! | `listen` | limits of what clients of a listener may take |
//! | `desk` | settings of the upload desk |

mod args;
mod copy;
#[cfg(feature = "desk")]
mod desk;
mod ingest;
mod listen;
mod mode;
mod oms;

use std::str::FromStr;

use oss_lite::{BucketName, Dialect, Endpoint, SignatureVersion};

pub use self::args::{CopyArgs, IngestArgs, SettingsArgs};
pub use self::copy::{CopySettings, Destination, Source};
#[cfg(feature = "desk")]
pub use self::desk::{DeskSettings, DeskSettingsArgs};
pub use self::ingest::IngestSettings;
pub use self::listen::ListenArgs;
pub use self::mode::{ForwardMode, Mode};
pub use self::oms::OmsSettings;
use bridge_core::policy::KeyFilter;
use object_events::KeyEncoding;
use settings::ConfigError;
use settings::lenient;
use settings::lenient::given;
use settings::reader::Reader;

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
    /// Where OSS listens.
    pub oss_endpoint: Endpoint,
    /// Region of OSS, when known.
    pub oss_region: Option<String>,
    /// How requests to OSS are signed.
    pub oss_signature: SignatureVersion,
    /// Where objects come from.
    pub source: Source,
    /// Where OMS copies to, if the settings tell although it is not needed: only looked at.
    pub mirror: Option<Destination>,
    /// How keys arrive in events.
    pub key_encoding: KeyEncoding,
    /// Which keys are forwarded.
    pub keys: KeyFilter,
    /// What may be fetched from the web on demand, if anything.
    pub ingest: Option<IngestSettings>,
}

impl Settings {
    /// Checks everything.
    ///
    /// `fc_region`: the region that Function Compute tells, used where `OSS_REGION` is not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every problem; no secret is part of it.
    pub fn resolve(args: &SettingsArgs, fc_region: Option<&str>) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        let settings = Self::read(&mut reader, args, fc_region);
        settings.filter(|_| reader.problems.is_empty()).ok_or(ConfigError::new(reader.problems))
    }

    fn read(r: &mut Reader, args: &SettingsArgs, fc_region: Option<&str>) -> Option<Self> {
        let mode = r.read("FORWARD_MODE", given(args.forward_mode.as_ref()), |text| {
            ForwardMode::from_str(&word(text))
        });
        let mode = mode.unwrap_or_default();
        let oms = (mode != ForwardMode::Copy).then(|| oms::read(r, args));
        let task = if mode == ForwardMode::Copy { oms::sync_url(r, args) } else { None };
        let oss = Oss::read(r, args, fc_region, LogBucket::Required);
        let source = copy::source(r, args, oss.as_ref());
        let copy = (mode != ForwardMode::Oms).then(|| copy::read(r, args, oss.as_ref(), source.as_ref()));
        let looked_at = given(args.copy.dest.as_ref()).and(given(args.copy.dest_endpoint.as_ref()));
        let mirror = match (&copy, looked_at) {
            (None, Some(_)) => copy::destination(r, args, oss.as_ref()),
            _ => None,
        };
        let key_encoding = r.read("KEY_ENCODING", given(args.key_encoding.as_ref()), key_encoding);
        let keys = keys(r, args);
        let ingest = ingest::read(r, &args.ingest);
        let mode = match (oms, copy) {
            (Some(oms), Some(copy)) => Mode::OmsThenCopy(oms?, copy?),
            (None, Some(copy)) => Mode::Copy(copy?),
            (Some(oms), None) => Mode::Oms(oms?),
            (None, None) => return None,
        };
        let Oss { log_bucket, endpoint, region, signature } = oss?;
        let sync_url = mode.oms().map(|oms| &oms.sync_url).or(task.as_ref());
        Some(Self {
            task: sync_url.map_or(DIRECT_COPY, |url| url.task()).to_owned(),
            mode,
            log_bucket: log_bucket?,
            oss_endpoint: endpoint,
            oss_region: region,
            oss_signature: signature,
            source: source?,
            mirror,
            key_encoding: key_encoding.unwrap_or_default(),
            keys: keys?,
            ingest,
        })
    }

    /// Whether keys can be forwarded that come without a bucket.
    ///
    /// # Errors
    ///
    /// When only copies are made, and no setting says where from.
    pub fn serve_bare_keys(&self) -> Result<(), ConfigError> {
        match (&self.mode, &self.source.bucket) {
            (Mode::Copy(_), None) => Err(ConfigError::of(match self.source.only {
                None => "SOURCE_BUCKET: missing: keys that are handed over name no bucket",
                Some(_) => "SOURCE_BUCKET: is no bucket of OSS, where keys that are handed over are read",
            })),
            _ => Ok(()),
        }
    }

    /// Where objects are copied to, as far as the settings tell.
    pub fn destination(&self) -> Option<&Destination> {
        self.mode.copy().map(|copy| &copy.destination).or(self.mirror.as_ref())
    }
}

/// Whether there must be a log bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogBucket {
    Required,
    /// Nothing is forwarded, so nothing is recorded.
    #[cfg(feature = "desk")]
    NotNeeded,
}

/// OSS, as the log bucket sees it.
struct Oss {
    log_bucket: Option<BucketName>,
    endpoint: Endpoint,
    region: Option<String>,
    signature: SignatureVersion,
}

impl Oss {
    fn read(
        r: &mut Reader,
        args: &SettingsArgs,
        fc_region: Option<&str>,
        log_bucket: LogBucket,
    ) -> Option<Self> {
        let log_bucket = match log_bucket {
            LogBucket::Required => r.required("LOG_BUCKET", args.log_bucket.as_ref()),
            #[cfg(feature = "desk")]
            LogBucket::NotNeeded => given(args.log_bucket.as_ref()),
        };
        let log_bucket = r.read("LOG_BUCKET", log_bucket, |text| lenient::bucket(text, Dialect::Oss));
        let endpoint = r.required("OSS_ENDPOINT", args.oss_endpoint.as_ref());
        let endpoint = r.read("OSS_ENDPOINT", endpoint, |text| lenient::endpoint(text, Dialect::Oss));
        let signature = r.read("OSS_SIGNATURE", given(args.oss_signature.as_ref()), signature);
        let signature = signature.unwrap_or(SignatureVersion::V4);
        let endpoint = endpoint?;
        let region = r
            .read("OSS_REGION", given(args.oss_region.as_ref()), lenient::region)
            .or_else(|| fc_region.filter(|region| !region.is_empty()).map(str::to_owned))
            .or_else(|| endpoint.region_hint().map(str::to_owned));
        if region.is_none() && signature == SignatureVersion::V4 {
            r.problem("OSS_REGION", "missing: V4 signatures need it and OSS_ENDPOINT does not tell");
        }
        Some(Self { log_bucket, endpoint, region, signature })
    }
}

fn keys(r: &mut Reader, args: &SettingsArgs) -> Option<KeyFilter> {
    let (include, exclude) = (given(args.include.as_ref()), given(args.exclude.as_ref()));
    for (name, globs) in [("INCLUDE", &include), ("EXCLUDE", &exclude)] {
        r.read(name, globs.clone(), |globs| KeyFilter::new(Some(globs), None));
    }
    KeyFilter::new(include.as_deref(), exclude.as_deref()).ok()
}

fn signature(text: &str) -> Result<SignatureVersion, String> {
    match &*word(text) {
        "v4" => Ok(SignatureVersion::V4),
        "v1" => Ok(SignatureVersion::V1),
        _ => Err(format!("{text:?} is neither \"v4\" nor \"v1\"")),
    }
}

/// A word of a fixed set, as people type it.
fn word(text: &str) -> String {
    lenient::half_width(text).to_ascii_lowercase()
}

fn key_encoding(text: &str) -> Result<KeyEncoding, String> {
    match &*word(text) {
        "raw" => Ok(KeyEncoding::Raw),
        "percent" => Ok(KeyEncoding::Percent),
        _ => Err(format!("{text:?} is neither \"raw\" nor \"percent\"")),
    }
}

#[cfg(test)]
mod tests;
