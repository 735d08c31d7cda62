//! Settings of what is taken over HTTP.

use std::sync::Arc;

use http_listener::token::Token;
use object_copy::egress::{AllowList, Guard, Reach};
use settings::lenient::half_width;
use settings::{Invalid, Reader};

use super::table::serve::{INGEST_ALLOW_PRIVATE, INGEST_DOMAINS, INGEST_TOKEN};

/// What may be fetched from the web, and who may ask for it.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Which URLs may be fetched.
    pub guard: Arc<Guard>,
    /// The token of those who may ask. Without one nobody may, and only what was asked for earlier is
    /// replayed.
    pub token: Option<Token>,
}

pub(super) fn read(r: &mut Reader) -> Option<IngestSettings> {
    let private = r.get(&INGEST_ALLOW_PRIVATE);
    let reach = if private == Some(true) { Reach::Private } else { Reach::Public };
    let token = r.get(&INGEST_TOKEN);
    if !r.is_set(&INGEST_DOMAINS.spec) && r.is_set(&INGEST_TOKEN.spec) {
        let what = Invalid::new("missing, and INGEST_TOKEN is set");
        r.problem(
            INGEST_DOMAINS.spec.name,
            what.with_remedy("name the hosts that objects may be fetched from"),
        );
    }
    let domains = r.get_by(&INGEST_DOMAINS, |text| AllowList::parse(&half_width(text), reach))?;
    Some(IngestSettings { guard: Arc::new(Guard::new(domains, reach)), token })
}
