//! Settings of the upload desk.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use oss_lite::callback::PublicKey;
use oss_lite::{BucketName, Dialect, Endpoint, SignatureVersion};
use reqwest::Url;

use super::copy::{self, boolean};
use super::{IngestSettings, LogBucket, Oss, Settings, SettingsArgs, ingest};
use object_events::change::Provider;
use settings::ConfigError;
use settings::lenient;
use settings::lenient::given;
use settings::reader::Reader;
use upload_desk::catalogue::DatabaseUrl;
use upload_desk::types::AllowedTypes;
use upload_desk::users::Users;

/// Largest object that a form can carry: 5 GiB, a limit of OSS.
const LARGEST: u64 = 5 << 30;

const DATABASE: &str = "sqlite://oms-bridge-desk.db";
const DATABASE_HELP: &str = "Database of the catalogue: sqlite://FILE or mysql://USER:PASSWORD@HOST/DATABASE [default: sqlite://oms-bridge-desk.db]";
const PREFIX: &str = "uploads/";
const UPLOAD_EXPIRY: Duration = Duration::from_mins(30);
const LINK_EXPIRY: Duration = Duration::from_hours(1);

/// Longest time that temporary credentials sign a URL for.
const LONGEST_LINK: Duration = Duration::from_hours(12);

/// Longest prefix: with the user, the id and a name of 255 bytes a key has 1023 bytes at most.
const LONGEST_PREFIX: usize = 500;

/// Settings of the desk as given: each an environment variable and a flag of the same name.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Desk")]
pub struct DeskSettingsArgs {
    /// OSS bucket that browsers upload to.
    #[arg(long, env = "DESK_BUCKET", value_name = "BUCKET", hide_env_values = true)]
    pub desk_bucket: Option<String>,
    /// Users, name:token or name:token:admin, with commas between. Prefer the environment, or a file.
    #[arg(long, env = "DESK_TOKENS", value_name = "USERS", hide_env_values = true)]
    pub desk_tokens: Option<String>,
    /// File of users, one name:token or name:token:admin a line.
    #[arg(long, env = "DESK_TOKENS_FILE", value_name = "FILE", hide_env_values = true)]
    pub desk_tokens_file: Option<String>,
    /// Where OSS reaches POST /callback of this desk from the internet. Without it uploads are found by looking.
    #[arg(long, env = "DESK_CALLBACK_URL", value_name = "URL", hide_env_values = true)]
    pub desk_callback_url: Option<String>,
    /// PEM file of the key that callbacks are signed with [default: OSS's own, fetched from where OSS publishes it].
    #[arg(long, env = "DESK_CALLBACK_KEY", value_name = "FILE", hide_env_values = true)]
    pub desk_callback_key: Option<String>,
    /// Host or URL of OSS for browsers, such as a custom domain [default: that of the desk].
    #[arg(long, env = "DESK_PUBLIC_ENDPOINT", value_name = "HOST", hide_env_values = true)]
    pub desk_public_endpoint: Option<String>,
    /// Database of the catalogue.
    #[arg(long, env = "DESK_DATABASE", value_name = "URL", hide_env_values = true, help = DATABASE_HELP)]
    pub desk_database: Option<String>,
    /// What all keys begin with [default: uploads/].
    #[arg(long, env = "DESK_PREFIX", value_name = "PREFIX", hide_env_values = true)]
    pub desk_prefix: Option<String>,
    /// Largest upload in bytes [default: 5368709120, the most that OSS takes].
    #[arg(long, env = "DESK_MAX_SIZE", value_name = "BYTES", hide_env_values = true)]
    pub desk_max_size: Option<String>,
    /// Comma-separated content types that may be uploaded, such as image/*,application/pdf [default: all].
    #[arg(long, env = "DESK_TYPES", value_name = "TYPES", hide_env_values = true)]
    pub desk_types: Option<String>,
    /// Seconds in which an upload must begin [default: 1800].
    #[arg(long, env = "DESK_UPLOAD_EXPIRY", value_name = "SECONDS", hide_env_values = true)]
    pub desk_upload_expiry: Option<String>,
    /// Seconds that a download link is good for, up to 43200 [default: 3600].
    #[arg(long, env = "DESK_LINK_EXPIRY", value_name = "SECONDS", hide_env_values = true)]
    pub desk_link_expiry: Option<String>,
    /// Whether the desk forwards what is uploaded; false where the bucket has a trigger that does [default: true].
    #[arg(long, env = "DESK_FORWARD", value_name = "BOOL", hide_env_values = true)]
    pub desk_forward: Option<String>,
}

impl fmt::Debug for DeskSettingsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeskSettingsArgs").finish_non_exhaustive()
    }
}

/// Settings of the desk that are good.
#[derive(Debug)]
pub struct DeskSettings {
    /// The bucket that browsers upload to.
    pub bucket: BucketName,
    /// Where OSS listens, for the desk.
    pub endpoint: Endpoint,
    /// Where OSS listens, for browsers, if elsewhere.
    pub public_endpoint: Option<Endpoint>,
    /// Region of OSS, when known.
    pub region: Option<String>,
    /// How requests and policies are signed.
    pub signature: SignatureVersion,
    /// Who may use the desk.
    pub users: Users,
    /// Where OSS calls back.
    pub callback_url: Option<Url>,
    /// The key that callbacks are signed with, if not OSS's own.
    pub callback_key: Option<PublicKey>,
    /// Where the catalogue lies.
    pub database: DatabaseUrl,
    /// What all keys begin with.
    pub prefix: String,
    /// Largest upload, in bytes.
    pub max_size: u64,
    /// What may be uploaded.
    pub types: AllowedTypes,
    /// How long policies are good for.
    pub upload_expiry: Duration,
    /// How long download links are good for.
    pub link_expiry: Duration,
    /// What may be fetched from the web.
    pub ingest: Option<IngestSettings>,
    /// How uploads are forwarded, if they are.
    pub forward: Option<Settings>,
}

impl DeskSettings {
    /// Checks everything.
    ///
    /// `fc_region`: as of [`Settings::resolve`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every problem; no secret is part of it.
    pub fn resolve(
        desk: &DeskSettingsArgs,
        args: &SettingsArgs,
        fc_region: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        let settings = Self::read(&mut reader, desk, args, fc_region);
        settings.filter(|_| reader.problems.is_empty()).ok_or(ConfigError::new(reader.problems))
    }

    fn read(
        r: &mut Reader,
        desk: &DeskSettingsArgs,
        args: &SettingsArgs,
        fc_region: Option<&str>,
    ) -> Option<Self> {
        let forward = r.read("DESK_FORWARD", given(desk.desk_forward.as_ref()), boolean) != Some(false);
        let forward = forward.then(|| Settings::read(r, args, fc_region));
        let log_bucket = if forward.is_some() { LogBucket::Required } else { LogBucket::NotNeeded };
        let oss = Oss::read(r, args, fc_region, log_bucket);
        let source = copy::source(r, args, oss.as_ref());
        let ingest = ingest::read(r, &args.ingest);
        let bucket = r.required("DESK_BUCKET", desk.desk_bucket.as_ref());
        let bucket = r.read("DESK_BUCKET", bucket, |text| lenient::bucket(text, Dialect::Oss));
        if bucket.is_some() && bucket == oss.as_ref().and_then(|oss| oss.log_bucket.clone()) {
            r.problem("DESK_BUCKET", "is LOG_BUCKET, which is for the journal alone");
        }
        let only = source.as_ref().and_then(|source| source.only.as_ref());
        let is_own = |bucket: &BucketName| {
            only.is_none_or(|(provider, name)| *provider == Provider::Configured && name == bucket.as_str())
        };
        if forward.is_some() && bucket.as_ref().is_some_and(|bucket| !is_own(bucket)) {
            r.problem("DESK_BUCKET", "is not SOURCE_BUCKET, the only bucket whose changes are forwarded");
        }
        let public_endpoint = given(desk.desk_public_endpoint.as_ref());
        let public_endpoint =
            r.read("DESK_PUBLIC_ENDPOINT", public_endpoint, |text| lenient::endpoint(text, Dialect::Oss));
        let callback_url = r.read("DESK_CALLBACK_URL", given(desk.desk_callback_url.as_ref()), callback_url);
        let callback_key = r.read("DESK_CALLBACK_KEY", given(desk.desk_callback_key.as_ref()), public_key);
        let database = given(desk.desk_database.as_ref()).unwrap_or_else(|| DATABASE.to_owned());
        let database = r.read("DESK_DATABASE", Some(database), |text| DatabaseUrl::parse(text.trim()));
        let prefix = r.read("DESK_PREFIX", given(desk.desk_prefix.as_ref()), prefix);
        let max_size = r.read("DESK_MAX_SIZE", given(desk.desk_max_size.as_ref()), max_size);
        let types = r.read("DESK_TYPES", given(desk.desk_types.as_ref()), AllowedTypes::parse);
        let day = Duration::from_hours(24);
        let upload_expiry =
            r.read("DESK_UPLOAD_EXPIRY", given(desk.desk_upload_expiry.as_ref()), |text| seconds(text, day));
        let link_expiry = r.read("DESK_LINK_EXPIRY", given(desk.desk_link_expiry.as_ref()), |text| {
            seconds(text, LONGEST_LINK)
        });
        let users = users(r, desk);
        let (source, oss) = (source?, oss?);
        Some(Self {
            bucket: bucket?,
            endpoint: source.endpoint,
            public_endpoint,
            region: source.region,
            signature: oss.signature,
            users: users?,
            callback_url,
            callback_key,
            database: database?,
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            max_size: max_size.unwrap_or(LARGEST),
            types: types.unwrap_or(AllowedTypes::ALL),
            upload_expiry: upload_expiry.unwrap_or(UPLOAD_EXPIRY),
            link_expiry: link_expiry.unwrap_or(LINK_EXPIRY),
            ingest,
            forward: match forward {
                Some(settings) => Some(settings?),
                None => None,
            },
        })
    }
}

fn users(r: &mut Reader, desk: &DeskSettingsArgs) -> Option<Users> {
    let (inline, file) = (given(desk.desk_tokens.as_ref()), given(desk.desk_tokens_file.as_ref()));
    match (inline, file) {
        (Some(_), Some(_)) => {
            r.problem("DESK_TOKENS", "set, and so is DESK_TOKENS_FILE: which of them counts?");
            None
        }
        (None, None) => {
            r.problem("DESK_TOKENS", "missing, and so is DESK_TOKENS_FILE: nobody could use the desk");
            None
        }
        (Some(text), None) => r.read("DESK_TOKENS", Some(text), Users::parse),
        (None, Some(file)) => r.read("DESK_TOKENS_FILE", Some(file), |file| Users::parse(&file_text(file)?)),
    }
}

fn file_text(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(Path::new(path));
    let text = text.map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    Ok(text.strip_prefix(lenient::MARK).map(str::to_owned).unwrap_or(text))
}

fn public_key(path: &str) -> Result<PublicKey, String> {
    PublicKey::from_pem(&file_text(path)?).map_err(|error| format!("{path:?}: {error}"))
}

/// OSS calls plain `http` and `https` URLs, and none of IPv6.
fn callback_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(&lenient::half_width(text))
        .map_err(|error| format!("{:?} is no URL: {error}", lenient::shown_url(text)))?;
    let good = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.starts_with('['))
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && !url.as_str().contains(';');
    if good { Ok(url) } else { Err("is not a plain http or https URL, which OSS could call".to_owned()) }
}

fn prefix(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    let bad_segment = text.split('/').rev().skip(1).any(|segment| matches!(segment, "" | "." | ".."));
    if text.len() > LONGEST_PREFIX || bad_segment || text.chars().any(char::is_control) {
        return Err(format!("{text:?} is no folder of up to {LONGEST_PREFIX} bytes, such as \"uploads/\""));
    }
    Ok(text)
}

fn max_size(text: &str) -> Result<u64, String> {
    let size = lenient::half_width(text).parse().ok().filter(|size| (1..=LARGEST).contains(size));
    size.ok_or_else(|| format!("{text:?} is not a number of bytes from 1 to {LARGEST}"))
}

fn seconds(text: &str, longest: Duration) -> Result<Duration, String> {
    let seconds =
        lenient::half_width(text).parse().ok().filter(|seconds| (1..=longest.as_secs()).contains(seconds));
    let seconds = seconds
        .ok_or_else(|| format!("{text:?} is not a number of seconds from 1 to {}", longest.as_secs()))?;
    Ok(Duration::from_secs(seconds))
}
