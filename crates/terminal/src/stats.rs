//! `--stats`: how often a command without a terminal says how far it is.

use clap::Args;

use crate::progress::{Interval, Progress};

/// The option, for commands that may take long.
#[derive(Clone, Copy, Debug, Args)]
pub struct StatsArgs {
    /// Without a terminal, print a line of progress on stderr this often: 30s, 5m; 0 for never. On a terminal
    /// there is a bar.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = Interval::parse, hide_short_help = true)]
    stats: Interval,
}

impl StatsArgs {
    /// The progress of a command that is `doing` something with things called `noun`.
    pub fn progress(self, doing: &'static str, noun: &'static str) -> Progress {
        Progress::new(doing, noun, self.stats)
    }
}
