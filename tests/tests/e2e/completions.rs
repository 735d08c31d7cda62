//! What shells complete, and what manual pages say.

use std::process::Command;

use e2e::OmsBridge;
use tempfile::tempdir;

/// Asked as a shell asks: the script is sourced, its function called with the words of a line.
#[tokio::test]
async fn bash_completes_commands_and_the_options_behind_them() {
    let script = OmsBridge::new(["completions", "bash"]).run().await.stdout;
    let folder = tempdir().unwrap();
    let file = folder.path().join("completions");
    std::fs::write(&file, script).unwrap();
    for (line, candidate) in [
        ("oms-bridge sta", "status"),
        ("oms-bridge copy --abort", "--abort-stale"),
        ("oms-bridge replay --class th", "throttled"),
    ] {
        let asked = format!(
            r#"source '{}'
            [[ $(complete -p oms-bridge) =~ -F\ ([^ ]+) ]]
            COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            "${{BASH_REMATCH[1]}}" oms-bridge "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
            printf '%s\n' "${{COMPREPLY[@]}}""#,
            file.display()
        );
        let answer = Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
        let offered = String::from_utf8(answer.stdout).unwrap();
        assert!(offered.lines().any(|offer| offer == candidate), "{line}: {offered:?}");
    }
}

#[tokio::test]
async fn a_manual_page_has_the_text_of_every_option() {
    let folder = tempdir().unwrap();
    let done = OmsBridge::new(["man", folder.path().to_str().unwrap()]).run().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let page = std::fs::read_to_string(folder.path().join("oms-bridge-copy.1")).unwrap();
    for option in ["part\\-size", "abort\\-stale", "older\\-than", "dest\\-region"] {
        let (_, behind) = page.split_once(&format!("\\fB\\-\\-{option}\\fR")).expect(option);
        let text = behind.lines().nth(1).unwrap_or_default();
        assert!(text.chars().next().is_some_and(char::is_alphanumeric), "{option}: {behind:.120}");
    }
}
