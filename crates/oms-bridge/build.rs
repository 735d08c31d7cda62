//! What `--version` says about the build besides its number: commit, features, target.
//!
//! The commit is `BUILD_COMMIT` if that is set, else that of the checkout. A debug build does not look for
//! it, so that a commit rebuilds nothing while somebody works. Outside of a checkout it is unknown.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    let given = variable("BUILD_COMMIT");
    let commit = if !given.is_empty() {
        given
    } else if variable("PROFILE") == "debug" {
        "not recorded in debug builds".to_owned()
    } else {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        of_checkout(&root).unwrap_or_else(|| "unknown".to_owned())
    };
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=BUILD_FEATURES={}", features());
    println!("cargo::rustc-env=BUILD_TARGET={}", variable("TARGET"));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The features, without the names of sets of them.
fn features() -> String {
    let names = env::vars().filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()));
    let mut names: Vec<String> = names.filter(|name| name != "default" && name != "full").collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

/// The commit that is checked out at `root`, its date, and whether what is built differs from it.
fn of_checkout(root: &Path) -> Option<String> {
    // An unpacked archive may lie in somebody else's checkout.
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let sources = ["crates", "Cargo.toml", "Cargo.lock"];
    let head = git(root, &["rev-parse", "--git-path", "logs/HEAD"])?;
    for path in sources.into_iter().chain([&*head]).map(|path| root.join(path)) {
        // Cargo runs this script again and again for a path that is not there.
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let commit = git(root, &["log", "-1", "--abbrev=12", "--format=%h %cs"])?;
    let status = ["--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--"];
    let changes = git(root, &[&status[..], &sources[..]].concat())?;
    Some(if changes.is_empty() { commit } else { format!("{commit}, with changes") })
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
