//! Storage classes of both services, and which of one stands for which of the other.

use std::cmp::Ordering;

use crate::dialect::Dialect;

/// How soon an object can be read, from the warmest class to the coldest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Warmth {
    Standard,
    Tiering,
    Infrequent,
    Archive,
    Cold,
    Coldest,
}

/// A name without regard to case, the class it means, and whether it is the service's own name of that class.
type Named = (&'static str, Warmth);

/// The first name of a class is the one to write.
const OSS: &[Named] = &[
    ("Standard", Warmth::Standard),
    ("IA", Warmth::Infrequent),
    ("Archive", Warmth::Archive),
    ("ColdArchive", Warmth::Cold),
    ("DeepColdArchive", Warmth::Coldest),
];

/// With the names of the S3 dialect, under which old tools stored objects.
const OBS: &[Named] = &[
    ("STANDARD", Warmth::Standard),
    ("INTELLIGENT_TIERING", Warmth::Tiering),
    ("WARM", Warmth::Infrequent),
    ("STANDARD_IA", Warmth::Infrequent),
    ("COLD", Warmth::Archive),
    ("GLACIER", Warmth::Archive),
    ("DEEP_ARCHIVE", Warmth::Cold),
];

/// The class of one service that stands for a class of another, in the spelling of the other; `None` for a
/// name that `from` does not have. Within one service, the name in its own spelling.
///
/// Names are compared without regard to case. Where the other has no such class, the next warmer one stands
/// in.
///
/// [OSS](https://www.alibabacloud.com/help/en/oss/user-guide/overview-53),
/// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0044.html).
///
/// ```
/// use oss_lite::{Dialect, storage_class};
///
/// assert_eq!(storage_class(Dialect::Oss, "Archive", Dialect::Obs), Some("COLD"));
/// assert_eq!(storage_class(Dialect::Obs, "STANDARD_IA", Dialect::Oss), Some("IA"));
/// assert_eq!(storage_class(Dialect::Oss, "standard", Dialect::Oss), Some("Standard"));
/// ```
pub fn storage_class(from: Dialect, name: &str, to: Dialect) -> Option<&'static str> {
    let mut warmth = warmth(from, name)?;
    loop {
        if let Some((name, _)) = classes(to).iter().find(|(_, class)| *class == warmth) {
            return Some(name);
        }
        warmth = match warmth {
            Warmth::Coldest => Warmth::Cold,
            Warmth::Cold => Warmth::Archive,
            Warmth::Archive => Warmth::Infrequent,
            Warmth::Infrequent | Warmth::Tiering | Warmth::Standard => Warmth::Standard,
        };
    }
}

/// Whether objects of a class must be restored before they can be read.
pub fn is_archive(dialect: Dialect, name: &str) -> bool {
    matches!(warmth(dialect, name), Some(Warmth::Archive | Warmth::Cold | Warmth::Coldest))
}

/// How two classes lie to each other, by the name that either service has for them: [`Ordering::Greater`]
/// where objects of the first take longer to be read. `None` where a name is no class of either.
///
/// ```
/// use std::cmp::Ordering;
/// use oss_lite::compare_coldness;
///
/// assert_eq!(compare_coldness("IA", "WARM"), Some(Ordering::Equal));
/// assert_eq!(compare_coldness("Archive", "STANDARD"), Some(Ordering::Greater));
/// ```
pub fn compare_coldness(one: &str, other: &str) -> Option<Ordering> {
    // No name means one class here and another there.
    let of_either = |name| warmth(Dialect::Oss, name).or_else(|| warmth(Dialect::Obs, name));
    Some(of_either(one)?.cmp(&of_either(other)?))
}

fn warmth(dialect: Dialect, name: &str) -> Option<Warmth> {
    let (_, warmth) = classes(dialect).iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(*warmth)
}

fn classes(dialect: Dialect) -> &'static [Named] {
    match dialect {
        Dialect::Oss => OSS,
        Dialect::Obs => OBS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_counterpart() {
        for (from, name, to, expected) in [
            (Dialect::Oss, "Standard", Dialect::Obs, "STANDARD"),
            (Dialect::Oss, "STANDARD", Dialect::Obs, "STANDARD"),
            (Dialect::Oss, "ia", Dialect::Obs, "WARM"),
            (Dialect::Oss, "Archive", Dialect::Obs, "COLD"),
            (Dialect::Oss, "ColdArchive", Dialect::Obs, "DEEP_ARCHIVE"),
            (Dialect::Oss, "DeepColdArchive", Dialect::Obs, "DEEP_ARCHIVE"),
            (Dialect::Obs, "STANDARD", Dialect::Oss, "Standard"),
            (Dialect::Obs, "WARM", Dialect::Oss, "IA"),
            (Dialect::Obs, "STANDARD_IA", Dialect::Oss, "IA"),
            (Dialect::Obs, "COLD", Dialect::Oss, "Archive"),
            (Dialect::Obs, "GLACIER", Dialect::Oss, "Archive"),
            (Dialect::Obs, "DEEP_ARCHIVE", Dialect::Oss, "ColdArchive"),
            (Dialect::Obs, "INTELLIGENT_TIERING", Dialect::Oss, "Standard"),
            (Dialect::Oss, "deepcoldarchive", Dialect::Oss, "DeepColdArchive"),
            (Dialect::Obs, "glacier", Dialect::Obs, "COLD"),
            (Dialect::Obs, "intelligent_tiering", Dialect::Obs, "INTELLIGENT_TIERING"),
        ] {
            assert_eq!(storage_class(from, name, to), Some(expected), "{from:?} {name}");
        }
    }

    #[test]
    fn no_name_means_two_classes() {
        for (name, class) in OSS {
            assert!(
                OBS.iter().all(|(other, theirs)| !other.eq_ignore_ascii_case(name) || theirs == class),
                "{name}"
            );
        }
        assert_eq!(compare_coldness("Standard", "cold"), Some(Ordering::Less));
        assert_eq!(compare_coldness("Standard", "unheard-of"), None);
    }

    #[test]
    fn names_of_the_other_service_are_unknown() {
        for (dialect, name) in
            [(Dialect::Oss, "WARM"), (Dialect::Obs, "IA"), (Dialect::Oss, ""), (Dialect::Obs, "Archive")]
        {
            assert_eq!(storage_class(dialect, name, Dialect::Oss), None, "{dialect:?} {name}");
            assert!(!is_archive(dialect, name));
        }
    }

    #[test]
    fn only_what_must_be_restored_is_an_archive() {
        let archives = |dialect| -> Vec<&str> {
            let names = classes(dialect).iter().map(|(name, _)| *name);
            names.filter(|name| is_archive(dialect, name)).collect()
        };
        assert_eq!(archives(Dialect::Oss), ["Archive", "ColdArchive", "DeepColdArchive"]);
        assert_eq!(archives(Dialect::Obs), ["COLD", "GLACIER", "DEEP_ARCHIVE"]);
    }
}
