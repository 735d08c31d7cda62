//! The keys of a dry run: as lines, or with `--json` as the first member of the one object.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use settings::text;

use super::{json_failure, print, print_json, stdout};
use terminal::output::OutputFormat;

/// A list that is printed as it is produced, so that memory does not grow with it.
#[derive(Debug)]
pub(super) struct JsonList {
    output: OutputFormat,
    printed: AtomicU64,
}

impl JsonList {
    pub(super) fn new(output: OutputFormat) -> Self {
        Self { output, printed: AtomicU64::new(0) }
    }

    /// The form of the output.
    pub(super) fn output(&self) -> OutputFormat {
        self.output
    }

    /// Number of keys so far.
    pub(super) fn len(&self) -> u64 {
        self.printed.load(Ordering::Relaxed)
    }

    /// Adds an entry: `key` for JSON, `line` for text.
    pub(super) fn add(&self, key: &str, line: &str) {
        let before = self.printed.fetch_add(1, Ordering::Relaxed);
        match self.output {
            OutputFormat::Text => print(line),
            OutputFormat::Json => {
                let key = serde_json::Value::from(key).to_string();
                json_failure::list_is_begun();
                let start = if before == 0 { "{\"keys\":[" } else { "," };
                stdout::write(format!("{start}{}", text::json(&key)).as_bytes());
            }
        }
    }

    /// Prints the rest of the object: the members of `result`, which has at least one.
    pub(super) fn finish(&self, result: &impl Serialize) {
        if self.len() == 0 {
            json_failure::list_is_begun();
            stdout::write(b"{\"keys\":[");
        }
        print_json(result);
    }
}
