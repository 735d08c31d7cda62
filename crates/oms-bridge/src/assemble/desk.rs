//! Builds a desk from the settings.

use std::sync::Arc;

use oss_lite::Client;
use oss_lite::callback::CallbackKeys;

use super::{BoxError, pipeline, web};
use bridge_config::DeskCommandSettings;
use bridge_core::credentials::SourceCredentials;
use object_copy::clock;
use object_copy::egress::{Guard, Resolver};
use upload_desk::catalogue::Catalogue;
use upload_desk::fetch::Fetcher;
use upload_desk::store::Store;
use upload_desk::{Callbacks, Desk, DeskParts, Forwarding, LARGEST_FORM};

/// Builds the desk that the settings describe. Opens no connection.
///
/// # Errors
///
/// When the settings do not fit together for OSS or OBS, TLS cannot be set up, or there are no credentials.
pub(crate) fn desk(
    settings: DeskCommandSettings,
    catalogue: Catalogue,
    credentials: SourceCredentials,
    http: &reqwest::Client,
) -> Result<Desk, BoxError> {
    let DeskCommandSettings { desk, oss, ingest, forward } = settings;
    let mut config = oss.client_config();
    if let Some(public_endpoint) = desk.public_endpoint {
        config = config.with_public_endpoint(public_endpoint);
    }
    let store =
        Store::new(Client::new(http.clone(), config)?, &desk.bucket, credentials.from_environment()?)?;
    let fetcher = match &ingest {
        Some(ingest) => {
            // The deadline of a fetch is long enough for the largest form.
            let max_size = desk.rules.max_size.min(LARGEST_FORM);
            let (web, guard) = (web(ingest)?, Arc::<Guard>::clone(&ingest.guard));
            let resolver = Resolver::system(guard.reach());
            Some(Fetcher::new(web, guard, resolver, store.bucket().clone(), max_size))
        }
        None => None,
    };
    let pipeline = forward.map(|forward| pipeline(forward, http)).transpose()?;
    Ok(Desk::new(DeskParts {
        users: desk.users,
        rules: desk.rules,
        catalogue,
        store,
        callbacks: Callbacks {
            url: desk.callback_url,
            keys: match desk.callback_key {
                Some(key) => CallbackKeys::with_key(key),
                None => CallbackKeys::new(http.clone()),
            },
        },
        fetcher,
        forwarding: pipeline.map(|pipeline| Forwarding { pipeline, credentials }),
        clock: clock::system,
        random: rustls::crypto::ring::default_provider().secure_random,
    }))
}
