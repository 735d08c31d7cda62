//! The language that the environment asks for, by the rules of POSIX and of gettext.
//!
//! The locale is the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty. `LANGUAGE`, a
//! list, goes before it as in gettext: unless the locale is `C` or `POSIX`, or none is set.
//!
//! The translation is in Simplified Chinese. A locale of Traditional Chinese (`zh_TW`, `zh_HK`, `zh_MO`,
//! `zh_Hant`) gets English, as gettext does for a program that has a `zh_CN` alone. So does a locale whose
//! character set is another than UTF-8, which is what this program writes.

/// A language of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English: the language of the source.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The language that the variables of the environment ask for.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
        if matches!(&*locale, "" | "C" | "POSIX") || !is_utf8(&locale) {
            return Self::English;
        }
        let wanted = set("LANGUAGE").unwrap_or_else(|| locale.clone());
        wanted.split(':').find_map(named).unwrap_or(Self::English)
    }
}

/// The language of a locale, if this program speaks it.
fn named(locale: &str) -> Option<Language> {
    let name = locale.split(['.', '@']).next().unwrap_or_default().replace('-', "_").to_ascii_lowercase();
    let mut parts = name.split('_');
    match (parts.next()?, parts.next()) {
        ("en" | "c" | "posix", _) => Some(Language::English),
        ("zh", None | Some("cn" | "sg" | "my" | "hans")) => Some(Language::Chinese),
        _ => None,
    }
}

/// Whether the character set of a locale is UTF-8, or is not named.
fn is_utf8(locale: &str) -> bool {
    let set = locale.split_once('.').map(|(_, set)| set.split('@').next().unwrap_or_default());
    set.is_none_or(|set| set.replace('-', "").eq_ignore_ascii_case("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(environment: &[(&str, &str)]) -> Language {
        Language::of(|wanted| {
            environment.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn simplified_chinese_is_recognised_however_it_is_written() {
        for locale in [
            "zh_CN.UTF-8",
            "zh_CN.utf8",
            "zh_CN",
            "zh_SG.UTF-8",
            "zh",
            "zh.UTF-8",
            "zh_Hans",
            "zh_Hans_CN.UTF-8",
            "zh-CN",
            "zh_CN.UTF-8@pinyin",
        ] {
            assert_eq!(chosen(&[("LANG", locale)]), Language::Chinese, "{locale}");
        }
        for locale in [
            "",
            "C",
            "C.UTF-8",
            "POSIX",
            "en_US.UTF-8",
            "de_DE.UTF-8",
            "zh_TW.UTF-8",
            "zh_HK.UTF-8",
            "zh_Hant_TW",
            "zh_CN.GBK",
            "zha_CN",
        ] {
            assert_eq!(chosen(&[("LANG", locale)]), Language::English, "{locale}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        for (environment, language) in [
            (&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")][..], Language::English),
            (&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LC_MESSAGES", "en_US.UTF-8"), ("LANG", "zh_CN.UTF-8")], Language::English),
            (&[("LC_ALL", "zh_CN.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")], Language::Chinese),
            (&[("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "en_US.UTF-8")], Language::Chinese),
            (&[], Language::English),
        ] {
            assert_eq!(chosen(environment), language, "{environment:?}");
        }
    }

    #[test]
    fn a_list_of_languages_goes_before_the_locale_but_not_before_c() {
        for (list, locale, language) in [
            ("zh_CN", "en_US.UTF-8", Language::Chinese),
            ("fr:zh_CN:en", "en_US.UTF-8", Language::Chinese),
            ("en:zh_CN", "zh_CN.UTF-8", Language::English),
            ("zh_TW", "zh_CN.UTF-8", Language::English),
            ("zh_CN", "C", Language::English),
            ("zh_CN", "", Language::English),
            ("", "zh_CN.UTF-8", Language::Chinese),
        ] {
            assert_eq!(chosen(&[("LANGUAGE", list), ("LANG", locale)]), language, "{list} {locale}");
        }
    }
}
