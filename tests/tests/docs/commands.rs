//! Names in commands, run or not: features, packages, targets, scripts, flags and settings of ours exist.
//! Lists which commands are not run, and why.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::markdown::{Block, documents, root};
use crate::pages::is_run;

/// Blocks of pages that are not run: the document without its language, the beginning of the block, the
/// reason.
const NOT_RUN: [(&str, &str, &str); 29] = [
    ("README", "cargo run --release -- demo", "builds everything; tests/tests/e2e/demo.rs runs the demo"),
    ("docs/install", "packaging/release", "builds everything; .ci/run packages runs it with what is built"),
    ("docs/install", "cargo install", "builds everything; .ci/run builds with these features"),
    ("docs/install", "sha256sum", "needs the archive; packaging/check runs the block"),
    ("docs/install", "sudo apt-get", "changes this machine; packaging/check installs into a root of its own"),
    ("docs/install", "docker build", "needs a daemon; packaging/check builds the last stage and runs it"),
    (
        "docs/install",
        "export DESK_DATABASE_PASSWORD",
        "needs a daemon; packaging/check checks compose.yaml and its commands",
    ),
    (
        "docs/arrival",
        "oms-bridge reconcile inventory:oss://",
        "needs inventories; tests/tests/copy/reconcile_inventories.rs has some of each service",
    ),
    (
        "docs/deploy",
        "PREBUILT=oms-bridge-",
        "builds everything; tests/tests/deploy/prebuilt.rs and .ci/run deployed run these scripts",
    ),
    (
        "docs/deploy",
        "export ALIBABA_CLOUD_ACCESS_KEY_ID=<id> ALIBABA_CLOUD_ACCESS_KEY_SECRET=<secret>     #",
        "activates services in Alibaba Cloud; tests/terraform/run validates the module",
    ),
    (
        "docs/deploy",
        "deploy/lambda/build.sh",
        "deploys to Alibaba Cloud; tests/terraform/run validates and tests the module",
    ),
    ("docs/deploy", "npm install -g @serverless-devs/s", "installs somebody else's tool on this machine"),
    (
        "docs/operations",
        "oms-bridge status --watch",
        "runs until it is stopped; tests/tests/e2e/metrics.rs tries the option",
    ),
    ("docs/deploy", "hcloud OMS", "makes a task in Huawei Cloud; blocks.rs checks its body"),
    ("docs/deploy", "aliyun ram CreateUser", "makes a user in Alibaba Cloud"),
    ("docs/deploy", "aliyun oss mb", "makes a bucket, a log store and a queue in Alibaba Cloud"),
    ("docs/deploy", "aliyun ram CreateRole", "makes roles in Alibaba Cloud"),
    (
        "docs/deploy",
        "s plan",
        "deploys to Alibaba Cloud; tests/tests/deploy checks s.yaml against the tool's schema",
    ),
    ("docs/deploy", "s deploy -y --function", "deploys to Alibaba Cloud"),
    ("docs/deploy", "aliyun ram DetachPolicyFromRole", "removes what is in Alibaba Cloud"),
    ("docs/desk", "cargo run --release --features desk -- dev", "builds everything, and ends with Ctrl-C"),
    ("docs/local-cloud", "oms-bridge dev", "ends with Ctrl-C; tests/tests/e2e/dev.rs runs what it prints"),
    ("docs/migrate", "s deploy -y", "deploys to Alibaba Cloud; the test of this page starts the function"),
    ("docs/migrate", "s remove --trigger", "removes what is in both clouds"),
    (
        "docs/sources",
        "deploy/lambda/build.sh",
        "deploys to AWS; tests/tests/deploy/lambda.rs checks the template",
    ),
    ("deploy/lambda/README", "cat > secret.json", "makes a secret in AWS"),
    (
        "deploy/lambda/README",
        "./build.sh",
        "deploys to AWS; tests/tests/deploy/lambda.rs and tests/terraform/run check the templates",
    ),
    ("deploy/lambda/README", "aws s3api", "changes a bucket in AWS"),
    ("deploy/lambda/README", "aws sqs", "moves messages in AWS"),
];

#[test]
fn what_is_not_run_has_a_reason() {
    let mut used = BTreeSet::new();
    for document in documents().iter().filter(|document| is_run(&document.path)) {
        let path = document.path.to_str().unwrap();
        let name = path.strip_suffix(".zh-CN.md").or(path.strip_suffix(".md")).unwrap();
        for block in document.blocks.iter().filter(|block| block.is("sh no-run")) {
            let mut reasons =
                NOT_RUN.iter().filter(|(of, start, _)| *of == name && block.text.starts_with(start));
            let reason =
                reasons.next().unwrap_or_else(|| panic!("{}: is not run, and not in NOT_RUN", block.place));
            used.insert(reason);
        }
    }
    let unused: Vec<_> = NOT_RUN.iter().filter(|reason| !used.contains(reason)).collect();
    assert!(unused.is_empty(), "there are no such blocks any more: {unused:?}");
}

#[test]
fn what_commands_name_is_there() {
    let names = Names::read();
    let documents = documents();
    let blocks =
        documents.iter().flat_map(|document| document.blocks.iter().map(move |block| (document, block)));
    let faults: Vec<_> = blocks
        .filter(|(_, block)| block.is_in("sh"))
        .flat_map(|(document, block)| names.faults(&document.path, block))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_name_that_is_not_there_is_found() {
    let names = Names::read();
    let faults = |text: &str| {
        let block = Block { place: String::new(), info: vec!["sh".to_owned()], text: text.to_owned() };
        names.faults(Path::new("docs/made-up.md"), &block).len()
    };
    for wrong in [
        "cargo install --locked --path crates/gone",
        "cargo install --path crates/oms-bridge --features aws,gone",
        "cargo run --release -- gone",
        "cargo build --profile gone",
        "cargo run --relaese -- demo",
        "cargo test -p gone",
        "cargo test -p oms-bridge --test gone",
        "cargo bench -p bench --bench gone",
        "cargo run -p oss-lite --example gone < README.md",
        "X=1 oms-bridge copy --gone a b",
        "oms-bridge gone | cat",
        "export A=1 && deploy/gone.sh FOLDER",
        "deploy/lambda/template.yaml",
        "cd deploy/lambda && sam deploy --parameter-overrides Gone=1",
        "export FC_DEPLOY_REGION=cn-hangzhou GONE=1",
    ] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
    for right in [
        "cargo run --release --features desk -- dev   # words",
        "cargo test -p oms-bridge --test docs some_name && cargo test --workspace",
        "cargo install --locked --path crates/oms-bridge --profile dist --features aws",
        "oms-bridge replay --class auth --since=2h\nAWS_REGION=x oms-bridge copy -r <from> \\\n  <to>",
        "cd deploy/lambda && ./build.sh arm64 && sam deploy --parameter-overrides SourceBucket=<bucket>",
    ] {
        assert_eq!(faults(right), 0, "{right}");
    }
}

/// What may be named.
struct Names {
    metadata: Metadata,
    /// The help of each command of the program.
    helps: HashMap<String, String>,
    template: String,
    deployment: String,
}

/// Flags of cargo that take no value.
const SWITCHES: [&str; 8] = [
    "--release",
    "--locked",
    "--workspace",
    "--debug",
    "--all-targets",
    "--all-features",
    "--no-run",
    "--all",
];

impl Names {
    fn read() -> Self {
        let metadata = MetadataCommand::new()
            .current_dir(root())
            .no_deps()
            .other_options(["--offline".to_owned()])
            .exec();
        let commands = commands_of(&help(&[]));
        let helps = commands.into_iter().map(|command| (command.clone(), help(&[&command]))).collect();
        let text = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
        let (template, deployment) = (text("deploy/lambda/template.yaml"), text("s.yaml"));
        Self { metadata: metadata.unwrap(), helps, template, deployment }
    }

    /// What is wrong with the commands of a block.
    fn faults(&self, path: &Path, block: &Block) -> Vec<String> {
        let mut faults = Vec::new();
        let mut folders = vec![root(), root().join(path.parent().unwrap())];
        for words in commands(&block.text) {
            let outcome = match words[0].as_str() {
                "cargo" => self.cargo(&words[1..]),
                "oms-bridge" => self.program(&words[1..]),
                "sam" => self.parameters(&words[1..]),
                "export" => self.exported(&words[1..]),
                "cd" => {
                    folders = folders.iter().map(|folder| folder.join(&words[1])).collect();
                    Ok(())
                }
                script if script.contains('/') => executable(&folders, script),
                _ => Ok(()),
            };
            faults
                .extend(outcome.err().map(|fault| format!("{}: {}: {fault}", block.place, words.join(" "))));
        }
        faults
    }

    fn package(&self, name: &str) -> Result<&Package, String> {
        let package = self.metadata.packages.iter().find(|package| package.name.as_str() == name);
        package.ok_or_else(|| format!("no package {name}"))
    }

    fn cargo(&self, words: &[String]) -> Result<(), String> {
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let (own, handed) = (&words[1..end], words.get(end + 1..).unwrap_or_default());
        let mut package = self.package("oms-bridge")?;
        let mut options = own.iter();
        while let Some(option) = options.next() {
            let mut value = || options.next().ok_or_else(|| format!("{option} without a value"));
            match option.as_str() {
                "-p" | "--package" => package = self.package(value()?)?,
                "--path" => {
                    let path = value()?;
                    if !root().join(path).join("Cargo.toml").exists() {
                        return Err(format!("no package at {path}"));
                    }
                }
                "--profile" => {
                    let profile = value()?;
                    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
                    if !manifest.contains(&format!("\n[profile.{profile}]\n")) {
                        return Err(format!("no profile {profile}"));
                    }
                }
                "--features" => {
                    let missing = value()?.split(',').find(|name| !package.features.contains_key(*name));
                    missing.map_or(Ok(()), |name| Err(format!("{} has no feature {name}", package.name)))?;
                }
                "--test" | "--bench" | "--example" => {
                    let name = value()?;
                    let kind = option.trim_start_matches('-');
                    let is_it = |target: &&cargo_metadata::Target| {
                        target.name == *name && target.kind.iter().any(|own| own.to_string() == kind)
                    };
                    package
                        .targets
                        .iter()
                        .find(is_it)
                        .ok_or_else(|| format!("{} has no {kind} {name}", package.name))?;
                }
                switch if switch.starts_with('-') && !SWITCHES.contains(&switch) => {
                    return Err(format!("unknown option {switch}"));
                }
                _ => {}
            }
        }
        let runs = words[0] == "run" && package.name.as_str() == "oms-bridge" && !handed.is_empty();
        if runs { self.program(handed) } else { Ok(()) }
    }

    fn program(&self, words: &[String]) -> Result<(), String> {
        let Some(command) = words.first().filter(|word| !word.starts_with('-')) else { return Ok(()) };
        let help = self.helps.get(command).ok_or_else(|| format!("no command {command}"))?;
        let flags: BTreeSet<_> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        let flag = |word: &'_ String| word.split('=').next().unwrap_or_default().to_owned();
        let mut given = words[1..].iter().filter(|word| word.starts_with('-') && *word != "-").map(flag);
        given
            .find(|flag| !flags.contains(&**flag))
            .map_or(Ok(()), |flag| Err(format!("{command} has no {flag}")))
    }

    /// The parameters that `sam deploy` is given.
    fn parameters(&self, words: &[String]) -> Result<(), String> {
        let parameters = words.iter().skip_while(|word| *word != "--parameter-overrides").skip(1);
        let mut names = parameters.filter_map(|word| word.split_once('=')).map(|(name, _)| name);
        let missing = names.find(|name| !self.template.contains(&format!("\n  {name}:\n")));
        missing.map_or(Ok(()), |name| Err(format!("the template has no parameter {name}")))
    }

    /// The variables of `s deploy`: those on a line with a variable that only it reads.
    fn exported(&self, words: &[String]) -> Result<(), String> {
        let mut names = words.iter().filter_map(|word| word.split_once('=')).map(|(name, _)| name);
        let ours = |name: &str| {
            !name.starts_with("FC_") && !name.starts_with("SLS_") && name != "FAILURE_DESTINATION"
        };
        let deploys = words.iter().any(|word| word.split_once('=').is_some_and(|(name, _)| !ours(name)));
        let missing = names.find(|name| deploys && !self.deployment.contains(&format!("env('{name}'")));
        missing.map_or(Ok(()), |name| Err(format!("s.yaml does not read {name}")))
    }
}

fn executable(folders: &[PathBuf], script: &str) -> Result<(), String> {
    let is_it = |folder: &PathBuf| {
        folder
            .join(script)
            .metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if folders.iter().any(is_it) { Ok(()) } else { Err("no such program".to_owned()) }
}

/// The words of each command, without assignments before it and what it is connected with.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = without_placeholders(&text.replace("\\\n", " "));
    let mut commands = Vec::new();
    for line in joined.lines() {
        let Some(words) = shlex::split(line) else { continue };
        for command in words.split(|word| ["&&", "|", ";", "||"].contains(&&**word)) {
            let is_set = |word: &&String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
            let command: Vec<_> = command.iter().skip_while(is_set).cloned().collect();
            if !command.is_empty() {
                commands.push(command);
            }
        }
    }
    commands
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// With `X` for each `<…>`.
pub(crate) fn without_placeholders(text: &str) -> String {
    let mut parts = text.split('<');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('>') {
            Some((name, rest)) if !name.contains('\n') => filled.extend(["X", rest]),
            _ => filled.extend(["<", part]),
        }
    }
    filled
}

pub(crate) fn help(arguments: &[&str]) -> String {
    let output = Command::new(e2e::binary()).args(arguments).arg("--help-all").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn commands_of(help: &str) -> Vec<String> {
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
