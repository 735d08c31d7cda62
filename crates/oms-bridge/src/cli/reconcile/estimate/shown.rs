//! What people and programs see of an estimate.

use object_copy::transfer::Side as End;
use reconcile::estimate::{Amounts, Bringing, Item, Prices, SideAmounts, SideReading, Span, Work, amounts};
use reconcile::listing::{Holding, KnownBy, Precision};
use serde::Serialize;
use settings::text::printable;
use terminal::numbers::{bytes, count, counted};

use super::KnownSide;
use crate::cli::{print, print_result};

/// An estimate, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct ShownEstimate {
    sides: [ShownSide; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    oms: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bucket: Option<Span>,
    /// Requests that this estimate itself took.
    requests_made: u64,
    /// What comes on top.
    not_counted: Vec<&'static str>,
}

#[derive(Serialize)]
struct ShownSide {
    argument: &'static str,
    name: String,
    /// Absent where the number is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<ShownHolding>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_known: Option<String>,
    /// Objects that the run of the checkpoint listed.
    #[serde(skip_serializing_if = "is_zero")]
    listed_before: u64,
    requests: SideAmounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<ShownCost>,
    #[serde(skip)]
    lines: Vec<String>,
}

#[derive(Serialize)]
struct ShownHolding {
    objects: u64,
    /// Whether there may be a few more, or fewer.
    #[serde(skip_serializing_if = "is_not")]
    about: bool,
    /// Whether there may be far fewer.
    at_most: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    known_by: KnownBy,
}

#[derive(Serialize)]
struct ShownCost {
    currency: String,
    from: f64,
    /// Absent where nothing bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<f64>,
    /// What no price is known for; it is not in the sum.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unpriced: Vec<Item>,
    prices_hold: String,
    prices_from: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_not(is: &bool) -> bool {
    !is
}

impl ShownEstimate {
    pub(super) fn new(known: [&KnownSide<'_>; 2], work: Work, requests_made: u64) -> Self {
        let Amounts { sides, oms, log_bucket } = amounts(known.map(KnownSide::expected), &work);
        let [ours, theirs] = sides;
        let [source, destination] = known;
        let brings = work.bringing.filter(|_| !work.is_dry);
        Self {
            sides: [ShownSide::new(source, ours), ShownSide::new(destination, theirs)],
            oms: brings.filter(|bringing| *bringing != Bringing::Copy).map(|_| oms),
            log_bucket: brings.filter(|bringing| *bringing != Bringing::Task).map(|_| log_bucket),
            requests_made,
            not_counted: not_counted(known, brings),
        }
    }

    pub(super) fn print_json(&self) {
        print_result(self, None);
    }

    pub(super) fn print(&self) {
        for side in &self.sides {
            side.lines.iter().for_each(|line| print(line));
        }
        if let Some(oms) = self.oms {
            print(&format!("requests to OMS: {}", shown(oms)));
        }
        if let Some(records) = self.log_bucket {
            print(&format!("requests to the log bucket: {}", shown(records)));
        }
        for what in &self.not_counted {
            print(&format!("not counted: {what}"));
        }
        print(&format!("requests made for this estimate: {}", count(self.requests_made)));
    }
}

impl ShownSide {
    fn new(known: &KnownSide<'_>, requests: SideAmounts) -> Self {
        let argument = match known.end {
            End::Source => "SRC",
            End::Destination => "DST",
        };
        let (holds, not_known) = match &known.told {
            Ok(Some(Holding { objects, precision, bytes, known_by })) => {
                let (about, at_most) = (*precision == Precision::About, *precision == Precision::AtMost);
                let (objects, bytes, known_by) = (*objects, *bytes, *known_by);
                (Some(ShownHolding { objects, about, at_most, bytes, known_by }), None)
            }
            Ok(None) => (None, Some("the service does not say; give --keys".to_owned())),
            Err(failed) => (None, Some(format!("{failed}; give --keys"))),
        };
        let reading = known.expected().reading;
        let cost = known.prices.as_ref().filter(|_| reading != SideReading::Files);
        let cost = cost.map(|prices| ShownCost::new(prices, &requests));
        let mut lines = vec![held(argument, &known.side.name, holds.as_ref(), not_known.as_deref())];
        if known.listed > 0 {
            lines.push(format!("{argument}: the checkpoint has {} of them", counted(known.listed, "object")));
        }
        lines.push(format!("requests to {argument}: {}", listed(&requests)));
        if requests.bytes.to != Some(0) {
            let read = shown_bytes(requests.bytes);
            lines.push(format!("read from {argument}: {read}; free where it stays in its cloud and region"));
        }
        if reading != SideReading::Files {
            lines.push(match &cost {
                Some(cost) => cost.line(argument, known, &requests),
                None => format!("cost of {argument}: no list price known; give --price"),
            });
        }
        let listed_before = known.listed;
        Self {
            argument,
            name: known.side.name.clone(),
            holds,
            not_known,
            listed_before,
            requests,
            cost,
            lines,
        }
    }
}

impl ShownCost {
    fn new(prices: &Prices, requests: &SideAmounts) -> Self {
        let cost = prices.cost(requests);
        let (from, to) = cost.in_units();
        let Prices { holds, source, .. } = prices.clone();
        Self {
            currency: cost.currency,
            from,
            to,
            unpriced: cost.unpriced,
            prices_hold: holds,
            prices_from: source,
        }
    }

    fn line(&self, argument: &str, known: &KnownSide<'_>, requests: &SideAmounts) -> String {
        let Some(prices) = &known.prices else { return String::new() };
        let mut cost = prices.cost(requests).to_string();
        if !self.unpriced.is_empty() {
            let names: Vec<&str> = self.unpriced.iter().map(|item| name(*item)).collect();
            let without = format!("no list price known of {}; give --price", names.join(", "));
            cost = if self.to == Some(0.0) { without } else { format!("{cost}, {without}") };
        }
        format!("cost of {argument}: {cost}; {}, by {}", self.prices_hold, self.prices_from)
    }
}

fn name(item: Item) -> &'static str {
    match item {
        Item::Lists => "listings and writes",
        Item::Reads => "HEADs and reads",
        Item::Traffic => "traffic",
    }
}

fn held(argument: &str, name: &str, holds: Option<&ShownHolding>, not_known: Option<&str>) -> String {
    let name = printable(name);
    let Some(ShownHolding { objects, about, at_most, bytes: size, known_by }) = holds else {
        let why = not_known.unwrap_or_default();
        return format!("{argument} {name}: how many objects it holds is not known: {why}");
    };
    let how = match (at_most, about) {
        (true, _) => "at most ",
        (false, true) => "about ",
        (false, false) => "",
    };
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let by = match known_by {
        KnownBy::Statistics if *at_most => "the statistics of the whole bucket, which may be hours old",
        KnownBy::Statistics => "the statistics of the bucket, which may be hours old",
        KnownBy::Manifest => "the manifest of the inventory",
        KnownBy::Rows => "the rows of the inventory",
        KnownBy::Files => "a count of the files",
        KnownBy::Given => "--keys",
    };
    format!("{argument} {name}: {how}{}{size}, by {by}", counted(*objects, "object"))
}

fn listed(requests: &SideAmounts) -> String {
    let SideAmounts { list, head, get, put, delete, .. } = *requests;
    let named = [(list, "LIST"), (head, "HEAD"), (get, "GET"), (put, "PUT"), (delete, "DELETE")];
    let some = named.into_iter().filter(|(span, _)| span.to != Some(0));
    let all: Vec<String> = some.map(|(span, name)| format!("{} {name}", shown(span))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// `12`, `0 to 12,000`, `at least 3`.
fn shown(span: Span) -> String {
    shown_by(span, count)
}

fn shown_bytes(span: Span) -> String {
    shown_by(span, bytes)
}

fn shown_by(Span { from, to }: Span, number: impl Fn(u64) -> String) -> String {
    match to {
        Some(to) if to == from => number(to),
        Some(to) => format!("{} to {}", number(from), number(to)),
        None if from == 0 => "not known".to_owned(),
        None => format!("at least {}", number(from)),
    }
}

/// What comes on top, and depends on what nobody knows before.
fn not_counted(known: [&KnownSide<'_>; 2], brings: Option<Bringing>) -> Vec<&'static str> {
    let mut all = Vec::new();
    let readings = known.map(|known| known.expected().reading);
    if readings.iter().any(|reading| matches!(reading, SideReading::Inventory { .. })) {
        all.push("a HEAD at each side for each object that is newer than an inventory");
    } else {
        all.push("a HEAD at each side for each object that changed in the last 15 minutes");
    }
    all.push("requests that fail and are made again");
    match brings {
        Some(Bringing::Copy) => all.push("a request for each part of a large object"),
        Some(Bringing::Oms) => {
            all.push("what OMS itself requests, and comparisons while it copies (--fix-wait)");
        }
        Some(Bringing::Task) => all.push("what OMS itself requests, and the lease in the log bucket"),
        None => {}
    }
    all
}
