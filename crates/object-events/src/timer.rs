//! Events of a timer trigger: `{"triggerTime":…,"triggerName":…,"payload":"{\"action\":\"replay\"}"}`, and
//! likewise `confirm` and `reconcile`.
//!
//! <https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1>. The
//! payload is the text that the trigger was configured with.

use serde::Deserialize;

use super::EventError;
use super::stream::json;

/// The task of a timer event.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Send again what failed.
    Replay,
    /// Confirm that what was accepted arrived.
    Confirm {
        /// Requests per second that look at keys, at most.
        max_rps: Option<f64>,
    },
    /// Compare a slice of the source with the destination, and send what is missing.
    Reconcile {
        /// Requests per second that list buckets and look at keys, at most.
        max_rps: Option<f64>,
        /// Which keys: those that the trigger of the function is configured for.
        keys: TriggerKeys,
    },
}

/// Which keys raise events, as a trigger is configured: those that begin and end so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriggerKeys {
    /// What they begin with.
    pub prefix: String,
    /// What they end with.
    pub suffix: String,
}

#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    max_rps: Option<f64>,
    prefix: Option<String>,
    suffix: Option<String>,
}

/// The task of a timer's payload, a JSON string that holds JSON.
pub(super) fn task(payload: Option<&str>) -> Result<Task, EventError> {
    let text: String = match payload {
        Some(payload) => json(payload)?,
        None => return Err(EventError::new("", "missing")),
    };
    let Payload { action, max_rps, prefix, suffix } = json(&text)?;
    // The lower bound keeps the time between two requests within a day.
    if let Some(rps) = max_rps.filter(|rps| !(0.0001..=1_000_000.0).contains(rps)) {
        let what = format!("{rps} is not a number of requests per second above 0, such as 5 or 0.5");
        return Err(EventError::new("max_rps", what));
    }
    match action.as_deref() {
        Some("replay") => Ok(Task::Replay),
        Some("confirm") => Ok(Task::Confirm { max_rps }),
        Some("reconcile") => {
            let keys = TriggerKeys { prefix: prefix.unwrap_or_default(), suffix: suffix.unwrap_or_default() };
            Ok(Task::Reconcile { max_rps, keys })
        }
        Some(other) => Err(EventError::new(
            "action",
            format!(
                "{other:?} is not an action; this version knows \"replay\", \"confirm\" and \"reconcile\""
            ),
        )),
        None => Err(EventError::new("action", "missing")),
    }
}
