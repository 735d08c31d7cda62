//! Migration tasks that copy the objects of a list, the way to bring very many objects over: creating one,
//! looking how far it is, finding it again.
//!
//! | module | concern |
//! |---|---|
//! | `order` | what a task is to do: buckets, keys, list |
//! | `reply` | how far a task is |
//! | [`list`] | the list of objects: its form and limits |
//! | [`failures`] | the list of objects that OMS could not copy |
//!
//! API: [CreateTask](https://support.huaweicloud.com/api-oms/CreateTask.md),
//! [ShowTask](https://support.huaweicloud.com/api-oms/ShowTask.html),
//! [ListTasks](https://support.huaweicloud.com/api-oms/ListTasks.html).
//!
//! The request that creates a task carries the access keys of both sides. They stand in no error, no log line
//! and no `Debug` output, and no answer repeats them.
//!
//! Every call makes one request. That for a new task must not be repeated when its answer is lost, for then
//! there would be two: [`MigrationApi::find`] finds what was created, by its description.

pub mod failures;
pub mod list;
mod order;
mod reply;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use apig_signer::Credentials;
use chrono::{DateTime, Utc};
use reqwest::Url;
use signature_breaker::Breaker;

pub use self::order::{DestinationNode, ListFile, MigrationOrder, SourceCloud, SourceNode};
pub use self::reply::{CreatedTask, FailedObjectRecord, MigrationTask, TaskFailure, TaskState};
use super::api::{Api, Errors, Expected, ONE_TASK, PAGE_OF_TASKS, Posted};
pub use super::api::{ApiError, ApiErrorKind};
use super::target::SyncUrl;

/// Tasks of a page; the API has no larger ones.
const PAGE: usize = 100;

/// Tasks of a page where one of that size is too long.
const SMALL_PAGE: usize = 10;

/// Tasks that [`MigrationApi::find`] looks through: more than can be created in a day.
const MOST_TASKS: usize = 5_000;

/// The migration tasks of one project at OMS.
#[derive(Clone, Debug)]
pub struct MigrationApi {
    api: Api,
    tasks: Url,
}

impl MigrationApi {
    /// The tasks of the project that `target` belongs to, through `http`, which must not follow redirects.
    /// `breaker` is that of the credentials.
    pub fn new(http: reqwest::Client, target: &SyncUrl, credentials: Credentials, breaker: Breaker) -> Self {
        Self { api: Api::new(http, credentials, breaker), tasks: target.migration_tasks_url() }
    }

    /// Where the tasks of this project are: a task of this address is at no other one.
    pub fn address(&self) -> &str {
        self.tasks.as_str()
    }

    /// Creates a task, which OMS starts by itself. Needs `oms:task:create`.
    ///
    /// # Errors
    ///
    /// [`ApiError`]. If it [may have been received](ApiError::may_have_been_received), the task may exist.
    pub async fn create(&self, order: &MigrationOrder, now: DateTime<Utc>) -> Result<CreatedTask, ApiError> {
        let expected = Expected { member: "id", errors: Errors::OfTheRequest, most: ONE_TASK };
        let body = Posted { json: order.body(), secrets: order.secrets() };
        self.api.post(self.tasks.clone(), body, now, expected).await
    }

    /// How far a task is. Needs `oms:task:get`.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn show(&self, id: u64, now: DateTime<Utc>) -> Result<MigrationTask, ApiError> {
        let mut url = self.tasks.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&id.to_string());
        }
        let expected = Expected { member: "status", errors: Errors::OfTasksToo, most: ONE_TASK };
        self.api.get(url, now, expected).await
    }

    /// The newest task that is `wanted`, if there is one. Needs `oms:task:list`.
    ///
    /// # Errors
    ///
    /// [`ApiError`], also where none of the newest 5,000 is and there are more, where OMS does not list as
    /// many tasks as it counts, and where their number changes meanwhile: what is not looked at is not said
    /// to be absent.
    pub async fn find(
        &self,
        wanted: impl Fn(&MigrationTask) -> bool,
        now: DateTime<Utc>,
    ) -> Result<Option<MigrationTask>, ApiError> {
        let (mut seen, mut count) = (HashSet::new(), None);
        let mut limit = PAGE;
        while seen.len() < MOST_TASKS {
            let mut url = self.tasks.clone();
            url.query_pairs_mut()
                .append_pair("limit", &limit.to_string())
                .append_pair("offset", &seen.len().to_string());
            let expected = Expected { member: "tasks", errors: Errors::OfTasksToo, most: PAGE_OF_TASKS };
            let listed: reply::TaskPage = match self.api.get(url, now, expected).await {
                Err(error) if error.kind() == ApiErrorKind::TooLong && limit > SMALL_PAGE => {
                    limit = SMALL_PAGE;
                    continue;
                }
                listed => listed?,
            };
            let (before, ids) = (seen.len(), listed.tasks.iter().map(|task| task.id));
            seen.extend(ids);
            if let Some(found) = listed.tasks.into_iter().find(&wanted) {
                return Ok(Some(found));
            }
            // A task that was removed meanwhile moves others to pages that were read before.
            if *count.get_or_insert(listed.count) != listed.count {
                return Err(ApiError::local("the number of tasks has changed while they were listed"));
            }
            if seen.len() >= listed.count {
                return Ok(None);
            }
            if seen.len() == before {
                let message = format!("OMS counts {} tasks, and lists {before}", listed.count);
                return Err(ApiError::local(message));
            }
        }
        Err(ApiError::too_many_tasks(MOST_TASKS))
    }
}
