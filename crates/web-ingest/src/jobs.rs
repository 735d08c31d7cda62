//! State of the requested objects.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::crypto::SecureRandom;
use serde::Serialize;
use tokio::sync::watch;

use bridge_core::engine::Failure;
use object_copy::outcome::{EngineError, FailureClass};

/// Most objects that are kept, over all requests. The oldest requests that have ended are dropped first.
const OBJECTS_KEPT: usize = 10_000;

/// The requests of this instance.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<String, Arc<Job>>,
    /// Oldest first.
    order: VecDeque<Arc<Job>>,
    objects: usize,
}

/// Too many objects are in progress to accept more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// One request.
#[derive(Debug)]
pub(crate) struct Job {
    id: String,
    objects: Mutex<Vec<JobObject>>,
    ended: watch::Sender<bool>,
    len: usize,
}

/// One object of a request, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct JobObject {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) state: ObjectState,
}

/// State of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum ObjectState {
    /// In progress.
    Pending,
    /// Copied to the destination.
    Copied(Copied),
    /// OMS accepted its key.
    Accepted {
        /// Request id at OMS.
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
    /// Skipped because of the settings.
    Skipped {
        /// Why.
        note: String,
    },
    /// It failed.
    Failed {
        class: FailureClass,
        error: EngineError,
        /// Whether the journal has a record, so that a replay retries it.
        recorded: bool,
    },
}

/// Metadata of a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Copied {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    /// CRC-64/XZ in decimal, as OSS writes it; a string, since many JSON parsers round large numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crc64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl ObjectState {
    pub(crate) fn failed(failure: &Failure, recorded: bool) -> Self {
        Self::Failed { class: failure.class, error: failure.error.clone(), recorded }
    }

    fn lost(recorded: bool) -> Self {
        let error = EngineError::local("the work ended before this object was settled");
        Self::Failed { class: FailureClass::Transient, error, recorded }
    }
}

impl Jobs {
    /// Adds a new request.
    pub(crate) fn add(&self, id: String, keys: impl Iterator<Item = String>) -> Result<Arc<Job>, Full> {
        let objects: Vec<_> = keys.map(|key| JobObject { key, state: ObjectState::Pending }).collect();
        let job = Arc::new(Job {
            id,
            len: objects.len(),
            objects: Mutex::new(objects),
            ended: watch::Sender::new(false),
        });
        let mut table = self.0.lock();
        table.make_room(job.len)?;
        table.objects += job.len;
        table.by_id.insert(job.id.clone(), Arc::clone(&job));
        table.order.push_back(Arc::clone(&job));
        Ok(job)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.0.lock().by_id.get(id).map(Arc::clone)
    }
}

impl Table {
    /// Drops requests that have ended until `more` objects fit in.
    fn make_room(&mut self, more: usize) -> Result<(), Full> {
        let mut index = 0;
        while self.objects + more > OBJECTS_KEPT {
            let Some(job) = self.order.get(index) else { return Err(Full) };
            if job.has_ended() {
                self.objects -= job.len;
                self.by_id.remove(&job.id);
                self.order.remove(index);
            } else {
                index += 1;
            }
        }
        Ok(())
    }
}

impl Job {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The current state of all objects.
    pub(crate) fn objects(&self) -> Vec<JobObject> {
        self.objects.lock().clone()
    }

    pub(crate) fn object(&self, index: usize) -> Option<JobObject> {
        self.objects.lock().get(index).cloned()
    }

    pub(crate) fn set(&self, index: usize, state: ObjectState) {
        if let Some(object) = self.objects.lock().get_mut(index) {
            object.state = state;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// Ends the job. Objects that are still pending are lost; `recorded` says whether the journal has them.
    pub(crate) fn end(&self, recorded: bool) {
        for object in self.objects.lock().iter_mut().filter(|object| object.state == ObjectState::Pending) {
            object.state = ObjectState::lost(recorded);
        }
        self.ended.send_replace(true);
    }
}

/// An id that cannot be guessed: 128 bits.
pub(crate) fn id(random: &dyn SecureRandom) -> Option<String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes).ok()?;
    Some(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(jobs: &Jobs, id: &str, objects: usize) -> Result<Arc<Job>, Full> {
        jobs.add(id.to_owned(), (0..objects).map(|index| index.to_string()))
    }

    #[test]
    fn requests_that_have_ended_make_room_oldest_first() {
        let jobs = Jobs::default();
        for id in ["a", "b", "c", "d"] {
            let job = add(&jobs, id, OBJECTS_KEPT / 4).unwrap();
            if id != "a" {
                job.end(true);
            }
        }
        add(&jobs, "e", 1).unwrap();
        let known = |id| jobs.get(id).is_some();
        assert_eq!(["a", "b", "c", "d", "e"].map(known), [true, false, true, true, true]);
    }

    #[test]
    fn no_request_in_progress_is_dropped() {
        let jobs = Jobs::default();
        let job = add(&jobs, "a", OBJECTS_KEPT).unwrap();
        assert_eq!(add(&jobs, "b", 1).unwrap_err(), Full);
        job.end(true);
        assert!(add(&jobs, "b", 1).is_ok());
    }

    #[test]
    fn objects_that_were_never_settled_have_failed() {
        let job = add(&Jobs::default(), "a", 2).unwrap();
        job.set(0, ObjectState::Copied(Copied { bytes: Some(7), ..Copied::default() }));
        job.end(true);
        let shown = serde_json::to_string(&job.objects()).unwrap();
        assert_eq!(
            shown,
            r#"[{"key":"0","state":"copied","bytes":7},{"key":"1","state":"failed","class":"transient","error":{"message":"the work ended before this object was settled"},"recorded":true}]"#
        );
    }

    #[test]
    fn ids_differ_and_are_long() {
        let random = rustls::crypto::ring::default_provider().secure_random;
        let (one, other) = (id(random).unwrap(), id(random).unwrap());
        assert!(one.len() == 32 && one != other);
    }
}
