//! Each text of each help has an entry in the table; the help fits its width.

use std::collections::BTreeSet;
use std::process::Command;

use e2e::{OmsBridge, Settings};
use texts::catalogue::Catalogue;

use crate::{columns, leftovers, names, run};

#[test]
fn each_text_of_each_help_is_translated() {
    let catalogue = Catalogue::chinese();
    let entry = |text: &String| format!("msgid {text:?}\nmsgstr \"\"\n\n");
    let texts = oms_bridge::cli::texts_of_help();
    let missing: String = texts.iter().filter(|text| catalogue.text(text).is_none()).map(entry).collect();
    assert!(missing.is_empty(), "translate in crates/texts/texts/zh_CN.po:\n\n{missing}");
}

/// The commands, as the help lists them.
async fn commands() -> Vec<String> {
    let help = run(&["--help"], Settings::default()).await.stdout;
    let listed = help.lines().skip_while(|line| *line != "命令：").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_help_of_each_command_fits_and_has_all_that_the_english_has() {
    let commands = commands().await;
    assert!(commands.len() > 12, "{commands:?}");
    let mut script = String::new();
    for command in &commands {
        for form in ["--help", "--help-all"] {
            let english = OmsBridge::new([command, form]).run().await.stdout;
            // The settings' own table may name an example of an address in another way.
            let is_same_in_both = |name: &String| !name.contains("://");
            let wanted: BTreeSet<String> = names(&english).into_keys().filter(is_same_in_both).collect();
            for width in [60, 80, 100] {
                let settings = Settings::default().set("COLUMNS", width.to_string());
                let shown = run(&[command, form], settings).await;
                assert_eq!(shown.code, Some(0), "{shown:?}");
                let found: BTreeSet<String> = names(&shown.stdout).into_keys().collect();
                let lost: Vec<_> = wanted.difference(&found).collect();
                assert!(lost.is_empty(), "{command} {form}: {lost:?} are lost in {}", shown.stdout);
                assert_fits(&shown.stdout, width, &format!("{command} {form}"));
                let settings = Settings::default().set("COLUMNS", width.to_string());
                let english = OmsBridge::new([command, form]).settings(settings).run().await;
                assert_fits(&english.stdout, width, &format!("{command} {form} in English"));
                script.extend([examples(&shown.stdout), "\n".into(), examples(&english.stdout), "\n".into()]);
            }
        }
    }
    assert_is_shell(&script);
}

/// A shell reads it, and runs none of it.
fn assert_is_shell(script: &str) {
    let read = Command::new("sh").args(["-n", "-c", script]).output().unwrap();
    assert!(read.status.success(), "{}\n{script}", String::from_utf8_lossy(&read.stderr));
}

/// Each line fits but one that is an address and nothing else.
fn assert_fits(help: &str, width: usize, which: &str) {
    let is_address = |line: &str| line.starts_with("<https://") && line.ends_with('>');
    let lines = help.lines().filter(|line| !is_address(line.trim().trim_end_matches(['.', '。'])));
    let wide: Vec<&str> = lines.filter(|line| columns(line) > width).collect();
    assert!(wide.is_empty(), "{which} at {width}: {wide:#?}");
}

/// The lines of the examples.
fn examples(help: &str) -> String {
    let is_example = |part: &&str| part.starts_with("Example") || part.starts_with("示例：");
    help.split("\n\n").find(is_example).unwrap().split_inclusive('\n').skip(1).collect()
}

#[tokio::test]
async fn no_english_is_left_in_any_help() {
    let commands = commands().await;
    let of_commands =
        commands.iter().flat_map(|command| [vec![command, "--help"], vec![command, "--help-all"]]);
    for arguments in of_commands.chain([vec!["--help"]]) {
        // No line is broken, and none of a list of values looks like a text.
        let shown = run(&arguments, Settings::default().set("COLUMNS", "400")).await.stdout;
        let texts = shown.split("\n\n").filter(|part| !part.starts_with("示例："));
        let left = leftovers::left(&texts.collect::<Vec<_>>().join("\n"));
        assert!(left.is_empty(), "{arguments:?}: {left:#?}");
        let is_heading = |line: &&str| !line.starts_with(' ') && line.ends_with([':', '：']);
        let is_chinese = |line: &&str| line.ends_with('：') && (line.contains(is_wide) || *line == "OSS：");
        let wrong: Vec<&str> = shown.lines().filter(is_heading).filter(|line| !is_chinese(line)).collect();
        assert!(wrong.is_empty(), "{arguments:?}: {wrong:?}");
    }
}

fn is_wide(c: char) -> bool {
    c != '：' && columns(c.encode_utf8(&mut [0; 4])) == 2
}

#[tokio::test]
async fn the_overview_reads_in_chinese() {
    let shown = run(&["--help"], Settings::default().set("COLUMNS", "80")).await;
    insta::assert_snapshot!("overview", shown.stdout);
    let shown = run(&["explain", "--help"], Settings::default().set("COLUMNS", "80")).await;
    insta::assert_snapshot!("explain", shown.stdout);
}
