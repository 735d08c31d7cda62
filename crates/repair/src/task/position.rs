//! What a run leaves for the next one: the list and the task that are under way.

use bridge_core::journal::BucketPair;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::FOLDER;

/// How long after a request for a task it is not believed that there is none. What OMS documents has no time
/// after which a task is listed; a request itself is given up after 15 seconds.
const APPEARS_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What is under way. It is the state of the lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) open: Option<OpenList>,
}

/// A list that OMS may have a task for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OpenList {
    /// Its key in the destination bucket.
    pub(super) list: String,
    /// What its task is described by, and found by.
    pub(super) description: String,
    /// What decided which keys are on it.
    pub(super) options: Vec<String>,
    /// Where OMS is asked for its task: the project, and the endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) tasks: String,
    /// When OMS was last asked to create its task, by the clock of the log bucket. Without it that was not
    /// done, or surely to no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<DateTime<Utc>>,
    /// The id of its task, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<u64>,
}

impl OpenList {
    /// A list of this pair that has no task yet. Its task will be at the address `tasks`.
    pub(super) fn new(list: String, pair: BucketPair, options: &[String], tasks: &str) -> Self {
        let name = list.rsplit('/').next().unwrap_or(&list);
        let description = format!("{}{}", description_of(pair), name.trim_end_matches(".txt"));
        let (options, tasks) = (options.to_vec(), tasks.to_owned());
        Self { list, description, options, tasks, asked: None, task: None }
    }

    /// Until when OMS may have a task for it that it does not show yet; `None` where that is over at `now`.
    pub(super) fn unsettled_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.asked.map(|asked| asked + APPEARS_WITHIN).filter(|&until| now < until)
    }
}

/// What the descriptions of all tasks of a pair begin with.
pub(super) fn description_of(pair: BucketPair) -> String {
    format!("oms-bridge {pair} ")
}

/// The folder of the lists of a pair.
pub(super) fn folder_of(pair: BucketPair) -> String {
    format!("{FOLDER}{pair}/")
}

/// Whether a key is that of a list of this pair. Lists are deleted when their tasks are over, so whoever can
/// write a position could otherwise have any object deleted.
pub(super) fn is_list_of(key: &str, pair: BucketPair) -> bool {
    key.starts_with(&folder_of(pair)) && key.strip_suffix(".txt").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_a_pair_and_nothing_else_are_its_own() {
        let pair = BucketPair::new("oss://a/", "obs://b/");
        let list = format!("{}20260105T100000Z-1.txt", folder_of(pair));
        assert!(is_list_of(&list, pair));
        assert!(!is_list_of(&list, BucketPair::new("oss://c/", "obs://b/")));
        assert!(!is_list_of("photos/a.txt", pair) && !is_list_of(&format!("{}x.jpg", folder_of(pair)), pair));
        let open = OpenList::new(list, pair, &[], "");
        assert!(
            open.description.starts_with("oms-bridge ") && open.description.ends_with(" 20260105T100000Z-1")
        );
    }

    #[test]
    fn absence_is_believed_once_a_task_would_have_appeared() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(OpenList::default().unsettled_until(now), None);
        let open = OpenList { asked: Some(now), ..OpenList::default() };
        let end = now + APPEARS_WITHIN;
        assert_eq!(open.unsettled_until(end - TimeDelta::seconds(1)), Some(end));
        assert_eq!(open.unsettled_until(end), None);
    }
}
