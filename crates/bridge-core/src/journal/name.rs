//! Names of failure records: each failed attempt has an object of its own, whose name is never written twice.
//!
//! ```text
//! photos/a.jpg!20261129T074030.123Z-c5f3a9c01-9f8e7d6c5b4a3928d41d8cd9
//! └── key ───┘ └─ when it failed ─┘ │└origin┘ └─── unique ───┘└check─┘
//!                                  kind
//! ```
//!
//! The name begins with the key, so that a prefix of keys is a prefix of names, and ends in 56 bytes that
//! give a replay, from the listing alone, all that it needs: which key, whether OMS can forward it
//! ([`ChangeKind`]), and which records are about the same object ([`origin`]). Two instances cannot choose
//! the same name: they would have to draw the same 64 random bits within the same millisecond. The check
//! digits, over the whole name, distinguish such a name from that of any other object: one of 0.1.0 or of the
//! vendor's function, whose names are the bare key, or a foreign file.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDateTime, Utc};
use sha2::{Digest, Sha256};

use crate::engine::EngineName;
use object_events::change::Provider;

/// Separates the key from the rest. It sorts before nearly everything that keys are made of, so the failures
/// of a key follow right behind its bare name.
pub(super) const SEPARATOR: char = '!';

const TIME: &str = "%Y%m%dT%H%M%S%.3fZ";

/// Length of a time so written.
const TIME_LENGTH: usize = 20;

/// Bytes behind the key.
pub(super) const SUFFIX: usize = 1 + TIME_LENGTH + 1 + 1 + 8 + 1 + 16 + CHECK;

/// Hexadecimal digits of the check.
const CHECK: usize = 8;

/// Which engine can forward a failed change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// Any engine can: an object of the source changed.
    Change,
    /// The copy engine: an object was removed.
    Removal,
    /// The copy engine: the object lies at a URL.
    Url,
    /// The copy engine: the object lies at another service than the one that OMS reads.
    OtherService,
}

impl ChangeKind {
    const ALL: [(Self, u8); 4] =
        [(Self::Change, b'c'), (Self::Removal, b'r'), (Self::Url, b'u'), (Self::OtherService, b'p')];

    /// The kind of a change that `engine` failed to forward.
    ///
    /// A task of OMS may read from any service, and its settings here do not say which one. If the engine was
    /// OMS, the change is of the task's source.
    pub(super) fn of_parts(removal: bool, url: bool, provider: Provider, engine: EngineName) -> Self {
        match (removal, url, provider, engine) {
            (true, ..) => Self::Removal,
            (_, true, ..) => Self::Url,
            (_, _, Provider::AmazonS3 | Provider::TencentCos, EngineName::Copy) => Self::OtherService,
            _ => Self::Change,
        }
    }

    fn letter(self) -> u8 {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or(b'c', |(_, letter)| letter)
    }

    fn of_letter(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own)| *own == letter).map(|(kind, _)| kind)
    }
}

/// Provider, bucket and URL of an object in 32 bits: failures of one key that differ in it are about
/// different objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(u32);

/// The [`Origin`] of an object.
pub(crate) fn origin(provider: Provider, bucket: Option<&str>, url: Option<&str>) -> Origin {
    let parts =
        [provider.recorded().unwrap_or_default(), bucket.unwrap_or_default(), url.unwrap_or_default()];
    Origin(first_bits(&parts.join("\0")))
}

/// The content of a name besides the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// When the attempt failed, by the clock of the instance that wrote the record. For people, and to tell
    /// the newest of several apart; nothing is retired by it.
    pub at: DateTime<Utc>,
    /// Which engine can forward it.
    pub kind: ChangeKind,
    /// Where the object lies.
    pub origin: Origin,
}

/// The name of a failure record. `start` is what stands before the suffix: folder and key, or folder and
/// hash. `unique` are random bits.
pub(super) fn compose(start: &str, tag: Tag, unique: u64) -> String {
    let mut name = String::with_capacity(start.len() + SUFFIX);
    name.push_str(start);
    let (time, kind, Origin(origin)) = (tag.at.format(TIME), char::from(tag.kind.letter()), tag.origin);
    // Writing to a string does not fail.
    let _ = write!(name, "{SEPARATOR}{time}-{kind}{origin:08x}-{unique:016x}");
    let check = first_bits(&name);
    let _ = write!(name, "{check:08x}");
    name
}

/// Reads the name of an object of a folder whose own name is `folder` bytes long: where its suffix begins,
/// and what it says. `None` for every name that [`compose`] did not make.
pub(super) fn parse(name: &str, folder: usize) -> Option<(usize, Tag)> {
    let suffix_at = name.len().checked_sub(SUFFIX).filter(|at| *at > folder)?;
    let (checked, check) = name.split_at_checked(name.len() - CHECK)?;
    let suffix = checked.get(suffix_at..)?;
    let rest = suffix.strip_prefix(SEPARATOR)?;
    let (time, rest) = rest.split_at_checked(TIME_LENGTH)?;
    let (kind, rest) = rest.strip_prefix('-')?.split_at_checked(1)?;
    let (origin, unique) = rest.split_once('-')?;
    if [origin.len(), unique.len()] != [8, 16] || check != format!("{:08x}", first_bits(checked)) {
        return None;
    }
    let at = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
    let kind = ChangeKind::of_letter(kind.as_bytes()[0])?;
    let origin = Origin(u32::from_str_radix(origin, 16).ok()?);
    Some((suffix_at, Tag { at, kind, origin }))
}

pub(super) fn first_bits(text: &str) -> u32 {
    let digest = Sha256::digest(text);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOLDER: &str = "oms_source_record/t/failed_object/";

    fn tag() -> Tag {
        let at = DateTime::from_timestamp_millis(1_764_402_030_120).unwrap();
        Tag { at, kind: ChangeKind::Removal, origin: origin(Provider::Configured, Some("source"), None) }
    }

    #[test]
    fn the_name_is_the_published_one() {
        let name = compose(&format!("{FOLDER}a"), tag(), 0x1234);
        assert_eq!(
            name,
            "oms_source_record/t/failed_object/a!20251129T074030.120Z-r39cdf388-00000000000012347d5d9f98"
        );
        assert_eq!(name.len(), FOLDER.len() + 1 + SUFFIX);
    }

    #[test]
    fn names_of_other_objects_are_not_taken_for_ours() {
        let name = compose(&format!("{FOLDER}a"), tag(), 7);
        assert!(parse(&name, FOLDER.len()).is_some());
        for other in [
            format!("{FOLDER}a"),
            format!("{FOLDER}{}", "é".repeat(40)),
            name.replace("/a!", "/b!"),
            name.replace("failed_object", "failed_objekt"),
            name.replace("-r", "-c"),
            format!("{name}0"),
            name[..name.len() - 1].to_owned(),
            compose(FOLDER, tag(), 7),
        ] {
            assert_eq!(parse(&other, FOLDER.len()), None, "{other}");
        }
    }

    #[test]
    fn origins_differ_by_each_part() {
        let origins = [
            origin(Provider::Configured, None, None),
            origin(Provider::AmazonS3, None, None),
            origin(Provider::Configured, Some("a"), None),
            origin(Provider::Configured, Some("b"), None),
            origin(Provider::Configured, None, Some("a")),
        ];
        for (index, one) in origins.iter().enumerate() {
            assert!(origins[index + 1..].iter().all(|other| other != one), "{index}");
        }
    }

    proptest! {
        #[test]
        fn what_is_composed_can_be_parsed(
            key in "\\PC{1,40}|[\\x00-\\x7f]{1,40}",
            millis in 0_i64..4_000_000_000_000,
            unique: u64,
            kind in 0_usize..4,
        ) {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            let tag = Tag { at, kind: ChangeKind::ALL[kind].0, ..tag() };
            let name = compose(&format!("{FOLDER}{key}"), tag, unique);
            prop_assert_eq!(parse(&name, FOLDER.len()), Some((FOLDER.len() + key.len(), tag)));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
            prop_assert_eq!(parse(&format!("{FOLDER}{text}"), FOLDER.len()), None);
        }
    }
}
