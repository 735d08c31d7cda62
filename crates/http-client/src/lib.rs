//! The one HTTP client of the process.

#![warn(missing_docs)]

mod failure;
mod resolver;

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::{ClientBuilder, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

pub use self::failure::TransportKind;

/// Idle connections are dropped before the services drop them (their gateways close after 60 seconds).
const IDLE: Duration = Duration::from_secs(50);

type Error = Box<dyn std::error::Error + Send + Sync>;

const CONNECT: Duration = Duration::from_secs(5);

/// Whether proxies named by the environment (`HTTPS_PROXY` and so on) are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// Yes, as `curl` does.
    FromEnvironment,
    /// No: everything is on this machine.
    None,
}

/// Builds the client: with embedded root certificates, so that it works without a CA store; without
/// redirects, since a signed request must not be sent elsewhere; without decompression, since bytes are
/// compared.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn build(proxies: Proxies) -> Result<reqwest::Client, Error> {
    let client = builder()?;
    let client = match proxies {
        Proxies::FromEnvironment => client,
        Proxies::None => client.no_proxy(),
    };
    Ok(client.build()?)
}

/// Builds a client that connects only to addresses from `resolver`. It uses no proxy, which would resolve
/// names itself.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn resolving_by(resolver: impl Resolve + 'static) -> Result<reqwest::Client, Error> {
    Ok(builder()?.no_proxy().dns_resolver(Arc::new(resolver)).build()?)
}

fn builder() -> Result<ClientBuilder, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(resolver::System))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .user_agent(concat!("oms-bridge/", env!("CARGO_PKG_VERSION"))))
}

/// The examples of the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
