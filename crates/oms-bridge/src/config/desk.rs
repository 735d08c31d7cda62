//! Settings of the upload desk.

use std::time::Duration;

use oss_lite::callback::PublicKey;
use oss_lite::{BucketName, Dialect, Endpoint};
use reqwest::Url;

use super::service::{Role, service};
use super::table::copy::{SOURCE_BUCKET, SOURCE_ENDPOINT};
use super::table::desk::{
    DESK_BUCKET, DESK_CALLBACK_KEY, DESK_CALLBACK_URL, DESK_DATABASE, DESK_FORWARD, DESK_LINK_EXPIRY,
    DESK_MAX_SIZE, DESK_PART_SIZE, DESK_PREFIX, DESK_PUBLIC_ENDPOINT, DESK_TOKENS, DESK_TOKENS_FILE,
    DESK_TYPES, DESK_UPLOAD_EXPIRY,
};
use super::table::oms::LOG_BUCKET;
use super::table::oss::OSS_ENDPOINT;
use super::{IngestSettings, Service, Settings, ingest, keys};
use object_events::change::Provider;
use settings::{Invalid, Reader};
use upload_desk::LARGEST_FORM;
use upload_desk::catalogue::DatabaseUrl;
use upload_desk::types::AllowedTypes;
use upload_desk::users::Users;

const DATABASE: &str = "sqlite://oms-bridge-desk.db";
const PREFIX: &str = "uploads/";
const UPLOAD_EXPIRY: Duration = Duration::from_mins(30);
const LINK_EXPIRY: Duration = Duration::from_hours(1);
const PART_SIZE: u64 = 16 << 20;

/// Settings of the desk that are good.
#[derive(Debug)]
pub(crate) struct DeskSettings {
    /// The bucket that browsers upload to.
    pub bucket: BucketName,
    /// How OSS is reached by the desk, and how requests and policies are signed.
    pub oss: Service,
    /// Where OSS listens, for browsers, if elsewhere.
    pub public_endpoint: Option<Endpoint>,
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
    /// Size of the parts of large uploads, in bytes.
    pub part_size: u64,
    /// What may be fetched from the web.
    pub ingest: Option<IngestSettings>,
    /// How uploads are forwarded, if they are.
    pub forward: Option<Settings>,
}

impl DeskSettings {
    /// Checks everything. Where nothing is forwarded, nothing of that is asked for.
    pub(crate) fn read(r: &mut Reader) -> Option<Self> {
        let forwards = r.get(&DESK_FORWARD) != Some(false);
        let forward = forwards.then(|| Settings::read(r));
        // The endpoint that is asked for where there is none is that of OSS, as by all other commands.
        let is_known = r.is_set(&SOURCE_ENDPOINT.spec) || r.is_set(&OSS_ENDPOINT.spec);
        let oss = service(r, if is_known { Role::Source(Dialect::Oss) } else { Role::Journal });
        keys::check_oss(r);
        let log_bucket = r.get(&LOG_BUCKET);
        let ingest = ingest::read(r);
        let bucket = r.need(&DESK_BUCKET);
        if bucket.is_some() && bucket == log_bucket {
            let what = Invalid::new("is LOG_BUCKET, which is for the journal alone");
            r.problem(DESK_BUCKET.spec.name, what.with_remedy("name another bucket"));
        }
        let only = r.get(&SOURCE_BUCKET);
        let is_own = |bucket: &BucketName| {
            only.as_ref()
                .is_none_or(|(provider, name)| *provider == Provider::Configured && name == bucket.as_str())
        };
        if forwards && bucket.as_ref().is_some_and(|bucket| !is_own(bucket)) {
            let what = Invalid::new("is not SOURCE_BUCKET, the only bucket whose changes are forwarded");
            r.problem(DESK_BUCKET.spec.name, what.with_remedy("leave SOURCE_BUCKET out, or name it here"));
        }
        let public_endpoint = r.get(&DESK_PUBLIC_ENDPOINT);
        let callback_url = r.get(&DESK_CALLBACK_URL);
        let callback_key = r.get(&DESK_CALLBACK_KEY);
        let database = if r.is_set(&DESK_DATABASE.spec) {
            r.get(&DESK_DATABASE)
        } else {
            DatabaseUrl::parse(DATABASE).ok()
        };
        let prefix = r.get(&DESK_PREFIX);
        let max_size = r.get(&DESK_MAX_SIZE);
        let types = r.get(&DESK_TYPES);
        let upload_expiry = r.get(&DESK_UPLOAD_EXPIRY);
        let link_expiry = r.get(&DESK_LINK_EXPIRY);
        let part_size = r.get(&DESK_PART_SIZE);
        let users = users(r);
        Some(Self {
            bucket: bucket?,
            oss: oss?,
            public_endpoint,
            users: users?,
            callback_url,
            callback_key,
            database: database?,
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            max_size: max_size.unwrap_or(LARGEST_FORM),
            types: types.unwrap_or(AllowedTypes::ALL),
            upload_expiry: upload_expiry.unwrap_or(UPLOAD_EXPIRY),
            link_expiry: link_expiry.unwrap_or(LINK_EXPIRY),
            part_size: part_size.unwrap_or(PART_SIZE),
            ingest,
            forward: match forward {
                Some(settings) => Some(settings?),
                None => None,
            },
        })
    }
}

fn users(r: &mut Reader) -> Option<Users> {
    let name = DESK_TOKENS.spec.name;
    match (r.is_set(&DESK_TOKENS.spec), r.is_set(&DESK_TOKENS_FILE.spec)) {
        (true, true) => {
            let what = Invalid::new("set, and so is DESK_TOKENS_FILE: which of them counts?");
            r.problem(name, what.with_remedy("leave out one of them"));
            None
        }
        (false, false) => {
            let what = Invalid::new("missing, and so is DESK_TOKENS_FILE: nobody could use the desk");
            r.problem(name, what.with_remedy("name users, such as eric:<token>"));
            None
        }
        (true, false) => r.get(&DESK_TOKENS),
        (false, true) => r.get(&DESK_TOKENS_FILE),
    }
}
