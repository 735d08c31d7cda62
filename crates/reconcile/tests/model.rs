//! Comparisons of random sides against a model, with ranges that are cut, and resumed runs.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use futures_util::stream;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::{Flow, TransferError};
use proptest::prelude::*;
use reconcile::judge::{Basis, Verdict};
use reconcile::listing::{Listed, Listing, Page, PageStream};
use reconcile::{Check, Comparison, Filter, Finding, Observer, Outcome, Records, Side, Totals, Walk, run};

use self::common::records;

/// Keys and sizes, listed three at a time.
#[derive(Debug, Default)]
struct Keys {
    objects: BTreeMap<String, u64>,
    /// The listing behind this many pages fails.
    fails_after: Option<usize>,
    pages: AtomicUsize,
}

impl Listing for SharedKeys {
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream {
        let (keys, prefix) = (Arc::clone(&self.0), prefix.to_owned());
        let start = Some(after.map(str::to_owned));
        Box::pin(stream::try_unfold(start, move |after| {
            let (keys, prefix) = (Arc::clone(&keys), prefix.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                let number = keys.pages.fetch_add(1, Ordering::Relaxed);
                if keys.fails_after.is_some_and(|pages| number >= pages) {
                    return Err(TransferError::transient("a page failed"));
                }
                // Other ranges get their turn.
                tokio::task::yield_now().await;
                let behind = |key: &str| after.as_deref().is_none_or(|after| key > after);
                let listed = keys.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && behind(key));
                let object = |(key, size): (&String, &u64)| Listed {
                    key: key.clone(),
                    size: *size,
                    ..Listed::default()
                };
                let objects: Vec<_> = listed.take(3).map(object).collect();
                let next = objects.last().map(|object| Some(object.key.clone()));
                Ok(next.map(|next| (Page::of(objects), Some(next))))
            }
        }))
    }

    fn can_seek(&self) -> bool {
        true
    }
}

#[derive(Clone, Debug)]
struct SharedKeys(Arc<Keys>);

#[derive(Default)]
struct Seen {
    findings: BTreeMap<String, Vec<Verdict>>,
    stop_after: Option<(u64, Stop)>,
}

impl Observer for Seen {
    async fn found(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.findings.entry(finding.key().to_owned()).or_default().push(finding.verdict);
        }
    }

    fn counted(&mut self, totals: &Totals) {
        if let Some((most, stop)) = &self.stop_after
            && totals.compared >= *most
        {
            stop.raise(StopLevel::BeginNothing);
        }
    }
}

fn side(name: &str, prefix: &str, keys: Keys) -> Side {
    Side {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        listing: Arc::new(SharedKeys(Arc::new(keys))),
        objects: None,
        own: Vec::new(),
    }
}

fn comparison(source: Keys, destination: Keys) -> Comparison {
    Comparison {
        source: side("src", "s/", source),
        destination: side("dst", "d/", destination),
        check: Check::Listing,
        filter: None,
        since: None,
        started: DateTime::UNIX_EPOCH,
        requests: 8,
        wants_equal: true,
        flow: Flow::default(),
    }
}

fn keys(prefix: &str, objects: &BTreeMap<String, u64>) -> Keys {
    let objects = objects.iter().map(|(key, size)| ([prefix, key].concat(), *size)).collect();
    Keys { objects, ..Keys::default() }
}

fn compare(comparison: Comparison, records: Records, seen: &mut Seen, stop: &Stop) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(run(comparison, records, seen, stop))
}

fn model(source: &BTreeMap<String, u64>, destination: &BTreeMap<String, u64>) -> BTreeMap<String, char> {
    let all = source.keys().chain(destination.keys());
    let of = |key: &String| match (source.get(key), destination.get(key)) {
        (Some(_), None) => '+',
        (None, _) => '-',
        (Some(0), Some(0)) => '=',
        (Some(one), Some(other)) if one == other => '?',
        _ => '*',
    };
    all.map(|key| (key.clone(), of(key))).collect()
}

fn objects() -> impl Strategy<Value = BTreeMap<String, u64>> {
    let key = prop_oneof!["[a-c]{0,4}", "[a-c/]{0,6}", "img[0-9]{3}", "\\PC{0,3}"];
    proptest::collection::btree_map(key, 0_u64..3, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_key_is_found_once_and_as_the_model_says(source in objects(), destination in objects()) {
        let mut seen = Seen::default();
        let comparison = comparison(keys("s/", &source), keys("d/", &destination));
        let outcome = compare(comparison, Records::default(), &mut seen, &Stop::default());
        prop_assert!(outcome.stopped.is_none());
        let found: BTreeMap<String, char> = seen
            .findings
            .into_iter()
            .map(|(key, verdicts)| {
                assert_eq!(verdicts.len(), 1, "{key}");
                (key, reconcile::report::sign(&verdicts[0]))
            })
            .collect();
        let expected = model(&source, &destination);
        prop_assert_eq!(outcome.totals.compared, expected.len() as u64);
        prop_assert_eq!(outcome.totals.source, source.len() as u64);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_walk_that_is_left_anywhere_and_begun_behind_that_key_finds_each_key_once(
        source in objects(),
        destination in objects(),
        most in 1_usize..40,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (mut found, mut after, mut compared) = (Vec::new(), None, 0);
        loop {
            let comparison = comparison(keys("s/", &source), keys("d/", &destination));
            let left = runtime.block_on(async {
                let (mut walk, mut taken) = (Walk::new(comparison, after.clone()), 0);
                while let Some(step) = walk.next().await.unwrap() {
                    compared += step.totals.compared;
                    for finding in step.findings {
                        found.push((finding.key().to_owned(), reconcile::report::sign(&finding.verdict)));
                        after = Some(finding.key().to_owned());
                        taken += 1;
                        if taken == most {
                            return true;
                        }
                    }
                    if let Some(up_to) = step.up_to {
                        assert!(after.as_ref().is_none_or(|after| *after <= up_to), "{after:?} {up_to}");
                    }
                }
                false
            });
            if !left {
                break;
            }
        }
        let expected: Vec<_> = model(&source, &destination).into_iter().collect();
        prop_assert!(compared >= expected.len() as u64);
        // In their order, and none twice.
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_run_that_is_stopped_and_resumed_has_each_line_once(
        source in objects(),
        destination in objects(),
        stop_after in 0_u64..150,
    ) {
        let folder = tempfile::TempDir::new().unwrap();
        let (report, checkpoint) = (folder.path().join("report"), folder.path().join("checkpoint"));
        let mut runs = 0;
        let totals = loop {
            runs += 1;
            let stop = Stop::default();
            let stop_after = (runs < 3).then(|| (stop_after * runs / 2, stop.clone()));
            let mut seen = Seen { stop_after, ..Seen::default() };
            let comparison = comparison(keys("s/", &source), keys("d/", &destination));
            let outcome = compare(comparison, records(&report, &checkpoint), &mut seen, &stop);
            if outcome.stopped.is_none() {
                break outcome.totals;
            }
        };
        prop_assert!(!checkpoint.exists());
        let expected = model(&source, &destination);
        prop_assert_eq!(totals.compared, expected.len() as u64);
        prop_assert_eq!(lines(&report), expected.len());
        let count = |sign| expected.values().filter(|found| **found == sign).count() as u64;
        prop_assert_eq!((totals.missing, totals.extra), (count('+'), count('-')));
    }
}

fn lines(report: &Path) -> usize {
    let text = std::fs::read_to_string(report).unwrap();
    let lines: std::collections::BTreeSet<&str> = text.lines().collect();
    assert_eq!(lines.len(), text.lines().count(), "a line comes twice");
    lines.len()
}

#[test]
fn a_large_side_is_cut_into_ranges_that_are_listed_at_once() {
    let objects: BTreeMap<String, u64> = (0..3000).map(|n| (format!("2024/img{n:06}"), 0)).collect();
    let mut seen = Seen::default();
    let comparison = comparison(keys("s/", &objects), keys("d/", &objects));
    let outcome = compare(comparison, Records::default(), &mut seen, &Stop::default());
    assert!(outcome.totals.all_equal());
    assert_eq!(outcome.totals.equal_by[&Basis::Size], 3000);
    // One range alone would take exactly these, and one more for each end.
    assert!(outcome.totals.pages > 2 * 1001, "{}", outcome.totals.pages);
    assert!(outcome.totals.pages < 2 * 1001 + 400, "{}", outcome.totals.pages);
}

#[test]
fn a_page_that_fails_ends_the_run_and_what_was_not_listed_is_not_missing() {
    let objects: BTreeMap<String, u64> = (0..300).map(|n| (format!("{n:03}"), 0)).collect();
    let mut seen = Seen::default();
    let failing = Keys { fails_after: Some(20), ..keys("d/", &objects) };
    let outcome =
        compare(comparison(keys("s/", &objects), failing), Records::default(), &mut seen, &Stop::default());
    assert_eq!(outcome.stopped.unwrap().to_string(), "a page failed");
    assert_eq!((outcome.totals.missing, outcome.totals.extra), (0, 0));
}

#[tokio::test]
async fn a_walk_ends_with_the_first_page_that_fails_and_concludes_nothing_from_it() {
    let objects: BTreeMap<String, u64> = (0..300).map(|n| (format!("{n:03}"), 0)).collect();
    let failing = Keys { fails_after: Some(20), ..keys("d/", &objects) };
    let mut walk = Walk::new(comparison(keys("s/", &objects), failing), None);
    let failed = loop {
        match walk.next().await {
            Ok(step) => assert_eq!(step.unwrap().totals.missing, 0),
            Err(failed) => break failed,
        }
    };
    assert_eq!(failed.to_string(), "a page failed");
    assert!(walk.next().await.unwrap().is_none(), "it does not go on behind what was not listed");
}

#[test]
fn a_filter_and_own_folders_leave_keys_out_and_count_them() {
    let source = BTreeMap::from([("oms/a", 0), ("a.jpg", 0), ("b.txt", 0)]);
    let destination = BTreeMap::from([("oms/a", 0), ("oms/b", 0), ("a.jpg", 0)]);
    let owned = |objects: BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
        objects.into_iter().map(|(key, size)| (key.to_owned(), size)).collect()
    };
    let mut comparison = comparison(keys("s/", &owned(source)), keys("d/", &owned(destination)));
    comparison.destination = comparison.destination.leaving_out(&["d/oms/"]);
    comparison.filter = Some(Filter::new(|key| !key.starts_with('b')));
    let mut seen = Seen::default();
    let totals = compare(comparison, Records::default(), &mut seen, &Stop::default()).totals;
    assert_eq!((totals.equal, totals.left_out, totals.filtered), (2, 1, 1));
    assert!(totals.all_equal());
}
