//! `desk`: uploads straight from browsers.

use std::fmt::Display;
use std::net::SocketAddr;

use clap::Args;
use fc_adapter::{Limits, Platform};
use tokio::net::TcpListener;

use super::{Exit, exit, internal, print_json, store, usage, variable};
use crate::assemble;
use crate::config::{DeskSettings, DeskSettingsArgs, ListenArgs, SettingsArgs};
use crate::host::interrupts::Interrupts;
use bridge_core::credentials::SourceCredentials;
use http_client::{self, Proxies};
use settings::ConfigError;
use settings::text::printable;
use upload_desk::Desk;
use upload_desk::catalogue::{Catalogue, CatalogueErrorKind};

const PORT: u16 = 8080;

/// Serves uploads straight from browsers to OSS: a page and an HTTP interface that sign upload policies, take OSS's callbacks, keep a
/// catalogue, and forward what arrives as any other change. Until it is told to stop (SIGTERM, SIGINT).
///
/// It speaks plain HTTP: put a server with TLS in front. Several desks may share one MySQL database.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  DESK_TOKENS=eric:$(openssl rand -hex 16) oms-bridge desk --desk-bucket photos --desk-callback-url https://desk.example.com/callback
  oms-bridge desk --desk-tokens-file users.txt --desk-forward false --listen 0.0.0.0:8080"))]
pub(super) struct DeskArgs {
    /// Address to listen on [default: 127.0.0.1:8080; 0.0.0.0 and the port of the platform under Function Compute].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Let pages of all origins upload to the bucket, if none may: adds a CORS rule to it.
    #[arg(long)]
    set_cors: bool,
    /// Print one JSON object when the desk stops, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: ListenArgs,
    #[command(flatten)]
    desk: DeskSettingsArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn run(args: DeskArgs) -> Exit {
    let json = args.json;
    let (desk, limits) = match prepare(&args).await {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let usual = || Platform::detect(variable).listen_address(PORT, variable);
    let address = match args.listen.map_or_else(usual, Ok) {
        Ok(address) => address,
        Err(error) => return usage(&error),
    };
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => return usage(&format!("--listen {address}: {error}")),
    };
    if let Err(error) = let_pages_upload(&desk, args.set_cors).await {
        return store(&error);
    }
    let served = upload_desk::serve(listener, limits, desk.clone(), stopped()).await;
    if json {
        print_json(&desk.totals());
    }
    match served {
        Ok(()) => Exit::Done,
        Err(error) => internal(&error),
    }
}

async fn prepare(args: &DeskArgs) -> Result<(Desk, Limits), Exit> {
    let settings = DeskSettings::resolve(&args.desk, &args.settings, variable("FC_REGION").as_deref());
    let limits = args.limits.limits(Platform::detect(variable).limits());
    let (settings, limits) = ConfigError::both(settings, limits).map_err(|error| usage(&error))?;
    let credentials = SourceCredentials::new(variable);
    // Nothing is signed without.
    credentials.from_environment().map_err(|error| usage(&error))?;
    let http = http_client::build(Proxies::FromEnvironment).map_err(|error| internal(&error))?;
    let catalogue = Catalogue::open(&settings.database).await.map_err(|error| {
        super::say(format_args!("error: DESK_DATABASE: {}", printable(&error.to_string())));
        match error.kind() {
            CatalogueErrorKind::Misconfigured => Exit::Usage,
            _ => Exit::Internal,
        }
    })?;
    let desk = assemble::desk(settings, catalogue, credentials, &http);
    Ok((desk.map_err(|error| usage(&error as &dyn Display))?, limits))
}

/// Without a rule for it no browser sends anything, and none says why.
async fn let_pages_upload(desk: &Desk, set: bool) -> Result<(), oss_lite::Error> {
    if set {
        return desk.let_pages_upload().await;
    }
    let desk = desk.clone();
    // Nobody waits for it: credentials that may not ask are good enough for all else.
    tokio::spawn(async move {
        match desk.lets_pages_upload().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("no CORS rule of the bucket lets pages upload to it; --set-cors adds one");
            }
            Err(error) => tracing::debug!(%error, "the CORS rules of the bucket cannot be looked at"),
        }
    });
    Ok(())
}

async fn stopped() {
    Interrupts::from_outside().next().await;
}
