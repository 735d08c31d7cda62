//! Log lines, on stderr.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::hash::Hash;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{DynFilterFn, FilterExt as _, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::format::LogFormat;
use crate::stderr::{self, Lines};
use crate::style::Stream;
use settings::text::{self, Printable};

/// Writes a field of a text line. Values may contain anything, so they go through [`text::printable`]: the
/// library does not escape values that are written by `Display`.
fn text_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    let name = field.name();
    if name != "message" {
        let (italic, dim, plain) =
            if writer.has_ansi_escapes() { ("\x1b[3m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        write!(writer, "{italic}{}{plain}{dim}={plain}", name.trim_start_matches("r#"))?;
    }
    write!(Printable(writer), "{value:?}")
}

/// Escapes lines of JSON as [`text::json`] does.
struct JsonLines<W>(W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Each call gets a whole line.
        match std::str::from_utf8(line).map(|line| (line.trim_end_matches('\n'), line.ends_with('\n'))) {
            Ok((text, end)) => {
                let mut text = text::json(text).into_owned();
                text.extend(end.then_some('\n'));
                self.0.write_all(text.as_bytes())?;
            }
            Err(_) => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Shortest time between two equal warnings of Lambda's runtime.
const SELDOM: Duration = Duration::from_secs(1);

/// Suppresses repeated warnings of Lambda's runtime: its workers request the next event without a pause, and
/// each warns every time, until the API counts as lost.
fn unless_repeated() -> impl Filter<Registry> {
    let last = LastLogged::default();
    let is_the_runtime = |target: &str| target.starts_with("lambda_runtime");
    DynFilterFn::new(move |metadata, _| {
        !metadata.is_event()
            || !is_the_runtime(metadata.target())
            || last.admits(metadata.callsite(), Instant::now())
    })
    .with_callsite_filter(move |metadata| {
        if is_the_runtime(metadata.target()) { Interest::sometimes() } else { Interest::always() }
    })
    .with_max_level_hint(LevelFilter::TRACE)
}

/// When each message was last logged.
struct LastLogged<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for LastLogged<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> LastLogged<K> {
    fn admits(&self, message: K, now: Instant) -> bool {
        let mut last = self.0.lock();
        let is_due = last.get(&message).is_none_or(|last| now.saturating_duration_since(*last) >= SELDOM);
        if is_due {
            last.insert(message, now);
        }
        is_due
    }
}

/// The crates of the product, besides that of the binary.
const CRATES: [&str; 11] = [
    "aws_access",
    "bridge_core",
    "function_host",
    "object_copy",
    "object_events",
    "settings",
    "signature_breaker",
    "sqs_worker",
    "terminal",
    "upload_desk",
    "web_ingest",
];

/// Log targets of 0.1.0, before the product was divided into crates, if their module has another name in
/// [`CRATES`] now.
const RENAMED: [(&str, &str); 6] = [
    ("oms_bridge::consume", "sqs_worker"),
    ("oms_bridge::desk", "upload_desk"),
    ("oms_bridge::event", "object_events"),
    ("oms_bridge::host", "function_host"),
    ("oms_bridge::ingest", "web_ingest"),
    ("oms_bridge::logging", "terminal::logging"),
];

/// The crate of the SDK of AWS that looks for credentials.
const SDK: &str = "aws_config";

/// `oms_bridge=debug` applies to the whole product, and `oms_bridge::journal=debug` to the journal, whichever
/// crate it is in. A level that is given for a crate itself takes precedence.
fn of_the_product(given: Targets) -> Targets {
    let explicit: Vec<(String, LevelFilter)> =
        given.iter().map(|(target, level)| (target.to_owned(), level)).collect();
    let mut implied = Vec::new();
    for (target, level) in &explicit {
        let moved = RENAMED.iter().find_map(|(old, new)| {
            let rest = target.strip_prefix(old)?;
            (rest.is_empty() || rest.starts_with("::")).then(|| format!("{new}{rest}"))
        });
        match (moved, target.strip_prefix("oms_bridge")) {
            (Some(moved), _) => implied.push((moved, *level)),
            (None, Some(rest)) if rest.is_empty() || rest.starts_with("::") => {
                implied.extend(CRATES.map(|name| (format!("{name}{rest}"), *level)));
            }
            _ => {}
        }
    }
    // The SDK warns of each place in which it finds no credentials. What is missing in the end is an error of
    // the command.
    let is_asked_for = explicit.iter().any(|(target, _)| target.starts_with("aws"));
    if !is_asked_for && !given.would_enable(SDK, &tracing::Level::DEBUG) {
        implied.push((SDK.to_owned(), LevelFilter::ERROR));
    }
    implied.retain(|(target, _)| explicit.iter().all(|(given, _)| given != target));
    given.with_targets(implied)
}

/// Starts logging at the levels of `filter` (`info`, or `oms_bridge=debug,hyper=warn`). If it cannot be
/// parsed, logs why, and logs at `info`.
///
/// Other messages have the same form ([`stderr`]). A second call has no effect.
pub fn start(format: LogFormat, filter: &str) {
    stderr::start(format);
    let (targets, problem) = match filter.parse::<Targets>() {
        Ok(targets) => (of_the_product(targets), None),
        Err(error) => (Targets::new().with_default(tracing::Level::INFO), Some(error)),
    };
    let layer = match format {
        LogFormat::Json => {
            let layer = fmt::layer().with_writer(|| JsonLines(Lines));
            layer.json().flatten_event(true).with_span_list(false).boxed()
        }
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(|| Lines).fmt_fields(debug_fn(text_field).delimited(" "));
            layer.with_target(false).with_ansi(Stream::Stderr.has_colours()).boxed()
        }
    };
    let started =
        tracing_subscriber::registry().with(layer.with_filter(targets.and(unless_repeated()))).try_init();
    if let (Ok(()), Some(error)) = (started, problem) {
        tracing::warn!(%error, filter, "RUST_LOG cannot be read; logging at info");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_target_oms_bridge_applies_to_all_crates() {
        use tracing::Level;

        let targets = |text: &str| of_the_product(text.parse().unwrap());
        let all = targets("info,oms_bridge=debug,object_copy=warn");
        for name in [
            "oms_bridge::cli",
            "function_host",
            "bridge_core::pipeline",
            "upload_desk::worker",
            "object_events",
        ] {
            assert!(all.would_enable(name, &Level::DEBUG), "{name}");
        }
        assert!(!all.would_enable("object_copy::transfer", &Level::INFO), "it has a level of its own");
        assert!(!all.would_enable("hyper", &Level::DEBUG));
        for (filter, warns) in
            [("info", false), ("warn", false), ("debug", true), ("info,aws_config=warn", true)]
        {
            assert_eq!(targets(filter).would_enable("aws_config::meta", &Level::WARN), warns, "{filter}");
        }
        let journal = targets("info,oms_bridge::journal=debug,oms_bridge::desk::worker=trace");
        assert!(journal.would_enable("bridge_core::journal", &Level::DEBUG));
        assert!(journal.would_enable("upload_desk::worker", &Level::TRACE));
        assert!(!journal.would_enable("bridge_core::pipeline", &Level::DEBUG));
    }

    /// The modules whose lines 0.1.0 logged, each as a target below `oms_bridge`.
    const OF_0_1_0: [&str; 37] = [
        "bulk",
        "cli::consume",
        "cli::copy::report",
        "cli::desk",
        "cli::serve",
        "consume",
        "consume::delete",
        "consume::load",
        "consume::receive",
        "demo::cloud",
        "desk",
        "desk::api::buckets",
        "desk::api::callback",
        "desk::api::error",
        "desk::server",
        "desk::worker",
        "engine::composed",
        "engine::fallback",
        "engine::oms",
        "event::s3",
        "host::function",
        "host::lambda",
        "host::lambda::drain",
        "host::lambda::environment",
        "ingest::api",
        "ingest::pending",
        "ingest::work",
        "logging",
        "progress",
        "replay::chunk",
        "replay::source",
        "transfer::destination",
        "transfer::object",
        "transfer::parts",
        "transfer::reader",
        "transfer::resume",
        "transfer::retry",
    ];

    /// The modules of all crates, as targets: `bridge_core::journal`.
    fn modules() -> Vec<String> {
        fn below(folder: &Path, module: &str, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                if path.is_dir() {
                    below(&path, &format!("{module}::{name}"), found);
                } else if matches!(name, "lib" | "mod") {
                    found.push(module.to_owned());
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    found.push(format!("{module}::{name}"));
                }
            }
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap() {
            let path = entry.unwrap().path();
            let source = path.join("src");
            if source.is_dir() {
                let name = path.file_name().unwrap().to_str().unwrap().replace('-', "_");
                below(&source, &name, &mut found);
            }
        }
        found
    }

    #[test]
    fn log_targets_of_0_1_0_still_work() {
        let modules = modules();
        for old in OF_0_1_0 {
            let targets = of_the_product(format!("oms_bridge::{old}=trace").parse().unwrap());
            let found = modules.iter().any(|module| targets.would_enable(module, &tracing::Level::TRACE));
            assert!(found, "no module is found by oms_bridge::{old}");
        }
        for (old, new) in RENAMED {
            let old = old.strip_prefix("oms_bridge::").unwrap();
            assert!(OF_0_1_0.iter().any(|known| known.starts_with(old)), "0.1.0 logged nothing as {old}");
            assert!(modules.iter().any(|module| module == new), "there is no {new}");
        }
    }

    #[test]
    fn equal_messages_are_logged_once_a_second() {
        let (last, start) = (LastLogged::default(), Instant::now());
        let asked =
            [("a", 0), ("a", 1), ("b", 2), ("a", 999), ("a", 1000), ("a", 1999), ("b", 1999), ("a", 2000)];
        let told = asked.map(|(message, at)| last.admits(message, start + Duration::from_millis(at)));
        assert_eq!(told, [true, false, true, false, true, false, true, true]);
    }
}
