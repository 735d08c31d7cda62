//! OMS's own lists of what it failed to copy: one read answers for thousands of keys.
//!
//! They are evidence and not truth. A list can only make a key late that is not at the destination, before
//! `ARRIVE_WITHIN` has passed; nothing is confirmed or given up by one, since it may be about an earlier try,
//! and a list that is missing, denied or unreadable changes nothing. Lists of successes are not read: what
//! they name is looked at anyway, once.
//!
//! They lie in the destination bucket, below `oms/sync_task/TASK/failed_object_lists/`, as `.txt`: a line for
//! each object with the reason, the time in the region's zone, the key percent-encoded, the key as it is, and
//! a code ([OMS](https://support.huaweicloud.com/intl/en-us/usermanual-oms/oms_01_0044.html)). What separates
//! them is not documented. A percent-encoded key contains nothing that could, so every field of a line is
//! taken for one: a field that is none is no key that anybody waits for.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};
use oss_lite::{Error, ListedObject};
use percent_encoding::percent_decode_str;
use tokio::sync::OnceCell;

use crate::ends::Ends;
use crate::watch::Watch;

/// Pages of a thousand lists that are looked through for the newest.
const PAGES: usize = 20;

/// Lists read in a run, the newest first. OMS leaves them all there.
const LISTS: usize = 100;

/// A list that is longer is not read.
const BYTES: usize = 32 << 20;

/// Fields kept in memory.
const FIELDS: usize = 1_000_000;

/// What OMS says it failed to copy, read once it is asked for.
#[derive(Debug)]
pub(super) struct FailedLists<'r> {
    task: Option<&'r str>,
    watch: Watch,
    read: OnceCell<Fields>,
}

/// The time of the newest list that has a field, by the hash of its bytes. Two keys of one hash do no harm:
/// one of them is sent once too often.
type Fields = HashMap<u64, DateTime<Utc>>;

impl<'r> FailedLists<'r> {
    /// Those of `task`; none without one.
    pub(super) fn new(task: Option<&'r str>, watch: Watch) -> Self {
        Self { task, watch, read: OnceCell::new() }
    }

    /// Whether a list that was written after the key was sent has it.
    pub(super) async fn have(&self, ends: &Ends, key: &str, sent: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let Some(task) = self.task else { return false };
        let fields = self.read.get_or_init(|| self.all(ends, task, now)).await;
        fields.get(&hash(key.as_bytes())).is_some_and(|&listed| listed > sent)
    }

    async fn all(&self, ends: &Ends, task: &str, now: DateTime<Utc>) -> Fields {
        let mut fields = Fields::new();
        if let Err(error) = self.read(ends, task, now, &mut fields).await {
            tracing::debug!(%error, "the lists of OMS are not used");
        }
        fields
    }

    async fn read(
        &self,
        ends: &Ends,
        task: &str,
        now: DateTime<Utc>,
        fields: &mut Fields,
    ) -> Result<(), Error> {
        // What is older is about keys that are late by now, or were sent since.
        let is_read = |list: &ListedObject| {
            list.size <= BYTES as u64
                && list.last_modified.is_some_and(|written| !self.watch.is_late(written, now))
        };
        let mut lists = ends.objects_below(&folder(task), PAGES, is_read).await?;
        lists.sort_by_key(|list| Reverse(list.last_modified));
        for ListedObject { key, last_modified, .. } in lists.into_iter().take(LISTS) {
            let Some(written) = last_modified else { continue };
            let text = ends.read(&key, BYTES).await?;
            add(fields, &text, written);
            if fields.len() >= FIELDS {
                break;
            }
        }
        Ok(())
    }
}

/// Where OMS writes them.
fn folder(task: &str) -> String {
    format!("oms/sync_task/{task}/failed_object_lists/")
}

fn add(fields: &mut Fields, text: &[u8], written: DateTime<Utc>) {
    let ends_field = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'|' | b'"');
    for field in text.split(ends_field).filter(|field| !field.is_empty()) {
        let Ok(field) = std::str::from_utf8(field) else { continue };
        let decoded: Vec<u8> = percent_decode_str(field).collect();
        // Some encoders write a blank as `+`.
        let blanks = decoded.contains(&b'+').then(|| percent_decode_str(&field.replace('+', " ")).collect());
        for key in blanks.iter().chain([&decoded]) {
            let newest = fields.entry(hash(key)).or_insert(written);
            *newest = written.max(*newest);
        }
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_whatever_separates_the_fields() {
        let written = DateTime::UNIX_EPOCH;
        for separator in ["\t", ",", " ", " | ", "\",\""] {
            let line =
                ["Forbidden", "2026-11-30 14:00:00", "a%20b%2Cc%2F%C3%A9.jpg", "a b,c/\u{e9}.jpg", "403"];
            let mut fields = Fields::new();
            add(&mut fields, format!("{}\r\n", line.join(separator)).as_bytes(), written);
            assert!(fields.contains_key(&hash("a b,c/\u{e9}.jpg".as_bytes())), "{separator:?}");
        }
    }

    #[test]
    fn a_blank_may_be_a_plus_and_a_plus_may_be_itself() {
        let mut fields = Fields::new();
        add(&mut fields, b"a+b%2Bc", DateTime::UNIX_EPOCH);
        assert!(["a b+c", "a+b+c"].iter().all(|key| fields.contains_key(&hash(key.as_bytes()))));
    }

    #[test]
    fn the_newest_list_counts() {
        let (old, new) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1));
        let mut fields = Fields::new();
        add(&mut fields, b"k", new);
        add(&mut fields, b"k \xff\xfe", old);
        assert_eq!(fields.get(&hash(b"k")), Some(&new));
    }
}
