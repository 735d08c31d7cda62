//! The tables in `allowed/`: for each module of a crate the modules that it may name.
//!
//! One line a module, `module: others`, from the foundation up: a module names only those above it in the
//! table, so that the table can hold no circle. Lines that start with `#` are comments.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::arrows::{self, Arrows, ROOT};

/// What one crate's modules may name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    modules: BTreeMap<String, BTreeSet<String>>,
}

impl Allowed {
    /// Reads a table, or says which line cannot be one of it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut this = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (module, others) = line.split_once(':').ok_or_else(|| format!("no colon: {line}"))?;
            let others: BTreeSet<_> = others.split_whitespace().map(str::to_owned).collect();
            if let Some(other) = others.iter().find(|other| !this.modules.contains_key(*other)) {
                return Err(format!("{module}: {other} does not stand above it"));
            }
            if this.modules.insert(module.to_owned(), others).is_some() {
                return Err(format!("{module} is there twice"));
            }
        }
        Ok(this)
    }

    /// What is in the source and not in the table, and the other way round.
    pub(crate) fn problems(&self, modules: &[&str], arrows: &Arrows) -> Vec<String> {
        let mut found = Vec::new();
        for ((from, to), places) in arrows {
            if to == ROOT {
                found.push(format!(
                    "{from} names what the root declares: {}. Put it into a module of its own, or name the defining \
                     crate or module",
                    places.first().unwrap()
                ));
            } else if !self.modules.get(from).is_some_and(|allowed| allowed.contains(to)) {
                let places: Vec<_> = places.iter().map(String::as_str).collect();
                found.push(format!("{from} may not name {to}: {}", places.join(", ")));
            }
        }
        for (module, others) in &self.modules {
            if !modules.contains(&&**module) {
                found.push(format!("the table has {module}, which is no module"));
            }
            for other in others {
                if !arrows.contains_key(&(module.clone(), other.clone())) {
                    found.push(format!("the table allows {module} to name {other}, which it does not"));
                }
            }
        }
        let missing = modules.iter().filter(|module| !self.modules.contains_key(**module));
        found.extend(missing.map(|module| format!("the table lacks {module}")));
        found
    }

    /// Everything that `module` names, and what that names, and so on.
    pub(crate) fn below<'a>(&'a self, module: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut next = vec![module];
        while let Some(module) = next.pop() {
            let others = self.modules.get(module).into_iter().flatten();
            next.extend(others.map(String::as_str).filter(|other| found.insert(*other)));
        }
        found
    }

    pub(crate) fn has(&self, module: &str) -> bool {
        self.modules.contains_key(module)
    }
}

/// The table of the source as it is.
pub(crate) fn table(modules: &[&str], arrows: &Arrows) -> String {
    let mut text = String::new();
    for module in arrows::bottom_up(modules, arrows) {
        let others = arrows.keys().filter(|(from, _)| from == module).map(|(_, to)| format!(" {to}"));
        let _ = writeln!(text, "{module}:{}", others.collect::<String>());
    }
    text
}
