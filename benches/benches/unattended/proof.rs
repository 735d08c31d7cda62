//! Whether both sides are equal, read past the product; and whether the product says what happened.

use std::collections::HashMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cloud::{Cloud, LOGS, MIRROR, SOURCE};
use crate::drive::Driven;
use crate::ledger::{Ledger, Seen};
use crate::product::Product;
use crate::scale::Scale;
use bench::Result;

/// After this time a key is late.
const ARRIVE_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Keys at most whose copy a kill meets between the copy and its marker.
const IN_FLIGHT: u64 = 32;

/// How many findings an error names.
const NAMED: usize = 20;

/// What both sides hold, and what the product says of them.
pub(crate) struct Proof {
    pub(crate) sides: Sides,
    /// `reconcile --check content --json`.
    pub(crate) reconciled: Value,
    /// `status --json`.
    pub(crate) status: Value,
    /// Late keys of which the product does not know when their event was: a replay by OMS does not read that.
    pub(crate) unknown: u64,
    wrong: Vec<String>,
}

/// Both buckets, key by key.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
    /// Keys whose copy was written more than [`ARRIVE_WITHIN`] after its source.
    pub(crate) late: Vec<String>,
    /// From source to copy: median, 99th percentile, longest.
    pub(crate) lags: [TimeDelta; 3],
    wrong: Vec<String>,
}

impl Sides {
    fn of(cloud: &Cloud) -> Self {
        let twin = &cloud.twin;
        let mut sides = Self::default();
        let mut lags = Vec::new();
        for key in twin.oss().keys(SOURCE) {
            let Some(source) = twin.oss().get(SOURCE, &key) else { continue };
            sides.keys += 1;
            sides.bytes += source.body.len();
            match twin.obs().get(MIRROR, &key) {
                None => sides.wrong.push(format!("missing: {key}")),
                Some(copy) if copy.body != source.body => {
                    sides.wrong.push(format!("another content: {key}"));
                }
                Some(copy) => {
                    let lag = lag(source.last_modified, copy.last_modified);
                    lags.push(lag);
                    if lag > ARRIVE_WITHIN {
                        sides.late.push(key);
                    }
                }
            }
        }
        for key in twin.obs().keys(MIRROR) {
            if !key.starts_with("oms/") && twin.oss().get(SOURCE, &key).is_none() {
                sides.wrong.push(format!("not at the source: {key}"));
            }
        }
        lags.sort_unstable();
        let quantile = |share: usize| lags.get((lags.len() * share / 100).min(lags.len().max(1) - 1));
        sides.lags = [50, 99, 100].map(|share| quantile(share).copied().unwrap_or_default());
        sides
    }

    /// Keys that are not equal.
    pub(crate) fn wrong(&self) -> usize {
        self.wrong.len()
    }
}

fn lag(source: DateTime<Utc>, copy: DateTime<Utc>) -> TimeDelta {
    (copy - source).max(TimeDelta::zero())
}

pub(crate) async fn of(
    product: &Product,
    scale: &Scale,
    driven: &Driven,
    page: Option<&Path>,
) -> Result<Proof> {
    let cloud = &driven.cloud;
    let settings = [cloud.settings(), cloud.keys()].concat();
    let sides = Sides::of(cloud);
    let (source, mirror) = (format!("oss://{SOURCE}/"), format!("obs://{MIRROR}/"));
    let arguments = ["reconcile", &source, &mirror, "--check", "content", "--json"];
    let reconciled = json(product, &arguments, &settings).await?;
    let status = json(product, &["status", "--json"], &settings).await?;
    let folder = tempfile::tempdir()?;
    let page = page.map_or_else(|| folder.path().join("arrival.html"), Path::to_owned);
    let arguments = ["report", "--json", "--html", &page.to_string_lossy()];
    let report = json(product, &arguments, &settings).await?;
    let page = fs::read_to_string(page)?;
    let mut proof = Proof { sides, reconciled, status, unknown: 0, wrong: Vec::new() };
    let of_keys = proof.compare_keys(driven);
    proof.wrong.extend(driven.unfinished.clone());
    proof.wrong.extend(proof.compare(scale, driven, &report, &page));
    proof.wrong.extend(of_keys);
    Ok(proof)
}

async fn json(product: &Product, arguments: &[&str], settings: &[(&'static str, String)]) -> Result<Value> {
    let output = product.command(arguments, settings).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).map_err(|error| {
        format!("{arguments:?}: {error}\n{text}{}", String::from_utf8_lossy(&output.stderr)).into()
    })
}

impl Proof {
    /// A count of `status` about arrivals.
    pub(crate) fn arrivals(&self, name: &str) -> u64 {
        self.status["arrivals"][name].as_u64().unwrap_or_default()
    }

    /// What the product says, beside what happened.
    fn compare(&self, scale: &Scale, driven: &Driven, report: &Value, page: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut expect = |what: &str, said: Option<u64>, is: RangeInclusive<u64>| {
            if !said.is_some_and(|said| is.contains(&said)) {
                wrong.push(format!("{what}: {said:?}, and it is {is:?}"));
            }
        };
        expect("kills", Some(driven.kills.all), scale.kills as u64..=scale.kills as u64);
        let keys = self.sides.keys;
        for (name, is) in [("equal", keys), ("different", 0), ("missing", 0), ("extra", 0), ("undecided", 0)]
        {
            expect(&format!("reconcile: {name}"), self.reconciled[name].as_u64(), is..=is);
        }
        let none = ["operations_pending_replication", "operations_missed_threshold", "dead", "not_watched"];
        for name in none {
            expect(name, Some(self.arrivals(name)), 0..=0);
        }
        for name in ["failed", "dead"] {
            expect(name, self.status[name].as_u64(), 0..=0);
        }
        let Ledger { keys: seen, missed, .. } = &driven.ledger;
        expect("events of the local cloud that were missed", Some(*missed), 0..=0);
        let accepted = driven.ledger.sum(|seen| seen.accepted);
        let again = accepted.saturating_sub(seen.len() as u64);
        // A key that was replaced, or whose invocation was repeated, is accepted, and confirmed, more than once.
        expect("confirmed", Some(self.arrivals("confirmed")), keys..=accepted);
        let late = self.sides.late.len() as u64;
        let late = late - self.unknown..=late + self.arrivals("confirmed").saturating_sub(keys);
        expect("late", Some(self.arrivals("operations_replicated_after_threshold")), late);
        // Each failure of OMS was followed by a step, or by another acceptance that had another reason.
        let silent = driven.ledger.sum(|seen| seen.silent);
        let (resent, copied) = (self.arrivals("resent"), self.arrivals("copied"));
        expect("steps", Some(resent + copied), silent.saturating_sub(again.saturating_sub(resent))..=silent);
        // A kill between a copy and its marker makes the copy count as arrived by itself.
        let direct = driven.ledger.sum(|seen| seen.copied);
        expect("copied", Some(copied), direct.saturating_sub(IN_FLIGHT * driven.kills.all)..=direct);
        for name in ["resent", "copied", "confirmed", "operations_replicated_after_threshold"] {
            expect(&format!("report: {name}"), report["arrivals"][name].as_u64(), {
                let is = self.arrivals(name);
                is..=is
            });
        }
        let late = self.arrivals("operations_replicated_after_threshold");
        for (column, is) in [("arrived late", late), ("sent again", resent), ("copied directly", copied)] {
            expect(&format!("page: {column}"), sum(page, column), is..=is);
        }
        wrong
    }

    /// What the markers of single keys say, beside what happened to the key.
    fn compare_keys(&mut self, driven: &Driven) -> Vec<String> {
        let names = driven.cloud.twin.oss().keys(LOGS);
        let mut markers: HashMap<&str, Vec<Marker<'_>>> = HashMap::new();
        for marker in names.iter().filter_map(|name| Marker::of(name)) {
            markers.entry(marker.key).or_default().push(marker);
        }
        let mut wrong = Vec::new();
        let of = |key: &str| markers.get(&*escaped(key)).or_else(|| markers.get(&*hashed(key)));
        for (key, seen) in &driven.ledger.keys {
            let Some(markers) = of(key) else { continue };
            let count = |stages: &str| markers.iter().filter(|marker| stages.contains(marker.stage)).count();
            let (silent, copied) = (seen.silent as usize, seen.copied as usize);
            if count("rc") > silent || count("c") > copied {
                wrong.push(format!("more steps than reasons: {key}: {seen:?}, {markers:?}"));
            }
        }
        for key in &self.sides.late {
            let Some(markers) = of(key) else { continue };
            let mut arrived = markers.iter().filter(|marker| marker.stage == 'a');
            let late = |took: TimeDelta| took > ARRIVE_WITHIN;
            if arrived.clone().any(|marker| marker.took.is_none()) {
                self.unknown += 1;
            } else if !arrived.any(|marker| marker.took.is_some_and(late)) {
                wrong.push(format!("late, and counts as in time: {key}: {markers:?}"));
            }
        }
        wrong.sort_unstable();
        wrong
    }

    pub(crate) fn verdict(&self) -> Result<()> {
        let wrong: Vec<&String> = self.wrong.iter().chain(&self.sides.wrong).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let named: Vec<&str> = wrong.iter().take(NAMED).map(|wrong| wrong.as_str()).collect();
        Err(format!("{} findings: {}", wrong.len(), named.join("\n  ")).into())
    }
}

/// A key as names of markers have it.
fn escaped(key: &str) -> String {
    let escape = |c: char| match u8::try_from(c) {
        Ok(byte) if byte <= b'"' => format!("\"{}", char::from(byte + 64)),
        _ => c.to_string(),
    };
    key.chars().map(escape).collect()
}

/// A key in names that it is too long for.
fn hashed(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

/// A marker of an accepted key, by the published form of its name (`docs/journal.md`).
#[derive(Debug)]
struct Marker<'n> {
    /// As it is escaped there, or its hash if it is too long.
    key: &'n str,
    /// `a` of arrived, `r` of sent again, `c` of copied.
    stage: char,
    /// From the event to the arrival, if both are known.
    took: Option<TimeDelta>,
}

impl<'n> Marker<'n> {
    fn of(name: &'n str) -> Option<Self> {
        let folders = ["arrival_object", "confirmed_object"];
        let folders = folders.map(|folder| [format!("/{folder}/"), format!("/{folder}_long/")]);
        let (_, marker) = folders.iter().flatten().find_map(|folder| name.split_once(&**folder))?;
        let (key, end) = marker.rsplit_once('!')?;
        let mut parts = end.split('-');
        let (stage, _, wait, lag) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let known = |text: &str| text.parse::<i64>().ok().filter(|millis| *millis != 9_999_999_999);
        let took = known(wait).zip(known(lag)).map(|(wait, lag)| TimeDelta::milliseconds(wait + lag));
        Some(Self { key, stage: stage.chars().next()?, took })
    }
}

/// The sum of a column in the table of the outcomes by hour, as somebody reads it.
fn sum(page: &str, column: &str) -> Option<u64> {
    let (_, outcomes) = page.split_once("id=\"outcomes\"")?;
    let (table, _) = outcomes.split_once("<table>")?.1.split_once("</table>")?;
    let mut rows = table.split("<tr>").skip(1).map(cells);
    let at = rows.next()?.iter().position(|cell| cell == column)?;
    rows.map(|cells| cells.get(at)?.replace(',', "").parse::<u64>().ok()).sum()
}

/// The texts of a row's cells.
fn cells(row: &str) -> Vec<String> {
    let texts = row.split('<').filter_map(|part| {
        let (tag, text) = part.split_once('>')?;
        (tag.starts_with("th") || tag.starts_with("td")).then(|| text.trim().to_owned())
    });
    texts.filter(|text| !text.is_empty()).collect()
}

/// Keys that OMS did not copy at some time, although it had accepted them.
pub(crate) fn failed_silently(ledger: &Ledger) -> u64 {
    ledger.count(|seen: &Seen| seen.silent > 0)
}
