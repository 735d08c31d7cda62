//! Parses the arguments of the process, before anything else is set up.

use std::env;
use std::ffi::{OsStr, OsString};

use clap::FromArgMatches as _;
use fc_adapter::Platform;

use super::{Cli, Exit, help, json_failure, variable};
use crate::failure::Failure;
use bridge_config::table;
use bridge_config::table::serve::LOG_FORMAT;
use function_host::lambda::RuntimeApi;
use terminal::format::LogFormat;
use terminal::language;
use terminal::stderr;
use terminal::style::Stream;
use terminal::usage::{self, WrongArguments};

/// The arguments of this process. Lambda starts the file `bootstrap` without any and means `serve`.
pub(super) fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.len() == 1 && RuntimeApi::find(variable).is_some() {
        arguments.push("serve".into());
    }
    arguments
}

/// The default form of log lines on this platform.
pub(super) fn usual_format() -> LogFormat {
    let on_lambda = variable("AWS_LAMBDA_FUNCTION_NAME").is_some();
    let collected = on_lambda || Platform::detect(variable) == Platform::FunctionCompute;
    if collected { LogFormat::Json } else { LogFormat::Text }
}

/// Parses the arguments. Prints the help or the version if requested, or what is wrong.
pub(super) fn command_line(arguments: &[OsString]) -> Result<Cli, Exit> {
    let read = language::shown(help::command(), &table::named).try_get_matches_from(arguments);
    read.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        if error.use_stderr() {
            stderr::start(format(arguments, variable(LOG_FORMAT.spec.name)));
            let error = usage::with_usable_tip(error, help::command(), arguments);
            let text = error.render();
            stderr::passed_on(&text.to_string(), || language::laid_out(&text, Stream::Stderr));
            if asks_for_json(arguments) {
                json_failure::keep(failure(&error));
                json_failure::print_unless_printed(Exit::Usage);
            }
            return Exit::Usage;
        }
        help::print_help(&error.render());
        Exit::Done
    })
}

/// What is wrong with the arguments, for programs.
pub(super) fn failure(error: &clap::Error) -> Failure {
    let WrongArguments { message, argument, remedy } = error.into();
    let mut failure = Failure::configuration(message);
    if let Some(argument) = argument {
        failure = failure.of_setting(argument);
    }
    match remedy {
        Some(remedy) => failure.with_remedy(remedy),
        None => failure,
    }
}

/// The form that `--log-format` names, even if the arguments are invalid otherwise; else that of the
/// environment.
fn format(arguments: &[OsString], variable: Option<String>) -> LogFormat {
    let option = format!("--{}", LOG_FORMAT.spec.option());
    let mut rest = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    let mut given = variable;
    while let Some(argument) = rest.next().filter(|argument| argument != "--") {
        if argument == option {
            given = rest.next().map(Into::into).or(given);
        } else if let Some(value) = argument.strip_prefix(&option).and_then(|rest| rest.strip_prefix('=')) {
            given = Some(value.to_owned());
        }
    }
    given.and_then(|text| (LOG_FORMAT.parse)(&text).ok()).unwrap_or_else(usual_format)
}

/// Whether `--json` is given, even if the arguments are invalid otherwise.
pub(super) fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == OsStr::new("--json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn log_format_and_json_are_found_in_invalid_arguments() {
        for (line, expected) in [
            ("oms-bridge copy --what", LogFormat::Text),
            ("oms-bridge --log-format json copy --what", LogFormat::Json),
            ("oms-bridge copy --what --log-format=json", LogFormat::Json),
            ("oms-bridge send --what -- --log-format json", LogFormat::Text),
            ("oms-bridge send --log-format", LogFormat::Text),
            ("oms-bridge send --log-format xml", LogFormat::Text),
        ] {
            assert_eq!(format(&arguments(line), None), expected, "{line}");
        }
        let variable = || Some("json".to_owned());
        assert_eq!(format(&arguments("oms-bridge send --log-format"), variable()), LogFormat::Json);
        assert_eq!(format(&arguments("oms-bridge send --log-format text"), variable()), LogFormat::Text);
        assert!(asks_for_json(&arguments("oms-bridge send --json")));
        assert!(!asks_for_json(&arguments("oms-bridge send -- --json")));
    }
}
