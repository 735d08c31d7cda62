//! Settings of the desk. How its bucket, the web and the forwarding are reached are settings of the program
//! that serves it.

mod table;

use std::time::Duration;

use oss_lite::callback::PublicKey;
use oss_lite::{BucketName, Endpoint};
use reqwest::Url;

use crate::catalogue::DatabaseUrl;
use crate::desk::{LARGEST_FORM, Rules};
use crate::types::AllowedTypes;
use crate::users::Users;
use settings::{Invalid, Reader};

pub use self::table::{
    DESK_BUCKET, DESK_CALLBACK_KEY, DESK_CALLBACK_URL, DESK_DATABASE, DESK_FORWARD, DESK_LINK_EXPIRY,
    DESK_MAX_SIZE, DESK_PART_SIZE, DESK_PREFIX, DESK_PUBLIC_ENDPOINT, DESK_TOKENS, DESK_TOKENS_FILE,
    DESK_TYPES, DESK_UPLOAD_EXPIRY, TABLE,
};

const DATABASE: &str = "sqlite://oms-bridge-desk.db";
const PREFIX: &str = "uploads/";
const UPLOAD_EXPIRY: Duration = Duration::from_mins(30);
const LINK_EXPIRY: Duration = Duration::from_hours(1);
const PART_SIZE: u64 = 16 << 20;

/// Settings of the desk that are good.
#[derive(Debug)]
pub struct DeskSettings {
    /// The bucket that browsers upload to.
    pub bucket: BucketName,
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
    /// What may be uploaded, and for how long.
    pub rules: Rules,
}

impl DeskSettings {
    /// Checks everything.
    pub fn read(r: &mut Reader) -> Option<Self> {
        let bucket = r.need(&DESK_BUCKET);
        let public_endpoint = r.get(&DESK_PUBLIC_ENDPOINT);
        let callback_url = r.get(&DESK_CALLBACK_URL);
        let callback_key = r.get(&DESK_CALLBACK_KEY);
        let database = if r.is_set(&DESK_DATABASE.spec) {
            r.get(&DESK_DATABASE)
        } else {
            DatabaseUrl::parse(DATABASE).ok()
        };
        let rules = Rules {
            prefix: r.get(&DESK_PREFIX).unwrap_or_else(|| PREFIX.to_owned()),
            max_size: r.get(&DESK_MAX_SIZE).unwrap_or(LARGEST_FORM),
            types: r.get(&DESK_TYPES).unwrap_or(AllowedTypes::ALL),
            upload_expiry: r.get(&DESK_UPLOAD_EXPIRY).unwrap_or(UPLOAD_EXPIRY),
            link_expiry: r.get(&DESK_LINK_EXPIRY).unwrap_or(LINK_EXPIRY),
            part_size: r.get(&DESK_PART_SIZE).unwrap_or(PART_SIZE),
        };
        let users = users(r);
        Some(Self {
            bucket: bucket?,
            public_endpoint,
            users: users?,
            callback_url,
            callback_key,
            database: database?,
            rules,
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
