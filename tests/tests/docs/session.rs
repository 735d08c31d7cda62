//! Runs one page in a shell. Its blocks share the shell, as a reader uses one terminal, or two side by side.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use e2e::process::Process;
use serde_json::Value;

use crate::blocks::difference;
use crate::markdown::{Block, read};
use crate::world::World;

/// Commands that run until they are told to stop go to the background, to a port that is free, until the page
/// has ended.
const SHELL: &str = r#"
set -euo pipefail
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true' EXIT
oms-bridge() {
    local argument arguments=() skip= line from
    case $1 in
    serve | desk) ;;
    consume) [[ " $* " != *" --drain "* ]] || { command oms-bridge "$@"; return; } ;;
    *) command oms-bridge "$@"; return ;;
    esac
    for argument; do
        if [[ $skip ]]; then skip=
        elif [[ $argument == --listen ]]; then skip=1
        else arguments+=("$argument"); fi
    done
    exec {from}< <(exec oms-bridge "${arguments[@]}" --listen 127.0.0.1:0 2>&1)
    servers+=($!)
    while read -r line <&"$from"; do
        printf '%s\n' "$line" >&2
        if [[ $line =~ address=([0-9.:]+) ]]; then LISTENING=${BASH_REMATCH[1]}; return; fi
    done
    return 1
}
"#;

/// Seconds that a page may take. Usually it takes less than one.
const LONGEST: &str = "100";

/// Before what a block prints.
const MARK: char = '\u{1e}';

/// What each block printed, by its place.
pub(crate) type Printed = BTreeMap<String, String>;

/// Runs the page; fails if a command of it does, or if it prints other things than it shows.
pub(crate) async fn run(world: &World, path: &Path, page: &str) -> Printed {
    let document = read(path);
    let mut script = SHELL.to_owned();
    for block in document.blocks.iter().filter(|block| block.is("sh")) {
        let commands = world.fill(&block.text);
        assert_eq!(unfilled(&commands), None, "{}: no value for this placeholder", block.place);
        write!(script, "printf '\\n{MARK}%s\\n' {0}; printf '%s\\n' 'at {0}' >&2\n{commands}\n", block.place)
            .unwrap();
    }
    // `timeout` signals the whole process group, so that no server outlives the page.
    let arguments = ["--kill-after=5", LONGEST, "bash", "-c", &script].map(str::to_owned);
    let settings = world.settings(page);
    let mut process =
        Process::spawn_program(OsStr::new("timeout"), &arguments, &settings, Some(world.folder()));
    let status = process.wait().await;
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let at = stderr.lines().rev().find_map(|line| line.strip_prefix("at "));
    assert!(status.success(), "{}: {status}\n{stdout}\n{stderr}", at.unwrap_or_default());
    let printed = printed(&stdout);
    for (block, shown) in document.blocks.iter().zip(document.blocks.iter().skip(1)) {
        if shown.info.get(1).is_some_and(|word| word == "output") {
            assert!(block.is("sh"), "{}: what it shows the output of is not run", shown.place);
            assert!(shows(shown, &printed[&block.place]), "{}: {:?}", shown.place, printed[&block.place]);
        }
    }
    printed
}

fn printed(stdout: &str) -> Printed {
    let blocks = stdout.split(MARK).skip(1).filter_map(|block| block.split_once('\n'));
    blocks.map(|(place, text)| (place.to_owned(), text.trim().to_owned())).collect()
}

/// A placeholder, or a host of the clouds, that was not replaced.
fn unfilled(commands: &str) -> Option<&str> {
    let hosts = ["aliyuncs.com", "myhuaweicloud.com", "amazonaws.com", "//example.com"];
    let host = hosts.into_iter().find(|host| commands.contains(host));
    let placeholder = commands.split('<').skip(1).find_map(|rest| {
        let (name, _) = rest.split_once(['>', '\n']).unwrap_or((rest, ""));
        let ended = rest.as_bytes().get(name.len()) == Some(&b'>');
        (ended && name.starts_with(|c: char| !c.is_whitespace() && c != '(')).then_some(name)
    });
    host.or(placeholder)
}

/// Whether `printed` has every line that is shown, or every member.
fn shows(shown: &Block, printed: &str) -> bool {
    if shown.is_in("json") {
        let shown: Value = serde_json::from_str(&shown.text).unwrap();
        let real = printed.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        return real.is_some_and(|real| difference(&shown, &real).is_none());
    }
    shown.text.lines().all(|line| printed.lines().any(|real| real == line))
}

#[test]
fn unfilled_placeholders_are_found() {
    assert_eq!(unfilled("export A=<log store>"), Some("log store"));
    assert_eq!(unfilled("export A=<主题>"), Some("主题"));
    assert_eq!(unfilled("export A=oss-cn-beijing.aliyuncs.com"), Some("aliyuncs.com"));
    assert_eq!(unfilled("oms-bridge send - < keys.txt > out\ncat <(ls) <<END\nEND"), None);
}

#[test]
fn what_is_shown_must_be_printed() {
    let block = |info: &str, text: &str| Block {
        place: String::new(),
        info: info.split(' ').map(str::to_owned).collect(),
        text: text.to_owned(),
    };
    assert!(shows(&block("text output", "true\n"), "true"));
    assert!(!shows(&block("text output", "true\n"), "false"));
    assert!(shows(&block("json output", "{\"a\":\"…\"}"), "a line\n{\"a\":\"b\",\"c\":1}"));
    assert!(!shows(&block("json output", "{\"b\":\"…\"}"), "{\"a\":\"b\",\"c\":1}"));
}
