//! What was changed, in numbers.

use reconcile::Totals;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::extras::Deletion;
use crate::forwarding::Forwarded;
use crate::task::TaskTotals;

/// What a repair changed. Serialised with the names of the result of the command.
#[derive(Debug, Default, Serialize)]
pub struct Repaired {
    /// What the comparison before found, if another one followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// What went through the pipeline.
    #[serde(rename = "fixed", skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Forwarded>,
    /// What tasks of OMS copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskTotals>,
    /// The task that was being followed when the run was interrupted, and goes on at OMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_under_way: Option<String>,
    /// Tasks that a dry run would have started, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_start_tasks: Option<u64>,
    /// Keys that a dry run would have forwarded.
    #[serde(rename = "would_fix", skip_serializing_if = "Option::is_none")]
    pub would_forward: Option<u64>,
    /// Keys deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// Keys that a dry run would have deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_delete: Option<u64>,
    /// Extra keys that were kept, could not be deleted or were not begun.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_deleted: u64,
}

/// Differences of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Keys of which both sides hold different objects.
    pub different: u64,
    /// Keys that only the source has.
    pub missing: u64,
    /// Keys that only the destination has.
    pub extra: u64,
}

impl From<&Totals> for Found {
    fn from(totals: &Totals) -> Self {
        Self { different: totals.different, missing: totals.missing, extra: totals.extra }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Serialize for Forwarded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { keys, report } = self;
        let mut fields = serializer.serialize_struct("Forwarded", 5)?;
        fields.serialize_field("keys", keys)?;
        fields.serialize_field("accepted", &report.accepted)?;
        fields.serialize_field("failed", &report.failed)?;
        fields.serialize_field("unrecorded", &report.unrecorded)?;
        fields.serialize_field("not_begun", &report.not_begun)?;
        fields.end()
    }
}

impl Repaired {
    /// Adds what tasks of OMS did.
    pub(crate) fn add_tasks(&mut self, totals: TaskTotals) {
        self.tasks.get_or_insert_default().add(totals);
    }

    pub(crate) fn add_deletion(&mut self, deletion: &Deletion) {
        match deletion {
            Deletion::Deleted => *self.deleted.get_or_insert_default() += 1,
            Deletion::Kept(_) | Deletion::Failed(_) | Deletion::NotBegun => self.not_deleted += 1,
        }
    }

    /// Whether something was to be brought over: also where the answer was lost it may be there.
    pub(crate) fn has_forwarded(&self) -> bool {
        self.forwarded.as_ref().is_some_and(|forwarded| forwarded.keys > 0)
    }

    /// Whether deletions were tried: also where the answer was lost the object may be gone.
    pub(crate) fn has_deleted(&self) -> bool {
        self.deleted.is_some() || self.not_deleted > 0
    }

    /// Keys that were to be forwarded and were not accepted.
    pub(crate) fn not_accepted(&self) -> u64 {
        let forwarded = self.forwarded.as_ref();
        forwarded.map_or(0, |forwarded| forwarded.keys.saturating_sub(forwarded.report.accepted as u64))
    }
}
