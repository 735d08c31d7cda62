//! What a replay of very many markers costs, beside what it must cost at least.
//!
//! `cargo bench -p bench --bench replay [-- [--json] [--keys N,N…] [--beside BINARY] [--records N]]`. `benches/README.md` says
//! what is measured.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::{Result, build, process};
use cloud_twin::{Service, Twin};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const LOGS: &str = "logs";
const DEFAULT_KEYS: [usize; 2] = [100_000, 1_000_000];

/// One program over one journal.
#[derive(Debug, Serialize)]
struct Run {
    program: &'static str,
    keys: usize,
    /// Records of each key; 0 for an empty marker.
    records: usize,
    elapsed_s: f64,
    keys_per_s: f64,
    /// CPU time of the program, in microseconds for each key.
    cpu_us_per_key: f64,
    /// CPU time of the local cloud meanwhile, likewise.
    cloud_cpu_us_per_key: f64,
    peak_rss_mib: f64,
    oms_requests: u64,
    listings: u64,
    multi_deletes: u64,
    puts: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let keys = match arguments.iter().skip_while(|argument| *argument != "--keys").nth(1) {
        Some(list) => list.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?,
        None => DEFAULT_KEYS.to_vec(),
    };
    let beside = arguments.iter().skip_while(|argument| *argument != "--beside").nth(1).map(PathBuf::from);
    let records = arguments.iter().skip_while(|argument| *argument != "--records").nth(1);
    let records: usize = records.map_or(Ok(0), |records| records.parse())?;
    let [product, _] = build(["oms-bridge", "cloud-twin"])?;
    let floor = PathBuf::from(env!("CARGO_BIN_EXE_replay_floor"));
    let mut runs = Vec::new();
    for keys in keys {
        runs.push(run("replay", &product, &["replay", "--json"], keys, records).await?);
        if let Some(beside) = &beside {
            runs.push(run("beside", beside, &["replay", "--json"], keys, 0).await?);
        }
        if records == 0 {
            runs.push(run("floor", &floor, &[], keys, 0).await?);
        }
    }
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{}", serde_json::to_string(&runs)?);
    } else {
        print(&runs);
    }
    Ok(())
}

async fn run(
    program: &'static str,
    path: &Path,
    arguments: &[&str],
    keys: usize,
    records: usize,
) -> Result<Run> {
    let twin = Twin::builder().start().await?;
    for bucket in ["source", LOGS] {
        twin.create_oss_bucket(bucket);
    }
    twin.create_obs_bucket("mirror");
    let task = twin.create_sync_task("source", "mirror");
    let folder = format!("oms_source_record/{}/failed_object/", task.sync_task_id);
    for number in 0..keys {
        let key = format!("k{number:07}");
        if records == 0 {
            twin.oss().put(LOGS, &format!("{folder}{key}"), "");
        }
        for record in 0..records {
            let name = failure(&format!("{folder}{key}"), number * records + record);
            let body = format!(r#"{{"v":1,"key":"{key}","engine":"oms","outcome":"failed","attempts":1}}"#);
            twin.oss().put(LOGS, &name, body);
        }
    }
    let (oss, huawei) = (twin.oss_account(), twin.huawei_account());
    let mut command = Command::new(path);
    command.args(arguments).env_clear().envs([
        ("SYNC_URL", twin.sync_url(&task)),
        ("HW_AK", huawei.access_key.clone()),
        ("HW_SK", huawei.secret_key.clone()),
        ("LOG_BUCKET", LOGS.to_owned()),
        ("OSS_ENDPOINT", twin.oss_url()),
        ("OSS_REGION", twin.region().to_owned()),
        ("OSS_ACCESS_KEY_ID", oss.access_key.clone()),
        ("OSS_ACCESS_KEY_SECRET", oss.secret_key.clone()),
    ]);
    let cloud_before = process::cpu(std::process::id())?;
    let usage = tokio::task::block_in_place(|| process::run(&mut command))?;
    let cloud_cpu = process::cpu(std::process::id())? - cloud_before;
    let stats = twin.stats();
    let left = twin.oss().keys(LOGS).iter().filter(|name| name.starts_with(&folder)).count();
    if left > 0 || twin.oss().len(LOGS) != keys {
        return Err(format!("{program}: {left} markers left, {} objects", twin.oss().len(LOGS)).into());
    }
    let listings = stats.requests(Service::Oss, "ListObjects");
    Ok(Run {
        program,
        keys,
        records,
        elapsed_s: usage.seconds,
        keys_per_s: keys as f64 / usage.seconds,
        cpu_us_per_key: usage.cpu_s * 1e6 / keys as f64,
        cloud_cpu_us_per_key: cloud_cpu * 1e6 / keys as f64,
        peak_rss_mib: usage.peak_rss_mib,
        oms_requests: stats.requests(Service::Oms, "CreateSyncEvents"),
        listings,
        multi_deletes: stats.requests(Service::Oss, "DeleteMultipleObjects"),
        puts: stats.requests(Service::Oss, "PutObject"),
    })
}

/// Name of a failure record, by the published form (`docs/journal.md`).
fn failure(start: &str, unique: usize) -> String {
    let name = format!("{start}!20260105T100004.512Z-c5f3a9c01-{unique:016x}");
    let check = Sha256::digest(&name);
    format!("{name}{}", hex::encode(&check[..4]))
}

fn print(runs: &[Run]) {
    println!(
        "{:<8}{:>10}{:>10}{:>10}{:>12}{:>12}{:>10}{:>10}{:>10}{:>9}{:>10}",
        "",
        "keys",
        "seconds",
        "keys/s",
        "CPU us/key",
        "cloud CPU",
        "RSS MiB",
        "OMS req",
        "listings",
        "deletes",
        "puts"
    );
    for run in runs {
        println!(
            "{:<8}{:>10}{:>10.1}{:>10.0}{:>12.1}{:>12.1}{:>10.1}{:>10}{:>10}{:>9}{:>10}",
            run.program,
            run.keys,
            run.elapsed_s,
            run.keys_per_s,
            run.cpu_us_per_key,
            run.cloud_cpu_us_per_key,
            run.peak_rss_mib,
            run.oms_requests,
            run.listings,
            run.multi_deletes,
            run.puts
        );
    }
    let mut replay = None;
    for run in runs {
        match (run.program, replay) {
            ("replay", _) => replay = Some(run),
            (other, Some(replay)) if replay.keys == run.keys => println!(
                "{} keys: {:.2} x the time of {other}, {:.2} x its CPU",
                run.keys,
                replay.elapsed_s / run.elapsed_s,
                replay.cpu_us_per_key / run.cpu_us_per_key
            ),
            _ => {}
        }
    }
}
