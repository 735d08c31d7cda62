//! Whether two objects are the same, and by what that is known.
//!
//! In this order, as far as both sides have it: size, CRC-64, MD5 (an `ETag` of an object that was stored
//! whole and is not encrypted), the `ETag` of the source that copies of this program carry. The `ETag` of a
//! multipart upload is never compared: each service computes it by a rule of its own. Two objects of one size
//! of which nothing else is known are [`Verdict::Undecided`], and not equal.

use object_copy::transfer::{ObjectFacts, ReadDigest, TransferError};
use oss_lite::etag_md5;
use serde::{Deserialize, Serialize};

use crate::listing::Listed;

/// By what two objects were judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Their sizes: different, or both empty.
    Size,
    /// Their CRC-64.
    Crc64,
    /// Their MD5. Of a listing two equal `ETag`s that look like one.
    Md5,
    /// Their `ETag`s, which look like MD5s and differ. They are no MD5s if an object is encrypted, which a
    /// listing does not say.
    Etag,
    /// The `ETag` of the source in the metadata of the copy.
    SourceEtag,
    /// Their bytes, which were read.
    Content,
}

impl Basis {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Size, Self::Crc64, Self::Md5, Self::Etag, Self::SourceEtag, Self::Content];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Crc64 => "crc64",
            Self::Md5 => "md5",
            Self::Etag => "etag",
            Self::SourceEtag => "source_etag",
            Self::Content => "content",
        }
    }
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Both sides hold the same object.
    Equal(Basis),
    /// They hold different ones.
    Different(Basis),
    /// Only the source has it.
    Missing,
    /// Only the destination has it.
    Extra,
    /// It is not known.
    Undecided(Doubt),
    /// It could not be looked at, or its name is no key.
    Failed(TransferError),
}

/// Why a key is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Both have the same size, and nothing else that could be compared.
    SizeOnly,
    /// It changed after the listing of a side was made, and that side cannot be asked.
    Newer,
}

impl Doubt {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::SizeOnly => "size_only",
            Self::Newer => "newer",
        }
    }
}

/// By two listings.
pub(crate) fn by_listing(source: &Listed, destination: &Listed) -> Verdict {
    if source.is_link || destination.is_link {
        return Verdict::Undecided(Doubt::SizeOnly);
    }
    let (ours, theirs) = (source.likely_md5(), destination.likely_md5());
    match by_size(Some(source.size), Some(destination.size)) {
        Some(verdict) => verdict,
        None => match (source.crc64.zip(destination.crc64), ours.zip(theirs)) {
            (Some((ours, theirs)), _) => of(ours == theirs, Basis::Crc64),
            (None, Some((ours, theirs))) if ours == theirs => Verdict::Equal(Basis::Md5),
            (None, Some(_)) => Verdict::Different(Basis::Etag),
            (None, None) => Verdict::Undecided(Doubt::SizeOnly),
        },
    }
}

/// By a HEAD of each.
pub fn by_facts(source: &ObjectFacts, destination: &ObjectFacts) -> Verdict {
    if let Some(verdict) = by_size(source.size, destination.size) {
        return verdict;
    }
    if let Some((ours, theirs)) = source.crc64.zip(destination.crc64) {
        return of(ours == theirs, Basis::Crc64);
    }
    if let Some((ours, theirs)) = source.md5.zip(destination.md5) {
        return of(ours == theirs, Basis::Md5);
    }
    let likely = |facts: &ObjectFacts| facts.md5.or_else(|| etag_md5(facts.etag.as_deref()?));
    let is_known = source.md5.is_some() || destination.md5.is_some();
    if is_known && likely(source).is_some() && likely(source) == likely(destination) {
        return Verdict::Equal(Basis::Md5);
    }
    match (&source.etag, &destination.source_etag) {
        (Some(etag), Some(carried)) => of(etag == carried, Basis::SourceEtag),
        _ => Verdict::Undecided(Doubt::SizeOnly),
    }
}

/// By the bytes of each.
pub(crate) fn by_content(source: ReadDigest, destination: ReadDigest) -> Verdict {
    of(source == destination, Basis::Content)
}

fn of(is_equal: bool, basis: Basis) -> Verdict {
    if is_equal { Verdict::Equal(basis) } else { Verdict::Different(basis) }
}

/// What sizes alone say.
fn by_size(source: Option<u64>, destination: Option<u64>) -> Option<Verdict> {
    match (source?, destination?) {
        (0, 0) => Some(Verdict::Equal(Basis::Size)),
        (ours, theirs) if ours == theirs => None,
        _ => Some(Verdict::Different(Basis::Size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "9e107d9d372bb6826bd81d3542a419d6";
    const OTHER: &str = "e4d909c290d0fb1ca068ffaddf22cbd0";

    fn listed(size: u64, etag: Option<&str>, crc64: Option<u64>) -> Listed {
        Listed { size, etag: etag.map(Into::into), crc64, ..Listed::default() }
    }

    #[test]
    fn a_listing_is_judged_by_what_both_sides_have() {
        let upper = MD5.to_uppercase();
        for (source, destination, verdict) in [
            (listed(1, None, None), listed(2, None, None), Verdict::Different(Basis::Size)),
            (listed(0, None, None), listed(0, Some("x-1"), None), Verdict::Equal(Basis::Size)),
            (listed(3, Some(&upper), None), listed(3, Some(MD5), None), Verdict::Equal(Basis::Md5)),
            (listed(3, Some(OTHER), None), listed(3, Some(MD5), None), Verdict::Different(Basis::Etag)),
            (
                listed(3, Some(MD5), None),
                listed(3, Some("9e10-2"), None),
                Verdict::Undecided(Doubt::SizeOnly),
            ),
            // An equal `ETag` of a multipart upload proves nothing.
            (
                listed(3, Some("9e-2"), None),
                listed(3, Some("9e-2"), None),
                Verdict::Undecided(Doubt::SizeOnly),
            ),
            (listed(3, Some(OTHER), Some(7)), listed(3, Some(MD5), Some(7)), Verdict::Equal(Basis::Crc64)),
            (listed(3, Some(MD5), Some(7)), listed(3, Some(MD5), Some(8)), Verdict::Different(Basis::Crc64)),
            (listed(3, Some(MD5), Some(7)), listed(3, Some(MD5), None), Verdict::Equal(Basis::Md5)),
        ] {
            assert_eq!(by_listing(&source, &destination), verdict, "{source:?} {destination:?}");
        }
        let link = Listed { is_link: true, ..listed(3, Some(MD5), None) };
        assert_eq!(by_listing(&link, &listed(9, Some(MD5), None)), Verdict::Undecided(Doubt::SizeOnly));
    }

    #[test]
    fn a_head_is_judged_by_the_strongest_that_both_have() {
        let plain = |text: &str| ObjectFacts {
            size: Some(3),
            etag: Some(text.to_owned()),
            md5: etag_md5(text),
            ..ObjectFacts::default()
        };
        let crc = |crc64, facts: ObjectFacts| ObjectFacts { crc64: Some(crc64), ..facts };
        let copy_of =
            |etag: &str, facts: ObjectFacts| ObjectFacts { source_etag: Some(etag.to_owned()), ..facts };
        let encrypted = |text: &str| ObjectFacts { md5: None, ..plain(text) };
        let undecided = Verdict::Undecided(Doubt::SizeOnly);
        for (source, destination, verdict) in [
            (crc(1, plain(OTHER)), crc(1, plain(MD5)), Verdict::Equal(Basis::Crc64)),
            (crc(1, plain(MD5)), crc(2, plain(MD5)), Verdict::Different(Basis::Crc64)),
            (plain(MD5), crc(2, plain(MD5)), Verdict::Equal(Basis::Md5)),
            (plain(MD5), plain(OTHER), Verdict::Different(Basis::Md5)),
            (encrypted(MD5), plain(OTHER), undecided.clone()),
            (encrypted(MD5), plain(MD5), Verdict::Equal(Basis::Md5)),
            (encrypted(MD5), copy_of(MD5, encrypted(OTHER)), Verdict::Equal(Basis::SourceEtag)),
            (encrypted(MD5), copy_of(OTHER, encrypted(OTHER)), Verdict::Different(Basis::SourceEtag)),
            (plain("a-2"), plain("a-2"), undecided),
        ] {
            assert_eq!(by_facts(&source, &destination), verdict, "{source:?} {destination:?}");
        }
    }
}
