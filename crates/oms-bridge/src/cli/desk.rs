//! `desk`: uploads straight from browsers.

use std::net::SocketAddr;

use clap::Args;
use fc_adapter::{Limits, Platform};
use oss_lite::BucketName;
use oss_lite::ErrorKind;

use super::{Ended, Exit, exit, print_json, variable};
use crate::assemble;
use crate::failure::{self, End, Failure, LISTEN};
use bridge_config::{DeskCommandSettings, SettingsOf, WithSettings, keys, listen};
use bridge_core::credentials::SourceCredentials;
use http_client::{self, Proxies};
use object_copy::stop::{Stop, StopLevel};
use settings::service::Service;
use settings::{Invalid, Reader, parse};
use terminal::interrupts::Interrupts;
use upload_desk::Desk;
use upload_desk::catalogue::Catalogue;
use upload_desk::store::PageAccess;

const PORT: u16 = 8080;

/// Serves uploads straight from browsers to OSS: a page and an HTTP interface that sign upload policies, take
/// OSS's callbacks, keep a catalogue, and forward what arrives like any other change. Runs until SIGTERM or
/// SIGINT.
///
/// It speaks plain HTTP: put a server with TLS in front. Several desks may share one MySQL database.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  export DESK_TOKENS=\"eric:$(openssl rand -hex 16)\"
  oms-bridge desk --desk-bucket photos \\
    --desk-callback-url https://desk.example.com/callback
  oms-bridge desk --desk-bucket photos --desk-forward false"))]
pub(super) struct DeskArgs {
    /// Address to listen on [default: 127.0.0.1:8080; 0.0.0.0 and the port of the platform under Function
    /// Compute].
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse::listen_address)]
    listen: Option<SocketAddr>,
    /// Add a CORS rule to the bucket that lets pages of all origins upload, unless there is such a rule.
    #[arg(long)]
    set_cors: bool,
    /// Print one JSON object when the desk stops, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<DeskArgs>,
}

impl WithSettings for DeskArgs {
    const NAME: &'static str = "desk";
}

pub(super) async fn run(args: &DeskArgs, reader: Reader) -> Ended {
    let json = args.json;
    let Ready { desk, address, limits, bucket } = prepare(args, reader).await?;
    let listener = http_listener::bind(address, "the desk").await;
    let listener = listener.map_err(|error| failure::listener(&error, LISTEN))?;
    let bound = listener.local_addr().unwrap_or(address);
    if let Err(error) = introduce(&desk, bound, args.set_cors).await {
        return Err(failure::of_store(&error, bucket.end(), "PutBucketCors"));
    }
    let (stop, mut interrupts) = (Stop::default(), Interrupts::of_process());
    let served = tokio::select! {
        served = upload_desk::serve(listener, limits, desk.clone(), stopped(&stop)) => Some(served),
        never = stop.raise_at(async || interrupts.next().await, |_| desk.end_at_parts()) => match never {},
        () = stop.reached(StopLevel::Now) => None,
    };
    if json {
        print_json(&desk.totals());
    }
    match served {
        None => {
            super::say("interrupted: unfinished work is resumed when the desk starts again");
            Ok(Exit::Interrupted)
        }
        Some(served) => served.map(|()| Exit::Done).map_err(Failure::internal),
    }
}

/// What is served, and where.
struct Ready {
    desk: Desk,
    address: SocketAddr,
    limits: Limits,
    bucket: UploadBucket,
}

/// The bucket that browsers upload to, for messages.
struct UploadBucket {
    service: Service,
    name: BucketName,
}

impl UploadBucket {
    fn end(&self) -> End<'_> {
        let (service, bucket) = (&self.service, self.name.as_str());
        End { service, bucket, named_by: "DESK_BUCKET" }
    }
}

async fn prepare(args: &DeskArgs, mut r: Reader) -> Result<Ready, Failure> {
    let platform = Platform::detect(variable);
    let settings = DeskCommandSettings::read(&mut r);
    let limits = listen::limits(&mut r, platform.limits());
    // Nothing can be signed without them.
    keys::need_oss(&mut r);
    let address = match args.listen {
        Some(address) => Some(address),
        None => r.accept("--listen", platform.listen_address(PORT, variable).map_err(Invalid::new)),
    };
    let (settings, address) = r.finish(settings.zip(address))?;
    let credentials = SourceCredentials::new(variable);
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    let catalogue = Catalogue::open(&settings.desk.database).await.map_err(|error| {
        Failure::new(failure::catalogue_kind(&error), &error)
            .of_setting("DESK_DATABASE")
            .with_remedy("check host, name, user and password of the database, or the folder of the file")
    })?;
    let bucket = UploadBucket { service: settings.oss.clone(), name: settings.desk.bucket.clone() };
    let desk = assemble::desk(settings, catalogue, credentials, &http).map_err(Failure::configuration)?;
    Ok(Ready { desk, address, limits, bucket })
}

/// Logs the address and how to sign in, and checks the bucket once: without a CORS rule browsers refuse to
/// upload, and do not show why.
async fn introduce(desk: &Desk, address: SocketAddr, set_cors: bool) -> Result<(), oss_lite::Error> {
    tracing::info!("the page of the desk is http://{address}/");
    tracing::info!("sign in there with the token of a user of DESK_TOKENS: {}", desk.users());
    if set_cors {
        desk.let_pages_upload().await?;
    }
    let desk = desk.clone();
    // Not awaited: credentials without the permission to read the rules suffice for everything else.
    tokio::spawn(async move {
        let bucket = desk.bucket().name();
        match desk.page_access().await {
            Ok(PageAccess { forms: true, parts: true }) => {
                tracing::info!("bucket {bucket} exists, and its CORS rules let pages upload to it");
            }
            Ok(access) => tracing::warn!("bucket {bucket}: {}", lacking(access)),
            Err(error) => {
                tracing::warn!("bucket {bucket}: {}", unchecked(&error, &desk.bucket().public_url()));
            }
        }
    });
    Ok(())
}

/// What the rules do not allow, and what to do about it.
fn lacking(access: PageAccess) -> &'static str {
    if access.forms {
        "no CORS rule of the bucket lets pages upload large files to it in parts (PUT, header Content-MD5, ETag exposed); \
         start with --set-cors to add one"
    } else {
        "no CORS rule of the bucket lets pages upload to it; start with --set-cors to add one"
    }
}

/// Why the bucket was not checked, and what to do about it.
fn unchecked(error: &oss_lite::Error, url: &str) -> String {
    match error.kind() {
        ErrorKind::NoSuchBucket => {
            format!("there is no such bucket at {url}: create it, or correct DESK_BUCKET or OSS_ENDPOINT")
        }
        ErrorKind::AccessDenied => {
            "its CORS rules cannot be read: allow oss:GetBucketCors, or make sure that there is a rule with POST, PUT and the \
             exposed header ETag yourself"
                .to_owned()
        }
        ErrorKind::CredentialsRefused => {
            format!("OSS refuses the credentials, so nothing can be uploaded: correct them ({error})")
        }
        _ => format!("cannot be checked ({error}): check whether the desk can reach OSS_ENDPOINT"),
    }
}

/// Resolves at the first signal. Copies of large objects then end at a part, and everything else is finished.
async fn stopped(stop: &Stop) {
    stop.reached(StopLevel::BeginNothing).await;
    tracing::info!(
        "stopping: finishing requests and work in progress; a second signal ends this process now"
    );
}
