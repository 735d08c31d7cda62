//! The requests of a comparison, and of what follows it.

use serde::Serialize;

use super::span::Span;
use crate::listing::PAGE;
use crate::range::PAGES_BEFORE_A_CUT;
use crate::side::Check;
use crate::split::MOST_PROBES;

/// Keys of one request to OMS, at least: most settings allow more.
const OMS_BATCH: u64 = 10;

/// Bytes of a line of a list for a migration task, at most: a key of 1,023 bytes, each of them as `%XX`.
const LIST_LINE: u64 = 1023 * 3 + 1;

/// Bytes of such a list, at least before another one begins: it has up to 100 MB.
const LIST_BYTES: u64 = 100_000_000 - LIST_LINE;

/// Bytes of its parts. A smaller list is one object without parts.
const LIST_PART: u64 = 8 << 20;

/// Requests that find what an earlier run left of its lists: a listing of objects, and one of open uploads.
const LEFT_LISTS: u64 = 2;

/// Pages that a cut costs a side: one that was under way beyond it, and a first one that is not full.
const PAGES_OF_A_CUT: u64 = 2;

/// How a side is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideReading {
    /// From a service: listings by pages, and requests for single objects.
    Service,
    /// From this machine, without a request.
    Files,
    /// An inventory: its files, and single objects of its bucket where that can be asked.
    Inventory {
        /// Requests for its files; none where they are on this machine.
        files: u64,
        /// Whether single objects can be asked for.
        can_ask: bool,
    },
}

impl SideReading {
    fn can_ask(self) -> bool {
        !matches!(self, Self::Inventory { can_ask: false, .. })
    }
}

/// What is known of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// How it is read.
    pub reading: SideReading,
    /// Objects that are still to be listed.
    pub objects: Span,
    /// Bytes of those objects.
    pub bytes: Span,
}

/// How objects that are missing or different are brought over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bringing {
    /// Keys are sent to OMS, whose own requests come on top.
    Oms,
    /// Lists of keys are given to migration tasks of OMS, which are followed to their end.
    Task,
    /// This program copies, small objects by one request each.
    Copy,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// How far it is checked.
    pub check: Check,
    /// Ranges that are compared at once. 1 where a side cannot be listed in ranges.
    pub ranges: u64,
    /// Ranges that are still to be compared. 1 at the beginning, and none once all is done.
    pub open: u64,
    /// Who brings over what is missing or different.
    pub bringing: Option<Bringing>,
    /// Whether both sides are in one service that can copy between them by itself.
    pub is_one_service: bool,
    /// Extra objects that may be deleted.
    pub deletions: Option<u64>,
    /// Whether nothing is changed.
    pub is_dry: bool,
}

/// Requests to one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SideAmounts {
    /// Pages of listings, and what finds the middle of a range.
    pub list: Span,
    /// HEADs of single objects.
    pub head: Span,
    /// Objects, and files of an inventory, that are read.
    pub get: Span,
    /// Objects that are written.
    pub put: Span,
    /// Objects that are deleted.
    pub delete: Span,
    /// Bytes that are read from it.
    pub bytes: Span,
}

/// All requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// To the source, and to the destination.
    pub sides: [SideAmounts; 2],
    /// To OMS.
    pub oms: Span,
    /// To the log bucket: records of keys.
    pub log_bucket: Span,
}

/// What a comparison of these sides takes, and what follows it.
///
/// Requests that fail and are repeated are not in it, nor what depends on times: objects that changed shortly
/// before are looked at once more.
pub fn amounts(sides: [Expected; 2], work: &Work) -> Amounts {
    let [source, destination] = sides;
    let once = [once(source, destination, work), once(destination, source, work)];
    let changes = !work.is_dry;
    let bringing = work.bringing.filter(|_| changes);
    let deletions = work.deletions.filter(|_| changes);
    // Both sides are compared again after each of both, where it had something to do.
    let again = u64::from(bringing.is_some()) + u64::from(deletions.is_some());
    let times = Span { from: 1, to: Some(1 + again) };
    let mut amounts = Amounts { sides: once.map(|side| side.times(times)), ..Amounts::default() };
    let [ours, theirs] = &mut amounts.sides;
    let keys = source.objects.or_fewer();
    if bringing.is_some() {
        // Of what was brought over each later comparison asks what listings do not say: with any check, as it has
        // just changed, and of more keys than both sides had before.
        let looks = keys * Span::exactly(again);
        ours.head = ours.head + looks;
        theirs.head = theirs.head + looks;
    }
    match bringing {
        Some(Bringing::Oms) => {
            amounts.oms = keys.map(|keys| keys.div_ceil(OMS_BATCH));
            amounts.log_bucket = keys;
        }
        Some(Bringing::Task) => {
            // Each key is asked for once more before it goes on a list. How often OMS is asked depends on how
            // long it takes.
            amounts.oms = keys * Span::UNKNOWN;
            ours.head = ours.head + keys;
            theirs.head = theirs.head + keys;
            theirs.list = theirs.list + Span::exactly(LEFT_LISTS);
            theirs.put = keys.map(writes_of_lists);
            theirs.delete = keys.map(lists);
        }
        Some(Bringing::Copy) => {
            // The source is looked at after each copy, and also before one that the service makes.
            ours.head = ours.head + keys * Span::exactly(if work.is_one_service { 2 } else { 1 });
            ours.get = ours.get + keys;
            ours.bytes = ours.bytes + source.bytes.or_fewer();
            theirs.head = theirs.head + keys;
            theirs.put = theirs.put + keys;
            amounts.log_bucket = keys;
        }
        None => {}
    }
    if let Some(most) = deletions {
        let keys = destination.objects.or_fewer().least(Span::up_to(most));
        ours.head = ours.head + if source.reading == SideReading::Files { Span::NONE } else { keys };
        theirs.head = theirs.head + keys;
        theirs.delete = theirs.delete + keys;
    }
    amounts
}

/// The lists of so many keys, at most.
fn lists(keys: u64) -> u64 {
    keys.saturating_mul(LIST_LINE).div_ceil(LIST_BYTES)
}

/// The requests that write them, at most: of each list the beginning, the parts of which the last one is not
/// full, and the end.
fn writes_of_lists(keys: u64) -> u64 {
    match keys.saturating_mul(LIST_LINE) / LIST_PART {
        0 => lists(keys),
        parts => parts + 3 * lists(keys),
    }
}

impl SideAmounts {
    fn times(self, times: Span) -> Self {
        let Self { list, head, get, put, delete, bytes } = self;
        Self {
            list: list * times,
            head: head * times,
            get: get * times,
            put: put * times,
            delete: delete * times,
            bytes: bytes * times,
        }
    }
}

/// The requests to `side` of one comparison with `other`.
fn once(side: Expected, other: Expected, work: &Work) -> SideAmounts {
    let mut amounts = SideAmounts::default();
    match side.reading {
        SideReading::Service => amounts.list = listings(side, other, work),
        SideReading::Files => return amounts,
        SideReading::Inventory { files, .. } => amounts.get = Span::exactly(files),
    }
    if !(side.reading.can_ask() && other.reading.can_ask()) {
        return amounts;
    }
    let of_both = side.objects.least(other.objects).or_fewer();
    let is_inventory = |side: Expected| matches!(side.reading, SideReading::Inventory { .. });
    match work.check {
        Check::Listing => {}
        // An inventory is of an earlier time: each difference is asked for, those of one side alone too.
        Check::Full if is_inventory(side) || is_inventory(other) => {
            amounts.head = (side.objects + other.objects).or_fewer();
        }
        Check::Full => amounts.head = of_both,
        Check::Content => {
            if is_inventory(side) || is_inventory(other) {
                amounts.head = (side.objects + other.objects).or_fewer();
            }
            amounts.get = amounts.get + of_both;
            amounts.bytes = side.bytes.least(other.bytes).or_fewer();
        }
    }
    amounts
}

/// Pages and probes of a side.
fn listings(side: Expected, other: Expected, work: &Work) -> Span {
    let page = PAGE as u64;
    let pages = side.objects.map(|objects| objects.div_ceil(page).max(work.open));
    let of_both = match (side.objects.to, other.reading, other.objects.to) {
        (Some(ours), SideReading::Service, Some(theirs)) => ours.max(theirs).div_ceil(page),
        // Nothing is cut where the other side cannot be listed from any key on.
        (_, SideReading::Files | SideReading::Inventory { .. }, _) => return pages,
        _ => return Span { to: None, ..pages },
    };
    // Each range may be cut once it has listed some pages of both sides. While there are places, one is cut as
    // often as its length can be halved; with all places taken one is cut whenever another ends.
    let by_length = (2 * of_both).saturating_sub(1) / PAGES_BEFORE_A_CUT;
    let halvings =
        u64::from((of_both / PAGES_BEFORE_A_CUT).checked_ilog2().map_or(0, |halvings| halvings + 1));
    let cuts = by_length.min(work.ranges.saturating_mul(1 + halvings));
    let cuts = if work.ranges > 1 { cuts } else { 0 };
    let of_cuts = cuts.saturating_mul(MOST_PROBES + PAGES_OF_A_CUT);
    Span { from: pages.from, to: pages.to.map(|to| to.saturating_add(of_cuts)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work = Work {
        check: Check::Listing,
        ranges: 8,
        open: 1,
        bringing: None,
        is_one_service: false,
        deletions: None,
        is_dry: false,
    };

    fn bucket(objects: Span, bytes: Span) -> Expected {
        Expected { reading: SideReading::Service, objects, bytes }
    }

    fn holding(objects: u64) -> Expected {
        bucket(Span::exactly(objects), Span::exactly(objects * 10))
    }

    #[test]
    fn a_listing_has_a_request_for_a_thousand_keys_and_one_for_none() {
        for (objects, pages) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (3000, 3)] {
            let [side, _] = amounts([holding(objects), holding(0)], &Work { ranges: 1, ..WORK }).sides;
            assert_eq!((side.list, side.head), (Span::exactly(pages), Span::NONE), "{objects}");
        }
        // Nothing is left of a comparison that was through.
        let [side, _] = amounts([holding(0), holding(0)], &Work { open: 0, ..WORK }).sides;
        assert_eq!(side.list, Span::NONE);
    }

    #[test]
    fn what_is_not_known_of_one_side_is_bounded_by_the_other_or_not_at_all() {
        let unknown = bucket(Span::UNKNOWN, Span::UNKNOWN);
        let full = Work { check: Check::Full, ..WORK };
        let [ours, theirs] = amounts([holding(500), unknown], &full).sides;
        assert_eq!((ours.head, theirs.head), (Span::up_to(500), Span::up_to(500)));
        assert_eq!(theirs.list, Span { from: 1, to: None });
        let [ours, _] = amounts([unknown, unknown], &full).sides;
        assert_eq!(ours.head, Span::UNKNOWN);
        let content = Work { check: Check::Content, ..WORK };
        let [ours, theirs] = amounts([holding(500), unknown], &content).sides;
        assert_eq!((ours.get, theirs.bytes), (Span::up_to(500), Span::up_to(5000)));
    }

    #[test]
    fn files_and_lists_take_no_listings_and_lists_that_cannot_be_asked_no_heads() {
        let files = Expected { reading: SideReading::Files, ..holding(70) };
        let full = Work { check: Check::Full, ..WORK };
        let [ours, theirs] = amounts([files, holding(5000)], &full).sides;
        assert_eq!(ours, amounts([files, holding(1)], &WORK).sides[0]);
        assert_eq!((theirs.list, theirs.head), (Span::exactly(5), Span::up_to(70)));
        for (can_ask, head) in [(true, Span::up_to(150)), (false, Span::NONE)] {
            let list = Expected { reading: SideReading::Inventory { files: 3, can_ask }, ..holding(50) };
            let [ours, theirs] = amounts([list, holding(100)], &full).sides;
            assert_eq!((ours.get, ours.head, theirs.head), (Span::exactly(3), head, head));
        }
    }

    #[test]
    fn lists_of_the_longest_keys_are_written_in_parts() {
        // 2,732 keys of 1,023 bytes fit into a part, and 32,573 into a list.
        for (keys, all, writes) in [(0, 0, 0), (1, 1, 1), (2732, 1, 1), (2733, 1, 4), (65_000, 2, 29)] {
            assert_eq!((lists(keys), writes_of_lists(keys)), (all, writes), "{keys}");
        }
        // What the largest list takes: a beginning, twelve parts, and an end.
        assert!(writes_of_lists(32_500) >= 14);
        let unbounded = amounts(
            [bucket(Span::UNKNOWN, Span::UNKNOWN), holding(1)],
            &Work { bringing: Some(Bringing::Task), ..WORK },
        );
        assert_eq!(unbounded.sides[1].put, Span::UNKNOWN);
    }

    #[test]
    fn what_is_brought_over_or_deleted_comes_on_top_and_both_sides_are_compared_again() {
        let sides = [holding(95), holding(40)];
        let work = Work { bringing: Some(Bringing::Oms), ..WORK };
        let of_oms = amounts(sides, &work);
        assert_eq!((of_oms.oms, of_oms.log_bucket), (Span::up_to(10), Span::up_to(95)));
        assert_eq!(of_oms.sides[0].list, Span { from: 1, to: Some(2) });
        let of_task = amounts(sides, &Work { bringing: Some(Bringing::Task), ..WORK });
        assert_eq!((of_task.oms, of_task.log_bucket), (Span::UNKNOWN, Span::NONE));
        assert_eq!((of_task.sides[0].head, of_task.sides[1].put), (Span::up_to(190), Span::up_to(1)));
        assert_eq!(of_task.sides[1].list, Span { from: 3, to: Some(4) });
        let copies = amounts(sides, &Work { bringing: Some(Bringing::Copy), deletions: Some(7), ..WORK });
        let [ours, theirs] = copies.sides;
        assert_eq!((ours.get, ours.bytes, theirs.put), (Span::up_to(95), Span::up_to(950), Span::up_to(95)));
        assert_eq!(
            (ours.head, theirs.head, theirs.delete),
            (Span::up_to(3 * 95 + 7), Span::up_to(3 * 95 + 7), Span::up_to(7))
        );
        assert_eq!(ours.list, Span { from: 1, to: Some(3) });
        let within = Work { bringing: Some(Bringing::Copy), is_one_service: true, ..WORK };
        assert_eq!(amounts(sides, &within).sides[0].head, Span::up_to(3 * 95), "a look before and one after");
        let dry = amounts(sides, &Work { deletions: Some(7), is_dry: true, ..work });
        assert_eq!(dry, amounts(sides, &WORK));
    }
}
