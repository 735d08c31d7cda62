//! What it costs to compare an inventory with a listing of the same keys, beside `zcat | sort` of its files.
//!
//! `cargo bench -p bench --bench inventory [-- [--rows N] [--in-order]]`. `benches/README.md` says what is
//! measured. Fails when a difference is missed or made up, or when it takes more memory than it may.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | the runs and the table |
//! | `scene` | an inventory in a folder, and a listing of the same keys |
//! | `compare` | the comparison, in a process of its own |

#![expect(clippy::cast_precision_loss, reason = "counts and sizes lie far below 2^52")]

mod compare;
mod scene;

use std::env;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use self::compare::Compared;
use self::scene::Scene;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Most memory of a comparison in MiB.
const MEMORY: u64 = 128;

/// By this word the program knows that it is the process that is measured.
const CHILD: &str = "--compare";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let rows = value("--rows").map_or(Ok(1_000_000), |rows| rows.parse());
    let in_order = arguments.iter().any(|argument| argument == "--in-order");
    let ended = rows.map_err(Into::into).and_then(|rows| {
        let scene = Scene { rows, in_order };
        match value(CHILD) {
            Some(folder) => compare::child(scene, Path::new(folder)),
            None => run(scene),
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(scene: Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let written = scene.write(folder.path())?;
    let compared = compared(scene, folder.path())?;
    let Compared { seconds, memory_kib, found, spilled, .. } = compared;
    let sorted = sorted(folder.path())?;
    let rate = |seconds: f64| scene.rows as f64 / seconds;
    let order = if scene.in_order { "in order" } else { "in no order" };
    println!("{} rows {order}, {written} bytes compressed in {} files", scene.rows, scene.files());
    println!("                              seconds     rows/s   MiB");
    let memory = memory_kib / 1024;
    println!("inventory beside a listing   {seconds:8.2} {:10.0} {memory:5}", rate(seconds));
    println!("zcat | LC_ALL=C sort         {sorted:8.2} {:10.0}", rate(sorted));
    println!("written to temporary files: {} MiB", spilled >> 20);
    if found != scene.differences() {
        return Err(format!("found {found} differences, and there are {}", scene.differences()).into());
    }
    if memory > MEMORY {
        return Err(format!("{memory} MiB of memory, more than {MEMORY}").into());
    }
    Ok(())
}

fn compared(scene: Scene, folder: &Path) -> Result<Compared> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--rows", &scene.rows.to_string(), CHILD]).arg(folder).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("the comparison failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Seconds that `zcat | sort` takes, with the memory that the comparison may use.
fn sorted(folder: &Path) -> Result<f64> {
    let begun = Instant::now();
    let script = "zcat data/*.csv.gz | LC_ALL=C sort -S 64M -T .";
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder).stdout(File::create("/dev/null")?);
    let status = command.status()?;
    if status.success() { Ok(begun.elapsed().as_secs_f64()) } else { Err(format!("sort: {status}").into()) }
}
