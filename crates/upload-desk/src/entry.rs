//! One object of the catalogue and the transitions of its state. Pure: time is an argument.
//!
//! ```text
//! pending ──arrived──▶ stored ──────┐
//!    │  ▲                 ▲         ├──delete──▶ deleting ──gone──▶ deleted
//!    └──absent──▶ missing ┘         │                ▲                 │
//! fetching ──arrived──▶ stored      │                └── arrived late ─┘
//!    └──gave up──▶ failed ──────────┘
//! ```
//!
//! The states of uploads in parts are in `multipart`.

mod id;
mod md5;
mod multipart;
#[cfg(test)]
mod tests;

use std::time::Duration;

use oss_lite::Backoff;

pub(crate) use self::id::Id;
pub(crate) use self::md5::Md5;
pub(crate) use self::multipart::{GIVEN_UP_AFTER, LOOK_AT_PARTS, Multipart, PART_EXPIRY, PartsError};
use super::types::is_same;

/// Milliseconds since the epoch, UTC, as times are stored in the catalogue.
pub(crate) type Millis = i64;

/// How long after the end of a policy the bucket is checked: the clocks of OSS and the desk differ, and an
/// upload that began in time may still be running.
pub(crate) const GRACE: Duration = Duration::from_mins(1);

/// When a missing upload is checked again, counted from the first check. A slow upload may end hours after
/// its policy.
const LOOK_AGAIN: [Duration; 3] =
    [Duration::from_mins(10), Duration::from_mins(70), Duration::from_mins(430)];

/// Waits between two tries.
const PAUSES: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(15) };

/// The row of an object, from the moment its upload is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) id: Id,
    /// File name given by the user, without a path.
    pub(crate) name: String,
    /// Its key: the column `path`.
    pub(crate) key: String,
    /// Extension of the name, without the dot and in lower case; may be empty.
    pub(crate) ext: String,
    /// MD5 of the content, if one is known.
    pub(crate) md5: Option<Md5>,
    /// Whether the MD5 is confirmed.
    pub(crate) md5_state: Md5State,
    /// Its user.
    pub(crate) creator: String,
    /// Its bucket.
    pub(crate) bucket: String,
    /// Size in bytes: as announced, or as reported by OSS once it is stored.
    pub(crate) size: u64,
    /// Content type: as announced, or as reported by OSS once it is stored.
    pub(crate) content_type: Option<String>,
    /// `ETag`, unquoted, once it is stored.
    pub(crate) etag: Option<String>,
    /// Its state.
    pub(crate) state: UploadState,
    /// Whether it was forwarded.
    pub(crate) forward: Forward,
    /// The reason for the state, if there is one.
    pub(crate) note: Option<String>,
    /// The URL that it is fetched from, if it is not uploaded by a browser.
    pub(crate) source_url: Option<String>,
    /// How it is uploaded in parts, if it is.
    pub(crate) multipart: Option<Multipart>,
    /// When its upload was allowed.
    pub(crate) created_at: Millis,
    /// When the row last changed.
    pub(crate) updated_at: Millis,
    /// When the policy of its upload expires, or an upload in parts is given up.
    pub(crate) expires_at: Option<Millis>,
    /// When the worker must process it.
    pub(crate) due_at: Option<Millis>,
    /// Number of failed tries of the worker.
    pub(crate) checks: u32,
    /// Counts changes, for optimistic locking: a write names the revision that it read.
    pub(crate) revision: u32,
}

/// The state of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UploadState {
    /// A policy was signed.
    Pending,
    /// Its parts are uploaded.
    Uploading,
    /// Its upload is being completed.
    Completing,
    /// The desk fetches it from a URL.
    Fetching,
    /// It is in the bucket.
    Stored,
    /// The policy has expired, or its parts were given up, and the object is not in the bucket.
    Missing,
    /// It could not be fetched, or is not what was read.
    Failed,
    /// Its user deleted it; it is still to be removed from the bucket.
    Deleting,
    /// It was removed from the bucket.
    Deleted,
}

/// Whether an object was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Forward {
    /// The desk does not forward it.
    Off,
    /// It will be forwarded once it is stored.
    Waiting,
    /// The engine accepted it, or its failure is in the journal.
    Done,
}

/// Whether an MD5 is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Md5State {
    /// Declared by the user.
    Declared,
    /// Confirmed by OSS.
    Confirmed,
}

/// What OSS reports about a stored object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// `ETag`, unquoted.
    pub(crate) etag: Option<String>,
    /// Bytes.
    pub(crate) size: u64,
    /// Content type.
    pub(crate) content_type: Option<String>,
    /// The MD5 that OSS verified the content with.
    pub(crate) md5: Option<Md5>,
    /// CRC-64 of the content, if OSS reports it.
    pub(crate) crc64: Option<u64>,
}

/// Effect of an arrival on the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrivalEffect {
    /// The object is stored now.
    FirstSeen,
    /// It was stored already.
    AlreadyStored,
    /// It was deleted by its user, and must be removed from the bucket again.
    DeletePending,
}

impl Entry {
    /// Records that the object is in the bucket.
    pub(crate) fn record_arrival(&mut self, arrival: Arrival, now: Millis) -> ArrivalEffect {
        match self.state {
            UploadState::Stored => ArrivalEffect::AlreadyStored,
            UploadState::Deleting | UploadState::Deleted => {
                self.state = UploadState::Deleting;
                self.due_at = Some(now);
                ArrivalEffect::DeletePending
            }
            UploadState::Pending
            | UploadState::Uploading
            | UploadState::Completing
            | UploadState::Fetching
            | UploadState::Missing
            | UploadState::Failed => {
                self.confirm(&arrival);
                self.size = arrival.size;
                self.content_type = arrival.content_type.or_else(|| self.content_type.take());
                self.etag = arrival.etag;
                self.state = UploadState::Stored;
                self.note = None;
                // Re-uploaded after deletion: must be forwarded again.
                if self.forward == Forward::Done {
                    self.forward = Forward::Waiting;
                }
                self.checks = 0;
                self.due_at = Some(now);
                ArrivalEffect::FirstSeen
            }
        }
    }

    /// Whether a callback matches the announced upload; the policy admits nothing else.
    pub(crate) fn matches_announcement(&self, told: &Arrival) -> bool {
        let types = self.content_type.as_deref().zip(told.content_type.as_deref());
        self.size == told.size && types.is_none_or(|(announced, told)| is_same(announced, told))
    }

    /// Confirms the MD5. An `ETag` is an MD5 for some uploads only, so equality proves it and a difference
    /// proves nothing.
    fn confirm(&mut self, arrival: &Arrival) {
        let by_etag = arrival.etag.as_deref().and_then(Md5::from_hex);
        let agreed = self.md5.filter(|md5| by_etag == Some(*md5));
        if let Some(md5) = arrival.md5.or(agreed) {
            self.md5 = Some(md5);
            self.md5_state = Md5State::Confirmed;
        }
    }

    /// Updates the row from the bucket, which is more reliable than a callback.
    pub(crate) fn update_from_bucket(&mut self, found: Arrival) {
        if self.state != UploadState::Stored {
            return;
        }
        if found.etag != self.etag {
            self.md5_state = Md5State::Declared;
        }
        self.confirm(&found);
        self.size = found.size;
        self.content_type = found.content_type.or_else(|| self.content_type.take());
        self.etag = found.etag;
    }

    /// Records that the object is not in the bucket. While its policy is valid that has no effect.
    pub(crate) fn record_absence(&mut self, now: Millis) {
        match self.state {
            UploadState::Pending if self.is_open(now) => {}
            UploadState::Pending | UploadState::Completing | UploadState::Missing => {
                self.state = UploadState::Missing;
                self.checks = 0;
                self.due_at = self.next_look(now);
                self.note.get_or_insert_with(|| "nothing was uploaded".to_owned());
            }
            UploadState::Stored => {
                // It may have arrived during the check.
                self.state = UploadState::Missing;
                self.checks = 0;
                self.due_at = Some(after(now, LOOK_AGAIN[0]));
                self.note = Some("no longer in the bucket".to_owned());
            }
            UploadState::Uploading
            | UploadState::Fetching
            | UploadState::Failed
            | UploadState::Deleting
            | UploadState::Deleted => {}
        }
    }

    /// The first time of [`LOOK_AGAIN`] in the future. Failed checks do not use one up.
    fn next_look(&self, now: Millis) -> Option<Millis> {
        let first = after(self.expires_at?, GRACE);
        LOOK_AGAIN.into_iter().map(|wait| after(first, wait)).find(|moment| *moment > now)
    }

    /// Sets the expiry of the policy.
    #[must_use]
    pub(crate) fn with_expiry(self, at: Millis) -> Self {
        Self { expires_at: Some(at), due_at: Some(after(at, GRACE)), ..self }
    }

    /// Whether its policy still admits the upload.
    pub(crate) fn is_open(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| now < after(end, GRACE))
    }

    /// Records that it was forwarded although its user deleted it meanwhile: the removal must be forwarded,
    /// too.
    pub(crate) fn forwarded_after_delete(&mut self, now: Millis) {
        if matches!(self.state, UploadState::Deleting | UploadState::Deleted)
            && self.forward == Forward::Waiting
        {
            self.forward = Forward::Done;
            self.state = UploadState::Deleting;
            self.due_at = Some(now);
        }
    }

    /// Whether it was forwarded, or may have been: a stop in the middle leaves that unknown.
    pub(crate) fn may_be_forwarded(&self) -> bool {
        match self.forward {
            Forward::Off => false,
            Forward::Waiting => self.etag.is_some(),
            Forward::Done => true,
        }
    }

    /// Records that no work is left for a stored object.
    pub(crate) fn mark_done(&mut self) {
        if self.forward == Forward::Waiting {
            self.forward = Forward::Done;
        }
        self.due_at = None;
        self.checks = 0;
    }

    /// Records that it cannot be had, and a retry is useless.
    pub(crate) fn mark_failed(&mut self, why: impl Into<String>) {
        self.state = UploadState::Failed;
        self.note = Some(why.into());
        self.due_at = None;
    }

    /// Claims the row: no other worker takes it until then.
    pub(crate) fn claim(&mut self, until: Millis) {
        self.due_at = Some(until);
    }

    /// Schedules the next try after a failure, with exponential backoff.
    pub(crate) fn reschedule(&mut self, now: Millis) {
        // Not shortened by chance: each row has a time of its own.
        let pause = PAUSES.delay(self.checks, || 1.0);
        self.checks = self.checks.saturating_add(1);
        self.due_at = Some(after(now, pause));
    }

    /// Records that its user deletes it. Returns false if it was deleted already.
    pub(crate) fn request_deletion(&mut self, now: Millis) -> bool {
        if matches!(self.state, UploadState::Deleting | UploadState::Deleted) {
            return false;
        }
        self.state = UploadState::Deleting;
        self.checks = 0;
        self.due_at = Some(now);
        self.end_parts(now);
        true
    }

    /// Records that it was removed from the bucket. While its policy is valid it may be uploaded again, so it
    /// is removed once more when the policy ends.
    ///
    /// No effect if the row is due again since it was claimed: an object that arrived meanwhile may still be
    /// there.
    pub(crate) fn mark_removed(&mut self, now: Millis) {
        if self.due_at.is_some_and(|due| due <= now) {
            return;
        }
        self.state = UploadState::Deleted;
        self.checks = 0;
        self.due_at = self.expires_at.filter(|_| self.is_open(now)).map(|end| after(end, GRACE));
    }
}

/// The time `wait` after `moment`.
pub(crate) fn after(moment: Millis, wait: Duration) -> Millis {
    moment.saturating_add(Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX))
}

impl UploadState {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Pending, "pending"),
        (Self::Uploading, "uploading"),
        (Self::Completing, "completing"),
        (Self::Fetching, "fetching"),
        (Self::Stored, "stored"),
        (Self::Missing, "missing"),
        (Self::Failed, "failed"),
        (Self::Deleting, "deleting"),
        (Self::Deleted, "deleted"),
    ];

    /// The name in the catalogue and on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        name(&Self::ALL, self)
    }

    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        named(&Self::ALL, text)
    }
}

impl Forward {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Off, "off"), (Self::Waiting, "waiting"), (Self::Done, "done")];

    /// The name in the catalogue.
    pub(crate) fn as_str(self) -> &'static str {
        name(&Self::ALL, self)
    }

    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        named(&Self::ALL, text)
    }
}

impl Md5State {
    const ALL: [(Self, &'static str); 2] = [(Self::Declared, "declared"), (Self::Confirmed, "confirmed")];

    /// The name in the catalogue.
    pub(crate) fn as_str(self) -> &'static str {
        name(&Self::ALL, self)
    }

    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        named(&Self::ALL, text)
    }
}

fn name<T: Copy + PartialEq>(all: &[(T, &'static str)], wanted: T) -> &'static str {
    all.iter().find(|(value, _)| *value == wanted).map_or("", |(_, name)| name)
}

fn named<T: Copy>(all: &[(T, &'static str)], wanted: &str) -> Option<T> {
    all.iter().find(|(_, name)| *name == wanted).map(|(value, _)| *value)
}
