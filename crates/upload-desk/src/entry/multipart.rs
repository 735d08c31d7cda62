//! An upload in parts: its plan, and the check of what is stored.
//!
//! ```text
//! uploading ──complete──▶ completing ──the bucket has it──▶ stored
//!     │  ▲                    │ │
//!     │  └── parts differ ────┘ └── the upload is gone ──▶ missing
//!     ├── abandoned ──▶ missing
//!     └── its user gives it up ──▶ deleting ──▶ deleted
//! ```
//!
//! | from | to | who | when |
//! |---|---|---|---|
//! | – | uploading | its user | the row is written first, without an upload id, and due in a minute |
//! | uploading | uploading | its user | the upload began: its id is recorded; signed parts put the end off |
//! | uploading | uploading | the worker | signatures do not bind sizes: it checks repeatedly what is stored |
//! | uploading | completing | its user | every part is stored with its size; the CRC-64 of all is right |
//! | completing | stored, uploading, missing | the worker | it completed the upload, or could not |
//! | uploading | missing | the worker | one of the reasons below |
//! | uploading, completing | deleting | its user | |
//!
//! The worker takes an upload for missing when its end has come, when the desk died before the id was
//! recorded, when the upload is gone at OSS, and when more is stored than was announced.
//!
//! Only the worker completes and aborts at OSS. Both can be repeated: a key belongs to one row, so uploads of
//! the key that have no id in the catalogue are found by listing, and an upload that was completed before a
//! crash is found by looking at the object. An upload is given up by a change of its row, which is made only
//! while the row has the end that was read; the parts are removed after that. So whoever was given a signed
//! part has seven days for it, and an abort never meets an upload that goes on.

use std::time::Duration;

use oss_lite::{CompletedPart, Crc64, ListedPart};

use super::{Entry, GRACE, Millis, UploadState, after};

/// Most parts of an upload, a limit of OSS.
pub(crate) const MOST_PARTS: u64 = 10_000;

/// Longest validity of a signed part.
pub(crate) const PART_EXPIRY: Duration = Duration::from_mins(15);

/// How long after its last signed part an upload is given up.
pub(crate) const GIVEN_UP_AFTER: Duration = Duration::from_hours(7 * 24);

/// How often the worker looks at stored parts where signatures do not bind their sizes. A signed part is good
/// for as long, so looking more often would find little more.
pub(crate) const LOOK_AT_PARTS: Duration = PART_EXPIRY;

/// Part sizes that grow with the object are multiples of this.
const STEP: u64 = 1 << 20;

/// How an object is uploaded in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Multipart {
    /// Id given by OSS, once the upload has begun.
    pub(crate) upload_id: Option<String>,
    /// Size of every part but the last.
    pub(crate) part_size: u64,
    /// CRC-64 of the whole object as computed by the browser, once it asked for completion.
    pub(crate) crc64: Option<u64>,
}

/// Why the stored parts are not the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartsError {
    /// A part is not stored.
    #[error("part {0} is missing")]
    Missing(u32),
    /// A part has another size than planned.
    #[error("part {number} has {found} bytes, not {planned}")]
    Size {
        /// Its number.
        number: u32,
        /// Its size.
        found: u64,
        /// The size that it must have.
        planned: u64,
    },
    /// The parts are not what the browser read.
    #[error("the parts have the CRC-64 {found}, not {claimed}")]
    Checksum {
        /// That of the parts.
        found: u64,
        /// That of the browser.
        claimed: u64,
    },
}

impl Multipart {
    /// The plan for an object of `size` bytes: parts of `preferred` bytes, or larger ones if that were too
    /// many.
    pub(crate) fn plan(size: u64, preferred: u64) -> Self {
        let least = size.div_ceil(MOST_PARTS);
        let part_size = if least <= preferred { preferred } else { least.next_multiple_of(STEP) };
        Self { upload_id: None, part_size, crc64: None }
    }

    /// Number of parts of an object of `size` bytes. An empty object has one.
    pub(crate) fn count(&self, size: u64) -> u32 {
        u32::try_from(size.div_ceil(self.part_size).max(1)).unwrap_or(u32::MAX)
    }

    /// Size of a part of an object of `size` bytes.
    pub(crate) fn size_of(&self, number: u32, size: u64) -> u64 {
        let before = u64::from(number - 1) * self.part_size;
        size.saturating_sub(before).min(self.part_size)
    }

    /// What is wrong with the first stored part that is larger than planned.
    pub(crate) fn too_large(&self, size: u64, stored: &[ListedPart]) -> Option<PartsError> {
        let planned = |part: &ListedPart| self.size_of(part.number, size);
        let part = stored.iter().find(|part| part.size > planned(part))?;
        Some(PartsError::Size { number: part.number, found: part.size, planned: planned(part) })
    }

    /// The parts to complete the upload with, if they are the object: of every number one with its size, and
    /// with the CRC-64 `claimed` together, if OSS reports it for each of them.
    pub(crate) fn check(
        &self,
        size: u64,
        claimed: u64,
        stored: &[ListedPart],
    ) -> Result<Vec<CompletedPart>, PartsError> {
        let mut stored = stored.iter().peekable();
        let mut parts = Vec::with_capacity(stored.len());
        let mut whole = Some(0);
        for number in 1..=self.count(size) {
            let part = stored.next_if(|part| part.number == number).ok_or(PartsError::Missing(number))?;
            let planned = self.size_of(number, size);
            if part.size != planned {
                return Err(PartsError::Size { number, found: part.size, planned });
            }
            whole = whole.zip(part.crc64).map(|(before, crc64)| Crc64::combine(before, crc64, part.size));
            parts.push(CompletedPart { number, etag: part.etag.clone() });
        }
        match whole {
            Some(found) if found != claimed => Err(PartsError::Checksum { found, claimed }),
            _ => Ok(parts),
        }
    }
}

impl Entry {
    /// A row of an upload in parts that has not begun yet. If the desk dies now, the worker cleans up.
    #[must_use]
    pub(crate) fn in_parts(self, preferred: u64) -> Self {
        let multipart = Some(Multipart::plan(self.size, preferred));
        let due_at = Some(after(self.created_at, GRACE));
        Self { state: UploadState::Uploading, multipart, expires_at: due_at, due_at, ..self }
    }

    /// Records the id of the upload. Returns false if the row is not waiting for it any more.
    pub(crate) fn begin(&mut self, upload_id: &str, until: Millis, look_at: Option<Millis>) -> bool {
        let open = self.state == UploadState::Uploading;
        if let Some(multipart) = self.multipart.as_mut().filter(|_| open) {
            multipart.upload_id = Some(upload_id.to_owned());
            self.keep_open(until, look_at);
            return true;
        }
        false
    }

    /// Extends the expiry of an upload in progress. `look_at` is when its parts are looked at before that, if
    /// they are.
    pub(crate) fn keep_open(&mut self, until: Millis, look_at: Option<Millis>) {
        if self.state == UploadState::Uploading {
            self.expires_at = self.expires_at.max(Some(until));
            self.look_again(look_at);
        }
    }

    /// Records when the worker sees to an upload that is under way: at its end, or at `look_at` before that.
    pub(crate) fn look_again(&mut self, look_at: Option<Millis>) {
        self.checks = 0;
        self.due_at = self.expires_at.map(|end| look_at.map_or(end, |look_at| end.min(look_at)));
    }

    /// Records that its user requested completion, which the worker does at once.
    pub(crate) fn request_completion(&mut self, crc64: u64, now: Millis) {
        if let Some(multipart) = self.multipart.as_mut().filter(|_| self.state == UploadState::Uploading) {
            multipart.crc64 = Some(crc64);
            self.state = UploadState::Completing;
            self.note = None;
            self.checks = 0;
            self.due_at = Some(now);
        }
    }

    /// Records that the parts changed before completion, so that parts can be sent again. `look_at` is as
    /// in [`Entry::keep_open`].
    pub(crate) fn reopen(&mut self, why: &PartsError, now: Millis, look_at: Option<Millis>) {
        if self.state == UploadState::Completing {
            self.state = UploadState::Uploading;
            self.note = Some(why.to_string());
            self.expires_at = self.expires_at.max(Some(after(now, GRACE)));
            self.look_again(look_at);
        }
    }

    /// Gives the upload up, if it is under way and still has the end `expires_at`. Returns whether it does.
    /// Its parts are removed as those of any missing upload, beginning at once.
    pub(crate) fn give_up(&mut self, expires_at: Option<Millis>, why: &str, now: Millis) -> bool {
        if self.state != UploadState::Uploading || self.expires_at != expires_at {
            return false;
        }
        self.state = UploadState::Missing;
        self.checks = 0;
        self.expires_at = Some(now);
        self.due_at = Some(now);
        self.note = Some(format!("given up: {why}"));
        true
    }

    /// Sets the end of what was signed for an upload in parts that is given up: a part that is still on its
    /// way may be left behind, so the worker aborts once more after that.
    pub(super) fn end_parts(&mut self, now: Millis) {
        if self.multipart.is_some() {
            self.expires_at = self.expires_at.min(Some(after(now, PART_EXPIRY)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// Parts of `contents`, as OSS lists them.
    fn listed(contents: &[&[u8]]) -> Vec<ListedPart> {
        let parts = contents.iter().zip(1..).map(|(content, number)| {
            let mut crc64 = Crc64::new();
            crc64.update(content);
            let mut part = ListedPart::default();
            part.number = number;
            part.etag = format!("E{number}");
            part.size = content.len() as u64;
            part.crc64 = Some(crc64.value());
            part
        });
        parts.collect()
    }

    fn crc64(content: &[u8]) -> u64 {
        let mut crc64 = Crc64::new();
        crc64.update(content);
        crc64.value()
    }

    #[test]
    fn parts_grow_with_the_object_so_that_oss_accepts_their_number() {
        for (size, part_size, count) in [
            (0, 16 * MIB, 1),
            (1, 16 * MIB, 1),
            (16 * MIB, 16 * MIB, 1),
            (16 * MIB + 1, 16 * MIB, 2),
            (160_000 * MIB, 16 * MIB, 10_000),
            (160_000 * MIB + 1, 17 * MIB, 9412),
            (10_000 * (5 << 30), 5 << 30, 10_000),
        ] {
            let plan = Multipart::plan(size, 16 * MIB);
            assert_eq!((plan.part_size, plan.count(size)), (part_size, count), "{size}");
        }
    }

    #[test]
    fn a_part_that_is_larger_than_planned_is_found_and_a_smaller_one_may_still_be_replaced() {
        let plan = Multipart { upload_id: None, part_size: 4, crc64: None };
        let found = |contents: &[&[u8]]| plan.too_large(9, &listed(contents));
        assert_eq!(found(&[b"1234", b"5678", b"9"]), None);
        assert_eq!(found(&[b"", b"56"]), None);
        assert_eq!(found(&[b"1234", b"56789"]), Some(PartsError::Size { number: 2, found: 5, planned: 4 }));
        let beyond = found(&[b"1234", b"5678", b"9", b"0"]);
        assert_eq!(beyond, Some(PartsError::Size { number: 4, found: 1, planned: 0 }));
    }

    #[test]
    fn matching_parts_are_returned_with_their_etags() {
        let plan = Multipart { upload_id: None, part_size: 4, crc64: None };
        let mut stored = listed(&[b"1234", b"5678", b"9", b"more"]);
        let parts = plan.check(9, crc64(b"123456789"), &stored).unwrap();
        let named: Vec<_> = parts.iter().map(|part| (part.number, &*part.etag)).collect();
        assert_eq!(named, [(1, "E1"), (2, "E2"), (3, "E3")], "a part beyond the last is left out");
        stored[1].crc64 = None;
        assert!(plan.check(9, 1, &stored).is_ok(), "then the whole object is compared, later");
    }

    #[test]
    fn parts_that_do_not_match_are_refused() {
        let plan = Multipart { upload_id: None, part_size: 4, crc64: None };
        let claimed = crc64(b"123456789");
        for (contents, error) in [
            (vec![], PartsError::Missing(1)),
            (vec![&b"1234"[..], b"5678"], PartsError::Missing(3)),
            (vec![b"1234", b"56789", b""], PartsError::Size { number: 2, found: 5, planned: 4 }),
            (vec![b"1234", b"5678", b"90"], PartsError::Size { number: 3, found: 2, planned: 1 }),
            (vec![b"1234", b"5679", b"9"], PartsError::Checksum { found: crc64(b"123456799"), claimed }),
        ] {
            assert_eq!(plan.check(9, claimed, &listed(&contents)), Err(error));
        }
        let mut gap = listed(&[b"1234", b"5678", b"9"]);
        gap.remove(1);
        assert_eq!(plan.check(9, claimed, &gap), Err(PartsError::Missing(2)));
    }

    #[test]
    fn an_upload_is_seen_to_at_its_end_or_at_the_next_look_at_its_parts() {
        let row = Entry { state: UploadState::Uploading, ..super::super::tests::pending() };
        let row = Entry { multipart: Some(Multipart::plan(3, 4)), ..row };
        let end = row.expires_at.unwrap() + 1000;
        for (look_at, due_at) in [(None, end), (Some(end - 1), end - 1), (Some(end + 1), end)] {
            let mut open = row.clone();
            open.keep_open(end, look_at);
            assert_eq!((open.expires_at, open.due_at), (Some(end), Some(due_at)), "{look_at:?}");
            let mut again = Entry { state: UploadState::Completing, due_at: None, ..open.clone() };
            again.reopen(&PartsError::Missing(1), 0, look_at);
            assert_eq!((again.state, again.due_at), (UploadState::Uploading, Some(due_at)), "{look_at:?}");
        }
    }
}
