//! One task for a list, and no second one.
//!
//! The request that creates a task is made only while the lease is held, after OMS was asked whether it has
//! a task of that description already, or another one of this pair that is not over. Where its answer is
//! lost, that is asked again, for longer than OMS takes to answer, before it is repeated.

use bridge_core::oms::migration::{ListFile, MigrationOrder, MigrationTask};
use object_copy::stop::Stop;

use super::error::TaskError;
use super::position::{OpenList, description_of};
use super::work::{Work, pause};

/// Tries to create a task.
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

    /// The id of the task of a list, which is created unless OMS has it. The position names the list already.
    pub(super) async fn begun(&self, open: &OpenList, stop: &Stop) -> Result<u64, TaskError> {
        let list = ListFile { bucket: self.bucket.name().to_string(), key: open.list.clone() };
        let description = open.description.clone();
        let order = MigrationOrder { list, description, ..self.forwarder.order.clone() };
        let mut creations = 0;
        let id = 'created: loop {
            if let Some(task) = self.look_for(Some(&open.description), stop).await? {
                break task.id;
            }
            // A task must not be created by a run that was taken for dead.
            self.turn.check().await?;
            creations += 1;
            let error = match self.forwarder.api.create(&order, (self.clock)()).await {
                Ok(created) => break created.id,
                Err(error) => error,
            };
            if !error.may_have_been_received() {
                return Err(TaskError::Create(error));
            }
            tracing::warn!(%error, "it is not known whether OMS has created the task: looking for it");
            for looks in 1..=LOOKS {
                if let Some(task) = self.look_for(Some(&open.description), stop).await? {
                    break 'created task.id;
                }
                pause(looks, stop).await?;
            }
            if creations >= CREATIONS {
                return Err(TaskError::Api(error));
            }
        };
        self.turn.set(Some(OpenList { task: Some(id), ..open.clone() })).await?;
        Ok(id)
    }
}
