//! One object of the catalogue, and what may become of it. Pure: time comes in as an argument.
//!
//! ```text
//! pending ──arrived──▶ stored ──────┐
//!    │  ▲                 ▲         ├──delete──▶ deleting ──gone──▶ deleted
//!    └──absent──▶ missing ┘         │                ▲                 │
//! fetching ──arrived──▶ stored      │                └── arrived late ─┘
//!    └──gave up──▶ failed ──────────┘
//! ```

mod id;
mod md5;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use self::id::Id;
pub(crate) use self::md5::Md5;
use super::types::is_same;

/// Milliseconds since the epoch, UTC: what the catalogue keeps times as.
pub(crate) type Millis = i64;

/// How long after a policy's end the bucket is looked at: the clocks of OSS and the desk differ, and what was
/// begun in time may still be under way.
pub(crate) const GRACE: Duration = Duration::from_mins(1);

/// When an upload that is not there is looked for again, from the first look on. A slow one goes on for hours
/// after its policy's end.
const LOOK_AGAIN: [Duration; 3] =
    [Duration::from_mins(10), Duration::from_mins(70), Duration::from_mins(430)];

/// Longest time between two tries of the same work.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// An object, from the moment that its upload is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) id: Id,
    /// The name that its user gave it, without a path.
    pub(crate) name: String,
    /// Its key: the column `path`.
    pub(crate) key: String,
    /// What the name ends in, without the dot and in lower case; empty if there is nothing of the kind.
    pub(crate) ext: String,
    /// MD5 of the content, as far as somebody says one.
    pub(crate) md5: Option<Md5>,
    /// Whether the MD5 can be relied on.
    pub(crate) md5_state: Md5State,
    /// Its user.
    pub(crate) creator: String,
    /// Its bucket.
    pub(crate) bucket: String,
    /// Bytes: announced, and once it is stored those that OSS tells.
    pub(crate) size: u64,
    /// Content type: announced, and once it is stored what OSS tells.
    pub(crate) content_type: Option<String>,
    /// `ETag`, unquoted, once it is stored.
    pub(crate) etag: Option<String>,
    /// Where it stands.
    pub(crate) state: UploadState,
    /// Whether the pipeline has it.
    pub(crate) forward: Forward,
    /// Why it stands there, where that is not plain.
    pub(crate) note: Option<String>,
    /// Where it is fetched from, if not sent by a browser.
    pub(crate) source_url: Option<String>,
    /// When its upload was allowed.
    pub(crate) created_at: Millis,
    /// When this last changed.
    pub(crate) updated_at: Millis,
    /// When the policy of its upload ends.
    pub(crate) expires_at: Option<Millis>,
    /// When the worker must see to it.
    pub(crate) due_at: Option<Millis>,
    /// How often the worker did in vain.
    pub(crate) checks: u32,
    /// Counts changes: whoever writes names the one that it read.
    pub(crate) revision: u32,
}

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UploadState {
    /// A policy was signed.
    Pending,
    /// The desk fetches it from a URL.
    Fetching,
    /// It is in the bucket.
    Stored,
    /// The policy's time is over, and the object is not there.
    Missing,
    /// It could not be fetched.
    Failed,
    /// Its user wants it gone.
    Deleting,
    /// It is gone.
    Deleted,
}

/// Whether the pipeline has an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Forward {
    /// The desk does not forward it.
    Off,
    /// It is to be forwarded as soon as it is stored.
    Waiting,
    /// It is accepted or in the journal.
    Done,
}

/// Whether an MD5 can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Md5State {
    /// The user says so.
    Declared,
    /// OSS agrees.
    Confirmed,
}

/// What OSS tells of an object that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// `ETag`, unquoted.
    pub(crate) etag: Option<String>,
    /// Bytes.
    pub(crate) size: u64,
    /// Content type.
    pub(crate) content_type: Option<String>,
    /// The MD5 that OSS compared the content with.
    pub(crate) md5: Option<Md5>,
}

/// What an arrival means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrivalEffect {
    /// The object was not known to be there.
    FirstSeen,
    /// It was.
    AlreadyStored,
    /// It was to be gone, and is to be removed again.
    DeletePending,
}

impl Entry {
    /// OSS says that the object is there.
    pub(crate) fn record_arrival(&mut self, arrival: Arrival, now: Millis) -> ArrivalEffect {
        match self.state {
            UploadState::Stored => ArrivalEffect::AlreadyStored,
            UploadState::Deleting | UploadState::Deleted => {
                self.state = UploadState::Deleting;
                self.due_at = Some(now);
                ArrivalEffect::DeletePending
            }
            UploadState::Pending | UploadState::Fetching | UploadState::Missing | UploadState::Failed => {
                self.confirm(&arrival);
                self.size = arrival.size;
                self.content_type = arrival.content_type.or_else(|| self.content_type.take());
                self.etag = arrival.etag;
                self.state = UploadState::Stored;
                self.note = None;
                // It was there before, and gone: this one is another.
                if self.forward == Forward::Done {
                    self.forward = Forward::Waiting;
                }
                self.checks = 0;
                self.due_at = Some(now);
                ArrivalEffect::FirstSeen
            }
        }
    }

    /// Whether what a callback tells fits what was announced, which its policy let through alone.
    pub(crate) fn matches_announcement(&self, told: &Arrival) -> bool {
        let types = self.content_type.as_deref().zip(told.content_type.as_deref());
        self.size == told.size && types.is_none_or(|(announced, told)| is_same(announced, told))
    }

    /// An `ETag` is an MD5 for some uploads only, so equality proves it and a difference proves nothing.
    fn confirm(&mut self, arrival: &Arrival) {
        let by_etag = arrival.etag.as_deref().and_then(Md5::from_hex);
        let agreed = self.md5.filter(|md5| by_etag == Some(*md5));
        if let Some(md5) = arrival.md5.or(agreed) {
            self.md5 = Some(md5);
            self.md5_state = Md5State::Confirmed;
        }
    }

    /// The bucket says what it holds, which counts more than what a callback said.
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

    /// The bucket says that there is no such object. While its policy is good that means nothing.
    pub(crate) fn record_absence(&mut self, now: Millis) {
        match self.state {
            UploadState::Pending if self.is_open(now) => {}
            UploadState::Pending | UploadState::Missing => {
                self.state = UploadState::Missing;
                self.checks = 0;
                self.due_at = self.next_look(now);
                self.note.get_or_insert_with(|| "nothing was uploaded".to_owned());
            }
            UploadState::Stored => {
                // It may have come while it was looked for.
                self.state = UploadState::Missing;
                self.checks = 0;
                self.due_at = Some(after(now, LOOK_AGAIN[0]));
                self.note = Some("no longer in the bucket".to_owned());
            }
            UploadState::Fetching | UploadState::Failed | UploadState::Deleting | UploadState::Deleted => {}
        }
    }

    /// The first of [`LOOK_AGAIN`] that is still to come. Looks that failed take none of them away.
    fn next_look(&self, now: Millis) -> Option<Millis> {
        let first = after(self.expires_at?, GRACE);
        LOOK_AGAIN.into_iter().map(|wait| after(first, wait)).find(|moment| *moment > now)
    }

    /// The same, of which the policy ends then.
    #[must_use]
    pub(crate) fn with_expiry(self, at: Millis) -> Self {
        Self { expires_at: Some(at), due_at: Some(after(at, GRACE)), ..self }
    }

    /// Whether its policy still lets it be uploaded.
    pub(crate) fn is_open(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| now < after(end, GRACE))
    }

    /// It was handed over while its user wanted it gone: what became of that is to go as well.
    pub(crate) fn forwarded_after_delete(&mut self, now: Millis) {
        if matches!(self.state, UploadState::Deleting | UploadState::Deleted)
            && self.forward == Forward::Waiting
        {
            self.forward = Forward::Done;
            self.state = UploadState::Deleting;
            self.due_at = Some(now);
        }
    }

    /// Whether the pipeline has it, or may have it: whoever stops in the middle of handing it over does not
    /// know.
    pub(crate) fn may_be_forwarded(&self) -> bool {
        match self.forward {
            Forward::Off => false,
            Forward::Waiting => self.etag.is_some(),
            Forward::Done => true,
        }
    }

    /// Nothing is left to do for a stored object.
    pub(crate) fn mark_done(&mut self) {
        if self.forward == Forward::Waiting {
            self.forward = Forward::Done;
        }
        self.due_at = None;
        self.checks = 0;
    }

    /// It cannot be fetched, and another try would not help.
    pub(crate) fn mark_failed(&mut self, why: impl Into<String>) {
        self.state = UploadState::Failed;
        self.note = Some(why.into());
        self.due_at = None;
    }

    /// Somebody takes it in hand: until then nobody else does.
    pub(crate) fn claim(&mut self, until: Millis) {
        self.due_at = Some(until);
    }

    /// The work failed, and is tried again later and later.
    pub(crate) fn reschedule(&mut self, now: Millis) {
        let pause =
            Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(self.checks)).min(LONGEST_PAUSE);
        self.checks = self.checks.saturating_add(1);
        self.due_at = Some(after(now, pause));
    }

    /// Its user wants it gone. False if that is so already.
    pub(crate) fn request_deletion(&mut self, now: Millis) -> bool {
        if matches!(self.state, UploadState::Deleting | UploadState::Deleted) {
            return false;
        }
        self.state = UploadState::Deleting;
        self.checks = 0;
        self.due_at = Some(now);
        true
    }

    /// It is removed from the bucket. As long as its policy is good it may come again, so it is removed once
    /// more then.
    ///
    /// Nothing changes if somebody asked for that again since it was claimed: what came meanwhile may still
    /// be there.
    pub(crate) fn mark_removed(&mut self, now: Millis) {
        if self.due_at.is_some_and(|due| due <= now) {
            return;
        }
        self.state = UploadState::Deleted;
        self.checks = 0;
        self.due_at = self.expires_at.filter(|_| self.is_open(now)).map(|end| after(end, GRACE));
    }
}

/// A moment later.
pub(crate) fn after(moment: Millis, wait: Duration) -> Millis {
    moment.saturating_add(Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX))
}

impl UploadState {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Pending, "pending"),
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

    /// The state of that name.
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

    /// What goes by that name.
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

    /// What goes by that name.
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
