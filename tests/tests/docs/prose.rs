//! What prose and tables name exists: commands, exit codes, settings, flags, lines of the log. Pages stay
//! readable: READMEs are short, and lines fit.

use std::collections::BTreeSet;
use std::path::Path;

use cloud_twin::FaultAction;

use crate::commands::{commands_of, help, without_placeholders};
use crate::markdown::{documents, root};
use crate::pages::is_page;

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];
const OPERATIONS: [&str; 2] = ["docs/operations.md", "docs/operations.zh-CN.md"];

/// Every variable that is read. The page is generated from the program, and compared with it by a test.
const REFERENCE: &str = "docs/reference/settings.md";

/// What names of variables begin with.
const PREFIXES: [&str; 12] = [
    "ALIBABA_", "AWS_", "DESK_", "DEST_", "FC_", "HW_", "INGEST_", "LISTEN_", "OMS_", "OSS_", "SLS_",
    "SOURCE_",
];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands in backticks in the first column of the table whose head begins with `head`.
pub(crate) fn first_column(text: &str, head: &str) -> Vec<String> {
    let table = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells =
        table.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap().trim());
    cells.map(str::to_owned).collect()
}

pub(crate) fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn readmes_list_the_commands() {
    let commands: BTreeSet<_> = commands_of(&help(&[])).into_iter().collect();
    for (readme, head) in READMES.into_iter().zip(["| command |", "| 命令 |"]) {
        let listed = first_column(&read(readme), head);
        let listed: BTreeSet<_> =
            listed.iter().map(|cell| cell.split(['`', ' ']).nth(1).unwrap().to_owned()).collect();
        assert_eq!(listed, commands, "{readme}");
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = help(&[]);
    let codes = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    let codes: Vec<_> = codes.map(|line| line.split_whitespace().next().unwrap()).collect();
    for (page, head) in OPERATIONS.into_iter().zip(["| code |", "| 退出码 |"]) {
        assert_eq!(first_column(&read(page), head), codes, "{page}");
    }
}

#[test]
fn lines_of_the_log_are_written_so() {
    let mut sources = String::new();
    collect(&root().join("crates"), &mut sources);
    for (page, head) in OPERATIONS.into_iter().zip(["| a line that says |", "| 日志内容 |"]) {
        let lines = first_column(&read(page), head).join("\n");
        let messages: Vec<_> = in_backticks(&lines).map(|line| line.trim_end_matches(", …")).collect();
        assert!(messages.len() >= 7, "{messages:?}");
        for message in messages {
            assert!(sources.contains(&format!("\"{message}")), "{page}: nothing logs {message:?}");
        }
    }
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn settings_that_pages_name_are_read() {
    let mut known = read("s.yaml") + &read(REFERENCE);
    for command in commands_of(&help(&[])) {
        known.push_str(&help(&[&command]));
    }
    let known: BTreeSet<_> = known.split(|c: char| !is_in_name(c)).collect();
    for document in documents().iter().filter(|document| is_page(&document.path)) {
        let path = document.path.to_str().unwrap();
        let text = read(path);
        let codes = in_backticks(&text).map(without_placeholders);
        let names = codes
            .flat_map(|code| code.split(|c: char| !is_in_name(c)).map(str::to_owned).collect::<Vec<_>>());
        for name in names.filter(|name| {
            PREFIXES.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
        }) {
            assert!(known.contains(&*name), "{path}: nothing reads {name}");
        }
    }
}

const LOCAL_CLOUD: [(&str, &str, &str); 2] = [
    ("docs/local-cloud.md", "| request |", "| action |"),
    ("docs/local-cloud.zh-CN.md", "| 请求 |", "| 动作 |"),
];

#[test]
fn the_admin_routes_of_the_local_cloud_are_those_of_its_source() {
    let source = read("crates/cloud-twin/src/admin.rs").replace("//! ", "");
    let routes = |text: &str, head: &str| -> BTreeSet<String> {
        let cells = first_column(text, head).join("\n");
        in_backticks(&cells).map(str::to_owned).collect()
    };
    let wanted = routes(&source, "| request |");
    assert!(wanted.len() >= 15, "{wanted:?}");
    for (page, head, _) in LOCAL_CLOUD {
        assert_eq!(routes(&read(page), head), wanted, "{page}");
    }
}

#[test]
fn the_faults_of_the_local_cloud_are_all_there_are() {
    // The message about an unknown name lists those that there are.
    let unknown = serde_json::from_str::<FaultAction>("\"?\"").unwrap_err().to_string();
    let wanted: BTreeSet<_> = in_backticks(&unknown).filter(|name| *name != "?").map(str::to_owned).collect();
    for (page, _, head) in LOCAL_CLOUD {
        let cells = first_column(&read(page), head).join("\n");
        let actions = in_backticks(&cells).map(|action| {
            let parsed = serde_json::from_str::<FaultAction>(action);
            let action = parsed.unwrap_or_else(|error| panic!("{page}: {action}: {error}"));
            match serde_json::to_value(action).unwrap() {
                serde_json::Value::String(name) => name,
                value => value.as_object().unwrap().keys().next().unwrap().clone(),
            }
        });
        assert_eq!(actions.collect::<BTreeSet<_>>(), wanted, "{page}");
    }
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

#[test]
fn flags_that_pages_name_are_there() {
    let commands = commands_of(&help(&[]));
    let helps: Vec<_> = commands.iter().map(|command| help(&[command])).collect();
    for document in documents().iter().filter(|document| is_page(&document.path)) {
        let path = document.path.to_str().unwrap();
        for code in in_backticks(&read(path)) {
            let words: Vec<_> = code.split_whitespace().skip_while(|word| *word == "oms-bridge").collect();
            let of = commands.iter().position(|command| words.first() == Some(&&**command));
            if of.is_none() && !code.starts_with("--") {
                continue;
            }
            let helps = of.map_or(&*helps, |index| &helps[index..=index]);
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                let has = |help: &&String| {
                    help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == flag)
                };
                assert!(helps.iter().any(|help| has(&help)), "{path}: {code}: there is no {flag}");
            }
        }
    }
}

#[test]
fn readmes_are_short_and_lines_fit() {
    for readme in READMES {
        let lines = read(readme).lines().count();
        assert!(lines <= 150, "{readme} has {lines} lines: move what not every reader needs to docs/");
    }
    for document in documents().iter().filter(|document| is_page(&document.path)) {
        let path = document.path.to_str().unwrap();
        for (number, line) in read(path).lines().enumerate() {
            // What stands in a table, or has no place to break, cannot be broken.
            let breaks = !line.starts_with('|') && line.trim().contains(' ');
            assert!(!breaks || line.chars().count() <= 140, "{path}:{}: wrap it", number + 1);
        }
    }
}
