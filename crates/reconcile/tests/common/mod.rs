//! What several tests need.

use std::path::Path;

use reconcile::Records;
use reconcile::checkpoint::Checkpoint;
use reconcile::report::{Report, ReportFormat};

/// The records of a run that goes on where `checkpoint` says, or begins.
pub(crate) fn records(report: &Path, checkpoint: &Path) -> Records {
    let file = Checkpoint::new(checkpoint, "same".to_owned());
    let resumed = file.load().unwrap();
    let lines = match &resumed {
        Some(progress) => Report::resume(report, progress.report.unwrap(), ReportFormat::Text),
        None => Report::create(report, ReportFormat::Text),
    };
    Records { report: Some(lines.unwrap()), checkpoint: Some(file), resumed }
}
