//! Events of a timer trigger: `{"triggerTime":…,"triggerName":…,"payload":"{\"action\":\"replay\"}"}`, and
//! likewise `confirm`.
//!
//! <https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1>. The
//! payload is the text that the trigger was configured with.

use serde::Deserialize;

use super::EventError;
use super::stream::json;

/// The task of a timer event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Send again what failed.
    Replay,
    /// Confirm that what was accepted arrived.
    Confirm,
}

#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
}

/// The task of a timer's payload, a JSON string that holds JSON.
pub(super) fn task(payload: Option<&str>) -> Result<Task, EventError> {
    let text: String = match payload {
        Some(payload) => json(payload)?,
        None => return Err(EventError::new("", "missing")),
    };
    let payload: Payload = json(&text)?;
    match payload.action.as_deref() {
        Some("replay") => Ok(Task::Replay),
        Some("confirm") => Ok(Task::Confirm),
        Some(other) => Err(EventError::new(
            "action",
            format!("{other:?} is not an action; this version knows \"replay\" and \"confirm\""),
        )),
        None => Err(EventError::new("action", "missing")),
    }
}
