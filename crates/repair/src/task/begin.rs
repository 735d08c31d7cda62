//! One task for a list, and no second one.
//!
//! The request that creates a task is made only while the lease is held, after OMS was asked whether it has
//! a task of that description already, or another one of this pair that is not over. Where its answer is
//! lost, the task is looked for, and the request is not repeated: OMS may list the task later. The position
//! has the time of the request, and until some minutes after it nobody believes that there is no task.

use bridge_core::oms::migration::{ApiError, ListFile, MigrationOrder, MigrationTask};
use chrono::{DateTime, Utc};
use object_copy::stop::Stop;

use super::error::TaskError;
use super::position::{OpenList, description_of};
use super::work::{Work, pause};

/// Tries to create a task, where OMS surely did not.
const CREATIONS: u32 = 3;

/// Times that a task whose creation was not answered is looked for, half a minute in all.
const LOOKS: u32 = 5;

/// Requests that may fail in a row for reasons that pass.
const TRIES: u32 = 10;

impl Work<'_> {
    /// The task of a list, if OMS has it.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if it has another one of this pair that is not over.
    pub(super) async fn look_for(
        &self,
        description: Option<&str>,
        stop: &Stop,
    ) -> Result<Option<MigrationTask>, TaskError> {
        let of_pair = description_of(self.pair);
        let is_wanted = |task: &MigrationTask| {
            Some(&*task.description) == description
                || task.description.starts_with(&of_pair) && !task.state().is_final()
        };
        let mut tries = 0;
        loop {
            tries += 1;
            match self.forwarder.api.find(is_wanted, (self.clock)()).await {
                Ok(Some(task)) if Some(&*task.description) != description => {
                    return Err(TaskError::Unknown(task.name));
                }
                Ok(found) => return Ok(found),
                Err(error) if error.may_pass() && tries < TRIES => pause(tries, stop).await?,
                Err(error) => return Err(TaskError::Api(error)),
            }
        }
    }

    /// The list with the id of its task, which is created unless OMS has it. The position names the list
    /// already.
    pub(super) async fn begun(&self, open: &OpenList, stop: &Stop) -> Result<OpenList, TaskError> {
        let list = ListFile { bucket: self.bucket.name().to_string(), key: open.list.clone() };
        let description = open.description.clone();
        let order = MigrationOrder { list, description, ..self.forwarder.order.clone() };
        let mut asked = open.clone();
        let mut creations = 0;
        let id = loop {
            if let Some(task) = self.look_for(Some(&open.description), stop).await? {
                break task.id;
            }
            // A task must not be created by a run that was taken for dead, which this finds, too.
            asked.asked = Some(self.turn.now().await?);
            self.turn.set(Some(asked.clone())).await?;
            creations += 1;
            match self.forwarder.api.create(&order, (self.clock)()).await {
                Ok(created) => break created.id,
                Err(error) if error.may_have_been_received() => {
                    break self.created_unanswered(&asked, error, LOOKS, stop).await?;
                }
                Err(error) if error.may_pass() && creations < CREATIONS => {
                    self.turn.set(Some(open.clone())).await?;
                    pause(creations, stop).await?;
                }
                Err(error) => return Err(TaskError::Create(error)),
            }
        };
        let begun = OpenList { task: Some(id), ..asked };
        self.turn.set(Some(begun.clone())).await?;
        Ok(begun)
    }

    /// The id of a task that OMS may have created, though it did not say so.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unanswered`] if it is not seen in as many `looks`, which is no proof that there is none.
    pub(super) async fn created_unanswered(
        &self,
        asked: &OpenList,
        error: ApiError,
        looks: u32,
        stop: &Stop,
    ) -> Result<u64, TaskError> {
        tracing::warn!(%error, "it is not known whether OMS has created the task: looking for it");
        for looks in 1..=looks {
            if let Some(task) = self.look_for(Some(&asked.description), stop).await? {
                return Ok(task.id);
            }
            pause(looks, stop).await?;
        }
        match asked.unsettled_until(self.turn.now().await?) {
            Some(until) => Err(TaskError::Unanswered { error, until }),
            None => Err(TaskError::Api(error)),
        }
    }

    /// Until when it is not believed that OMS has no task for a list.
    pub(super) async fn unsettled_until(&self, open: &OpenList) -> Result<Option<DateTime<Utc>>, TaskError> {
        Ok(open.unsettled_until(self.turn.now().await?))
    }
}
