//! All output to stderr: messages and log lines, as text or JSON, without breaking the progress bar.

use std::fmt::Display;
use std::io::{self, Write};
use std::panic;
use std::sync::OnceLock;

use chrono::{SecondsFormat, Utc};
use indicatif::ProgressBar;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::format::LogFormat;
use settings::text;

/// The form of all lines; set once, at the start of the process.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The bar that is shown, if any.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Level of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Information.
    Info,
    /// The command fails because of it.
    Error,
}

/// Sets the form of all lines, including that of a panic. A second call has no effect.
pub fn start(format: LogFormat) {
    if FORMAT.set(format).is_ok() && format == LogFormat::Json {
        panic::set_hook(Box::new(|panicked| {
            let why = panicked.payload_as_str().unwrap_or("for an unknown reason");
            let place = panicked.location().map(|place| format!(" at {place}")).unwrap_or_default();
            message(Level::Error, &format!("a defect of this program: panicked{place}: {why}"), Map::new());
        }));
    }
}

fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or(LogFormat::Text)
}

/// Prints a message; control characters are escaped.
pub fn say(what: impl Display) {
    message(Level::Info, &what.to_string(), Map::new());
}

/// Prints why the command fails.
pub fn error(why: impl Display) {
    message(Level::Error, &why.to_string(), Map::new());
}

/// Prints a message that contains its colours already.
pub fn styled(what: &str) {
    match format() {
        // An error means that stderr is closed.
        LogFormat::Text => drop(Lines.write_all(format!("{what}\n").as_bytes())),
        LogFormat::Json if what.is_empty() => {}
        LogFormat::Json => say(console::strip_ansi_codes(what)),
    }
}

/// Passes on an error that another library has laid out: as `laid_out` has it for people, or as one line of
/// JSON.
pub fn passed_on(text: &str, laid_out: impl FnOnce() -> String) {
    match format() {
        // An error means that stderr is closed.
        LogFormat::Text => drop(Lines.write_all(laid_out().as_bytes())),
        LogFormat::Json => {
            let text = text.trim();
            error(text.strip_prefix("error: ").unwrap_or(text));
        }
    }
}

/// Prints a message, with `fields` in its JSON form.
pub(crate) fn message(level: Level, what: &str, fields: Map<String, Value>) {
    let line = match (format(), level) {
        (LogFormat::Text, Level::Info) => texts::translated(&text::lines(what)).into_owned(),
        (LogFormat::Text, Level::Error) => {
            texts::translated(&format!("error: {}", text::lines(what))).into_owned()
        }
        (LogFormat::Json, level) => {
            json(level, what, fields, &Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true))
        }
    };
    // An error means that stderr is closed.
    let _ = Lines.write_all(format!("{line}\n").as_bytes());
}

/// The same form as that of log lines.
fn json(level: Level, what: &str, fields: Map<String, Value>, now: &str) -> String {
    let level = match level {
        Level::Info => "INFO",
        Level::Error => "ERROR",
    };
    let mut line = Map::new();
    line.insert("timestamp".into(), now.into());
    line.insert("level".into(), level.into());
    line.insert("message".into(), what.into());
    line.extend(fields);
    line.insert("target".into(), "oms_bridge".into());
    text::json(&Value::Object(line).to_string()).into_owned()
}

/// Sets the bar; lines are written above it from now on.
pub(crate) fn shown(bar: Option<ProgressBar>) {
    *BAR.lock() = bar;
}

/// Runs `write` while the bar is hidden.
pub fn beside_the_bar<R>(write: impl FnOnce() -> R) -> R {
    // The lock is not held meanwhile, since `write` may print messages itself.
    let bar = BAR.lock().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard error, for whole lines.
#[derive(Debug)]
pub(crate) struct Lines;

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        beside_the_bar(|| io::stderr().write_all(lines))?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_one_line_of_json_with_the_members_of_a_log_line() {
        let fields = Map::from_iter([("done".to_owned(), Value::from(3))]);
        let line = super::json(Level::Error, "two\nlines\u{9b}", fields, "2026-01-05T10:00:00.000000Z");
        let expected = json!({
            "timestamp": "2026-01-05T10:00:00.000000Z", "level": "ERROR", "message": "two\nlines\u{9b}", "done": 3,
            "target": "oms_bridge",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(line.contains("\\u009b") && !line.contains('\n'), "{line}");
    }
}
