//! What opens the services: access keys, by one rule for all commands. A set is complete or not used, and
//! sets are never mixed.

use std::fmt;
use std::sync::Arc;

use oss_lite::{Credentials, Dialect};
use settings::keys::{Vendor, confused};
use settings::reader::missing;
use settings::service::KeyNames;
use settings::{Invalid, Reader, Setting};

use super::table::copy::{DEST_AK, DEST_SECURITY_TOKEN, DEST_SK};
use super::table::oms::{HW_AK, HW_SECURITY_TOKEN, HW_SK};
use super::table::oss::{
    ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET,
};

/// A pair of keys, and the token that temporary ones have.
pub struct KeyPair {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The token of temporary ones.
    pub token: Option<String>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

impl KeyPair {
    /// For requests to OMS.
    pub fn for_oms(self) -> apig_signer::Credentials {
        let credentials = apig_signer::Credentials::new(self.id, self.secret);
        match self.token {
            Some(token) => credentials.with_security_token(token),
            None => credentials,
        }
    }

    /// For requests to a store.
    pub fn for_store(self) -> Arc<Credentials> {
        let credentials = Credentials::new(self.id, self.secret);
        Arc::new(match self.token {
            Some(token) => credentials.with_security_token(token),
            None => credentials,
        })
    }
}

type KeySetting = &'static Setting<String>;

const HUAWEI: [KeySetting; 3] = [&HW_AK, &HW_SK, &HW_SECURITY_TOKEN];
const DESTINATION: [KeySetting; 3] = [&DEST_AK, &DEST_SK, &DEST_SECURITY_TOKEN];

/// The pairs that open OSS. The first complete one wins.
const OSS: [[KeySetting; 2]; 2] = [
    [&ALIBABA_CLOUD_ACCESS_KEY_ID, &ALIBABA_CLOUD_ACCESS_KEY_SECRET],
    [&OSS_ACCESS_KEY_ID, &OSS_ACCESS_KEY_SECRET],
];

/// The settings of the access key that opens OSS: those of the first complete pair, else of the first one.
pub fn oss_names(r: &Reader) -> KeyNames {
    let complete = OSS.into_iter().find(|pair| pair.iter().all(|setting| r.is_set(&setting.spec)));
    let [id, secret] = complete.unwrap_or(OSS[0]);
    KeyNames { id: id.spec.name, secret: secret.spec.name }
}

/// The settings of the access key of Huawei.
pub const HUAWEI_NAMES: KeyNames = KeyNames { id: HW_AK.spec.name, secret: HW_SK.spec.name };

const NO_KEYS: &str = "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or OSS_ACCESS_KEY_ID and \
                       OSS_ACCESS_KEY_SECRET; a function on Function Compute has those of its role";

/// Huawei keys, which must be there. `remedy` says what for.
pub fn huawei(r: &mut Reader, remedy: Option<&str>) -> Option<KeyPair> {
    for setting in &HUAWEI[..2] {
        if !r.is_set(&setting.spec) {
            r.problem(setting.spec.name, missing(remedy.unwrap_or(setting.spec.about.en)));
        }
    }
    keys(r, HUAWEI, Vendor::Huawei)
}

/// Huawei keys for a bucket of OBS.
pub fn huawei_for_obs(r: &mut Reader) -> Option<KeyPair> {
    huawei(r, Some("obs:// needs HW_AK and HW_SK"))
}

/// What opens a destination.
#[derive(Clone, Debug)]
pub enum Opens {
    /// Keys of its own, and their settings.
    Keys(Arc<Credentials>, KeyNames),
    /// What opens the source.
    AsSource,
}

/// The keys of a destination of that dialect, if the dialect is known: its own, else those of Huawei for OBS
/// and of the source for OSS.
pub fn destination(r: &mut Reader, dialect: Option<Dialect>) -> Option<Opens> {
    let [id, secret, token] = DESTINATION.map(|setting| setting.spec.name);
    let [has_id, has_secret, has_token] = DESTINATION.map(|setting| r.is_set(&setting.spec));
    let half = |there: &str| {
        Invalid::new(format_args!("missing, and {there} is set")).with_remedy("set both, or neither")
    };
    match (has_id, has_secret) {
        (true, true) => {
            let vendor = match dialect? {
                Dialect::Oss => Vendor::Alibaba,
                Dialect::Obs => Vendor::Huawei,
            };
            keys(r, DESTINATION, vendor).map(|keys| Opens::Keys(keys.for_store(), KeyNames { id, secret }))
        }
        (true, false) => {
            r.problem(secret, half(id));
            None
        }
        (false, true) => {
            r.problem(id, half(secret));
            None
        }
        (false, false) if has_token => {
            r.problem(token, Invalid::new(format_args!("set without {id} and {secret}")));
            None
        }
        (false, false) => match dialect? {
            Dialect::Oss => Some(Opens::AsSource),
            Dialect::Obs => huawei(r, Some("obs:// needs HW_AK and HW_SK, or DEST_AK and DEST_SK"))
                .map(|keys| Opens::Keys(keys.for_store(), HUAWEI_NAMES)),
        },
    }
}

fn keys(r: &mut Reader, [id, secret, token]: [KeySetting; 3], vendor: Vendor) -> Option<KeyPair> {
    let (names, token) = ([id.spec.name, secret.spec.name], r.get(token));
    let (id, secret) = (r.get(id)?, r.get(secret)?);
    if let Some(problem) = confused(vendor, names, &id, &secret) {
        r.add(problem);
        return None;
    }
    Some(KeyPair { id, secret, token })
}

/// Says what is wrong with the keys of OSS in the environment, if there are any.
pub fn check_oss(r: &mut Reader) {
    let complete = OSS.into_iter().find(|pair| pair.iter().all(|setting| r.is_set(&setting.spec)));
    let Some([id, secret]) = complete else { return };
    let values = [id, secret].map(|setting| r.text(&setting.spec).unwrap_or_default());
    let problem = confused(Vendor::Alibaba, [id.spec.name, secret.spec.name], values[0], values[1]);
    if let Some(problem) = problem {
        r.add(problem);
    }
}

/// Says so where the environment has no complete pair of keys for OSS, for commands that cannot do without.
pub fn need_oss(r: &mut Reader) {
    let mut halves = Vec::new();
    for pair in OSS {
        match pair.map(|setting| r.is_set(&setting.spec)) {
            [true, true] => return,
            [true, false] => halves.push([pair[1], pair[0]]),
            [false, true] => halves.push(pair),
            [false, false] => {}
        }
    }
    let [first, second] = OSS.map(|[id, _]| id.spec.name);
    if halves.is_empty() {
        let invalid = Invalid::new(format_args!("missing, and so is {first}: no credentials for OSS"))
            .with_remedy(NO_KEYS);
        r.problem(second, invalid);
    }
    for [half, other] in halves {
        let what = format!("missing, and {} is set: no credentials for OSS", other.spec.name);
        r.problem(half.spec.name, Invalid::new(what).with_remedy("set both, or neither"));
    }
}
