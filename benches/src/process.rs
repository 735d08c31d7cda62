//! A program under measurement.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, nice, waitid};
use serde::Serialize;

use crate::Result;

/// Ticks of `/proc/PID/stat`: the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a program took from its start to its end.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// Wall clock.
    pub seconds: f64,
    /// User and system time, of all threads.
    pub cpu_s: f64,
    /// The most memory it ever held, as seen every 10 ms.
    pub peak_rss_mib: f64,
}

/// Everything that this process starts goes before other programs of this machine, as far as that is granted.
#[derive(Debug)]
pub struct Precedence {
    /// The niceness that was granted.
    pub niceness: i32,
}

/// Where Linux shares CPUs out by session, niceness ranks the programs of one session only, and this is its own.
const SESSION: &str = "/proc/self/autogroup";

impl Precedence {
    /// Takes it, until the value is dropped.
    pub fn take() -> Self {
        // Not granted, or not there: then the session is like any other.
        let _ = fs::write(SESSION, "-20");
        Self { niceness: nice(-20).or_else(|_| nice(0)).unwrap_or_default() }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        let _ = fs::write(SESSION, "0");
    }
}

/// Runs a program from its start to its end.
///
/// # Errors
///
/// When it does not start, or ends with a failure.
pub fn run(command: &mut Command) -> Result<Usage> {
    run_to(command, 0)
}

/// Runs a program from its start to its end, which has to be with this exit code.
///
/// # Errors
///
/// When it does not start, or ends otherwise.
pub fn run_to(command: &mut Command, code: i32) -> Result<Usage> {
    let begin = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    watch(child, begin, 0.0, code)
}

/// Runs a program that says when it is ready, from the line that it waits for to its end.
///
/// # Errors
///
/// As [`run`].
pub fn run_when_ready(command: &mut Command) -> Result<Usage> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut String::new())?;
    let before = cpu(child.id())?;
    let begin = Instant::now();
    child.stdin.take().ok_or("no input")?.write_all(b"\n")?;
    watch(child, begin, before, 0)
}

fn watch(mut child: Child, begin: Instant, cpu_before: f64, code: i32) -> Result<Usage> {
    let id = child.id();
    let peak = thread::spawn(move || {
        let mut peak = 0;
        while let Some(seen) = high_water(id) {
            peak = seen;
            thread::sleep(Duration::from_millis(10));
        }
        peak
    });
    // Its times can be read until somebody asks how it ended.
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_s = cpu(id)? - cpu_before;
    let status = child.wait()?;
    let peak = peak.join().map_err(|_| "the memory could not be watched")?;
    if status.code() == Some(code) {
        Ok(Usage { seconds, cpu_s, peak_rss_mib: peak as f64 / 1024.0 })
    } else {
        Err(format!("ended with {status}").into())
    }
}

/// The most memory that a process has held, in KiB; nothing of a process that ended.
pub fn high_water(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Seconds of CPU that a process used, user and system, over all threads.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu(id: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may hold anything; `utime` and `stime` are the 12th and 13th after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
