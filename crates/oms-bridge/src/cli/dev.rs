//! `dev`: the local cloud, left running.

mod introduction;

use std::path::PathBuf;
use std::{env, fs, io};

use chrono::Utc;
use clap::Args;
use cloud_twin::TwinEvent;
use fc_adapter::Limits;
use tempfile::TempDir;
use tokio::sync::broadcast::error::RecvError;

use self::introduction::{FILE, describe, introduce};
use super::{Ended, Exit, exit, print, print_json, say};
use crate::demo::Error;
use crate::demo::cloud::{Addresses, LocalCloud};
#[cfg(feature = "desk")]
use crate::demo::desk::LocalDesk;
use crate::failure::{self, Failure, Moved};
use crate::features;
use bridge_config::{SettingsOf, WithSettings, listen};
use function_host::function::DEFAULT_TIMEOUT;
use object_copy::stop::{Stop, StopLevel};
use settings::text::printable;
use settings::{Invalid, Reader, parse};
use terminal::interrupts::{AGAIN, Interrupts};
use terminal::screen::Screen;

/// What moves its listeners.
const PORT: Moved = Moved { by: "--port", how: "let --port 0 pick free ports" };

const EXAMPLES: &str = "Example:
  oms-bridge dev
  oms-bridge dev --port 0 --json";

fn help() -> String {
    if cfg!(feature = "desk") {
        return exit::help(EXAMPLES);
    }
    exit::help(&format!("{EXAMPLES}\n\nNote: {}.", features::missing("desk", "the upload desk")))
}

/// Runs the local cloud with the function and, where it is built in, the upload desk on it until Ctrl-C: an
/// upload by any OSS client triggers the function.
///
/// It prints commands to try it with. The routes of its admin address, which break and observe the cloud, are
/// in docs/local-cloud.md.
#[derive(Args)]
#[command(after_help = help())]
pub(super) struct DevArgs {
    /// First of six ports in a row: function, OSS, OBS, OMS, admin, desk. 0 picks free ones.
    #[arg(long, default_value_t = 9000, value_parser = port)]
    port: u16,
    /// Print one JSON object with all addresses and keys, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<DevArgs>,
}

fn port(text: &str) -> Result<u16, Invalid> {
    parse::number(text, 0..=65_530)
}

impl WithSettings for DevArgs {
    const NAME: &'static str = "dev";
}

pub(super) async fn run(args: &DevArgs, mut reader: Reader) -> Ended {
    // Set up before the first line is printed: an interrupt must remove the files that were created.
    let (stop, mut interrupts) = (Stop::default(), Interrupts::of_process());
    let limits = listen::limits(&mut reader, Limits::default());
    let limits = reader.finish(Some(limits))?;
    let folder = folder().map_err(|error| {
        Failure::configuration(format_args!("{:?}: {error}", env::temp_dir().display()))
            .of_setting("TMPDIR")
            .with_remedy("name a folder that can be written to")
    })?;
    let local = Local::start(Addresses::from_port(args.port), limits, folder).await;
    let local = local.map_err(|error| failure::listener(&*error, PORT))?;
    if args.json {
        print_json(&describe(&local));
    } else {
        print(&introduce(&local).map_err(Failure::internal)?);
    }
    tokio::select! {
        served = local.serve(&stop) => served.map(|()| Exit::Done).map_err(Failure::internal),
        never = stop.raise_at(async || interrupts.next().await, |_| {}) => match never {},
        () = stop.reached(StopLevel::Now) => Ok(Exit::Interrupted),
    }
}

/// For the file that there is to upload, and the database of the desk.
fn folder() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("oms-bridge-dev-").tempdir()?;
    fs::write(folder.path().join(FILE), "hello\n")?;
    Ok(folder)
}

/// The local cloud and the desk, which run until Ctrl-C.
struct Local {
    cloud: LocalCloud,
    #[cfg(feature = "desk")]
    limits: Limits,
    #[cfg(feature = "desk")]
    desk: LocalDesk,
    /// Dropped last: the database of the desk is in it.
    folder: TempDir,
}

impl Local {
    async fn start(addresses: Addresses, limits: Limits, folder: TempDir) -> Result<Self, Error> {
        let cloud = LocalCloud::start(addresses, limits, DEFAULT_TIMEOUT).await?;
        #[cfg(feature = "desk")]
        let desk = LocalDesk::start(&cloud, addresses, folder.path()).await?;
        Ok(Self {
            cloud,
            #[cfg(feature = "desk")]
            limits,
            #[cfg(feature = "desk")]
            desk,
            folder,
        })
    }

    /// An example file to upload.
    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    async fn serve(self, stop: &Stop) -> Result<(), Error> {
        let ended = async {
            tokio::select! {
                () = narrate(&self.cloud) => {}
                () = stop.reached(StopLevel::BeginNothing) => {
                    say(format_args!("stopping: finishing requests in progress; {AGAIN}"));
                }
            }
        };
        #[cfg(feature = "desk")]
        return self.desk.serve(self.limits, ended).await;
        #[cfg(not(feature = "desk"))]
        {
            ended.await;
            Ok(())
        }
    }
}

/// Prints events to stderr as they happen.
async fn narrate(cloud: &LocalCloud) {
    let mut events = cloud.twin().subscribe();
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(line) = tell(&event) {
                    say(format_args!("{}  {}", Utc::now().format("%H:%M:%S%.3f"), printable(&line)));
                }
            }
            Err(RecvError::Lagged(missed)) => say(format_args!("({missed} events not shown)")),
            Err(RecvError::Closed) => return,
        }
    }
}

fn tell(event: &TwinEvent) -> Option<String> {
    Some(match event {
        TwinEvent::ObjectPut { service, bucket, key } => {
            format!("put       {service}://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::ObjectDeleted { service, bucket, key } => {
            format!("deleted   {service}://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::OmsAccepted { keys, .. } => format!("accepted  {}", list(keys)),
        TwinEvent::OmsRefused { status, keys } => format!("refused   {} ({status})", list(keys)),
        TwinEvent::ObjectCopied { bucket, key } => {
            format!("copied    obs://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::CopySkipped { bucket, key } => {
            format!("not newer obs://{bucket}/{}", Screen::Stderr.shown(key))
        }
        TwinEvent::CopyFailed { key, reason, .. } => {
            format!("not copied {}: {reason}", Screen::Stderr.shown(key))
        }
        TwinEvent::EventFailed { key, reason, .. } => {
            format!("event lost {}: {reason}", Screen::Stderr.shown(key))
        }
        _ => return None,
    })
}

fn list(keys: &[String]) -> String {
    keys.iter().map(|key| Screen::Stderr.shown(key)).collect::<Vec<_>>().join(", ")
}
