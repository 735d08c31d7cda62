//! What is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::judge::{Basis, Doubt, Verdict};

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Objects that the source listed.
    pub source: u64,
    /// Objects that the destination listed.
    pub destination: u64,
    /// Keys that were compared.
    pub compared: u64,
    /// Keys of which both sides hold the same object.
    pub equal: u64,
    /// Keys of which they hold different ones.
    pub different: u64,
    /// Keys that only the source has.
    pub missing: u64,
    /// Keys that only the destination has.
    pub extra: u64,
    /// Keys of which it is not known.
    pub undecided: u64,
    /// Keys that could not be looked at.
    pub failed: u64,
    /// By what equal ones were judged.
    pub equal_by: BTreeMap<Basis, u64>,
    /// By what different ones were judged.
    pub different_by: BTreeMap<Basis, u64>,
    /// Why the others are not known.
    pub undecided_by: BTreeMap<Doubt, u64>,
    /// Keys that belong to OMS or to this program, and names that a rule leaves out.
    pub left_out: u64,
    /// Keys that the filter left out.
    pub filtered: u64,
    /// Keys that did not change since the time that was given.
    pub older: u64,
    /// Those among them that the source has. No checkpoint has them: nothing is deleted after one.
    #[serde(skip)]
    pub older_at_source: u64,
    /// Keys that were listed and were at neither side when they were looked at.
    pub vanished: u64,
    /// Bytes of the objects that are missing or different, at the source.
    pub bytes_to_copy: u64,
    /// Objects that were looked at one by one, at one side.
    pub looks: u64,
    /// Pages of listings, and objects asked for while ranges were cut.
    pub pages: u64,
}

impl Totals {
    /// Whether something was compared, and all of it is equal: of sides of which nothing was compared nothing
    /// is known.
    pub fn all_equal(&self) -> bool {
        self.compared > 0 && self.different + self.missing + self.extra + self.undecided + self.failed == 0
    }

    /// Counts one key; `bytes` are its size at the source.
    pub(crate) fn count(&mut self, verdict: &Verdict, bytes: u64) {
        self.compared += 1;
        match verdict {
            Verdict::Equal(basis) => {
                self.equal += 1;
                *self.equal_by.entry(*basis).or_default() += 1;
            }
            Verdict::Different(basis) => {
                self.different += 1;
                self.bytes_to_copy += bytes;
                *self.different_by.entry(*basis).or_default() += 1;
            }
            Verdict::Missing => {
                self.missing += 1;
                self.bytes_to_copy += bytes;
            }
            Verdict::Extra => self.extra += 1,
            Verdict::Undecided(doubt) => {
                self.undecided += 1;
                *self.undecided_by.entry(*doubt).or_default() += 1;
            }
            Verdict::Failed(_) => self.failed += 1,
        }
    }

    /// Adds those of another part.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            source,
            destination,
            compared,
            equal,
            different,
            missing,
            extra,
            undecided,
            failed,
            equal_by,
            different_by,
            undecided_by,
            left_out,
            filtered,
            older,
            older_at_source,
            vanished,
            bytes_to_copy,
            looks,
            pages,
        } = other;
        for (sum, part) in [
            (&mut self.source, source),
            (&mut self.destination, destination),
            (&mut self.compared, compared),
            (&mut self.equal, equal),
            (&mut self.different, different),
            (&mut self.missing, missing),
            (&mut self.extra, extra),
            (&mut self.undecided, undecided),
            (&mut self.failed, failed),
            (&mut self.left_out, left_out),
            (&mut self.filtered, filtered),
            (&mut self.older, older),
            (&mut self.older_at_source, older_at_source),
            (&mut self.vanished, vanished),
            (&mut self.bytes_to_copy, bytes_to_copy),
            (&mut self.looks, looks),
            (&mut self.pages, pages),
        ] {
            *sum += part;
        }
        add_each(&mut self.equal_by, equal_by);
        add_each(&mut self.different_by, different_by);
        add_each(&mut self.undecided_by, undecided_by);
    }
}

fn add_each<K: Ord + Copy>(sums: &mut BTreeMap<K, u64>, parts: &BTreeMap<K, u64>) {
    for (key, part) in parts {
        *sums.entry(*key).or_default() += part;
    }
}
