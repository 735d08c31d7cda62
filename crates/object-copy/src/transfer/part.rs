//! An uploaded part, and how a record names parts so that a later run recognises them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oss_lite::ListedPart;
use sha2::{Digest as _, Sha256};

use crate::outcome::VerifiedParts;

/// Most parts that share one digest: if one of them has changed, all are sent again.
const TOGETHER: u32 = 100;

/// Most entries of a record, which keeps it well below the 64 KiB that are read. Parts beyond that are sent
/// again.
const MOST_VERIFIED: usize = 300;

/// An uploaded part.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) etag: String,
    /// Size in bytes.
    pub(super) len: u64,
    /// CRC-64 of the bytes sent, or as reported by the service.
    pub(super) crc64: Option<u64>,
    pub(super) trust: Trust,
}

/// How far the bytes of a part are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The service's response proved them.
    Proved,
    /// They were sent, but the response proves nothing, as with an encrypting destination without CRC-64.
    Sent,
    /// An earlier run stored them. They are verified by the checksum of the whole, or sent again.
    Left,
}

/// The listed parts, with the trust that the record gives them.
pub(super) fn taken_over(listed: Vec<ListedPart>, recorded: &[VerifiedParts]) -> BTreeMap<u32, Part> {
    let left = |part: ListedPart| {
        (part.number, Part { etag: part.etag, len: part.size, crc64: part.crc64, trust: Trust::Left })
    };
    let mut done: BTreeMap<_, _> = listed.into_iter().map(left).collect();
    for entry in recorded {
        let numbers = entry.first..entry.first.saturating_add(entry.count.min(TOGETHER));
        let as_left = numbers.clone().map(|number| done.get(&number).map(|part| (number, part)));
        let as_left: Option<Vec<_>> = as_left.collect();
        if as_left.is_some_and(|parts| digest_of_parts(&parts) == entry.digest) {
            for (_, part) in done.range_mut(numbers) {
                part.trust = if entry.proved { Trust::Proved } else { Trust::Sent };
            }
        }
    }
    done
}

/// The record of the parts, by which a later run recognises them.
pub(super) fn verified(done: &BTreeMap<u32, Part>) -> Vec<VerifiedParts> {
    let mut runs: Vec<Vec<(u32, &Part)>> = Vec::new();
    for (&number, part) in done.iter().filter(|(_, part)| part.trust != Trust::Left) {
        match runs.last_mut() {
            Some(run)
                if run.len() < TOGETHER as usize
                    && run
                        .last()
                        .is_some_and(|(last, before)| last + 1 == number && before.trust == part.trust) =>
            {
                run.push((number, part));
            }
            _ => runs.push(vec![(number, part)]),
        }
    }
    runs.truncate(MOST_VERIFIED);
    let entry = |run: Vec<(u32, &Part)>| {
        let &(first, part) = run.first()?;
        let count = u32::try_from(run.len()).ok()?;
        Some(VerifiedParts {
            first,
            count,
            digest: digest_of_parts(&run),
            proved: part.trust == Trust::Proved,
        })
    };
    runs.into_iter().filter_map(entry).collect()
}

fn digest_of_parts(parts: &[(u32, &Part)]) -> String {
    let mut text = String::new();
    for (number, part) in parts {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{number} {} {}", part.len, part.etag.to_ascii_lowercase());
    }
    digest(&text)
}

/// 128 bits of a SHA-256.
pub(super) fn digest(text: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(text));
    digest.truncate(32);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(etag: &str, trust: Trust) -> Part {
        Part { etag: etag.to_owned(), len: 10, crc64: None, trust }
    }

    fn listed(parts: &[(u32, &str)]) -> Vec<ListedPart> {
        let part = |(number, etag): &(u32, &str)| {
            let mut part = ListedPart::default();
            (part.number, part.size, part.etag) = (*number, 10, (*etag).to_owned());
            part
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn parts_are_recognised_by_their_etags() {
        let sent = [(1, "A"), (2, "B"), (4, "D"), (5, "E")];
        let done: BTreeMap<_, _> = sent.map(|(number, etag)| (number, part(etag, Trust::Proved))).into();
        let recorded = verified(&done);
        assert_eq!(
            recorded.iter().map(|entry| (entry.first, entry.count)).collect::<Vec<_>>(),
            [(1, 2), (4, 2)]
        );
        let found = taken_over(listed(&[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "x")]), &recorded);
        let trusted: Vec<_> = found.values().map(|part| part.trust).collect();
        assert_eq!(trusted, [Trust::Proved, Trust::Proved, Trust::Left, Trust::Left, Trust::Left]);
    }

    #[test]
    fn sent_parts_do_not_count_as_proved_and_left_parts_are_not_recorded() {
        let done: BTreeMap<_, _> =
            [(1, part("a", Trust::Sent)), (2, part("b", Trust::Proved)), (3, part("c", Trust::Left))].into();
        let recorded = verified(&done);
        assert_eq!(recorded.len(), 2);
        let found = taken_over(listed(&[(1, "a"), (2, "b"), (3, "c")]), &recorded);
        let trusted: Vec<_> = found.values().map(|part| part.trust).collect();
        assert_eq!(trusted, [Trust::Sent, Trust::Proved, Trust::Left]);
    }

    #[test]
    fn a_record_of_the_most_parts_is_small() {
        let all: BTreeMap<_, _> = (1..=10_000).map(|number| (number, part("e", Trust::Proved))).collect();
        assert_eq!(verified(&all).len(), 100);
        let scattered: BTreeMap<_, _> = all.into_iter().filter(|(number, _)| number % 2 == 0).collect();
        // Some 90 bytes each.
        assert_eq!(verified(&scattered).len(), MOST_VERIFIED);
    }
}
