//! Which module names which, and circles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::names::Reference;
use crate::source::Path;

/// What is declared in the root file (`lib.rs`) itself.
pub(crate) const ROOT: &str = "(root)";

/// Among the modules of one folder: which names which, and where.
pub(crate) type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

/// The arrows between neighbours, by the module whose children they are.
///
/// A module counts with everything below it. A parent and its children may name each other: the file of a
/// module is both the face of its folder and the vocabulary of what is in it. Only the root may not be named
/// by its modules, since it names all of them.
pub(crate) fn between_neighbours(references: &[Reference]) -> BTreeMap<Path, Arrows> {
    let mut found = BTreeMap::<Path, Arrows>::new();
    for Reference { from, to, place } in references {
        let common = from.iter().zip(to).take_while(|(from, to)| from == to).count();
        let arrow = match (from.get(common), to.get(common)) {
            (Some(from), Some(to)) => (from.clone(), to.clone()),
            (Some(from), None) if common == 0 => (from.clone(), ROOT.to_owned()),
            _ => continue,
        };
        let arrows = found.entry(from[..common].to_vec()).or_default();
        arrows.entry(arrow).or_default().insert(place.clone());
    }
    found
}

/// The shortest circle, if there is one: each names the next, the last one the first.
pub(crate) fn circle(arrows: &Arrows) -> Option<Vec<&str>> {
    let starts: BTreeSet<&str> = arrows.keys().map(|(from, _)| &**from).collect();
    starts.into_iter().filter_map(|start| way_back(arrows, start)).min_by_key(Vec::len)
}

fn way_back<'a>(arrows: &'a Arrows, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = *way.last().unwrap();
        for (_, to) in arrows.keys().filter(|(from, _)| from == last) {
            if to == start {
                return Some(way);
            }
            if seen.insert(to) {
                ways.push_back([way.clone(), vec![&**to]].concat());
            }
        }
    }
    None
}

/// A circle with a place for each of its arrows.
pub(crate) fn describe(arrows: &Arrows, circle: &[&str]) -> String {
    let next = circle.iter().cycle().skip(1);
    let steps = circle.iter().zip(next).map(|(from, to)| {
        let places = &arrows[&((*from).to_owned(), (*to).to_owned())];
        format!("  {from} names {to}: {}", places.first().unwrap())
    });
    steps.collect::<Vec<_>>().join("\n")
}

/// The modules in an order in which each comes after all that it names; what is in a circle or above one is
/// left out.
pub(crate) fn bottom_up<'a>(modules: &[&'a str], arrows: &Arrows) -> Vec<&'a str> {
    let mut order: Vec<&str> = Vec::new();
    loop {
        let ready = |module: &&&str| {
            !order.contains(*module)
                && arrows.keys().all(|(from, to)| from != **module || order.contains(&&**to))
        };
        let Some(next) = modules.iter().find(ready) else { return order };
        order.push(next);
    }
}
