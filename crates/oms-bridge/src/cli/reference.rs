//! The generated pages of `docs/reference`: settings from their table, commands and options from clap.
//!
//! `UPDATE_REFERENCE=1 cargo test -p oms-bridge reference` writes them; without it they are compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use clap::builder::Str;
use clap::{Arg, Command};
use settings::reference::{Language, tables, wrapped};

use bridge_config::table;

mod others;

const SETTINGS: &str = "\
<!-- Generated from the table of settings by `UPDATE_REFERENCE=1 cargo test -p oms-bridge reference`. Do not edit. -->

# Settings

[中文](settings.zh-CN.md)

Each is an environment variable, and an option of the same name in kebab case (`LOG_BUCKET`, `--log-bucket`); the option wins. A bad or
missing one stops the start with exit code 2 and one message that names every problem, and what to do about it. An empty
value counts as unset; surrounding blanks, quotes and byte order marks are ignored. A region, endpoint or bucket that is written in
another form is accepted if only one thing can be meant: `cn-hangzhou-internal` is the region `cn-hangzhou`, `oss://photos` the bucket
`photos`. What can mean two things, such as an endpoint with a bucket in it, is refused, and the message suggests what was probably meant.

A setting may be set and have no effect, in this mode or for this command. An option on the command line that
has none is refused with exit code 2. A variable is not: one environment may be for several commands and modes.
Where somebody may rely on it, a line with the level WARN says so at the start (`PROPAGATE_DELETES` where nothing
is removed, `INCLUDE` and `EXCLUDE` for `copy`), and `doctor` has it as a finding. The last column has the
commands that use a setting; `doctor` checks all that it has.

Which options a command has besides: [commands](cli.md).
";

const SETTINGS_ZH: &str = "\
<!-- 由 `UPDATE_REFERENCE=1 cargo test -p oms-bridge reference` 从设置表生成，请勿手工修改。 -->

# 设置

[English](settings.md)

每一项都是环境变量，也有同名的短横线参数（`LOG_BUCKET`、`--log-bucket`），参数优先。错误或缺失的设置会让程序以退出码 2 停止启动，
并用一条消息列出所有问题以及解决办法。已设置但为空的项视为未设置；值两端的空白、引号和字节顺序标记不算在内。
区域、Endpoint 和桶只要含义唯一就按其含义处理：`cn-hangzhou-internal` 即区域 `cn-hangzhou`，`oss://photos` 即桶 `photos`。
可能有两种含义的（例如含有桶名的 Endpoint）会被拒绝，并给出可能的本意。

已设置的项在某个模式或命令中可能不起作用。命令行上不起作用的参数会被拒绝，退出码为 2。
环境变量不会：同一组环境变量可以供多个命令和模式使用。使用者可能依赖的，
会在启动时以 WARN 级别的一行日志指出（不删除任何对象时的 `PROPAGATE_DELETES`，
命令 `copy` 的 `INCLUDE` 和 `EXCLUDE`），`doctor` 也会列出。
最后一列是使用该设置的命令；`doctor` 检查它拥有的全部设置。

各命令的其他参数见[命令](cli.md)（英文）。
";

const COMMANDS: &str = "\
<!-- Generated from the command line itself by `UPDATE_REFERENCE=1 cargo test -p oms-bridge reference`. Do not edit. -->

# Commands

Results go to stdout, logs and progress to stderr. `--json` prints one result object and nothing else. What the settings of a command
mean is in [settings](settings.md).
";

/// The page of commands; all features are enabled in tests.
fn commands() -> String {
    let mut page = COMMANDS.to_owned();
    let mut cli = super::help::command().term_width(0);
    cli.build();
    let _ = write!(page, "\n```text\n{}\n```\n", super::exit::CODES);
    for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
        page.push_str(&section(command));
    }
    page
}

fn section(command: &Command) -> String {
    let name = command.get_name();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about: Vec<String> = plain(&about).split("\n\n").map(wrapped).collect();
    let about = about.join("\n\n");
    let mut text = format!("\n## {name}\n\n{about}\n\n```text\n{usage}\n```\n");
    let is_setting = |arg: &&Arg| arg.get_env().is_some();
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| {
            !is_setting(arg)
                && !arg.is_hide_set()
                && !["help", "help-all", "version"].contains(&arg.get_id().as_str())
        })
        .collect();
    if !own.is_empty() {
        text.push_str("\n| argument | meaning | default |\n|---|---|---|\n");
        for arg in own {
            let _ = writeln!(text, "{}", row(arg));
        }
    }
    let settings: Vec<String> = command
        .get_arguments()
        .filter(is_setting)
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| Some(format!("`{}`", arg.get_env()?.to_str()?)))
        .collect();
    if !settings.is_empty() {
        let listed = format!("[Settings](settings.md): {}.", settings.join(", "));
        let _ = write!(text, "\n{}\n", wrapped(&listed));
    }
    if let Some(after) = command.get_after_long_help() {
        let after = after.to_string();
        let examples = after.split("\n\nExit codes:").next().unwrap_or_default();
        let (title, lines) = examples.split_once('\n').unwrap_or(("", examples));
        let lines: Vec<&str> = lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        let _ = write!(text, "\n{title}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    }
    text
}

fn row(arg: &Arg) -> String {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(Str::as_str).collect();
    let takes = arg.get_action().takes_values() && !values.is_empty();
    let value = if takes { values.join(" ") } else { String::new() };
    let names = match (arg.get_short(), arg.get_long()) {
        (None, None) => value.clone(),
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let long = long.map(|long| format!("--{long}"));
            let names: Vec<String> = short.into_iter().chain(long).collect();
            format!("{} {value}", names.join(", ")).trim_end().to_owned()
        }
    };
    let mut meaning =
        plain(&arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default());
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| takes)
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}`: {help}", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !possible.is_empty() {
        let _ = write!(meaning, " ({})", possible.join("; "));
    }
    let defaults: Vec<String> = if takes {
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect()
    } else {
        Vec::new()
    };
    format!("| `{}` | {} | {} |", names.replace('|', "\\|"), meaning.replace('|', "\\|"), defaults.join(", "))
}

/// One line for each paragraph.
fn plain(text: &str) -> String {
    let paragraphs: Vec<String> =
        text.split("\n\n").map(|text| text.replace('\n', " ").trim().to_owned()).collect();
    paragraphs.join("\n\n")
}

fn compare(name: &str, wanted: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differing = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "docs/reference/{name} is not what the program says: UPDATE_REFERENCE=1 cargo test -p oms-bridge reference\n{differing:#?}"
    );
}

#[test]
fn the_reference_of_settings_is_that_of_the_table() {
    let page = |intro: &str, language| {
        format!("{intro}{}{}", tables(table::all(), language), others::sections(language))
    };
    compare("settings.md", &page(SETTINGS, Language::English));
    compare("settings.zh-CN.md", &page(SETTINGS_ZH, Language::Chinese));
}

#[test]
fn the_reference_of_commands_is_that_of_the_command_line() {
    compare("cli.md", &commands());
}

#[test]
fn each_command_has_the_settings_that_the_table_says_and_no_others() {
    let mut cli = super::help::command();
    cli.build();
    let mut named = BTreeSet::new();
    for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = command.get_name();
        let has: BTreeSet<&str> = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()).collect();
        let option = |spec: &&settings::Spec| spec.given == settings::setting::Given::VariableOrOption;
        let wanted: BTreeSet<&str> =
            table::all().filter(option).filter(|spec| spec.is_of(name)).map(|spec| spec.name).collect();
        assert_eq!(has, wanted, "{name}");
        named.insert(name.to_owned());
    }
    for spec in table::all() {
        for command in spec.commands {
            assert!(named.contains(*command), "{}: there is no command {command:?}", spec.name);
        }
    }
}
