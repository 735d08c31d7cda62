//! Local OSS, OBS and OMS in a process of their own.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use cloud_twin::{AccessPolicy, FunctionSettings, SignatureV1, Twin, TwinConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, oneshot};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Alibaba OSS, Huawei OBS and Huawei OMS on loopback, verifying every signature, with faults to order.
///
/// Prints one line of JSON with all URLs and (made-up) keys when ready, then serves until it receives a
/// signal.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  cloud-twin --sync-task photos:photos-copy --notify photos=http://127.0.0.1:9000"
)]
struct Arguments {
    /// Where OSS listens
    #[arg(long, default_value_t = ANY_PORT)]
    oss_addr: SocketAddr,
    /// Where OBS listens
    #[arg(long, default_value_t = ANY_PORT)]
    obs_addr: SocketAddr,
    /// Where OMS listens
    #[arg(long, default_value_t = ANY_PORT)]
    oms_addr: SocketAddr,
    /// Where the admin API listens
    #[arg(long, default_value_t = ANY_PORT)]
    admin_addr: SocketAddr,
    /// Region of the OSS buckets
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// OSS bucket to create; may be repeated
    #[arg(long, value_name = "BUCKET")]
    oss_bucket: Vec<String>,
    /// OBS bucket to create; may be repeated
    #[arg(long, value_name = "BUCKET")]
    obs_bucket: Vec<String>,
    /// Sync task to create, with its OSS and OBS buckets; may be repeated
    #[arg(long, value_name = "SOURCE:DESTINATION", value_parser = pair(':'))]
    sync_task: Vec<(String, String)>,
    /// Function to invoke for objects created in an OSS bucket; may be repeated
    #[arg(long, value_name = "BUCKET=URL", value_parser = pair('='))]
    notify: Vec<(String, String)>,
    /// Retries of a failed function
    #[arg(long, default_value_t = 3)]
    retries: u32,
    /// Milliseconds before the first retry of a failed function
    #[arg(long, default_value_t = 50)]
    backoff_ms: u64,
    /// Keys that one OMS request may carry, 1 to 100
    #[arg(long, default_value_t = 10)]
    oms_max_keys: usize,
    /// Milliseconds between the acceptance of a key and its copy
    #[arg(long, default_value_t = 0)]
    copy_delay_ms: u64,
    /// Milliseconds that it takes to restore an archived object
    #[arg(long, default_value_t = 1000)]
    restore_ms: u64,
    /// Policy of RAM or IAM, as JSON, for all keys of its cloud: what no policy allows is refused; may be
    /// repeated
    #[arg(long, value_name = "FILE", value_parser = policy)]
    policy: Vec<AccessPolicy>,
    /// Refuse signature V1 at OSS, as for new accounts
    #[arg(long)]
    refuse_v1: bool,
    /// Seed of the dice behind fault probabilities
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker threads; 0 serves everything on the main thread
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print every event as a line of JSON on stderr
    #[arg(long)]
    events: bool,
    /// Stop when standard input is closed
    #[arg(long)]
    exit_on_stdin_close: bool,
}

fn pair(separator: char) -> impl Fn(&str) -> Result<(String, String), String> + Clone {
    move |text| match text.split_once(separator) {
        Some((left, right)) if !left.is_empty() && !right.is_empty() => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err(format!("two values with {separator:?} between them are needed")),
    }
}

fn policy(file: &str) -> Result<AccessPolicy, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    AccessPolicy::parse(&text).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut runtime = match arguments.threads {
        0 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let outcome = runtime.enable_all().build().and_then(|runtime| runtime.block_on(run(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cloud-twin: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let twin = config(&arguments).start().await?;
    prepare(&twin, &arguments)?;
    if arguments.events {
        tokio::spawn(print_events(twin.subscribe()));
    }
    let (_open, mut closed) = oneshot::channel();
    if arguments.exit_on_stdin_close {
        closed = stdin_closed();
    }
    writeln!(io::stdout().lock(), "{}", twin.describe())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = closed => {}
    }
    twin.shutdown().await;
    Ok(())
}

fn config(arguments: &Arguments) -> TwinConfig {
    let v1 = if arguments.refuse_v1 { SignatureV1::Refused } else { SignatureV1::Accepted };
    let config = Twin::builder()
        .oss_addr(arguments.oss_addr)
        .obs_addr(arguments.obs_addr)
        .oms_addr(arguments.oms_addr)
        .admin_addr(arguments.admin_addr)
        .region(&arguments.region)
        .seed(arguments.seed)
        .oms_max_keys(arguments.oms_max_keys)
        .copy_delay(Duration::from_millis(arguments.copy_delay_ms))
        .restore_time(Duration::from_millis(arguments.restore_ms))
        .signature_v1(v1)
        .function(FunctionSettings {
            retries: arguments.retries,
            backoff: Duration::from_millis(arguments.backoff_ms),
            ..FunctionSettings::default()
        });
    arguments.policy.iter().fold(config, TwinConfig::policy_for_all)
}

fn prepare(twin: &Twin, arguments: &Arguments) -> io::Result<()> {
    for bucket in &arguments.oss_bucket {
        twin.create_oss_bucket(bucket);
    }
    for bucket in &arguments.obs_bucket {
        twin.create_obs_bucket(bucket);
    }
    for (source, destination) in &arguments.sync_task {
        twin.create_oss_bucket(source);
        twin.create_obs_bucket(destination);
        twin.create_sync_task(source, destination);
    }
    for (bucket, url) in &arguments.notify {
        twin.create_oss_bucket(bucket);
        twin.notify(bucket, url).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    Ok(())
}

async fn print_events(mut events: broadcast::Receiver<cloud_twin::TwinEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Ok(line) = serde_json::to_string(&event) {
                    eprintln!("{line}");
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => eprintln!("{{\"missed\":{missed}}}"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Resolves at the end of standard input. A thread reads it, because nothing else can wait for a terminal or
/// a pipe.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = [0; 1024];
        while stdin.read(&mut buffer).is_ok_and(|count| count > 0) {}
        // The receiver is gone when the process is stopping anyway.
        let _ = sender.send(());
    });
    receiver
}
