use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::row::{Parts, pack};

fn limits(memory: usize, fan_in: usize) -> Limits {
    Limits { folder: std::env::temp_dir(), memory, fan_in }
}

/// What a row holds: the time in milliseconds, and a size that tells rows of one key apart.
fn payload_of(modified: Option<i64>, size: u64) -> Vec<u8> {
    let modified = modified.and_then(DateTime::from_timestamp_millis);
    let mut out = Vec::new();
    let parts = Parts { size, modified, etag: "", is_md5: false, crc64: None, is_symlink: false };
    pack(&mut out, &parts);
    out
}

/// A key and its time.
type Keyed = (Vec<u8>, Option<i64>);

/// Keys with what belongs to them.
type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn sorted(rows: &[Keyed], limits: Limits) -> (Rows, u64, u64) {
    let mut sorter = Sorter::new(limits);
    for (number, (key, modified)) in rows.iter().enumerate() {
        sorter.push(key, &payload_of(*modified, number as u64)).unwrap();
    }
    let mut sorted = sorter.finish().unwrap();
    let mut all = Vec::new();
    while let Some((key, payload)) = sorted.next().unwrap() {
        all.push((key.to_vec(), payload.to_vec()));
    }
    (all, sorted.duplicates(), sorted.written)
}

/// The same by a map.
fn expected(rows: &[Keyed]) -> Rows {
    let mut map: BTreeMap<Vec<u8>, (Option<i64>, u64)> = BTreeMap::new();
    for (number, (key, modified)) in rows.iter().enumerate() {
        let new = (*modified, number as u64);
        let old = map.entry(key.clone()).or_insert(new);
        if new.0 >= old.0 {
            *old = new;
        }
    }
    map.into_iter().map(|(key, (modified, size))| (key, payload_of(modified, size))).collect()
}

fn key(number: usize) -> Vec<u8> {
    format!("photos/2026/{number:07}.jpg").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_come_out_as_a_map_would_have_them(
        rows in proptest::collection::vec((key_bytes(), proptest::option::of(0_i64..4)), 0..400),
        memory in 1024_usize..6000,
        fan_in in 2_usize..5,
    ) {
        let (all, duplicates, _) = sorted(&rows, limits(memory, fan_in));
        prop_assert_eq!(&all, &expected(&rows));
        prop_assert_eq!(duplicates, (rows.len() - all.len()) as u64);
    }
}

/// Keys that share prefixes, end within one another, and hold every byte.
fn key_bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = proptest::sample::select(vec![b'a', b'b', b'/', 0, 0xff, b'%']);
    let short = proptest::collection::vec(part, 1..6);
    let long = (0_usize..40).prop_map(|number| [b"a/long/prefix/of/".as_slice(), &key(number % 20)].concat());
    prop_oneof![short, long]
}

#[test]
fn rows_that_come_in_order_are_one_run() {
    let rows: Vec<Keyed> = (0..5000).map(|number| (key(number), None)).collect();
    let mut sorter = Sorter::new(limits(4096, 2));
    for (key, _) in &rows {
        sorter.push(key, &payload_of(None, 1)).unwrap();
    }
    let runs: Vec<_> = sorter.levels.iter().map(RunFile::runs).collect();
    assert_eq!(runs, [1]);
    let mut sorted = sorter.finish().unwrap();
    let mut before = Vec::new();
    let mut count = 0;
    while let Some((key, _)) = sorted.next().unwrap() {
        assert!(before.as_slice() < key);
        before = key.to_vec();
        count += 1;
    }
    assert_eq!(count, 5000);
    // Keys are written as the bytes in which they differ from the one before.
    assert!(sorted.written < 5000 * 12, "{}", sorted.written);
}

#[test]
fn many_runs_are_merged_a_few_at_a_time() {
    let rows: Vec<Keyed> = (0..3000).rev().map(|number| (key(number), None)).collect();
    let mut sorter = Sorter::new(limits(1024, 3));
    for (key, _) in &rows {
        sorter.push(key, &payload_of(None, 1)).unwrap();
        assert!(sorter.levels.iter().all(|level| level.runs() <= 3));
    }
    assert!(sorter.levels.len() > 3, "{}", sorter.levels.len());
    let (all, ..) = self::sorted(&rows, limits(1024, 3));
    assert_eq!(all.len(), 3000);
    assert!(all.is_sorted());
}

#[test]
fn what_fits_in_memory_writes_nothing() {
    let rows: Vec<Keyed> = [3, 1, 2].map(|number| (key(number), None)).into();
    let nowhere = Limits { folder: "/nonexistent/folder".into(), ..limits(1 << 20, 4) };
    let (all, _, written) = sorted(&rows, nowhere);
    assert_eq!((all, written), (expected(&rows), 0));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_an_error() {
    let mut sorter = Sorter::new(Limits { folder: "/nonexistent/folder".into(), ..limits(1024, 4) });
    let pushed = (0..100).try_for_each(|number| sorter.push(&key(number), &payload_of(None, 1)));
    assert_eq!(pushed.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn nothing_is_left_in_the_folder_of_the_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut sorter = Sorter::new(Limits { folder: folder.path().into(), ..limits(1024, 2) });
    for number in (0..1000).rev() {
        sorter.push(&key(number), &payload_of(None, 1)).unwrap();
    }
    assert!(!sorter.levels.is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
