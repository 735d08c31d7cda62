//! Which lists there are and which task is under way: what a run that was killed left for the next one.

use bytes::Bytes;
use oss_lite::{Bucket, Crc64, Error, ErrorKind, PutOptions};
use serde::{Deserialize, Serialize};

use super::FOLDER;

/// Longest position that is read.
const MAX: usize = 1 << 20;

/// Lists that are to be copied, and how far that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    v: u32,
    /// Keys of the lists, in the order of their tasks.
    pub(super) lists: Vec<String>,
    /// How many of them are done.
    pub(super) done: usize,
    /// What the task of the next one is described by. A task that was created is found by it.
    pub(super) description: String,
    /// Its id, once that is known.
    pub(super) task: Option<u64>,
}

impl Position {
    pub(super) fn of(lists: Vec<String>) -> Self {
        Self { v: 1, lists, ..Self::default() }
    }

    /// The list whose turn it is.
    pub(super) fn list(&self) -> Option<&str> {
        self.lists.get(self.done).map(String::as_str)
    }

    /// Whether it names lists of this program alone. They are deleted when their tasks are over, so whoever
    /// can write a position could otherwise have any object deleted.
    fn is_ours(&self) -> bool {
        let is_list = |list: &String| list.starts_with(FOLDER) && list.strip_suffix(".txt").is_some();
        self.v == 1 && self.lists.iter().all(is_list)
    }

    /// The list is done.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        (self.description, self.task) = (String::new(), None);
    }
}

/// The position of a pair of sides.
#[derive(Clone, Debug)]
pub(super) struct PositionObject {
    bucket: Bucket,
    key: String,
}

impl PositionObject {
    /// That of these sides, by their names.
    pub(super) fn new(bucket: Bucket, source: &str, destination: &str) -> Self {
        let mut crc = Crc64::new();
        crc.update(source.as_bytes());
        crc.update(b"\n");
        crc.update(destination.as_bytes());
        Self { bucket, key: format!("{FOLDER}{:016x}.json", crc.value()) }
    }

    pub(super) async fn load(&self) -> Result<Option<Position>, Error> {
        let object = match self.bucket.get(&self.key).await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NoSuchKey => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = object.bytes(MAX).await?;
        // One that cannot be read, or names other objects, is of no run of this program.
        Ok(serde_json::from_slice(&bytes).ok().filter(Position::is_ours))
    }

    pub(super) async fn save(&self, position: &Position) -> Result<(), Error> {
        // Texts and numbers are always JSON.
        let bytes = Bytes::from(serde_json::to_vec(position).unwrap_or_default());
        self.bucket.put(&self.key, bytes, PutOptions::default()).await.map(drop)
    }

    pub(super) async fn remove(&self) -> Result<(), Error> {
        self.bucket.delete(&self.key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_names_lists_of_this_program_and_nothing_else() {
        let of = |list: &str| Position::of(vec![list.to_owned()]).is_ours();
        assert!(of("oms_source_record/object_lists/20260105T100000Z-1.txt"));
        assert!(!of("photos/a.jpg") && !of("oms_source_record/success_object/a.txt"));
        assert!(!Position { v: 2, ..Position::default() }.is_ours(), "of a later version");
    }
}
