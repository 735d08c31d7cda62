//! Settings of what is taken over HTTP.

use std::sync::Arc;

use super::IngestArgs;
use super::copy::boolean;
use http_listener::token::Token;
use object_copy::egress::{AllowList, Guard, Reach};
use settings::lenient::given;
use settings::lenient::half_width;
use settings::reader::Reader;

/// What may be fetched from the web, and who may ask for it.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Which URLs may be fetched.
    pub guard: Arc<Guard>,
    /// The token of those who may ask. Without one nobody may, and only what was asked for earlier is replayed.
    pub token: Option<Token>,
}

pub(super) fn read(r: &mut Reader, args: &IngestArgs) -> Option<IngestSettings> {
    let private = r.read("INGEST_ALLOW_PRIVATE", given(args.ingest_allow_private.as_ref()), boolean);
    let reach = if private == Some(true) { Reach::Private } else { Reach::Public };
    let token = r.read("INGEST_TOKEN", given(args.ingest_token.as_ref()), Token::parse);
    let domains = given(args.ingest_domains.as_ref());
    if domains.is_none() && given(args.ingest_token.as_ref()).is_some() {
        r.problem("INGEST_DOMAINS", "missing, and INGEST_TOKEN is set");
    }
    let domains = r.read("INGEST_DOMAINS", domains, |text| AllowList::parse(&half_width(text), reach))?;
    Some(IngestSettings { guard: Arc::new(Guard::new(domains, reach)), token })
}
