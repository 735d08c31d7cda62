//! One range of keys: both listings, merged.
//!
//! Each side is listed by a task of its own, a page ahead, so that requests and parsing of both go on at
//! once. A range that has listed some pages is cut in the middle where there is room for one more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_copy::transfer::{Side as End, TransferError};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::error::CompareError;
use crate::listing::{CheckedPages, Page};
use crate::merge::{Buffer, Finding, Rules};
use crate::settle::{Refusals, settle};
use crate::side::{Comparison, Side};
use crate::split::{self, Probe};
use crate::totals::Totals;

/// Pages of a side after which it is worth to look for the middle of what is left.
pub(crate) const PAGES_BEFORE_A_CUT: u64 = 4;

/// What all ranges of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) comparison: Comparison,
    /// Requests at the same time.
    pub(crate) requests: Semaphore,
    pub(crate) refusals: Refusals,
    /// Ranges at the same time.
    pub(crate) ranges: Arc<Semaphore>,
}

impl Shared {
    /// With room for `ranges` at once.
    pub(crate) fn new(comparison: Comparison, ranges: usize) -> Self {
        Self {
            requests: Semaphore::new(comparison.requests.max(2)),
            refusals: Refusals::default(),
            ranges: Arc::new(Semaphore::new(ranges)),
            comparison,
        }
    }
}

/// The keys behind `after`, up to and including `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) id: u64,
    pub(crate) after: Option<String>,
    pub(crate) until: Option<String>,
}

/// How far a range is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// All keys up to this one; without one none.
    UpTo(Option<String>),
    /// All of it, with the names behind the last key that are no keys.
    All,
}

/// What a range says.
#[derive(Debug)]
pub(crate) enum Event {
    /// These keys are done.
    Done { range: u64, done: Done, findings: Vec<Finding>, totals: Box<Totals> },
    /// The range ends here; the rest becomes one of its own, which has this place among those at once.
    Cut { range: u64, at: String, place: OwnedSemaphorePermit },
    /// It gave its place back.
    Over,
    /// It ended early.
    Failed(CompareError),
}

/// Compares a range. The place is given back at its end.
pub(crate) async fn compare(
    shared: Arc<Shared>,
    range: Range,
    place: OwnedSemaphorePermit,
    events: mpsc::Sender<Event>,
) {
    let compared = RangeRun::new(shared, range).run(&events).await;
    drop(place);
    let last = match compared {
        Ok(()) => Event::Over,
        Err(error) => Event::Failed(error),
    };
    // Nobody listens after another range failed.
    let _ = events.send(last).await;
}

/// A side of a range: the pages that a task lists ahead.
struct Lane {
    end: End,
    /// `None` is the end of the listing.
    pages: mpsc::Receiver<Result<Option<Page>, TransferError>>,
    buffer: Buffer,
    objects: u64,
}

/// A range while it is compared.
pub(crate) struct RangeRun {
    shared: Arc<Shared>,
    range: Range,
    /// The end of the range, which the tasks see, so that they do not list beyond it.
    until: Arc<Mutex<Option<String>>>,
    lanes: [Lane; 2],
    /// The key up to which all is done.
    up_to: Option<String>,
    pages_since_a_cut: u64,
    search: Option<Search>,
    /// Ends with this value.
    _tasks: JoinSet<()>,
}

/// What a few pages gave.
pub(crate) struct Paired {
    pub(crate) findings: Vec<Finding>,
    pub(crate) totals: Totals,
    /// Whether that was the end of the range.
    pub(crate) is_over: bool,
}

/// The search for the middle of what is left.
struct Search {
    /// Ends with this value.
    task: JoinSet<Option<String>>,
    probes: Arc<AtomicU64>,
    place: OwnedSemaphorePermit,
}

impl RangeRun {
    pub(crate) fn new(shared: Arc<Shared>, range: Range) -> Self {
        let until = Arc::new(Mutex::new(range.until.clone()));
        let mut tasks = JoinSet::new();
        let lanes = [End::Source, End::Destination].map(|end| {
            let (sender, pages) = mpsc::channel(1);
            let (shared, until) = (Arc::clone(&shared), Arc::clone(&until));
            tasks.spawn(list(shared, end, range.after.clone(), until, sender));
            Lane { end, pages, buffer: Buffer::default(), objects: 0 }
        });
        let (up_to, pages_since_a_cut) = (range.after.clone(), 0);
        Self { shared, range, until, lanes, up_to, pages_since_a_cut, search: None, _tasks: tasks }
    }

    async fn run(mut self, events: &mpsc::Sender<Event>) -> Result<(), CompareError> {
        loop {
            let Paired { findings, totals, is_over } = self.step().await?;
            let totals = Box::new(totals);
            let done = if is_over { Done::All } else { Done::UpTo(self.up_to.clone()) };
            let event = Event::Done { range: self.range.id, done, findings, totals };
            if events.send(event).await.is_err() || is_over {
                return Ok(());
            }
            self.cut(events).await;
        }
    }

    /// Reads pages until keys can be paired, pairs them, and asks for what they leave open.
    pub(crate) async fn step(&mut self) -> Result<Paired, CompareError> {
        let shared = Arc::clone(&self.shared);
        let rules = Rules::new(&shared.comparison);
        let mut totals = Totals::default();
        for lane in &mut self.lanes {
            while lane.buffer.wants_more() {
                let Some(page) = lane.pages.recv().await else {
                    // It panicked: nothing is known of what comes next.
                    return Err(CompareError::Internal("a listing broke off".to_owned()));
                };
                let page = page.map_err(|failed| CompareError::Listing(lane.end, failed))?;
                let Some(page) = page else {
                    lane.buffer.end();
                    break;
                };
                self.pages_since_a_cut += 1;
                totals.pages += 1;
                lane.objects += page.objects.len() as u64;
                lane.buffer.fill(page.objects);
                if let Some(until) = &self.range.until {
                    lane.buffer.cut(until);
                }
            }
        }
        let [source, destination] = &mut self.lanes;
        let mut candidates = Vec::new();
        let last = rules.pair(&mut source.buffer, &mut destination.buffer, &mut totals, &mut candidates);
        let Shared { comparison, requests, refusals, .. } = &*shared;
        let settled = settle(comparison, requests, refusals, candidates, &mut totals).await;
        let findings = settled.map_err(CompareError::Object)?;
        let is_over = self.lanes.iter().all(|lane| lane.buffer.is_over_and_empty());
        if let Some(last) = last {
            self.up_to = Some(last);
        }
        Ok(Paired { findings, totals, is_over })
    }

    /// The key up to which all is done.
    pub(crate) fn up_to(&self) -> Option<&str> {
        self.up_to.as_deref()
    }

    /// Looks for the middle of what is left, where there is room for one more range, and cuts there.
    async fn cut(&mut self, events: &mpsc::Sender<Event>) {
        let found = self.search.as_mut().and_then(|search| search.task.try_join_next());
        if let Some((found, Search { probes, place, .. })) =
            found.zip(self.search.take_if(|search| search.task.is_empty()))
        {
            let middle = found.ok().flatten();
            let totals = Box::new(Totals { pages: probes.load(Ordering::Relaxed), ..Totals::default() });
            let (range, done) = (self.range.id, Done::UpTo(self.up_to.clone()));
            // Nobody listens after another range failed; this one ends with its next page then.
            let _ = events.send(Event::Done { range, done, findings: Vec::new(), totals }).await;
            let is_ahead = |middle: &String| self.up_to.as_ref().is_none_or(|up_to| middle > up_to);
            if let Some(at) = middle.filter(is_ahead) {
                tracing::debug!(range, %at, "cut");
                self.range.until = Some(at.clone());
                *self.until.lock() = Some(at.clone());
                for lane in &mut self.lanes {
                    lane.buffer.cut(&at);
                }
                let _ = events.send(Event::Cut { range, at, place }).await;
            }
            self.pages_since_a_cut = 0;
        }
        if self.search.is_none() && self.pages_since_a_cut >= PAGES_BEFORE_A_CUT {
            self.search = self.search();
        }
    }

    fn search(&self) -> Option<Search> {
        let Comparison { source, destination, .. } = &self.shared.comparison;
        if !source.listing.can_seek() || !destination.listing.can_seek() {
            return None;
        }
        let (low, place) = (self.up_to.clone()?, Arc::clone(&self.shared.ranges).try_acquire_owned().ok()?);
        let [ours, theirs] = &self.lanes;
        let end = if ours.objects >= theirs.objects { End::Source } else { End::Destination };
        let probes = Arc::new(AtomicU64::new(0));
        let mut probe = RangeProbe {
            shared: Arc::clone(&self.shared),
            end,
            until: self.range.until.clone(),
            probes: Arc::clone(&probes),
        };
        let mut task = JoinSet::new();
        // A listing that fails is reported by the range itself.
        task.spawn(async move { split::middle(&mut probe, &low).await.ok().flatten() });
        Some(Search { task, probes, place })
    }
}

fn side(comparison: &Comparison, end: End) -> &Side {
    match end {
        End::Source => &comparison.source,
        End::Destination => &comparison.destination,
    }
}

/// Lists one side of a range, as far as its end is known.
async fn list(
    shared: Arc<Shared>,
    end: End,
    after: Option<String>,
    until: Arc<Mutex<Option<String>>>,
    sender: mpsc::Sender<Result<Option<Page>, TransferError>>,
) {
    let side = side(&shared.comparison, end);
    let marker = after.as_ref().map(|after| [&side.prefix, after.as_str()].concat());
    let pages = side.listing.pages(&side.prefix, marker.as_deref());
    let mut pages = CheckedPages::new(pages, &side.prefix, &side.name, after);
    loop {
        let page = {
            let _permit = shared.requests.acquire().await;
            pages.next().await
        };
        let page = match page {
            Ok(page) => Ok(page),
            Err(failed) => Err(failed.at(end)),
        };
        let is_last = match &page {
            Ok(Some(page)) => {
                let last = page.objects.iter().rfind(|object| object.has_key()).map(|object| &object.key);
                last.is_some_and(|last| until.lock().as_ref().is_some_and(|until| last > until))
            }
            Ok(None) | Err(_) => true,
        };
        let is_page = matches!(page, Ok(Some(_)));
        if sender.send(page).await.is_err() {
            return;
        }
        if is_last {
            if is_page {
                let _ = sender.send(Ok(None)).await;
            }
            return;
        }
    }
}

struct RangeProbe {
    shared: Arc<Shared>,
    end: End,
    until: Option<String>,
    probes: Arc<AtomicU64>,
}

impl Probe for RangeProbe {
    async fn has_key_after(&mut self, marker: &str) -> Result<bool, TransferError> {
        if self.until.as_deref().is_some_and(|until| marker >= until) {
            return Ok(false);
        }
        let side = side(&self.shared.comparison, self.end);
        let pages = side.listing.probe(&side.prefix, &[&side.prefix, marker].concat());
        let mut pages = CheckedPages::new(pages, &side.prefix, &side.name, Some(marker.to_owned()));
        let _permit = self.shared.requests.acquire().await;
        self.probes.fetch_add(1, Ordering::Relaxed);
        while let Some(page) = pages.next().await? {
            if let Some(object) = page.objects.first() {
                return Ok(self.until.as_ref().is_none_or(|until| object.key <= *until));
            }
        }
        Ok(false)
    }
}
