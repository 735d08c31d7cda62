//! `--metrics FILE`: how far a run is and how it ended, for Prometheus's text-file collector.

use std::convert::Infallible;
use std::future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use metrics::{Exposition, file, names};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::{Ended, Exit};
use crate::failure::Failure;
use object_copy::clock;
use terminal::progress::Progress;

/// How often the file is written while the command runs: usual intervals of collectors are longer.
const EVERY: Duration = Duration::from_secs(15);

/// The option, for commands that may take long.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::doc_markdown, reason = "it is the help text, which shows backticks as they are")]
pub(super) struct MetricsArgs {
    /// Write metrics to FILE, for the text-file collector of Prometheus's node_exporter: replaced in one step
    /// every 15 seconds, and when the command ends.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    metrics: Option<PathBuf>,
}

impl MetricsArgs {
    /// The file, where one is named.
    pub(super) fn file(&self) -> Option<&Path> {
        self.metrics.as_deref()
    }

    /// The metrics of a run of `command` that begins now.
    pub(super) fn of(&self, command: &'static str) -> RunMetrics {
        RunMetrics::new(command, self.metrics.as_deref())
    }
}

/// The metrics of one run of a command. Without a file all of it does nothing.
pub(super) struct RunMetrics {
    command: &'static str,
    file: Option<MetricsFile>,
    began_at: DateTime<Utc>,
    began: Instant,
    state: Mutex<RunState>,
}

struct MetricsFile {
    path: PathBuf,
    /// Its name without the extension: it distinguishes runs of one command that a collector reads together.
    run: String,
}

/// What the command has said about itself so far.
#[derive(Default)]
struct RunState {
    progress: Option<Progress>,
    outcomes: Vec<(&'static str, u64)>,
    bytes: Option<u64>,
    own: Option<Own>,
}

type Own = Box<dyn Fn(&mut Exposition) + Send>;

impl RunMetrics {
    /// The metrics of a run of `command` that begins now, in the file `path` if there is one.
    fn new(command: &'static str, path: Option<&Path>) -> Self {
        let file = path.map(|path| MetricsFile {
            path: path.to_owned(),
            run: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        });
        let (began_at, began) = (clock::system(), Instant::now());
        Self { command, file, began_at, began, state: Mutex::default() }
    }

    /// Runs the command, and writes the file at the start, while it runs, and at its end, whatever that is.
    ///
    /// # Errors
    ///
    /// Those of the command; a file that cannot be written, and then the command is not run.
    pub(super) async fn during(self, command: impl AsyncFnOnce(&Self) -> Ended) -> Ended {
        if let Some(MetricsFile { path, .. }) = &self.file {
            file::check(path).and_then(|()| file::write(path, &self.text(None))).map_err(|error| {
                Failure::configuration(format_args!("{:?}: {error}", path.display()))
                    .of_setting("--metrics")
                    .with_remedy("name a file in a folder that can be written to")
            })?;
        }
        let ended = tokio::select! {
            ended = command(&self) => ended,
            never = self.keep() => match never {},
        };
        let exit = match &ended {
            Ok(exit) => *exit,
            Err(failure) => failure.kind().into(),
        };
        self.write(Some(exit));
        ended
    }

    /// Takes the numbers of done items and bytes from `progress`.
    pub(super) fn watch(&self, progress: &Progress) {
        self.state.lock().progress = Some(progress.clone());
    }

    /// Sets the keys of the run by outcome.
    pub(super) fn keys<const N: usize>(&self, outcomes: [(&'static str, u64); N]) {
        self.state.lock().outcomes = outcomes.into();
    }

    /// Sets the bytes of the run, for a progress that does not follow them to the end.
    pub(super) fn bytes(&self, bytes: u64) {
        self.state.lock().bytes = Some(bytes);
    }

    /// Sets metrics that only this command has, and writes them at once.
    pub(super) fn set(&self, expose: impl Fn(&mut Exposition) + Send + 'static) {
        self.state.lock().own = Some(Box::new(expose));
        self.write(None);
    }

    async fn keep(&self) -> Infallible {
        if self.file.is_none() {
            future::pending::<()>().await;
        }
        loop {
            sleep(EVERY).await;
            self.write(None);
        }
    }

    fn write(&self, exit: Option<Exit>) {
        let Some(MetricsFile { path, .. }) = &self.file else { return };
        if let Err(error) = file::write(path, &self.text(exit)) {
            tracing::warn!(file = %path.display(), %error, "the metrics cannot be written");
        }
    }

    fn text(&self, exit: Option<Exit>) -> String {
        let run = self.file.as_ref().map_or("", |file| &file.run);
        let labels = [self.command, run];
        let elapsed = self.began.elapsed();
        let mut metrics = Exposition::default();
        metrics.add_of(&names::RUN_STARTED, labels, unix(self.began_at));
        metrics.add_of(&names::RUN_WRITTEN, labels, unix(clock::system()));
        metrics.add_of(&names::RUN_DURATION, labels, elapsed.as_secs_f64());
        if let Some(exit) = exit {
            metrics.add_of(&names::RUN_FINISHED, labels, unix(self.began_at) + elapsed.as_secs_f64());
            metrics.add_of(&names::RUN_EXIT_CODE, labels, u64::from(exit as u8));
        }
        let state = self.state.lock();
        if let Some(progress) = &state.progress {
            metrics.add_of(&names::RUN_PROGRESS, labels, progress.done());
            if let Some(total) = progress.total() {
                metrics.add_of(&names::RUN_PROGRESS_GOAL, labels, total);
            }
            metrics.add_of(&names::RUN_BYTES, labels, state.bytes.unwrap_or_else(|| progress.bytes()));
        }
        for (outcome, keys) in &state.outcomes {
            metrics.add_of(&names::RUN_KEYS, [self.command, run, outcome], *keys);
        }
        if let Some(own) = &state.own {
            own(&mut metrics);
        }
        metrics.into_text()
    }
}

/// Unix time in seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for thousands of years")]
fn unix(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
