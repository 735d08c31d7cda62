//! What the binary says, by the locale.

use e2e::{OmsBridge, Settings};

use crate::leftovers;

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

const WRONG: [&[&str]; 12] = [
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
    &["explain", "--unheard-of"],
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
        let left = leftovers::left(&finished.stderr);
        assert!(left.is_empty(), "{arguments:?}: {left:#?} in {}", finished.stderr);
    }
    // For a program it is the same in every locale.
    let json = crate::run(&["send", "--json"], Settings::default()).await.json();
    assert!(json["error"]["message"].as_str().unwrap().contains("required arguments"), "{json}");
}

/// Settings that are right but for the host of the log bucket: no such region.
fn settings() -> Settings {
    Settings::default()
        .set("SYNC_URL", "http://127.0.0.1:1/v2/p/sync-tasks/t/events")
        .set("HW_AK", "HPUA0123456789ABCDEF")
        .set("HW_SK", "s".repeat(40))
        .set("LOG_BUCKET", "logs")
        .set("OSS_ENDPOINT", "http://127.0.0.1:1")
        .set("OSS_REGION", "cn-hangzhou")
        .set("OSS_ACCESS_KEY_ID", "LTAI5tAbCdEfGh01")
        .set("OSS_ACCESS_KEY_SECRET", "k".repeat(30))
}

fn assert_said(text: &str, said: &[&str]) {
    for said in said {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[tokio::test]
async fn errors_name_the_setting_and_what_to_do_in_chinese() {
    let finished = crate::run(&["status"], Settings::default()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    // What a setting is comes from its row in the table of settings.
    assert_said(
        &finished.stderr,
        &[
            "错误：配置不可用：",
            "  HW_AK: 缺失：华为云访问密钥（AK）",
            "  LOG_BUCKET: 缺失：",
            "没有 OSS 凭证",
        ],
    );
    let finished = crate::run(&["status"], settings()).await;
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert_said(
        &finished.stderr,
        &["错误：OSS_ENDPOINT: 列举桶 logs：无法连接 127.0.0.1:1：", "  处理：检查 OSS_ENDPOINT"],
    );
    let finished =
        crate::run(&["status"], settings().set("OSS_ENDPOINT", "obs.cn-north-4.myhuaweicloud.com")).await;
    assert_said(
        &finished.stderr,
        &["  OSS_ENDPOINT: \"obs.cn-north-4.myhuaweicloud.com\" 属于华为云 OBS，需要的是阿里云 OSS"],
    );
    let finished =
        crate::run(&["copy", "-r", "--keys-from", "no-such-list", "/tmp", "oss://mirror/"], settings()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    // What the system says is quoted.
    let said =
        ["错误：--keys-from: \"no-such-list\": No such file", "  处理：给出一个可读的文件，每行一个键"];
    assert_said(&finished.stderr, &said);
}

#[tokio::test]
async fn doctor_says_each_finding_in_chinese_and_its_json_is_english() {
    let finished = crate::run(&["doctor"], settings().set("COLUMNS", "80")).await;
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert_said(
        &finished.stdout,
        &[
            "正常     SYNC_URL",
            "华为云凭证  HW_AK HPUA****EF，永久",
            "问题",
            "原因：",
            "处理：",
            "2 个问题，没有警告",
        ],
    );
    let wide: Vec<&str> = finished.stdout.lines().filter(|line| crate::columns(line) > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    // Each text begins in the same column, counted in columns of the terminal.
    let starts = |label: &str| -> Vec<usize> {
        let lines = finished.stdout.lines().filter_map(|line| line.split_once(label));
        lines.map(|(before, _)| crate::columns(before)).collect()
    };
    let reasons = starts("原因：");
    assert!(reasons.len() > 1 && reasons.iter().all(|start| *start == reasons[0]), "{}", finished.stdout);
    assert_eq!(reasons, starts("处理："), "{}", finished.stdout);

    let chinese = crate::run(&["doctor", "--json"], settings()).await;
    let english = OmsBridge::new(["doctor", "--json"]).settings(settings()).run().await;
    assert_eq!(chinese.json(), english.json());
    let english =
        OmsBridge::new(["doctor"]).settings(settings().set("LC_ALL", "C").set("LANG", "zh_CN.UTF-8"));
    assert_said(&english.run().await.stdout, &["2 problems, no warnings"]);
}

#[tokio::test]
async fn json_on_stderr_and_errors_for_programs_are_english() {
    let finished = crate::run(&["status", "--json"], settings().set("LOG_FORMAT", "json")).await;
    assert_said(&finished.stdout, &["cannot connect to 127.0.0.1:1"]);
    assert_said(&finished.stderr, &["cannot connect to 127.0.0.1:1"]);
    assert!([&finished.stdout, &finished.stderr].iter().all(|text| text.is_ascii()), "{finished:?}");
}
