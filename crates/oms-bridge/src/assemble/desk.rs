//! Settings to a desk.

use std::sync::Arc;

use oss_lite::Client;
use oss_lite::callback::CallbackKeys;

use super::{BoxError, pipeline, web};
use crate::config::DeskSettings;
use bridge_core::credentials::SourceCredentials;
use object_copy::clock;
use object_copy::egress::{Guard, Resolver};
use upload_desk::catalogue::Catalogue;
use upload_desk::fetch::Fetcher;
use upload_desk::store::Store;
use upload_desk::{Callbacks, Desk, DeskParts, Forwarding, LARGEST_FORM, Rules};

/// Builds the desk that the settings describe. Opens no connection.
///
/// # Errors
///
/// When the settings do not fit together for OSS or OBS, TLS cannot be set up, or there are no credentials.
pub(crate) fn desk(
    settings: DeskSettings,
    catalogue: Catalogue,
    credentials: SourceCredentials,
    http: &reqwest::Client,
) -> Result<Desk, BoxError> {
    let DeskSettings { oss, public_endpoint, bucket, .. } = settings;
    let mut config = oss.client_config();
    if let Some(public_endpoint) = public_endpoint {
        config = config.with_public_endpoint(public_endpoint);
    }
    let store = Store::new(Client::new(http.clone(), config)?, &bucket, credentials.from_environment()?)?;
    let fetcher = match &settings.ingest {
        Some(ingest) => {
            // The deadline of a fetch is made for the largest form.
            let max_size = settings.max_size.min(LARGEST_FORM);
            let (web, guard) = (web(ingest)?, Arc::<Guard>::clone(&ingest.guard));
            let resolver = Resolver::system(guard.reach());
            Some(Fetcher::new(web, guard, resolver, store.bucket().clone(), max_size))
        }
        None => None,
    };
    let pipeline = settings.forward.map(|forward| pipeline(forward, http)).transpose()?;
    Ok(Desk::new(DeskParts {
        users: settings.users,
        rules: Rules {
            prefix: settings.prefix,
            max_size: settings.max_size,
            types: settings.types,
            upload_expiry: settings.upload_expiry,
            link_expiry: settings.link_expiry,
            part_size: settings.part_size,
        },
        catalogue,
        store,
        callbacks: Callbacks {
            url: settings.callback_url,
            keys: match settings.callback_key {
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
