//! What is no object, what is older, clocks that differ, and ranges that panic.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::{Directory, Flow, Links, Source};
use reconcile::checkpoint::{KeyRange, Progress};
use reconcile::listing::{FolderListing, Listed, Listing, Page, PageStream};
use reconcile::report::sign;
use reconcile::{
    Check, CompareError, Comparison, Filter, Finding, Observer, Outcome, Records, Side, Totals, run,
};
use tempfile::TempDir;

use self::common::records;

/// Objects in one page, and how many turns others get before it comes.
#[derive(Debug)]
struct OnePage(Vec<Listed>, usize);

impl Listing for OnePage {
    fn pages(&self, _prefix: &str, after: Option<&str>) -> PageStream {
        let behind = |object: &&Listed| after.is_none_or(|after| object.key.as_str() > after);
        let objects: Vec<_> = self.0.iter().filter(behind).cloned().collect();
        let turns = if objects.first().is_some_and(|object| object.key.as_str() > "m") { self.1 } else { 0 };
        Box::pin(stream::once(async move {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            Ok(Page::of(objects))
        }))
    }
}

/// A listing whose task panics behind its first page.
#[derive(Debug)]
struct Panics;

impl Listing for Panics {
    fn pages(&self, _prefix: &str, _after: Option<&str>) -> PageStream {
        Box::pin(stream::unfold(false, |is_second| async move {
            assert!(!is_second, "a defect");
            Some((Ok(Page::of(vec![object("a", None)])), true))
        }))
    }
}

/// The sign and key of each finding, and the counts as they grew.
#[derive(Default)]
struct Seen {
    found: Vec<String>,
    compared: Vec<u64>,
    stop: Option<Stop>,
}

impl Observer for Seen {
    async fn found(&mut self, findings: Vec<Finding>) {
        self.found.extend(findings.iter().map(|found| format!("{} {}", sign(&found.verdict), found.key())));
    }

    fn counted(&mut self, totals: &Totals) {
        self.compared.push(totals.compared);
        if let Some(stop) = &self.stop {
            stop.raise(StopLevel::BeginNothing);
        }
    }
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(1) + TimeDelta::minutes(minutes)
}

fn object(key: &str, modified: Option<i64>) -> Listed {
    Listed { key: key.to_owned(), size: 1, modified: modified.map(at), ..Listed::default() }
}

fn listed(listing: impl Listing + 'static) -> Side {
    Side {
        name: "side".to_owned(),
        prefix: String::new(),
        listing: Arc::new(listing),
        objects: None,
        own: Vec::new(),
    }
}

fn objects(objects: &[(&str, i64)]) -> Side {
    listed(OnePage(objects.iter().map(|&(key, modified)| object(key, Some(modified))).collect(), 0))
}

fn folder(path: &Path) -> Side {
    let directory = Directory::new(path);
    let objects = Some(Source::Directory(directory.clone()));
    Side { objects, ..listed(FolderListing::new(directory)) }
}

fn comparison(source: Side, destination: Side) -> Comparison {
    Comparison {
        source,
        destination,
        check: Check::Listing,
        filter: None,
        since: None,
        started: at(0),
        requests: 4,
        wants_equal: true,
        flow: Flow::default(),
    }
}

async fn compare(comparison: Comparison, records: Records, seen: &mut Seen) -> Outcome {
    let stop = seen.stop.clone().unwrap_or_default();
    let compared = run(comparison, records, seen, &stop);
    tokio::time::timeout(Duration::from_mins(1), compared).await.unwrap()
}

async fn found(comparison: Comparison) -> (Vec<String>, Totals) {
    let mut seen = Seen::default();
    let outcome = compare(comparison, Records::default(), &mut seen).await;
    assert!(outcome.stopped.is_none(), "{:?}", outcome.stopped);
    (seen.found, outcome.totals)
}

#[tokio::test]
async fn the_clock_of_this_machine_may_be_ahead_by_as_much_as_signatures_allow() {
    let source = objects(&[("older", -16), ("younger", -14)]);
    let (found, _) = found(comparison(source, objects(&[]))).await;
    assert_eq!(found, ["+ older", "? younger"]);
}

#[tokio::test]
async fn a_pair_is_older_only_if_both_are() {
    let source = objects(&[("both", -90), ("destination", -90), ("missing", -90), ("source", -30)]);
    let destination = objects(&[("both", -90), ("destination", -30), ("extra", -90), ("source", -90)]);
    let since = Some(at(-60));
    let (found, totals) = found(Comparison { since, ..comparison(source, destination) }).await;
    assert_eq!((found, totals.older), (vec!["? destination".to_owned(), "? source".to_owned()], 3));
}

/// A folder with names that are no objects among files.
fn flawed() -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "c", "z"] {
        fs::write(path(name), "x").unwrap();
    }
    for name in ["b", "lnk", "out.txt"] {
        std::os::unix::fs::symlink("nowhere", path(name)).unwrap();
    }
    for name in [&b"k\xff"[..], b"k\xfe", b"\xff"] {
        fs::write(folder.path().join(OsStr::from_bytes(name)), "x").unwrap();
    }
    folder
}

#[tokio::test]
async fn what_is_no_object_is_paired_filtered_and_reported_once() {
    let flawed = flawed();
    let theirs = || objects(&[("a", -90), ("b", -90), ("lnk", -90), ("m", -90), ("out.txt", -90)]);
    let expected = ["? a", "! b", "+ c", "! k\u{fffd}", "! k\u{fffd}", "! lnk", "- m", "+ z", "! \u{fffd}"];
    let back = ["? a", "! b", "- c", "! k\u{fffd}", "! k\u{fffd}", "! lnk", "+ m", "- z", "! \u{fffd}"];
    let filter = || Some(Filter::new(|key: &str| !key.starts_with("out")));
    // The files were written just now, so the comparison began later.
    let started = Utc::now() + TimeDelta::hours(1);
    let there = comparison(listed(FolderListing::new(Directory::new(flawed.path()))), theirs());
    let (lines, totals) = found(Comparison { filter: filter(), started, ..there }).await;
    assert_eq!(lines, expected);
    assert_eq!((totals.failed, totals.compared, totals.filtered, totals.source), (5, 9, 1, 6 - 3));
    let here = comparison(theirs(), listed(FolderListing::new(Directory::new(flawed.path()))));
    let (lines, _) = found(Comparison { filter: filter(), started, ..here }).await;
    assert_eq!(lines, back);
}

#[tokio::test]
async fn a_link_that_is_left_out_is_paired_with_what_the_other_side_has_under_its_name() {
    let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(outside.path().join("target"), "x").unwrap();
    for name in ["alone", "paired"] {
        std::os::unix::fs::symlink(outside.path().join("target"), folder.path().join(name)).unwrap();
    }
    let links = || {
        let directory = Directory::new(folder.path()).following(Links::Within);
        listed(FolderListing::new(directory))
    };
    let theirs = || objects(&[("other", -90), ("paired", -90)]);
    let (lines, totals) = found(comparison(links(), theirs())).await;
    assert_eq!(lines, ["- other", "! paired"]);
    // What the other side has was compared with nothing: neither missing nor extra, and not equal.
    assert_eq!((totals.left_out, totals.failed, totals.missing, totals.extra), (1, 1, 0, 1));
    let (lines, totals) = found(comparison(theirs(), links())).await;
    assert_eq!(lines, ["+ other", "! paired"]);
    assert_eq!((totals.left_out, totals.failed, totals.missing, totals.extra), (1, 1, 1, 0));
    let (lines, totals) = found(comparison(links(), links())).await;
    assert_eq!((lines.is_empty(), totals.left_out), (true, 4));
}

#[tokio::test]
async fn names_behind_the_last_key_are_done_with_it() {
    let flawed = flawed();
    let directory = TempDir::new().unwrap();
    let (report, checkpoint) = (directory.path().join("report"), directory.path().join("checkpoint"));
    let mut lines = Vec::new();
    // The first run is stopped at the first thing that it says, which are all names here.
    for stop in [Some(Stop::default()), None] {
        let sides = comparison(listed(FolderListing::new(Directory::new(flawed.path()))), objects(&[]));
        let mut seen = Seen { stop, ..Seen::default() };
        compare(sides, records(&report, &checkpoint), &mut seen).await;
        lines.extend(seen.found);
        if !checkpoint.exists() {
            break;
        }
    }
    let of_last = lines.iter().filter(|line| *line == "! \u{fffd}").count();
    assert_eq!((of_last, lines.len()), (1, 9), "{lines:?}");
}

#[tokio::test]
async fn nothing_before_the_start_of_a_range_comes_again() {
    let flawed = flawed();
    for (after, expected) in [
        ("b", &["c", "k\u{fffd}", "k\u{fffd}", "lnk", "out.txt", "z", "\u{fffd}"][..]),
        ("k", &["k\u{fffd}", "k\u{fffd}", "lnk", "out.txt", "z", "\u{fffd}"]),
        ("lnk", &["out.txt", "z", "\u{fffd}"]),
    ] {
        let listing = FolderListing::new(Directory::new(flawed.path()));
        let pages: Vec<Page> =
            futures_util::TryStreamExt::try_collect(listing.pages("", Some(after))).await.unwrap();
        let keys: Vec<_> = pages.into_iter().flat_map(|page| page.objects).map(|object| object.key).collect();
        assert_eq!(keys, expected, "{after}");
    }
}

#[tokio::test]
async fn what_was_asked_for_is_recorded_before_the_page_is_through() {
    let [ours, theirs] = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for number in 0..300 {
        for side in [&ours, &theirs] {
            fs::write(side.path().join(format!("{number:03}")), "x").unwrap();
        }
    }
    let content = || {
        let sides = comparison(folder(ours.path()), folder(theirs.path()));
        Comparison { check: Check::Content, ..sides }
    };
    let directory = TempDir::new().unwrap();
    let (report, checkpoint) = (directory.path().join("report"), directory.path().join("checkpoint"));
    let mut runs = 0;
    let totals = loop {
        runs += 1;
        let stop = (runs == 1).then(Stop::default);
        let mut seen = Seen { stop, ..Seen::default() };
        let outcome = compare(content(), records(&report, &checkpoint), &mut seen).await;
        if runs == 1 {
            assert_eq!(seen.compared, [64]);
        } else {
            break outcome.totals;
        }
    };
    assert_eq!((totals.equal, totals.compared, totals.source), (300, 300, 300));
    let expected: Vec<String> = (0..300).map(|number| format!("= {number:03}")).collect();
    assert_eq!(fs::read_to_string(&report).unwrap().lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_range_that_panics_after_another_ended_well_ends_the_run() {
    let both = || listed(OnePage(vec![object("a", None), object("x", None)], 100));
    let filter = Some(Filter::new(|key: &str| {
        assert!(key != "x", "a defect");
        true
    }));
    let range = |after: Option<&str>, until: Option<&str>| KeyRange {
        after: after.map(str::to_owned),
        until: until.map(str::to_owned),
    };
    let resumed =
        Progress { ranges: vec![range(None, Some("m")), range(Some("m"), None)], ..Progress::default() };
    let records = Records { resumed: Some(resumed), ..Records::default() };
    let sides = Comparison { filter, ..comparison(both(), both()) };
    let outcome = compare(sides, records, &mut Seen::default()).await;
    assert!(matches!(outcome.stopped, Some(CompareError::Internal(_))), "{:?}", outcome.stopped);
    assert_eq!(outcome.totals.compared, 1);
}

#[tokio::test]
async fn a_listing_that_panics_is_not_at_its_end() {
    let mut seen = Seen::default();
    let sides = comparison(objects(&[("a", -90), ("b", -90)]), listed(Panics));
    let outcome = compare(sides, Records::default(), &mut seen).await;
    assert!(matches!(outcome.stopped, Some(CompareError::Internal(_))), "{:?}", outcome.stopped);
    assert_eq!(seen.found, ["? a"]);
}
