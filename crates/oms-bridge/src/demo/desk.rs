//! The upload desk on the local cloud.

use std::future::Future;
use std::path::Path;

use fc_adapter::Limits;
use oss_lite::callback::PublicKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Error;
use super::cloud::{Addresses, LocalCloud, SOURCE};
use crate::assemble;
use bridge_config::DeskCommandSettings;
use bridge_config::table::oss::{OSS_ENDPOINT, OSS_REGION};
use http_client::{self, Proxies};
use settings::{Reader, Values};
use upload_desk::Desk;
use upload_desk::catalogue::Catalogue;
use upload_desk::config::{DESK_BUCKET, DESK_CALLBACK_URL, DESK_DATABASE, DESK_FORWARD, DESK_TOKENS};

/// The one user's name.
const USER: &str = "dev";

/// Its token. It gives access only to a local cloud with made-up keys.
const TOKEN: &str = "dev-token-of-the-local-cloud";

/// A desk that is listening.
#[derive(Debug)]
pub(crate) struct LocalDesk {
    desk: Desk,
    listener: TcpListener,
    url: String,
}

impl LocalDesk {
    /// Sets one up on the bucket whose uploads trigger the function, so it forwards nothing itself. Its
    /// database is a file in `folder`.
    ///
    /// # Errors
    ///
    /// When the port is taken, usually.
    pub(crate) async fn start(
        cloud: &LocalCloud,
        addresses: Addresses,
        folder: &Path,
    ) -> Result<Self, Error> {
        let listener = http_listener::bind(addresses.desk(), "the desk").await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let database = format!("sqlite://{}", folder.join("desk.db").display());
        let twin = cloud.twin();
        let values = Values::default()
            .with(&DESK_BUCKET.spec, SOURCE)
            .with(&DESK_TOKENS.spec, format!("{USER}:{TOKEN}:admin"))
            .with(&DESK_CALLBACK_URL.spec, format!("{url}/callback"))
            .with(&DESK_DATABASE.spec, &database)
            .with(&DESK_FORWARD.spec, "false")
            .with(&OSS_ENDPOINT.spec, twin.oss_url())
            .with(&OSS_REGION.spec, twin.region());
        let mut reader = Reader::new(values);
        let settings = DeskCommandSettings::read(&mut reader);
        let mut settings = reader.finish(settings)?;
        settings.desk.callback_key = Some(PublicKey::from_pem(twin.callback_public_key_pem())?);
        let catalogue = Catalogue::open(&settings.desk.database).await?;
        let http = http_client::build(Proxies::None)?;
        let desk = assemble::desk(settings, catalogue, cloud.source_credentials(), &http)?;
        desk.let_pages_upload().await?;
        Ok(Self { desk, listener, url })
    }

    /// Its address and token, as JSON.
    pub(crate) fn describe(&self) -> Value {
        json!({"url": self.url, "user": USER, "token": TOKEN})
    }

    /// The same, as a line of text.
    pub(crate) fn introduce(&self) -> String {
        format!("  desk      {}   uploads by browser; sign in with {TOKEN}\n", self.url)
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub(crate) async fn serve(
        self,
        limits: Limits,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        Ok(upload_desk::serve(self.listener, limits, self.desk, stop).await?)
    }
}
