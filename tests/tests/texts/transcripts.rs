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
