//! The log lines by which Function Compute groups a log by request.

use std::io::Write;
use std::sync::Arc;
use std::{fmt, io};

use parking_lot::Mutex;

use crate::context::FcContext;

/// Where the lines `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …` go.
///
/// Function Compute cuts the log of an instance into requests by these lines, and log tail
/// (`x-fc-log-type: Tail`) depends on them
/// ([custom runtime specification](https://www.alibabacloud.com/help/doc-detail/425057.htm)).
/// Each line is handed over in one write, and a failing write is ignored: an invocation does not fail
/// because its log is closed.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Markers {
    /// Standard output, where the platform looks for them.
    #[default]
    Stdout,
    /// Nowhere, for a host that owns standard output itself.
    Off,
    /// Any other writer, shared with its reader.
    Writer(Arc<Mutex<dyn Write + Send>>),
}

impl Markers {
    fn print(&self, line: &str) {
        // A failure could only be reported to this same log.
        let _: io::Result<()> = match self {
            Self::Stdout => io::stdout().lock().write_all(line.as_bytes()),
            Self::Off => Ok(()),
            Self::Writer(writer) => writer.lock().write_all(line.as_bytes()),
        };
    }
}

impl fmt::Debug for Markers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "Stdout",
            Self::Off => "Off",
            Self::Writer(_) => "Writer(..)",
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Initialize,
    Invoke,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initialize => "Initialize",
            Self::Invoke => "Invoke",
        })
    }
}

/// Prints the start line when made and the end line when dropped, so no path can leave a request open.
#[derive(Debug)]
pub(crate) struct Marked {
    markers: Markers,
    stage: Stage,
    context: Arc<FcContext>,
    unhandled: bool,
}

impl Marked {
    pub(crate) fn start(markers: &Markers, stage: Stage, context: &Arc<FcContext>) -> Self {
        markers.print(&format!("FC {stage} Start RequestId: {}\n", context.request_id));
        Self { markers: markers.clone(), stage, context: Arc::clone(context), unhandled: false }
    }

    /// Makes the end line the one of a panic. An error that the handler returned keeps the plain line.
    pub(crate) fn unhandled(&mut self) {
        self.unhandled = true;
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        let error = if self.unhandled { ", Error: Unhandled function error" } else { "" };
        self.markers.print(&format!("FC {} End RequestId: {}{error}\n", self.stage, self.context.request_id));
    }
}
