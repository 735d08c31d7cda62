//! Names of arrival markers: empty objects whose names say what became of an accepted key.
//!
//! ```text
//! arrival_object/photos/a.jpg!am00-9f8e7d6c5b4a3928-0000000512-0000004210-c41d8cd9
//!                └── key ───┘ ││└┘ └── record ───┘ └wait ms─┘ └lag ms──┘ └check─┘
//!                             ││times sent again
//!                             │by what
//!                             stage
//! ```
//!
//! `record` stands for the success record that the marker is about (its `ETag` and time). When a later
//! attempt replaces that record, the marker is about nothing any more, so neither writer has to know of the
//! other. The name holds nothing that two runs would choose differently: what is written twice is one object.
//! And it has all that statistics need, so that they come from listings alone.
//!
//! Characters up to `"` of the key are written as `"` and the character 64 places on. So the separator sorts
//! before every character of a key, markers come in the order of keys, all those of a key together, and a
//! listing of them can be read beside one of the success records.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::name::{SEPARATOR, first_bits};

/// Bytes behind the key.
pub(super) const SUFFIX: usize = 1 + 4 + 1 + DIGEST + 1 + MILLIS + 1 + MILLIS + 1 + CHECK;

const DIGEST: usize = 16;
const MILLIS: usize = 10;
const CHECK: usize = 8;

/// What is written for a time that is not known; longer ones are written as one less.
const UNKNOWN: u64 = 9_999_999_999;

/// Stands in the place of the proof where there is none.
const NO_PROOF: u8 = b'0';

/// The escape character, and how far from it escaped characters are moved.
const ESCAPE: char = '"';
const SHIFT: u8 = 64;

/// What became of an accepted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It arrived, or there is nothing to arrive.
    Arrived(Proof),
    /// It did not arrive in time and was accepted again.
    Resent,
    /// It did not arrive then either, and was copied directly.
    Copied,
    /// A direct copy failed; a failure record has the rest.
    Failed,
    /// The object is gone from the source.
    Removed,
    /// It was given up: a record in `dead_object/` says why.
    Dead,
}

/// What showed that a key arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The CRC-64 of both sides.
    Crc64,
    /// The MD5 of both sides.
    Md5,
    /// The source's `ETag` in the metadata of the copy.
    SourceEtag,
    /// The size, and that the copy is not older than the source: neither side says more.
    Size,
    /// The copy is there; nothing says what it should be.
    Presence,
    /// The copy of a removed object is gone.
    Absence,
}

impl Proof {
    /// All, and the letter of each.
    const ALL: [(Self, u8); 6] = [
        (Self::Crc64, b'x'),
        (Self::Md5, b'm'),
        (Self::SourceEtag, b'e'),
        (Self::Size, b's'),
        (Self::Presence, b'p'),
        (Self::Absence, b'n'),
    ];

    /// The name that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc64 => "crc64",
            Self::Md5 => "md5",
            Self::SourceEtag => "source_etag",
            Self::Size => "size",
            Self::Presence => "presence",
            Self::Absence => "absence",
        }
    }
}

impl Stage {
    /// Whether nothing is left to do for the key.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Resent | Self::Copied)
    }

    fn letters(self) -> [u8; 2] {
        let stage = match self {
            Self::Arrived(proof) => {
                let letter = Proof::ALL.into_iter().find(|(own, _)| *own == proof);
                return [b'a', letter.map_or(b'p', |(_, letter)| letter)];
            }
            Self::Resent => b'r',
            Self::Copied => b'c',
            Self::Failed => b'f',
            Self::Removed => b'g',
            Self::Dead => b'd',
        };
        [stage, NO_PROOF]
    }

    fn of_letters(letters: [u8; 2]) -> Option<Self> {
        Some(match letters {
            [b'a', letter] => Self::Arrived(Proof::ALL.into_iter().find(|(_, own)| *own == letter)?.0),
            [b'r', NO_PROOF] => Self::Resent,
            [b'c', NO_PROOF] => Self::Copied,
            [b'f', NO_PROOF] => Self::Failed,
            [b'g', NO_PROOF] => Self::Removed,
            [b'd', NO_PROOF] => Self::Dead,
            _ => return None,
        })
    }
}

/// Which success record of a key: 64 bits of its `ETag` and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(pub(super) u64);

impl RecordId {
    /// Of an object as the listing shows it. The time is part of it since the vendor's function writes empty
    /// objects, which all have one `ETag`.
    pub(super) fn of(object: &oss_lite::ListedObject) -> Self {
        let etag = object.etag.as_deref().unwrap_or_default();
        let written = object.last_modified.map_or(0, |time| time.timestamp());
        let digest = Sha256::digest(format!("{etag}\0{written}"));
        let mut bits = [0; 8];
        bits.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(bits))
    }
}

/// The content of a marker's name besides the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// What became of the key.
    pub stage: Stage,
    /// How often it had been sent again.
    pub resent: u8,
    /// The success record that this is about.
    pub record: RecordId,
    /// From the event to the acceptance.
    pub wait: Option<Duration>,
    /// From the acceptance to the arrival.
    pub lag: Option<Duration>,
}

/// The name of a marker. `start` is what stands before the suffix: folder and escaped key, or folder and
/// hash.
pub(super) fn compose(start: &str, marker: Marker) -> String {
    let Marker { stage, resent, record: RecordId(record), wait, lag } = marker;
    let [stage, proof] = stage.letters().map(char::from);
    let millis = |time: Option<Duration>| {
        time.map_or(UNKNOWN, |time| {
            u64::try_from(time.as_millis()).map_or(UNKNOWN - 1, |ms| ms.min(UNKNOWN - 1))
        })
    };
    let (resent, wait, lag) = (resent.min(99), millis(wait), millis(lag));
    let mut name = String::with_capacity(start.len() + SUFFIX);
    name.push_str(start);
    // Writing to a string does not fail.
    let _ = write!(name, "{SEPARATOR}{stage}{proof}{resent:02}-{record:016x}-{wait:010}-{lag:010}-");
    let check = first_bits(&name);
    let _ = write!(name, "{check:08x}");
    name
}

/// Reads the name of an object of a folder whose own name is `folder` bytes long: where its suffix begins,
/// and what it says. `None` for every name that [`compose`] did not make.
pub(super) fn parse(name: &str, folder: usize) -> Option<(usize, Marker)> {
    let suffix_at = name.len().checked_sub(SUFFIX).filter(|at| *at > folder)?;
    let (checked, check) = name.split_at_checked(name.len() - CHECK)?;
    let suffix = checked.get(suffix_at..)?.strip_prefix(SEPARATOR)?.strip_suffix('-')?;
    if check != format!("{:08x}", first_bits(checked)) {
        return None;
    }
    let mut parts = suffix.split('-');
    let (letters, resent) = parts.next()?.split_at_checked(2)?;
    let [record, wait, lag] = [parts.next()?, parts.next()?, parts.next()?];
    if [record.len(), wait.len(), lag.len()] != [DIGEST, MILLIS, MILLIS] {
        return None;
    }
    let millis = |text: &str| {
        let millis: u64 = text.parse().ok()?;
        Some((millis != UNKNOWN).then(|| Duration::from_millis(millis)))
    };
    let marker = Marker {
        stage: Stage::of_letters(letters.as_bytes().try_into().ok()?)?,
        resent: resent.parse().ok()?,
        record: RecordId(u64::from_str_radix(record, 16).ok()?),
        wait: millis(wait)?,
        lag: millis(lag)?,
    };
    Some((suffix_at, marker))
}

/// A key as it stands in the name of a marker.
pub(super) fn escaped(key: &str) -> Cow<'_, str> {
    if !key.contains(|c| c <= ESCAPE) {
        return Cow::Borrowed(key);
    }
    let mut text = String::with_capacity(key.len() + 8);
    for c in key.chars() {
        match u8::try_from(c) {
            Ok(byte) if c <= ESCAPE => {
                text.push(ESCAPE);
                text.push(char::from(byte + SHIFT));
            }
            _ => text.push(c),
        }
    }
    Cow::Owned(text)
}

/// The key that [`escaped`] wrote, if it is one.
pub(super) fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(|c| c <= ESCAPE) {
        return Some(Cow::Borrowed(text));
    }
    let mut key = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c < ESCAPE {
            return None;
        }
        if c > ESCAPE {
            key.push(c);
            continue;
        }
        let byte = u8::try_from(chars.next()?).ok()?.checked_sub(SHIFT)?;
        key.push(Some(char::from(byte)).filter(|c| *c <= ESCAPE)?);
    }
    Some(Cow::Owned(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOLDER: &str = "oms_source_record/t/arrival_object/";

    fn marker() -> Marker {
        Marker {
            stage: Stage::Arrived(Proof::Md5),
            resent: 0,
            record: RecordId(0x9f8e_7d6c_5b4a_3928),
            wait: Some(Duration::from_millis(512)),
            lag: Some(Duration::from_millis(4210)),
        }
    }

    #[test]
    fn the_name_is_the_published_one() {
        let name = compose(&format!("{FOLDER}a"), marker());
        assert_eq!(
            name,
            "oms_source_record/t/arrival_object/a!am00-9f8e7d6c5b4a3928-0000000512-0000004210-8267d18b"
        );
        assert_eq!(name.len(), FOLDER.len() + 1 + SUFFIX);
        let resent = Marker { stage: Stage::Resent, resent: 1, wait: None, lag: None, ..marker() };
        let name = compose(&format!("{FOLDER}a"), resent);
        assert!(name.contains("a!r001-9f8e7d6c5b4a3928-9999999999-9999999999-"), "{name}");
    }

    #[test]
    fn names_of_other_objects_are_not_taken_for_ours() {
        let name = compose(&format!("{FOLDER}a"), marker());
        assert!(parse(&name, FOLDER.len()).is_some());
        let others = [
            format!("{FOLDER}a"),
            name.replace("/a!", "/b!"),
            name.replace("!am", "!ax"),
            format!("{name}0"),
            compose(FOLDER, marker()),
        ];
        for other in others {
            assert_eq!(parse(&other, FOLDER.len()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_composed_can_be_parsed(
            key in "\\PC{1,40}|[\\x00-\\x7f]{1,40}",
            stage in prop::sample::select(vec![
                Stage::Arrived(Proof::Crc64), Stage::Arrived(Proof::Size), Stage::Resent, Stage::Copied,
                Stage::Failed, Stage::Removed, Stage::Dead,
            ]),
            resent in 0_u8..100,
            record: u64,
            wait in proptest::option::of(0_u64..UNKNOWN),
            lag in proptest::option::of(0_u64..UNKNOWN),
        ) {
            let millis = |time: Option<u64>| time.map(Duration::from_millis);
            let marker =
                Marker { stage, resent, record: RecordId(record), wait: millis(wait), lag: millis(lag) };
            let start = format!("{FOLDER}{}", escaped(&key));
            let name = compose(&start, marker);
            prop_assert_eq!(parse(&name, FOLDER.len()), Some((start.len(), marker)));
            let shown = unescaped(&start[FOLDER.len()..]);
            prop_assert_eq!(shown.as_deref(), Some(key.as_str()));
        }

        /// What lets two listings be read side by side.
        #[test]
        fn markers_sort_as_their_keys(
            one in "[\\x00-\\x24a-c!\u{e9}]{1,6}",
            other in "[\\x00-\\x24a-c!\u{e9}]{1,6}",
            resent in 0_u8..100,
        ) {
            let name = |key: &str, resent| {
                compose(&format!("{FOLDER}{}", escaped(key)), Marker { resent, ..marker() })
            };
            if one != other {
                prop_assert_eq!(name(&one, resent).cmp(&name(&other, 7)), one.cmp(&other));
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
            prop_assert_eq!(parse(&format!("{FOLDER}{text}"), FOLDER.len()), None);
            let _ = unescaped(&text);
        }
    }
}
