//! Lists and tasks in order: what an earlier run left, then what this one found.

use futures_util::TryStreamExt as _;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::{Side as End, TransferError};
use oss_lite::{Error, ListOptions};
use reconcile::Comparison;

use super::TaskForwarder;
use super::error::{OtherOptions, TaskError};
use super::follow::{TaskEvent, TaskObserver, TaskTotals};
use super::lists::{ObjectLists, logged};
use super::position::{OpenList, folder_of, is_list_of};
use super::still::Sides;
use super::work::Work;

impl Work<'_> {
    /// Follows the task that an earlier run with the same options left, to its end; says what it did.
    ///
    /// # Errors
    ///
    /// [`TaskError`], also where a task is not over that must not be followed.
    pub(crate) async fn settle(
        &self,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<Option<TaskTotals>, TaskError> {
        let mut totals = None;
        if let Some(open) = self.turn.open_list().await {
            if !open.tasks.is_empty() && open.tasks != self.forwarder.api.address() {
                return Err(TaskError::OtherProject(open.tasks));
            }
            let has_same_options = open.options == self.forwarder.options;
            match self.seen(&open, stop).await? {
                Some(task) if has_same_options => {
                    observer.task(TaskEvent::Follows(&task.name));
                    totals = Some(self.followed(&open, observer, stop).await?);
                }
                Some(task) if task.state().is_final() => {
                    observer.task(TaskEvent::OtherIsOver(&task.name));
                    self.close(&open).await?;
                }
                Some(task) => {
                    let OpenList { options, .. } = open;
                    return Err(TaskError::OtherOptions(OtherOptions { task: task.name, options }));
                }
                None => {
                    if let Some(until) = self.unsettled_until(&open).await? {
                        return Err(TaskError::Unsettled(until));
                    }
                    observer.task(TaskEvent::ListDropped);
                    self.close(&open).await?;
                }
            }
        }
        // What another log bucket knows of, or was deleted in this one.
        self.look_for(None, stop).await?;
        self.remove_lists().await?;
        Ok(totals)
    }

    /// Lists of what the comparison finds. `None` where a side cannot be asked for single objects.
    pub(crate) fn lists(&self, comparison: &Comparison, stop: &Stop) -> Option<ObjectLists> {
        let TaskForwarder { run, limits, .. } = self.forwarder;
        let sides = (&comparison.source, &comparison.destination);
        ObjectLists::new(&self.bucket, sides, (self.pair, run), *limits, comparison.requests, stop)
    }

    /// Completes the lists, and has a task copy what is on each, one after the other. `None` if nothing is on
    /// them.
    ///
    /// # Errors
    ///
    /// [`TaskError`]. What was begun is followed by the next run, but for a task that failed as a whole.
    pub(crate) async fn copy(
        &self,
        lists: ObjectLists,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<Option<TaskTotals>, TaskError> {
        let sides = lists.sides();
        let lists = lists.finish().await.map_err(TaskError::Side)?;
        let mut totals = None::<TaskTotals>;
        for (number, list) in lists.iter().enumerate() {
            if stop.is(StopLevel::BeginNothing) {
                self.drop_lists(&lists[number..]).await;
                return Err(TaskError::Interrupted(None));
            }
            match self.copy_one(list, &sides, observer, stop).await {
                Ok(of_one) => totals.get_or_insert_default().add(of_one),
                // What is on the other lists is compared anew by the next run.
                Err(error) => {
                    if !matches!(error, TaskError::Lost) {
                        self.drop_lists(&lists[number + 1..]).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(totals)
    }

    async fn copy_one(
        &self,
        list: &str,
        sides: &Sides,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<TaskTotals, TaskError> {
        if !self.has_first_key(list, sides).await? {
            self.drop_lists(&[list.to_owned()]).await;
            return Ok(TaskTotals::default());
        }
        let TaskForwarder { api, options, .. } = self.forwarder;
        let open = OpenList::new(list.to_owned(), self.pair, options, api.address());
        self.turn.set(Some(open.clone())).await?;
        match self.begun(&open, stop).await {
            Ok(begun) => self.followed(&begun, observer, stop).await,
            Err(error @ TaskError::Create(_)) => {
                self.close(&open).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn drop_lists(&self, lists: &[String]) {
        for list in lists {
            logged(list, self.bucket.delete(list).await);
        }
    }

    /// Removes lists and parts of lists that runs left which were killed before their tasks.
    async fn remove_lists(&self) -> Result<(), TaskError> {
        let folder = folder_of(self.pair);
        let options = ListOptions { prefix: Some(folder.clone()), ..ListOptions::default() };
        let pages: Vec<_> = self.bucket.list(options).try_collect().await.map_err(side)?;
        let uploads: Vec<_> =
            self.bucket.list_multipart_uploads(&folder).try_collect().await.map_err(side)?;
        for object in pages.iter().flat_map(|page| &page.objects) {
            if is_list_of(&object.key, self.pair) {
                self.turn.check().await?;
                logged(&object.key, self.bucket.delete(&object.key).await);
            }
        }
        for upload in uploads {
            self.turn.check().await?;
            logged(&upload.key, self.bucket.abort_multipart_upload(&upload.key, &upload.upload_id).await);
        }
        Ok(())
    }
}

fn side(error: Error) -> TaskError {
    TaskError::Side(TransferError::from(error).at(End::Destination))
}
