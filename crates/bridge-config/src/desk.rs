//! Settings of the command `desk`: those of the desk itself, and how its bucket, the web and the forwarding
//! are reached.

use oss_lite::Dialect;

use super::forward::Settings;
use super::ingest::{self, IngestSettings};
use super::keys;
use super::service::{Role, service};
use super::table::copy::{SOURCE_BUCKET, SOURCE_ENDPOINT};
use super::table::oms::LOG_BUCKET;
use super::table::oss::OSS_ENDPOINT;
use object_events::change::Provider;
use settings::service::Service;
use settings::{Invalid, Reader};
use upload_desk::config::{DESK_BUCKET, DESK_FORWARD, DeskSettings};

/// Settings of the command `desk` that are good.
#[derive(Debug)]
pub struct DeskCommandSettings {
    /// Those of the desk itself.
    pub desk: DeskSettings,
    /// How OSS is reached by the desk, and how requests and policies are signed.
    pub oss: Service,
    /// What may be fetched from the web.
    pub ingest: Option<IngestSettings>,
    /// How uploads are forwarded, if they are.
    pub forward: Option<Settings>,
}

impl DeskCommandSettings {
    /// Checks everything. Where nothing is forwarded, nothing of that is asked for.
    pub fn read(r: &mut Reader) -> Option<Self> {
        let forwards = r.get(&DESK_FORWARD) != Some(false);
        let forward = forwards.then(|| Settings::read(r));
        // The endpoint that is asked for where there is none is that of OSS, as by all other commands.
        let is_known = r.is_set(&SOURCE_ENDPOINT.spec) || r.is_set(&OSS_ENDPOINT.spec);
        let oss = service(r, if is_known { Role::Source(Dialect::Oss) } else { Role::Journal });
        keys::check_oss(r);
        let ingest = ingest::read(r);
        let desk = DeskSettings::read(r);
        check_bucket(r, forwards);
        Some(Self {
            desk: desk?,
            oss: oss?,
            ingest,
            forward: match forward {
                Some(settings) => Some(settings?),
                None => None,
            },
        })
    }
}

/// The bucket of the desk beside those of the other settings.
fn check_bucket(r: &mut Reader, forwards: bool) {
    let Some(bucket) = r.get(&DESK_BUCKET) else { return };
    if r.get(&LOG_BUCKET).is_some_and(|log_bucket| log_bucket == bucket) {
        let what = Invalid::new("is LOG_BUCKET, which is for the journal alone");
        r.problem(DESK_BUCKET.spec.name, what.with_remedy("name another bucket"));
    }
    let is_forwarded = r
        .get(&SOURCE_BUCKET)
        .is_none_or(|(provider, name)| provider == Provider::Configured && name == bucket.as_str());
    if forwards && !is_forwarded {
        let what = Invalid::new("is not SOURCE_BUCKET, the only bucket whose changes are forwarded");
        r.problem(DESK_BUCKET.spec.name, what.with_remedy("leave SOURCE_BUCKET out, or name it here"));
    }
}
