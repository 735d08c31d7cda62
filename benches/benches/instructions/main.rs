//! Instructions of what is done most, each bounded: they do not depend on what else the machine does.
//!
//! `cargo bench -p bench --bench instructions [-- --program FILE]`. `benches/README.md` says what is counted. Fails when
//! something takes more than it did, by 3 %. Needs `valgrind`.
//!
//! What a start takes is left out: each program runs twice, with more to do the second time.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | the bounds |
//! | `event` | the function, one event after another |
//! | `copy` | small objects from OSS to OBS |

#![expect(clippy::cast_precision_loss, reason = "counts lie far below 2^52")]

mod copy;
mod event;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use bench::instructions::{Bound, Counter};
use bench::{Result, build};

/// As counted with the toolchain of `rust-toolchain.toml`; to be set anew when that, a dependency or the work changes.
const EVENT: Bound = Bound { name: "an event", instructions: 482_000.0 };
const COPY: Bound = Bound { name: "a copy of 4 KiB", instructions: 606_000.0 };
const SIGNATURES: [(&str, Bound); 3] = [
    ("oms", Bound { name: "a signature for OMS", instructions: 43_283.0 }),
    ("oms-token", Bound { name: "the same with a token", instructions: 84_893.0 }),
    ("oss", Bound { name: "a signature for OSS", instructions: 78_738.0 }),
];

/// Signatures of the shorter and of the longer run.
const TIMES: [u64; 2] = [100, 1100];

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: something takes more instructions than its bound");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let counter = Counter::find()?.ok_or("valgrind is not installed: apt-get install valgrind")?;
    let given = env::args().skip_while(|argument| argument != "--program").nth(1).map(PathBuf::from);
    let program = match given {
        Some(program) => program,
        None => build(["oms-bridge", "cloud-twin"])?[0].clone(),
    };
    let mut passed = EVENT.check(event::count(&counter, &program)?);
    passed &= COPY.check(copy::count(&counter, &program)?);
    for (what, bound) in SIGNATURES {
        passed &= bound.check(signature(&counter, what)?);
    }
    Ok(passed)
}

fn signature(counter: &Counter, what: &str) -> Result<f64> {
    of_one(TIMES, |times| {
        let mut command = counter.command(env!("CARGO_BIN_EXE_signing"));
        let status = command.args([what, &times.to_string()]).stdout(Stdio::null()).status()?;
        if status.success() { counter.collected() } else { Err(format!("{what}: {status}").into()) }
    })
}

/// What one more takes: `count` runs with so many, and with so many more.
fn of_one(times: [u64; 2], mut count: impl FnMut(u64) -> Result<u64>) -> Result<f64> {
    let [few, many] = times;
    let (of_few, of_many) = (count(few)?, count(many)?);
    let more = of_many.checked_sub(of_few).ok_or("more of it took less")?;
    Ok(more as f64 / (many - few) as f64)
}

/// For programs that are given a fixed path.
fn wrapped(counter: &Counter, program: &Path) -> std::process::Command {
    let mut command = counter.command(program);
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path))).stdin(Stdio::null());
    command
}
