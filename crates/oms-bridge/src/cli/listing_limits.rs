//! How much of the log bucket is read.

use clap::Args;
use settings::parse;
use status_report::Limits;

/// The options that bound it.
#[derive(Args)]
pub(super) struct ListingLimits {
    /// Read at most N records for their class and reason.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse::whole::<usize>)]
    read: usize,
    /// Count at most N keys, one request per thousand; 0 counts all.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = parse::whole::<usize>)]
    list: usize,
}

impl ListingLimits {
    pub(super) fn limits(&self) -> Limits {
        Limits { list: if self.list == 0 { usize::MAX } else { self.list }, read: self.read }
    }
}
