//! What the binary says, by the locale.

use e2e::{OmsBridge, Settings};

async fn help(locale: &[(&str, &str)]) -> String {
    let settings =
        locale.iter().fold(Settings::default(), |settings, (name, value)| settings.set(name, *value));
    OmsBridge::new(["status", "--help"]).settings(settings).run().await.stdout
}

#[tokio::test]
async fn the_locale_chooses_the_language_and_without_one_it_is_english() {
    let english = help(&[]).await;
    assert!(english.starts_with("Shows what failed"), "{english}");
    for locale in [
        &[("LANG", "en_US.UTF-8")][..],
        &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")],
        &[("LANG", "zh_CN.UTF-8"), ("LC_MESSAGES", "C.UTF-8")],
        &[("LANG", "zh_TW.UTF-8")],
        &[("LANG", "zh_CN.GBK")],
        &[("LANGUAGE", "zh_CN")],
    ] {
        assert_eq!(help(locale).await, english, "{locale:?}");
    }
    for locale in [
        &[("LANG", "zh_CN.UTF-8")][..],
        &[("LC_ALL", "zh_SG.UTF-8"), ("LANG", "en_US.UTF-8")],
        &[("LANG", "en_US.UTF-8"), ("LANGUAGE", "zh_CN:en")],
    ] {
        let chinese = help(locale).await;
        assert!(chinese.starts_with("显示哪些键失败"), "{locale:?}: {chinese}");
    }
}

/// What programs read, and what is generated once for all users, is English in every locale.
#[tokio::test]
async fn completions_and_manual_pages_are_english() {
    let run = |locale: &'static str| async move {
        let settings = Settings::default().set("LANG", locale);
        OmsBridge::new(["completions", "zsh"]).settings(settings).run().await.stdout
    };
    let english = run("C").await;
    assert!(english.is_ascii() || !english.contains('的'), "{english}");
    assert_eq!(run("zh_CN.UTF-8").await, english);
}

/// What is said of wrong arguments, in English: each of the forms that clap has for it.
pub(crate) async fn usage_errors() -> Vec<String> {
    let mut errors = Vec::new();
    for arguments in WRONG {
        let finished = OmsBridge::new(arguments.iter().copied()).run().await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        errors.push(finished.stderr);
    }
    errors
}

const WRONG: [&[&str]; 11] = [
    &["copy", "--jsn", "a", "b"],
    &["copy", "--jobs", "3", "a", "b"],
    &["serv"],
    &["status", "--read", "x"],
    &["copy", "--unheard-of"],
    &["send"],
    &["stauts"],
    &["completions", "tcsh"],
    &["replay", "--limit"],
    &["replay", "--json", "--json"],
    &["copy", "--no-such", "--", "a"],
];

/// Latin words that follow each other: a sentence that is not translated.
fn is_english(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    words.windows(3).any(|three| three.iter().all(is_word))
}

#[tokio::test]
async fn wrong_arguments_are_explained_in_chinese() {
    for arguments in WRONG {
        let finished = crate::run(arguments, Settings::default()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.starts_with("错误："), "{arguments:?}: {}", finished.stderr);
        let english: Vec<&str> = finished.stderr.lines().filter(|line| is_english(line)).collect();
        assert!(english.is_empty(), "{arguments:?}: {english:#?} in {}", finished.stderr);
    }
    // For a program it is the same in every locale.
    let json = crate::run(&["send", "--json"], Settings::default()).await.json();
    assert!(json["error"]["message"].as_str().unwrap().contains("required arguments"), "{json}");
}
