//! A comparison that its caller takes step by step, and may leave at any key: for those who compare a part of
//! two sides at a time.

use std::fmt;
use std::sync::Arc;

use crate::error::CompareError;
use crate::merge::Finding;
use crate::range::{Range, RangeRun, Shared};
use crate::side::Comparison;
use crate::totals::Totals;

/// Both sides from a key on, in byte order of keys. Both listings are read a page ahead; nothing more is
/// asked for while no step is taken.
pub struct Walk {
    /// None once all was compared.
    range: Option<RangeRun>,
}

/// Some keys that were compared.
#[derive(Debug)]
pub struct Step {
    /// What was found, in byte order of keys. Equal keys only where [`Comparison::wants_equal`] says so.
    pub findings: Vec<Finding>,
    /// Everything up to this key is compared. `None` before the first one.
    pub up_to: Option<String>,
    /// What was counted in this step.
    pub totals: Totals,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up_to = self.range.as_ref().and_then(RangeRun::up_to);
        f.debug_struct("Walk").field("up_to", &up_to).finish_non_exhaustive()
    }
}

impl Walk {
    /// Begins behind `after`, a key without the prefixes of the sides.
    pub fn new(comparison: Comparison, after: Option<String>) -> Self {
        // No range is cut: its keys would come in no order.
        let shared = Arc::new(Shared::new(comparison, 0));
        Self { range: Some(RangeRun::new(shared, Range { id: 0, after, until: None })) }
    }

    /// Compares as many keys as the next pages of both sides have, at most some thousands. `None` at the
    /// end, and after an error.
    ///
    /// # Errors
    ///
    /// A listing that fails or contradicts itself, or objects that cannot be looked at. Nothing may be
    /// concluded from the keys behind the last step then.
    pub async fn next(&mut self) -> Result<Option<Step>, CompareError> {
        let Some(range) = &mut self.range else { return Ok(None) };
        let step = range.step().await;
        let up_to = range.up_to().map(str::to_owned);
        if step.as_ref().map_or(true, |step| step.is_over) {
            self.range = None;
        }
        let step = step?;
        Ok(Some(Step { findings: step.findings, up_to, totals: step.totals }))
    }
}
